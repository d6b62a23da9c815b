/// <reference lib="esnext.disposable" preserve="true" />
/**
 * `thole/erasure`: XOR and Reed–Solomon at the speed of memory, without a dependency.
 *
 * ```ts
 * import { ReedSolomon } from 'thole/erasure';
 *
 * const code = new ReedSolomon(4, 2);
 * const { shards } = code.stripe(1 << 20);     // six shards of 1 MiB, side by side
 * // … fill shards[0] … shards[3] …
 * code.encode(shards);
 * const result = code.reconstruct(shards.map((shard, i) => (i === 1 || i === 5 ? undefined : shard)));
 * ```
 * @module
 */
export {
  adaptiveKernel, codingMatrix, decodeHeader, decodeXor, defaultChunkSize, emittedKernel, encodeHeader, encodeXor, galois,
  Matrix, nibbleKernel, ReedSolomon, Stripe, tableKernel,
  type BadHeader, type DamagedXorEncoding, type HeaderReading, type Kernel, type Reconstruction, type ReedSolomonOptions,
  type ShardHeader, type ShardSet, type StripeOptions, type Unrecoverable, type XorDecoding, type XorEncoding,
} from '../core/erasure/index.ts';
export { combineCrc32c, crc32c } from '../core/wire/index.ts';
