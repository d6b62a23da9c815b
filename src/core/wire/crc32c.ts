// CRC-32C, the checksum of every record, frame, snapshot and shard. It finds every burst of damage up to 32 bits
// and, below 256 MiB, every two flipped bits; it is no defence against somebody who wants to forge.

import { absorbInKernel } from './crc32c-fold.ts';
import { absorb } from './crc32c-tables.ts';

/** Below, tables in JavaScript are done before bytes have been copied to the kernel. */
const kernelFrom = 64;

/**
 * The checksum of `bytes`, as an unsigned 32-bit number. `seed` is the checksum of what came before, so that
 * `crc32c(b, crc32c(a))` is the checksum of a followed by b; any other number personalises the sum.
 * A part of `bytes` is better named by where it lies than handed over as a view: the view costs more than a short sum.
 */
export function crc32c(bytes: Uint8Array, seed = 0, from = 0, to: number = bytes.length): number {
  const length = to - from;
  if (length < kernelFrom) return ~absorb(~seed, bytes, from, to) >>> 0;
  return ~absorbInKernel(~seed, length === bytes.length ? bytes : bytes.subarray(from, to)) >>> 0;
}
