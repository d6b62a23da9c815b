// Frames: how bytes of a connection become messages, for clients and peers alike.
//
//   length u32 (of all that follows) · crc32c u32 (of all that follows it) · type u8 · stream u32 · body
//
// `stream` ties an answer to its request. Little-endian.

import { fail } from '../errors.ts';
import { crc32c } from './crc32c.ts';

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly body: Uint8Array;
}

const prefixBytes = 4;
const headBytes = 9;

export function encodeFrame(type: number, stream: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefixBytes + headBytes + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, headBytes + body.length, true);
  view.setUint8(8, type);
  view.setUint32(9, stream, true);
  bytes.set(body, prefixBytes + headBytes);
  view.setUint32(4, crc32c(bytes.subarray(8)), true);
  return bytes;
}

/**
 * Cuts a stream of bytes into frames. Memory is spent on bytes that arrived, never on a length that was announced;
 * bodies are copies, so the pushed bytes may be reused at once.
 */
export class FrameReader {
  readonly #bytesMax: number;
  /** Parts of a frame not yet whole, and their bytes. */
  #parts: Uint8Array[] = [];
  #held = 0;
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
    if (this.#held + bytes.length < this.#wanted) {
      this.#keep(bytes);
      return [];
    }
    const whole = this.#held === 0 ? bytes : this.#join(bytes);
    const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      const left = whole.length - at;
      this.#wanted = prefixBytes;
      if (left < prefixBytes) break;
      const length = view.getUint32(at, true);
      if (length < headBytes || length + prefixBytes > this.#bytesMax) fail('PROTOCOL', { detail: `a frame of ${length} bytes` });
      this.#wanted = prefixBytes + length;
      if (left < this.#wanted) break;
      const end = at + this.#wanted;
      if (view.getUint32(at + 4, true) !== crc32c(whole.subarray(at + 8, end))) fail('PROTOCOL', { detail: 'a frame with a wrong checksum' });
      frames.push({ type: whole[at + 8]!, stream: view.getUint32(at + 9, true), body: whole.slice(at + prefixBytes + headBytes, end) });
      at = end;
    }
    if (at < whole.length) this.#keep(whole.subarray(at));
    return frames;
  }

  #keep(bytes: Uint8Array): void {
    this.#parts.push(bytes.slice());
    this.#held += bytes.length;
    if (this.#held >= prefixBytes && this.#wanted === prefixBytes) {
      const head = this.#join(new Uint8Array(0));
      const length = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
      if (length < headBytes || length + prefixBytes > this.#bytesMax) fail('PROTOCOL', { detail: `a frame of ${length} bytes` });
      this.#wanted = prefixBytes + length;
      this.#parts = [head];
      this.#held = head.length;
    }
  }

  /** Everything held, then `bytes`; nothing is held afterwards. */
  #join(bytes: Uint8Array): Uint8Array {
    const whole = new Uint8Array(this.#held + bytes.length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    whole.set(bytes, at);
    this.#parts = [];
    this.#held = 0;
    return whole;
  }
}
