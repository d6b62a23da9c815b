// Data that outlives the loss of machines: XOR and Reed–Solomon, and the kernels that make them fast.
export * as galois from './galois.ts';
export { tableKernel, type Kernel } from './kernel.ts';
export { codingMatrix, Matrix } from './matrix.ts';
export { ReedSolomon, type Reconstruction, type ReedSolomonOptions, type Unrecoverable } from './reed-solomon.ts';
export { Stripe, type StripeOptions } from './stripe.ts';
export { adaptiveKernel, emittedKernel, nibbleKernel } from './vector-kernels.ts';
export { decodeXor, defaultChunkSize, encodeXor, type DamagedXorEncoding, type XorDecoding, type XorEncoding } from './xor.ts';
export { blockBytesMax, blockChecksum, blockCount, blockLength, blockPosition, checksumBytes, decodeHeader, encodeHeader, headerBytes, parseShardName, sameSet, setIdBytes, shardFileBytes, shardLength, shardName, shardVersion, type BadHeader, type HeaderReading, type ShardHeader, type ShardSet } from './shard.ts';
