// Where the bytes of values live. A value cannot stay in the entry it came in, which would be held whole for as long
// as one of its values is; and an array of its own for each costs more time and memory than most values have bytes.
// So values of middling size share small slabs, and a slab is let go of with the last value in it.

/** Smaller ones lie in the collector's heap as they are, and cost little. */
const sharedFrom = 65;
const sharedTo = 512;
/**
 * What one value may hold on to when all its neighbours are gone. An array of its own costs about 350 bytes beside
 * its value: so the least that can be, one small value left in every slab, takes a few times what it would alone.
 */
const slabBytes = 2048;

export class ValueStore {
  #slab = new Uint8Array(0);
  #used = 0;

  /** A copy of `bytes` that will not change; it may lie in a larger buffer. */
  keep(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length < sharedFrom || length > sharedTo) return bytes.slice();
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(slabBytes);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += length;
    this.#slab.set(bytes, from);
    return this.#slab.subarray(from, from + length);
  }
}
