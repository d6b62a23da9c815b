// The table behind handles: columns of numbers outside the heap, one row per value. A handle is
// generation · 2^32 + row; releasing a row moves its generation on, so that an old handle no longer matches.

import { assert } from '../assert.ts';

const rowsMax = 2 ** 32;
/** Generations count to 2^20 and begin again: a handle is confused only after a million reuses of its row. */
const generations = 2 ** 20;

export class Slots {
  place: Float64Array = new Float64Array(64);
  length: Float64Array = new Float64Array(64);
  sizeClass: Uint8Array = new Uint8Array(64);
  #generation = new Uint32Array(64);
  /** 1 while a row is in use: a made-up handle whose generation happens to match is refused as well. */
  #used = new Uint8Array(64);
  readonly #freed: number[] = [];
  #next = 0;

  get used(): number {
    return this.#next - this.#freed.length;
  }

  add(place: number, sizeClass: number, length: number): number {
    const row = this.#freed.pop() ?? this.#next++;
    assert(row < rowsMax, 'an arena holds fewer than 2^32 values');
    if (row === this.place.length) this.#grow();
    this.place[row] = place;
    this.sizeClass[row] = sizeClass;
    this.length[row] = length;
    this.#used[row] = 1;
    return row;
  }

  handleOf(row: number): number {
    return this.#generation[row]! * rowsMax + row;
  }

  /** The row of a handle that is in use. Using a released one is our own mistake, not the world's. */
  indexOf(handle: number): number {
    const row = handle % rowsMax;
    assert(this.#used[row] === 1 && this.handleOf(row) === handle, 'a handle is used between allocation and release');
    return row;
  }

  release(row: number): void {
    this.#used[row] = 0;
    this.#generation[row] = (this.#generation[row]! + 1) % generations;
    this.#freed.push(row);
  }

  clear(): void {
    for (let row = 0; row < this.#next; row++) if (this.#used[row] === 1) this.release(row);
  }

  #grow(): void {
    const rows = this.place.length * 2;
    this.place = longer(new Float64Array(rows), this.place);
    this.length = longer(new Float64Array(rows), this.length);
    this.sizeClass = longer(new Uint8Array(rows), this.sizeClass);
    this.#generation = longer(new Uint32Array(rows), this.#generation);
    this.#used = longer(new Uint8Array(rows), this.#used);
  }
}

function longer<T extends Float64Array | Uint8Array | Uint32Array>(fresh: T, old: T): T {
  fresh.set(old);
  return fresh;
}
