// Physical pages ("frames") of 4 KiB over growing WebAssembly memories. This file is the only one that turns numbers
// into places. It is safe because: a frame number is dense and was given out by `allocate`; each access asserts
// that its frame is in use and that its range lies within 4,096 bytes; and a frame's place,
// (frame mod framesPerMemory) · 4096 in memory ⌊frame / framesPerMemory⌋, is injective. So no access reaches a
// neighbour, whatever the caller computed.

import { assert } from '../assert.ts';
import { defaultPool, wasmPageBytes, wasmPagesMax, type MemoryPool } from './pool.ts';

export const pageBytes = 4096;

const framesPerWasmPage = wasmPageBytes / pageBytes;

export interface FramesOptions {
  readonly pool?: MemoryPool;
  /** Frames in use at once. @default 2^32 (16 TiB) */
  readonly limit?: number;
  /** Largest size of one memory in bytes, a multiple of 64 KiB; smaller in tests. @default 4 GiB */
  readonly memoryBytesMax?: number;
}

export interface FramesStatistics {
  readonly used: number;
  readonly free: number;
  readonly limit: number;
  readonly memories: number;
  readonly bytes: number;
}

export class Frames implements Disposable {
  readonly limit: number;
  readonly #pool: MemoryPool;
  readonly #framesPerMemory: number;
  readonly #memories: WebAssembly.Memory[] = [];
  #views: Uint8Array[] = [];
  /** Frames that were freed, to be used again before the memory grows. */
  readonly #freed: number[] = [];
  /** 1 where a frame is in use. Grows with the frames. */
  #used = new Uint8Array(framesPerWasmPage);
  /** Frames ever given out: the next new one. Invariant: used + freed = next. */
  #next = 0;
  #closed = false;

  constructor(options: FramesOptions = {}) {
    this.#pool = options.pool ?? defaultPool;
    this.limit = options.limit ?? 2 ** 32;
    const bytes = options.memoryBytesMax ?? wasmPagesMax * wasmPageBytes;
    assert(bytes % wasmPageBytes === 0 && bytes > 0 && bytes <= wasmPagesMax * wasmPageBytes, 'a memory has 1 to 65,536 pages of 64 KiB');
    this.#framesPerMemory = bytes / pageBytes;
  }

  /** A frame full of zeros, or undefined at the limit (or when the machine has no more). Growing ends all views. */
  allocate(): number | undefined {
    assert(!this.#closed, 'nothing is allocated after close');
    if (this.#next - this.#freed.length >= this.limit) return undefined;
    let frame = this.#freed.pop();
    if (frame === undefined) {
      if (!this.#reach(this.#next)) return undefined;
      frame = this.#next++;
    }
    this.#used[frame] = 1;
    // Whatever an earlier owner left must not be read by the next one.
    const { bytes, at } = this.#place(frame, 0, pageBytes);
    bytes.fill(0, at, at + pageBytes);
    return frame;
  }

  free(frame: number): void {
    this.#place(frame, 0, 0);
    this.#used[frame] = 0;
    this.#freed.push(frame);
  }

  isUsed(frame: number): boolean {
    return this.#used[frame] === 1;
  }

  /** The frame's bytes, borrowed until the next `allocate` or `close`. */
  view(frame: number, offset = 0, length: number = pageBytes - offset): Uint8Array {
    const { bytes, at } = this.#place(frame, offset, length);
    return bytes.subarray(at, at + length);
  }

  read(frame: number, offset: number): number {
    const { bytes, at } = this.#place(frame, offset, 1);
    return bytes[at]!;
  }

  write(frame: number, offset: number, byte: number): void {
    const { bytes, at } = this.#place(frame, offset, 1);
    bytes[at] = byte;
  }

  /** Copy-on-write's copy. */
  copy(from: number, to: number): void {
    this.view(to).set(this.view(from));
  }

  get statistics(): FramesStatistics {
    const free = this.#freed.length;
    const bytes = this.#views.reduce((total, view) => total + view.length, 0);
    return { used: this.#next - free, free, limit: this.limit, memories: this.#memories.length, bytes };
  }

  /** Hands the memories back. Every later access fails its assertion. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#used = new Uint8Array(0);
    this.#views = [];
    for (const memory of this.#memories) this.#pool.give(memory);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The pointer arithmetic. */
  #place(frame: number, offset: number, length: number): { bytes: Uint8Array; at: number } {
    assert(this.#used[frame] === 1, 'a frame is allocated while it is touched');
    assert(offset >= 0 && length >= 0 && offset + length <= pageBytes, 'an access lies within its frame');
    const which = Math.floor(frame / this.#framesPerMemory);
    return { bytes: this.#views[which]!, at: (frame - which * this.#framesPerMemory) * pageBytes + offset };
  }

  /** Makes room for a frame number; false when the machine refuses. */
  #reach(frame: number): boolean {
    const which = Math.floor(frame / this.#framesPerMemory);
    const end = (frame - which * this.#framesPerMemory + 1) * pageBytes;
    let memory = this.#memories[which];
    if (memory === undefined) this.#memories.push((memory = this.#pool.take()));
    const size = memory.buffer.byteLength;
    if (end > size) {
      // Doubling keeps the number of grows, each of which detaches the buffer, logarithmic; at least 1 MiB at once.
      const wanted = Math.max(end, Math.min(size * 2, this.#framesPerMemory * pageBytes), Math.min(2 ** 20, this.#framesPerMemory * pageBytes));
      if (!grow(memory, wanted - size) && !grow(memory, end - size)) return false;
    }
    if (this.#views[which]?.buffer !== memory.buffer) this.#views[which] = new Uint8Array(memory.buffer);
    if (frame >= this.#used.length) {
      const longer = new Uint8Array(this.#used.length * 2);
      longer.set(this.#used);
      this.#used = longer;
    }
    return true;
  }
}

function grow(memory: WebAssembly.Memory, bytes: number): boolean {
  try {
    memory.grow(Math.ceil(bytes / wasmPageBytes));
    return true;
  } catch {
    return false;
  }
}
