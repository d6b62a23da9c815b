// One zeroed file ahead: syncing into space that is already written costs half of growing a file. Prepared in the
// background from a retired segment where there is one, a little at a time.

import { sleep } from '../slice.ts';
import type { LogPorts } from './writes.ts';
import { closeSegment, sparePath } from './segment.ts';
import type { Segment } from './segment.ts';

const chunkBytes = 256 << 10;

export class SparePool {
  readonly #ports: LogPorts;
  readonly #directory: string;
  readonly #bytes: number;
  #ready = false;
  #work: Promise<void> | undefined;
  #closed = false;

  constructor(ports: LogPorts, directory: string, bytes: number) {
    this.#ports = ports;
    this.#directory = directory;
    this.#bytes = bytes;
  }

  /** Is the spare zero from end to end? Either way it is the caller's now. */
  async take(): Promise<boolean> {
    await this.#work;
    const ready = this.#ready;
    this.#ready = false;
    return ready;
  }

  prepare(): void {
    if (this.#ready || this.#work !== undefined || this.#closed) return;
    this.#work = this.#zero()
      .catch((error: unknown) => this.#ports.logger.log('warn', 'no spare segment could be prepared', { error: String(error) }))
      .finally(() => {
        this.#work = undefined;
      });
  }

  /** The segment's file becomes the spare, if there is none; its index goes. */
  async recycle(segment: Segment): Promise<void> {
    const { disk } = this.#ports;
    await closeSegment(segment);
    // First the name goes, durably and in order: a later segment must never be gone while an earlier one is there.
    await disk.remove(segment.path.replace(/\.log$/, '.idx'));
    if (this.#ready || this.#work !== undefined || this.#closed) {
      await disk.remove(segment.path);
      await disk.syncDirectory(this.#directory);
      return;
    }
    await disk.rename(segment.path, sparePath(this.#directory));
    await disk.syncDirectory(this.#directory);
    this.prepare();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
  }

  async #zero(): Promise<void> {
    const { disk, clock } = this.#ports;
    const file = await disk.open(sparePath(this.#directory), { create: 'may' });
    const zeros = new Uint8Array(Math.min(chunkBytes, this.#bytes));
    try {
      if ((await file.size()) > this.#bytes) await file.truncate(this.#bytes);
      for (let at = 0; at < this.#bytes && !this.#closed; at += zeros.length) {
        await file.write(at, [zeros.subarray(0, Math.min(zeros.length, this.#bytes - at))]);
        await sleep(clock, 2);
      }
      if (this.#closed) return;
      await file.sync();
      this.#ready = true;
    } finally {
      await file.close();
    }
  }
}
