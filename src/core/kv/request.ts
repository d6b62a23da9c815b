// The KV's requests and answers as values: what clients ask, commands carry and faces translate. etcd's model
// (revisions, ranges, transactions); byte strings are Uint8Array, an absent range end is undefined.

export type Revision = number;

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Puts since the key was created, from 1. */
  readonly version: number;
  /** 0: no lease. */
  readonly lease: bigint;
}

/** [key, rangeEnd): undefined rangeEnd is the one key; a single 0 byte is "to the last key"; key and end both one 0 byte is all. */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array | undefined;
}

export type SortTarget = 'key' | 'version' | 'create' | 'mod' | 'value';

export interface RangeRequest extends KeyRange {
  readonly type: 'range';
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** 0 or absent: the newest. */
  readonly revision?: Revision;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly sort?: { readonly target: SortTarget; readonly order: 'ascend' | 'descend' };
  readonly minModRevision?: Revision;
  readonly maxModRevision?: Revision;
  readonly minCreateRevision?: Revision;
  readonly maxCreateRevision?: Revision;
}
export interface RangeResponse {
  readonly type: 'range';
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  /** How many keys the range holds, whatever the limit. */
  readonly count: number;
}

export interface PutRequest {
  readonly type: 'put';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease?: bigint;
  readonly prevKv?: boolean;
  /** Keep the value (or lease) the key has; KEY_NOT_FOUND without one. */
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}
export interface PutResponse {
  readonly type: 'put';
  readonly prevKv?: KeyValue;
}

/** Thole's own: the value grows by `value`; a missing key starts empty. */
export interface AppendRequest {
  readonly type: 'append';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}
export interface AppendResponse {
  readonly type: 'append';
  /** Bytes of the whole value afterwards. */
  readonly length: number;
}

export interface DeleteRequest extends KeyRange {
  readonly type: 'delete';
  readonly prevKv?: boolean;
}
export interface DeleteResponse {
  readonly type: 'delete';
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

export type CompareResult = 'equal' | 'greater' | 'less' | 'notEqual';
export type Compare = KeyRange & { readonly result: CompareResult } & (
    | { readonly target: 'version' | 'create' | 'mod'; readonly number: number }
    | { readonly target: 'lease'; readonly lease: bigint }
    | { readonly target: 'value'; readonly value: Uint8Array }
  );

export interface TxnRequest {
  readonly type: 'txn';
  readonly compare: readonly Compare[];
  readonly success: readonly TxnOperation[];
  readonly failure: readonly TxnOperation[];
}
export type TxnOperation = RangeRequest | PutRequest | AppendRequest | DeleteRequest | TxnRequest;
export interface TxnResponse {
  readonly type: 'txn';
  readonly succeeded: boolean;
  readonly responses: readonly TxnOperationResponse[];
}
export type TxnOperationResponse = RangeResponse | PutResponse | AppendResponse | DeleteResponse | TxnResponse;

export interface CompactRequest {
  readonly type: 'compact';
  readonly revision: Revision;
}
export interface CompactResponse {
  readonly type: 'compact';
}

/** What travels through the log. A txn of ranges alone is a read and does not. */
export type WriteRequest = PutRequest | AppendRequest | DeleteRequest | TxnRequest | CompactRequest;
export type WriteResponse = PutResponse | AppendResponse | DeleteResponse | TxnResponse | CompactResponse;
export type KvRequest = RangeRequest | WriteRequest;
export type KvResponse = RangeResponse | WriteResponse;

/** etcd's limits: operations in a txn (each list, nested ones counted alone), bytes of one request. */
export const txnOperationsMax = 128;
export const requestBytesMax: number = 1.5 * 1024 * 1024;
/** What one answer may hold, keys and values with what each costs beside them: beyond it is refused before it is made, TOO_LARGE. */
export const answerBytesMax: number = 64 << 20;
