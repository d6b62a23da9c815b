// What comes in parts, in one piece: it costs what it weighs, however small the parts are. (A list of parts of one
// byte each would cost a hundred times that.)

const none = Buffer.alloc(0);
/** A read of a socket comes in a buffer of its own, of which a part may be one byte: kept as it is, it keeps all of it. */
const sharedBytesMax = 4096;

export class GrowingBytes {
  #buffer: Buffer = none;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** All that was added; a view, until more is. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /**
   * The first part is kept as it is, and must stay so: mostly it is the only one. Unless it is little of something
   * large. `expected`: how much it will be in all, if that is known; room is made for it once half of it has come.
   */
  add(part: Uint8Array, expected = 0): void {
    if (this.#length === 0) {
      const whole = part.buffer.byteLength;
      if (whole > sharedBytesMax && part.length * 2 < whole) {
        this.#buffer = Buffer.allocUnsafeSlow(part.length);
        this.#buffer.set(part);
      } else this.#buffer = Buffer.from(part.buffer, part.byteOffset, part.length);
      this.#length = part.length;
      return;
    }
    const needed = this.#length + part.length;
    if (needed > this.#buffer.length) {
      const doubled = Math.max(needed, this.#buffer.length * 2);
      const grown = Buffer.allocUnsafeSlow(expected >= needed && expected <= doubled * 2 ? expected : doubled);
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#length);
    this.#length = needed;
  }

  /** Forgets the first `count`. */
  drop(count: number): void {
    this.#length -= count;
    this.#buffer = this.#length === 0 ? none : Buffer.from(this.#buffer.subarray(count, count + this.#length));
  }
}
