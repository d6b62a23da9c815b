// Frames: how bytes of a connection become messages, for clients and peers alike.
//
//   length u32 (of all that follows) · crc32c u32 (of all that follows it) · type u8 · stream u32 · body
//
// `stream` ties an answer to its request. Little-endian.

import { emptyBytes } from '../bytes.ts';
import { fail } from '../errors.ts';
import { heapBytes } from './codec.ts';
import { crc32c } from './crc32c.ts';

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly body: Uint8Array;
}

const prefixBytes = 4;
const headBytes = 9;
/** What a frame costs beyond its body. */
export const frameOverheadBytes: number = prefixBytes + headBytes;

/** `tail` follows `body`, so that a head can be put before bytes that exist already without joining them first. */
export function encodeFrame(type: number, stream: number, body: Uint8Array, tail?: Uint8Array): Uint8Array {
  const length = headBytes + body.length + (tail === undefined ? 0 : tail.length);
  const bytes = new Uint8Array(prefixBytes + length);
  writeU32(bytes, 0, length);
  bytes[8] = type;
  writeU32(bytes, 9, stream);
  bytes.set(body, frameOverheadBytes);
  if (tail !== undefined) bytes.set(tail, frameOverheadBytes + body.length);
  writeU32(bytes, 4, crc32c(bytes, 0, 8));
  return bytes;
}

/**
 * Bodies that came together share copies of about this size: an array for each would cost more than most have bytes.
 * It is also what one small body, kept, may hold on to when its neighbours are gone.
 */
const sharedBytes = 2048;

/**
 * Cuts a stream of bytes into frames. Memory is spent on bytes that arrived, never on a length that was announced;
 * bodies are copies, so the pushed bytes may be reused at once.
 */
export class FrameReader {
  readonly #bytesMax: number;
  /** The beginning of a frame not yet whole: the first `#held` bytes. It grows by doubling, so that a stranger who sends one byte at a time costs one byte at a time. */
  #buffer = new Uint8Array(0);
  #held = 0;
  /** Bytes of the frame under way as far as is known. */
  #wanted = prefixBytes;

  /** `bytesMax` bounds a frame's whole length. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#held;
  }

  /** Throws PROTOCOL on a length or checksum that cannot be; the connection is then of no further use. */
  push(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    if (this.#held === 0) {
      this.#keep(bytes, this.#cut(bytes, bytes.length, frames));
      return frames;
    }
    this.#append(bytes);
    if (this.#held < this.#wanted) return frames;
    const buffer = this.#buffer;
    const end = this.#held;
    this.#buffer = new Uint8Array(0);
    this.#held = 0;
    this.#keep(buffer.subarray(0, end), this.#cut(buffer, end, frames));
    return frames;
  }

  /** Reads whole frames from the first `end` bytes; answers where the first incomplete one begins. */
  #cut(bytes: Uint8Array, end: number, frames: Frame[]): number {
    let at = 0;
    /** Of `bytes` from … to, shared by the bodies that lie there. */
    let copy = emptyBytes;
    let from = 0;
    let to = 0;
    for (;;) {
      this.#wanted = prefixBytes;
      if (end - at < prefixBytes) return at;
      this.#wanted = prefixBytes + this.#lengthAt(bytes, at);
      if (end - at < this.#wanted) return at;
      const next = at + this.#wanted;
      if (readU32(bytes, at + 4) !== crc32c(bytes, 0, at + 8, next)) fail('PROTOCOL', { detail: 'a frame with a wrong checksum' });
      const start = at + frameOverheadBytes;
      if (next > to) {
        from = start;
        to = this.#sharedEnd(bytes, next, end);
        if (to > next && to - from > heapBytes) copy = copied(bytes, from, to);
        else to = 0;
      }
      const body = next <= to ? copy.subarray(start - from, next - from) : copied(bytes, start, next);
      frames.push({ type: bytes[at + 8]!, stream: readU32(bytes, at + 9), body });
      at = next;
    }
  }

  /** The end of the last whole frame that still fits in a shared copy with the one that ends at `first`. */
  #sharedEnd(bytes: Uint8Array, first: number, end: number): number {
    const most = Math.min(end, first + sharedBytes);
    let at = first;
    while (most - at >= prefixBytes) {
      const next = at + prefixBytes + this.#lengthAt(bytes, at);
      if (next > most) break;
      at = next;
    }
    return at;
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const length = readU32(bytes, at);
    if (length < headBytes || length + prefixBytes > this.#bytesMax) fail('PROTOCOL', { detail: `a frame of ${length} bytes` });
    return length;
  }

  #keep(bytes: Uint8Array, from: number): void {
    this.#held = bytes.length - from;
    if (this.#held > 0) this.#buffer = copied(bytes, from, bytes.length);
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#held + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(this.#buffer.length * 2, this.#wanted)));
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#held);
    this.#held = needed;
    // The length may just have become known, and must be refused before more is collected for it.
    if (this.#wanted === prefixBytes && needed >= prefixBytes) {
      this.#wanted = prefixBytes + this.#lengthAt(this.#buffer, 0);
    }
  }
}

/** `slice` would be a view where the bytes are a Node Buffer. */
function copied(bytes: Uint8Array, from: number, end: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(end - from);
  copy.set(bytes.subarray(from, end));
  return copy;
}

// By hand: a DataView per frame costs more than the four bytes.
function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
