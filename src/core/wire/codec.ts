// Fixed-width little-endian values, written and read in order. Reading checks every bound: a stranger's length can
// be wrong, but never costs memory that did not arrive.

import { assert } from '../assert.ts';
import { fail } from '../errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#take(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  /** A safe non-negative integer in 8 bytes. */
  u53(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'what is written as u53 is a safe non-negative integer');
    const at = this.#take(8);
    this.#view.setUint32(at, value % 0x1_0000_0000, true);
    this.#view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
    return this;
  }

  i64(value: bigint): this {
    const at = this.#take(8);
    this.#view.setBigInt64(at, value, true);
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
    return this.#bytes.subarray(0, this.#length);
  }

  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u53(): number {
    const at = this.#take(8);
    const value = this.#view.getUint32(at + 4, true) * 0x1_0000_0000 + this.#view.getUint32(at, true);
    if (!Number.isSafeInteger(value)) fail('BAD_REQUEST', { detail: 'a number above 2^53 − 1' });
    return value;
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
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

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) fail('BAD_REQUEST', { detail: `${count} bytes wanted where ${this.#bytes.length - at} are left` });
    this.#at = at + count;
    return at;
  }
}
