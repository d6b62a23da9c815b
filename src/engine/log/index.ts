// The segmented log: what a member may promise is what this has made durable.
export { Log, openLog } from './log.ts';
export type { GroupState, LogOptions, LogPorts, LogWrite, RecoveryReport } from './writes.ts';
