// The replicated key-value store: etcd's model as a pure state machine.
export * from './request.ts';
export { answerBytesOf } from './answer-size.ts';
export {
  commandVersion, decodeBatch, decodeCommand, decodeReadResult, decodeReply, decodeRequest, encodeBatch, encodeCommand, encodeReadResult, encodeReply,
  encodeRequest, isReadOnly, restampBatch, versionNeeded,
} from './command.ts';
export type { Command, ReadResult, Reply, ReplyBody } from './command.ts';
export { checkAllowed, clusterVersions } from './cluster-version.ts';
export { Application, Kv } from './kv.ts';
export { KvRestore } from './restore.ts';
export { Job } from './job.ts';
export { windowBytesMax, windowRepliesMax } from './session.ts';
