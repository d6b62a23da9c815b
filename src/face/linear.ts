// The door `thole/linear`: is this history linearizable? Models, readers, a recorder, and the check itself.

export * from '../core/linear/index.ts';
export { check, type CheckOptions, type CheckResult } from './check/check.ts';
export { type Recorded, recordHistory, type RecordOptions, type Recorder } from './check/record.ts';
