// The client, over ports. src/face/client.ts gives it Node's.
export { Client, connect } from './client.ts';
export type { ClientOptions, ClientPorts } from './client.ts';
export { KvClient } from './kv.ts';
export type { AppendResult, CallOptions, ConsistencyOptions, DeleteResult, GetResult, PutOptions, PutResult, RangeResult, TxnResult } from './kv.ts';
export type { Bytes, CompareArgument, OperationArgument, RangeOptions, RangeSelection, TxnArgument } from './arguments.ts';
