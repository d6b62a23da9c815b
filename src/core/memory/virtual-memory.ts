// Pages by number, as a machine without an operating system would offer them: allocate, free, read, write. What a
// program can get wrong is a value it can look at, never a crash and never somebody else's byte.

import { assert } from '../assert.ts';
import { Frames, pageBytes, type FramesOptions, type FramesStatistics } from './frames.ts';

/** Why a place could not be touched. */
export interface Fault {
  readonly type: 'fault';
  readonly reason: FaultReason;
  /** The first address (page · 4096 + offset) that could not be touched. */
  readonly address: number;
}

export type FaultReason =
  | 'unmapped' // nothing is allocated there
  | 'out of range' // no such page
  | 'past the end' // the offset lies beyond its page
  | 'limit'; // more was asked for than the owner may have

export function fault(reason: FaultReason, address: number): Fault {
  return { type: 'fault', reason, address };
}

export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'fault';
}

export interface VirtualMemoryOptions {
  /** Page numbers are 0 … pages − 1. @default 1024 (4 MiB) */
  readonly pages?: number;
  readonly frames?: FramesOptions;
}

export class VirtualMemory implements Disposable {
  readonly pages: number;
  readonly #frames: Frames;
  readonly #table = new Map<number, number>();

  constructor(options: VirtualMemoryOptions = {}) {
    this.pages = options.pages ?? 1024;
    assert(Number.isSafeInteger(this.pages) && this.pages >= 0, 'a memory has a whole number of pages');
    this.#frames = new Frames(options.frames);
  }

  /** Maps a page of zeros. False when it is mapped already, out of range, or there is no memory left. */
  allocatePage(page: number): boolean {
    if (!this.#exists(page) || this.#table.has(page)) return false;
    const frame = this.#frames.allocate();
    if (frame === undefined) return false;
    this.#table.set(page, frame);
    return true;
  }

  /** Unmaps a page. False, and nothing happens, when there is none. */
  freePage(page: number): boolean {
    const frame = this.#table.get(page);
    if (frame === undefined) return false;
    this.#table.delete(page);
    this.#frames.free(frame);
    return true;
  }

  /** The byte, 0 … 255, or why not. */
  read(page: number, offset: number): number | Fault {
    const frame = this.#resolve(page, offset);
    return isFault(frame) ? frame : this.#frames.read(frame, offset);
  }

  /** Writes the low eight bits of `byte`; undefined when it is done, or why not. */
  write(page: number, offset: number, byte: number): Fault | undefined {
    const frame = this.#resolve(page, offset);
    if (isFault(frame)) return frame;
    this.#frames.write(frame, offset, byte);
    return undefined;
  }

  get statistics(): FramesStatistics {
    return this.#frames.statistics;
  }

  close(): void {
    this.#table.clear();
    this.#frames.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #exists(page: number): boolean {
    return Number.isInteger(page) && page >= 0 && page < this.pages;
  }

  #resolve(page: number, offset: number): number | Fault {
    const address = page * pageBytes + offset;
    if (!this.#exists(page)) return fault('out of range', address);
    if (!Number.isInteger(offset) || offset < 0 || offset >= pageBytes) return fault('past the end', address);
    return this.#table.get(page) ?? fault('unmapped', address);
  }
}
