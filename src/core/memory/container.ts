// An address space of its own for each container: virtual addresses from 0, a page table to frames that many
// containers share, and no way from one container's addresses to another's bytes.

import { assert } from '../assert.ts';
import { type Frames, pageBytes } from './frames.ts';
import { PageRanges } from './page-ranges.ts';
import { fault, isFault, type Fault } from './virtual-memory.ts';

export interface ContainerOptions {
  /** Bytes of pages this container may have mapped at once. @default 64 MiB */
  readonly limitBytes?: number;
}

export interface ContainerStatistics {
  readonly pages: number;
  readonly bytes: number;
  readonly limitBytes: number;
  readonly allocations: number;
  /** Reads and writes refused since the beginning. */
  readonly faults: number;
}

export class Container implements Disposable {
  readonly limitBytes: number;
  readonly #frames: Frames;
  /** Frame of each mapped virtual page. */
  readonly #table = new Map<number, number>();
  readonly #ranges: PageRanges;
  #faults = 0;

  constructor(frames: Frames, options: ContainerOptions = {}) {
    this.limitBytes = options.limitBytes ?? 64 * 1024 * 1024;
    this.#frames = frames;
    this.#ranges = new PageRanges(Math.floor(this.limitBytes / pageBytes));
  }

  /** ⌈size / 4096⌉ pages of zeros at consecutive addresses; answers the first, a multiple of 4096. */
  allocate(size: number): number | Fault {
    assert(Number.isSafeInteger(size) && size >= 1, `an allocation has at least one byte, not ${size}`);
    const count = Math.ceil(size / pageBytes);
    const first = this.#ranges.take(count);
    if (first === undefined) return this.#fault(fault('limit', 0));
    for (let page = first; page < first + count; page++) {
      const frame = this.#frames.allocate();
      if (frame === undefined) {
        // All or nothing: what was mapped so far goes back.
        this.#unmap(first, page - first);
        this.#ranges.give(first);
        return this.#fault(fault('limit', page * pageBytes));
      }
      this.#table.set(page, frame);
    }
    return first * pageBytes;
  }

  /** Frees the allocation that begins at this address. */
  free(address: number): Fault | undefined {
    const count = address % pageBytes === 0 ? this.#ranges.give(address / pageBytes) : undefined;
    if (count === undefined) return this.#fault(fault('unmapped', address));
    this.#unmap(address / pageBytes, count);
    return undefined;
  }

  /** Copies bytes in, across pages. Either all of them are written or, with a fault, none. */
  write(address: number, bytes: Uint8Array): Fault | undefined {
    const bad = this.#check(address, bytes.length);
    if (bad !== undefined) return bad;
    this.#eachPiece(address, bytes.length, (piece, from) => piece.set(bytes.subarray(from, from + piece.length)));
    return undefined;
  }

  /** A copy of the bytes, which is the caller's. */
  read(address: number, length: number): Uint8Array | Fault {
    const bad = this.#check(address, length);
    if (bad !== undefined) return bad;
    const bytes = new Uint8Array(length);
    this.#eachPiece(address, length, (piece, from) => bytes.set(piece, from));
    return bytes;
  }

  get statistics(): ContainerStatistics {
    const pages = this.#table.size;
    return { pages, bytes: pages * pageBytes, limitBytes: this.limitBytes, allocations: this.#ranges.count, faults: this.#faults };
  }

  /** Frees everything. The frames stay with their owner, for others. */
  close(): void {
    for (const frame of this.#table.values()) this.#frames.free(frame);
    this.#table.clear();
    this.#ranges.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Looks at every page before a byte is moved or a buffer made: a wrong length costs nothing. */
  #check(address: number, length: number): Fault | undefined {
    if (!Number.isSafeInteger(address) || !Number.isSafeInteger(length) || address < 0 || length < 0) {
      return this.#fault(fault('out of range', address));
    }
    for (let at = address; at < address + length; at = (Math.floor(at / pageBytes) + 1) * pageBytes) {
      if (!this.#table.has(Math.floor(at / pageBytes))) return this.#fault(fault('unmapped', at));
    }
    return undefined;
  }

  #eachPiece(address: number, length: number, touch: (piece: Uint8Array, from: number) => void): void {
    for (let done = 0; done < length; ) {
      const page = Math.floor((address + done) / pageBytes);
      const offset = address + done - page * pageBytes;
      const count = Math.min(pageBytes - offset, length - done);
      const frame = this.#table.get(page);
      assert(frame !== undefined, 'a range is checked before it is touched');
      touch(this.#frames.view(frame, offset, count), done);
      done += count;
    }
  }

  #unmap(first: number, count: number): void {
    for (let page = first; page < first + count; page++) {
      this.#frames.free(this.#table.get(page)!);
      this.#table.delete(page);
    }
  }

  #fault(value: Fault): Fault {
    assert(isFault(value), 'what is counted is a fault');
    this.#faults++;
    return value;
  }
}
