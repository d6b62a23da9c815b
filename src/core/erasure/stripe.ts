// The shards of one stripe, side by side in one WebAssembly memory: where kernels run without copying. Whoever fills
// the shards here (a read from a file, a socket) saves the copies in and out, a third of the time of a code.

import { assert } from '../assert.ts';
import { defaultPool, type Program } from '../memory/index.ts';

/** Kernels step by this much and may write as far as the next multiple: the room between shards is theirs. */
export const columnBytes = 64;

/**
 * Between shards. Without it, shards of a power of two bytes would all begin in the same set of every cache, and
 * would evict one another.
 */
const paddingBytes = 320;

/** A cell of the matrix as tables: products of low halves, of high halves, then the address of the input. */
export const entryBytes = 48;

const wasmPage = 65_536;

export interface StripeOptions {
  /** Memory that several threads see. @default false */
  readonly shared?: boolean;
  /** A memory another thread made for a stripe of the same shape. */
  readonly memory?: WebAssembly.Memory;
  /** How many threads work in this memory, each with room of its own for tables. @default 1 */
  readonly threads?: number;
  /** Which of them this one is. @default 0 */
  readonly thread?: number;
}

export class Stripe implements Disposable {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly length: number;
  readonly stride: number;
  /** Views of the shards, each `length` bytes. */
  readonly shards: readonly Uint8Array[];
  /** Where this thread's kernels keep the tables of one row. */
  readonly tables: number;
  /** What kernels instantiated over this memory, under names of theirs: it lives as long as the memory. */
  readonly programs: Map<string, Program> = new Map();
  readonly #pooled: boolean;

  constructor(slots: number, length: number, options: StripeOptions = {}) {
    assert(slots >= 1 && Number.isInteger(slots), 'a stripe has at least one shard');
    assert(length >= 0 && Number.isInteger(length), 'a shard has a whole number of bytes');
    this.length = length;
    this.shared = options.shared ?? false;
    this.stride = strideOf(length);
    const { threads = 1, thread = 0 } = options;
    assert(thread < threads, 'a thread is one of those that were announced');
    this.tables = slots * this.stride + thread * slots * entryBytes;
    const bytes = slots * this.stride + threads * slots * entryBytes;
    assert(bytes <= 65_536 * wasmPage, 'one memory holds at most 4 GiB: use several stripes');
    const pages = Math.ceil(bytes / wasmPage);
    this.#pooled = !this.shared && options.memory === undefined;
    this.memory = options.memory ?? (this.shared ? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }) : pooled(pages));
    const { buffer } = this.memory;
    assert(buffer.byteLength >= bytes, 'the memory was made for this shape');
    this.shards = Array.from({ length: slots }, (_, i) => new Uint8Array(buffer, i * this.stride, length));
  }

  /** Hands the memory back for other stripes; the shards are empty from here on. Worth it where stripes come and go. */
  close(): void {
    this.programs.clear();
    if (this.#pooled && this.shards[0]!.buffer === this.memory.buffer) defaultPool.give(this.memory);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A memory of at least so many pages, zeros where it will be used. */
function pooled(pages: number): WebAssembly.Memory {
  const memory = defaultPool.take();
  const used = memory.buffer.byteLength;
  if (used < pages * wasmPage) memory.grow(pages - used / wasmPage);
  new Uint8Array(memory.buffer).fill(0, 0, Math.min(used, pages * wasmPage));
  return memory;
}

function strideOf(length: number): number {
  return Math.ceil(length / columnBytes) * columnBytes + paddingBytes;
}
