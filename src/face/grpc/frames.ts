// gRPC's messages inside a stream of HTTP/2: a byte that says whether it is compressed, its length, itself.

import { fail } from '../../core/errors.ts';
import { GrpcError } from './status.ts';

/** As etcd: a request of 1.5 MiB, and what surrounds it. */
export const messageBytesMax: number = 2 << 20;
const prefixBytes = 5;

/** Collects a stream's bytes until they are messages. */
export class MessageReader {
  #held: Uint8Array[] = [];
  #bytes = 0;

  get heldBytes(): number {
    return this.#bytes;
  }

  add(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#bytes += bytes.length;
    // Of a message that is too large nothing more than its length is kept.
    if (this.#bytes >= prefixBytes) this.#announced();
  }

  /** The next whole message, copied out of the chunks it came in. */
  next(): Uint8Array | undefined {
    if (this.#bytes < prefixBytes) return undefined;
    const length = this.#announced();
    if (this.#bytes < prefixBytes + length) return undefined;
    const whole = this.#joined();
    const message = new Uint8Array(length);
    message.set(whole.subarray(prefixBytes, prefixBytes + length));
    const rest = whole.subarray(prefixBytes + length);
    this.#held = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    return message;
  }

  #announced(): number {
    const head = this.#held[0]!.length >= prefixBytes ? this.#held[0]! : this.#joined();
    if (head[0] !== 0) {
      if (head[0] === 1) throw new GrpcError('Unimplemented', 'grpc: compressed messages are not read here: send identity');
      fail('PROTOCOL', { detail: 'grpc: a message begins with 0 or 1' });
    }
    const length = ((head[1]! << 24) | (head[2]! << 16) | (head[3]! << 8) | head[4]!) >>> 0;
    if (length > messageBytesMax) throw new GrpcError('ResourceExhausted', `grpc: received message larger than max (${length} vs. ${messageBytesMax})`);
    return length;
  }

  #joined(): Uint8Array {
    if (this.#held.length > 1) this.#held = [Buffer.concat(this.#held, this.#bytes)];
    return this.#held[0]!;
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
