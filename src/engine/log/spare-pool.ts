// One zeroed file ahead: a sync into space that is already written costs half of one that grows the file. Made in
// the background, a little at a time, from a retired segment where there is one. There is never more than one.

import { sleep } from '../slice.ts';
import type { LogPorts } from './writes.ts';
import { buildingPath, growthBytes, indexPath, sparePath, zeros } from './segment.ts';
import type { Segment, Spare } from './segment.ts';

/** Between two chunks of zeros: at most about 100 MB/s, beside the log's own writing. */
const pauseMs = 2;
/** Zeros that wait in the system's cache for their sync: what the log's next sync may have to wait for. */
const unsyncedBytesMax = 4 << 20;

export class SparePool {
  readonly #ports: LogPorts;
  readonly #path: string;
  readonly #directory: string;
  readonly #bytes: number;
  /** Bytes of the spare that are zero and durable so. Until #work ends there is no telling what lies behind. */
  #zeroed = 0;
  #work: Promise<void> | undefined;
  #taking = false;
  #renaming: Promise<void> | undefined;
  #stop = false;
  #closed = false;

  constructor(ports: LogPorts, directory: string, bytes: number) {
    this.#ports = ports;
    this.#directory = directory;
    this.#path = sparePath(directory);
    this.#bytes = bytes;
  }

  /** The spare moves to where a segment is built, as zeroed as it has become so far. */
  async take(): Promise<Spare> {
    this.#taking = true;
    try {
      this.#stop = true;
      // Whoever recycles learns of its failure; here the spare is merely not to be had.
      await this.#renaming?.catch(() => undefined);
      await this.#work;
      const bytes = this.#zeroed;
      this.#zeroed = 0;
      const { disk } = this.#ports;
      if (bytes > 0) await disk.rename(this.#path, buildingPath(this.#directory));
      else await disk.remove(buildingPath(this.#directory));
      return { bytes };
    } finally {
      this.#taking = false;
    }
  }

  prepare(): void {
    if (this.#isBusy || this.#closed) return;
    this.#stop = false;
    this.#work = this.#zero()
      .catch((error: unknown) => {
        this.#zeroed = 0;
        this.#ports.logger.log('warn', 'no spare segment could be prepared', { error: String(error) });
      })
      .finally(() => {
        this.#work = undefined;
      });
  }

  /** The closed segment's file becomes the spare, if there is none; its index goes. */
  async recycle(segment: Segment): Promise<void> {
    const { disk } = this.#ports;
    await disk.remove(indexPath(segment.path));
    // The name goes durably before the next one does: a later segment is never gone while an earlier one is there.
    if (this.#isBusy || this.#closed) {
      await disk.remove(segment.path);
      await disk.syncDirectory(this.#directory);
      return;
    }
    this.#renaming = this.#rename(segment.path);
    try {
      await this.#renaming;
    } catch (error) {
      // It may still be a segment where it is stored: nobody writes zeros into it in this life.
      this.#closed = true;
      throw error;
    } finally {
      this.#renaming = undefined;
    }
    this.prepare();
  }

  /** A file is zeroed under its new name only once that is durable: with the old one it would be a damaged segment. */
  async #rename(from: string): Promise<void> {
    const { disk } = this.#ports;
    await disk.rename(from, this.#path);
    await disk.syncDirectory(this.#directory);
  }

  /** Is there a spare, or does somebody move or fill what may become one? The path has one user at a time. */
  get #isBusy(): boolean {
    return this.#zeroed > 0 || this.#work !== undefined || this.#taking || this.#renaming !== undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop = true;
    await this.#work;
  }

  async #zero(): Promise<void> {
    const { disk, clock } = this.#ports;
    const file = await disk.open(this.#path, { create: 'may' });
    try {
      let at = 0;
      for (let unsynced = 0; at < this.#bytes && !this.#stop; await sleep(clock, pauseMs)) {
        const count = Math.min(growthBytes, this.#bytes - at);
        await file.write(at, zeros(count));
        at += count;
        unsynced += count;
        if (unsynced < unsyncedBytesMax) continue;
        await file.sync();
        unsynced = 0;
      }
      // A recycled file's earlier life may lie behind. It would not verify, but neither would it read as unwritten.
      if ((await file.size()) > at) await file.truncate(at);
      await file.sync();
      this.#zeroed = at;
    } finally {
      await file.close();
    }
  }
}
