// gRPC's messages inside a stream of HTTP/2: a byte that says whether it is compressed, its length, itself.

import { fail } from '../../core/errors.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { GrpcError } from './status.ts';

/** As etcd: a request of 1.5 MiB, and what surrounds it. */
export const messageBytesMax: number = 2 << 20;
const prefixBytes = 5;

/** Collects a stream's bytes until they are messages. */
export class MessageReader {
  readonly #held = new GrowingBytes();
  /** Larger ones are refused by their length. */
  messageBytesMax: number = messageBytesMax;

  get heldBytes(): number {
    return this.#held.length;
  }

  add(bytes: Uint8Array): void {
    // Of a message that is too large nothing more than its length is kept.
    this.#held.add(bytes, this.#held.length >= prefixBytes ? prefixBytes + this.#announced() : 0);
    if (this.#held.length >= prefixBytes) this.#announced();
  }

  /** The next whole message, copied. */
  next(): Uint8Array | undefined {
    if (this.#held.length < prefixBytes) return undefined;
    const end = prefixBytes + this.#announced();
    if (this.#held.length < end) return undefined;
    const message = new Uint8Array(this.#held.bytes.subarray(prefixBytes, end));
    this.#held.drop(end);
    return message;
  }

  #announced(): number {
    const head = this.#held.bytes;
    if (head[0] !== 0) {
      if (head[0] === 1) throw new GrpcError('Unimplemented', 'grpc: compressed messages are not read here: send identity');
      fail('PROTOCOL', { detail: 'grpc: a message begins with 0 or 1' });
    }
    const length = head.readUInt32BE(1);
    if (length > this.messageBytesMax) throw new GrpcError('ResourceExhausted', `grpc: received message larger than max (${length} vs. ${this.messageBytesMax})`);
    return length;
  }
}

const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

/** `grpc-timeout`: at most eight digits and a unit. */
export function parseTimeout(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? fail('PROTOCOL', { detail: `malformed grpc-timeout: ${JSON.stringify(header)}` });
  return Number(digits) * units[unit!]!;
}

/** `grpc-message`: what is no visible ASCII, percent-encoded. */
export function encodeMessage(message: string): string {
  return Buffer.from(message).reduce((text, byte) => text + (byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`), '');
}
