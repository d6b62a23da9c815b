// Group commit, shared by all groups of a member: while one sync is under way the next batch collects. What was
// submitted first is durable first, so whatever waits for a persist also waits for all before it (law 1).

import type { Log, LogWrite } from '../log/index.ts';

interface Submission {
  readonly writes: readonly LogWrite[];
  readonly durable: () => void;
  readonly lost: (() => void) | undefined;
}

export class CommitRound {
  readonly #log: Log;
  readonly #failed: (error: unknown) => void;
  #waiting: Submission[] = [];
  #writing = false;
  #dead = false;
  /** Syncs done, and persists they carried: their ratio is what group commit saves. */
  syncs = 0;
  submissions = 0;

  constructor(log: Log, failed: (error: unknown) => void) {
    this.#log = log;
    this.#failed = failed;
  }

  /**
   * Calls `durable` once the writes and all submitted before are durable; never, after a write has failed (law 6).
   * Then it calls `lost`, for those whom nobody would end otherwise.
   */
  submit(writes: readonly LogWrite[], durable: () => void, lost?: () => void): void {
    if (this.#dead) return lost?.();
    if (writes.length === 0 && !this.#writing && this.#waiting.length === 0) return durable();
    this.#waiting.push({ writes, durable, lost });
    if (!this.#writing) void this.#write();
  }

  get idle(): boolean {
    return !this.#writing;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0 && !this.#dead) {
      const batch = this.#waiting;
      this.#waiting = [];
      const writes = batch.flatMap((submission) => submission.writes);
      try {
        if (writes.length > 0) {
          await this.#log.write(writes);
          this.syncs++;
        }
      } catch (error) {
        this.#dead = true;
        const lost = [...batch, ...this.#waiting];
        this.#waiting = [];
        this.#failed(error);
        for (const submission of lost) submission.lost?.();
        return;
      }
      this.submissions += batch.length;
      for (const submission of batch) submission.durable();
    }
    this.#writing = false;
  }
}
