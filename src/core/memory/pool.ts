// WebAssembly memories, lent and taken back. Each reserves gigabytes of addresses, a process can hold only some
// thousands, and when the collector would return one is nobody's business: so owners give theirs back when they
// close, and the next owner gets a used one before a new one is made.

import { assert } from '../assert.ts';

export const wasmPageBytes = 65_536;

/** What 32-bit addresses reach. */
export const wasmPagesMax = 65_536;

export interface MemoryPoolOptions {
  /** Idle memories kept. What comes back beyond it is left to the collector. @default 32 */
  readonly idleMax?: number;
  /** Bytes kept idle; memories never shrink. @default 256 MiB */
  readonly idleBytesMax?: number;
}

export interface PoolStatistics {
  readonly made: number;
  readonly lent: number;
  readonly idle: number;
  readonly idleBytes: number;
}

export class MemoryPool {
  readonly #idle: WebAssembly.Memory[] = [];
  readonly #lent = new Set<WebAssembly.Memory>();
  readonly #idleMax: number;
  readonly #idleBytesMax: number;
  #made = 0;

  constructor(options: MemoryPoolOptions = {}) {
    this.#idleMax = options.idleMax ?? 32;
    this.#idleBytesMax = options.idleBytesMax ?? 256 * 1024 * 1024;
  }

  /** A memory of any size, with whatever its last owner left in it: zeroing is the taker's duty. */
  take(): WebAssembly.Memory {
    let memory = this.#idle.pop();
    if (memory === undefined) {
      memory = new WebAssembly.Memory({ initial: 0, maximum: wasmPagesMax });
      this.#made++;
    }
    this.#lent.add(memory);
    return memory;
  }

  /** Takes a memory back. Views that its owner still holds end here: growing, even by nothing, detaches them. */
  give(memory: WebAssembly.Memory): void {
    assert(this.#lent.delete(memory), 'a memory comes back once, to the pool it came from');
    memory.grow(0);
    const { idle, idleBytes } = this.statistics;
    if (idle < this.#idleMax && idleBytes + memory.buffer.byteLength <= this.#idleBytesMax) this.#idle.push(memory);
  }

  get statistics(): PoolStatistics {
    const idleBytes = this.#idle.reduce((total, memory) => total + memory.buffer.byteLength, 0);
    return { made: this.#made, lent: this.#lent.size, idle: this.#idle.length, idleBytes };
  }
}

/** The one most owners share, so that they share what is idle. */
export const defaultPool: MemoryPool = new MemoryPool();
