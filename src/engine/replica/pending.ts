// Commands on their way: collected for the next batch, then waiting for their entry. An entry is known by (term,
// index), a command in it by its position.

import type { Failure } from '../../core/errors.ts';
import type { LogIndex, Term } from '../../core/raft/index.ts';

export interface PendingCommand {
  readonly command: Uint8Array;
  readonly deadline: number;
  /** Settled once, by whoever knows first. */
  settle: ((reply: Uint8Array | Failure) => void) | undefined;
}

/** One batch: the commands of one turn. */
export interface PendingBatch {
  readonly commands: readonly PendingCommand[];
}

export function settle(command: PendingCommand, reply: Uint8Array | Failure): void {
  const settled = command.settle;
  command.settle = undefined;
  settled?.(reply);
}

export class PendingEntries {
  readonly #byRef = new Map<number, PendingBatch>();
  readonly #byIndex = new Map<LogIndex, { readonly term: Term; readonly batch: PendingBatch }>();
  #nextRef = 1;

  /** A batch handed to Raft; its outcome will name the ref. */
  add(batch: PendingBatch): number {
    const ref = this.#nextRef++;
    this.#byRef.set(ref, batch);
    return ref;
  }

  take(ref: number): PendingBatch | undefined {
    const batch = this.#byRef.get(ref);
    this.#byRef.delete(ref);
    return batch;
  }

  /** It is in a leader's log at (index, term). What waited for that index under an older term has lost its place. */
  appended(batch: PendingBatch, index: LogIndex, term: Term): void {
    const before = this.#byIndex.get(index);
    if (before !== undefined) failAll(before.batch, { code: 'PROPOSAL_LOST' });
    this.#byIndex.set(index, { term, batch });
  }

  /** The entry at `index` is applied, and it is of `term`: either it is the batch's, or the batch will never be applied. */
  applied(index: LogIndex, term: Term): PendingBatch | undefined {
    const found = this.#byIndex.get(index);
    if (found === undefined) return undefined;
    this.#byIndex.delete(index);
    if (found.term === term) return found.batch;
    failAll(found.batch, { code: 'PROPOSAL_LOST' });
    return undefined;
  }

  /** A snapshot replaced everything up to `index`: whether these are in it nobody can say. */
  skipped(index: LogIndex): void {
    for (const [at, { batch }] of this.#byIndex) {
      if (at > index) continue;
      this.#byIndex.delete(at);
      failAll(batch, { code: 'UNAVAILABLE', detail: 'a snapshot overtook the proposal: its outcome is unknown' });
    }
  }

  expire(now: number): void {
    for (const batch of [...this.#byRef.values(), ...[...this.#byIndex.values()].map((entry) => entry.batch)]) {
      for (const command of batch.commands) if (command.deadline <= now) settle(command, { code: 'TIMEOUT' });
    }
  }

  failEverything(failure: Failure): void {
    for (const batch of this.#byRef.values()) failAll(batch, failure);
    for (const { batch } of this.#byIndex.values()) failAll(batch, failure);
    this.#byRef.clear();
    this.#byIndex.clear();
  }

  get size(): number {
    return this.#byRef.size + this.#byIndex.size;
  }
}

export function failAll(batch: PendingBatch, failure: Failure): void {
  for (const command of batch.commands) settle(command, failure);
}
