// Fixed-width little-endian values, written and read in order. Reading checks every bound: a stranger's length can
// be wrong, but never costs memory that did not arrive.

import { assert } from '../assert.ts';
import { fail } from '../errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

// Numbers are put together by hand: a DataView would cost more than most messages have bytes, the more so because
// asking a small array for its buffer moves it out of the heap. So does a view of it.

/** V8 keeps the bytes of arrays up to this size in its own heap, where making one is several times cheaper. */
export const heapBytes = 64;

export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#take(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#take(2);
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    return this;
  }

  u32(value: number): this {
    this.#u32At(this.#take(4), value);
    return this;
  }

  /** A safe non-negative integer in 8 bytes. */
  u53(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'what is written as u53 is a safe non-negative integer');
    const at = this.#take(8);
    this.#u32At(at, value >>> 0);
    this.#u32At(at + 4, Math.floor(value / 0x1_0000_0000));
    return this;
  }

  i64(value: bigint): this {
    const at = this.#take(8);
    // Nearly always, and the bytes are zero already.
    if (value === 0n) return this;
    const bits = BigInt.asUintN(64, value);
    this.#u32At(at, Number(bits & 0xffff_ffffn));
    this.#u32At(at + 4, Number(bits >> 32n));
    return this;
  }

  /** A u32 length, then the bytes. */
  bytes(value: Uint8Array): this {
    this.u32(value.length);
    return this.raw(value);
  }

  /** The bytes alone. */
  raw(value: Uint8Array): this {
    const at = this.#take(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  string(value: string): this {
    return this.bytes(encoder.encode(value));
  }

  /** The bytes written, the caller's to keep; the writer is spent. */
  finish(): Uint8Array {
    const bytes = this.#bytes;
    if (bytes.length === this.#length) return bytes;
    return bytes.length <= heapBytes ? bytes.slice(0, this.#length) : bytes.subarray(0, this.#length);
  }

  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return at;
  }

  #u32At(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }
}

export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    const at = this.#take(2);
    return this.#bytes[at]! | (this.#bytes[at + 1]! << 8);
  }

  u32(): number {
    return this.#u32At(this.#take(4));
  }

  u53(): number {
    const at = this.#take(8);
    const high = this.#u32At(at + 4);
    if (high > 0x1f_ffff) fail('BAD_REQUEST', { detail: 'a number above 2^53 − 1' });
    return high * 0x1_0000_0000 + this.#u32At(at);
  }

  i64(): bigint {
    const at = this.#take(8);
    const [low, high] = [this.#u32At(at), this.#u32At(at + 4)];
    if (low === 0 && high === 0) return 0n;
    return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
  }

  /** A view of the bytes: copy what outlives them. */
  bytes(): Uint8Array {
    const length = this.u32();
    return this.raw(length);
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  string(): string {
    try {
      return decoder.decode(this.bytes());
    } catch (error) {
      if (error instanceof TypeError) return fail('BAD_REQUEST', { detail: 'a string that is not UTF-8' });
      throw error;
    }
  }

  #u32At(at: number): number {
    const bytes = this.#bytes;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) fail('BAD_REQUEST', { detail: `${count} bytes wanted where ${this.#bytes.length - at} are left` });
    this.#at = at + count;
    return at;
  }
}
