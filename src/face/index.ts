/// <reference lib="esnext.disposable" preserve="true" />
// The package's door: `import { connect } from 'thole'`.

export { connect } from './client.ts';
export type { Client, ClientOptions } from '../engine/client/index.ts';
export type {
  Bytes, AppendResult, CallOptions, CompareArgument, ConsistencyOptions, DeleteResult, GetResult, KvClient, OperationArgument, PutOptions, PutResult, RangeOptions, RangeResult, RangeSelection, TxnArgument, TxnResult,
} from '../engine/client/index.ts';
export type { CompareResult, KeyValue, Revision, SortTarget, TxnOperationResponse } from '../core/kv/index.ts';
export { OperationError, describeFailure, errorTable } from '../core/errors.ts';
export type { ErrorCode, Failure, Retry } from '../core/errors.ts';
export type { HashKvResult, MemberListRow, MemberStatus } from '../engine/service.ts';
export { join } from './join.ts';
export type { JoinOptions, JoinedMember } from './join.ts';
