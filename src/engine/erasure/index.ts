// Erasure codes over files: streaming, checked, complete or not there.
export { localCoder, type Coder } from './coder.ts';
export { defaultBlockBytes, encodeFile, type EncodedFile, type EncodeFileOptions, type ProgressOptions } from './encode-file.ts';
export { decodeShards, repairShards, verifyShards, type Decoded, type Repaired, type RestoreOptions, type ShardReport, type Verification } from './restore.ts';
export type { LostRow } from './rows.ts';
export type { ShardStatus } from './shard-files.ts';
