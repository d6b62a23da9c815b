// etcd's requests as the store's, and the store's answers as etcd's. What etcd refuses without looking at its store is
// refused here, whichever branch of a transaction it stands in.

import { fail } from '../../core/errors.ts';
import type { OperationError } from '../../core/errors.ts';
import type { Compare, CompareResult, KeyRange, KvResponse, RangeRequest, SortTarget, TxnOperation, TxnRequest, TxnResponse } from '../../core/kv/index.ts';
import { txnOperationsMax } from '../../core/kv/index.ts';
import type * as etcd from './schema.ts';
import { GrpcError } from './status.ts';

type Long = number | bigint | undefined;
const noBytes = new Uint8Array(0);

/** Revisions and limits: none below 0 means anything, and none above 2⁵³ − 1 is ever reached. */
export function count(value: Long): number {
  if (value === undefined || value <= 0) return 0;
  return value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(value);
}

function keyOf(key: Uint8Array | undefined): Uint8Array {
  return key === undefined || key.length === 0 ? fail('BAD_REQUEST', { detail: 'key is not provided' }) : key;
}

function rangeOf(request: { readonly key?: Uint8Array | undefined; readonly range_end?: Uint8Array | undefined }): KeyRange {
  const { range_end: end = noBytes } = request;
  return { key: keyOf(request.key), rangeEnd: end.length === 0 ? undefined : end };
}

/** A member has one address, for everybody and without TLS. */
export function toAddress(urls: readonly string[] | undefined): string {
  const [url, second] = urls ?? [];
  const address = /^http:\/\/(\[[0-9a-fA-F:.]+\]|[^\s/:[\]@?#]+):(\d{1,5})$/.exec(url ?? '');
  if (address === null || Number(address[2]) === 0 || Number(address[2]) > 65_535) throw new GrpcError('InvalidArgument', 'etcdserver: given member URLs are invalid');
  if (second !== undefined) throw new GrpcError('InvalidArgument', 'thole: a member has one URL');
  return `${address[1]!}:${address[2]!}`;
}

const sortTargets: readonly SortTarget[] = ['key', 'version', 'create', 'mod', 'value'];

export function toRange(request: etcd.RangeRequest): RangeRequest {
  const { sort_order: order = 0, sort_target: number = 0 } = request;
  const target = sortTargets[number];
  if (target === undefined || order < 0 || order > 2) return fail('BAD_REQUEST', { detail: 'invalid sort option' });
  // Without an order, what is not sorted by key ascends.
  const sort = order === 0 && target === 'key' ? undefined : ({ target, order: order === 2 ? 'descend' : 'ascend' } as const);
  return {
    type: 'range',
    ...rangeOf(request),
    limit: count(request.limit),
    revision: count(request.revision),
    keysOnly: request.keys_only === true,
    countOnly: request.count_only === true,
    minModRevision: count(request.min_mod_revision),
    maxModRevision: count(request.max_mod_revision),
    minCreateRevision: count(request.min_create_revision),
    maxCreateRevision: count(request.max_create_revision),
    ...(sort === undefined ? {} : { sort }),
  };
}

export function toPut(request: etcd.PutRequest): TxnOperation & { type: 'put' } {
  const { value = noBytes, lease = 0, ignore_value: ignoreValue = false, ignore_lease: ignoreLease = false } = request;
  const key = keyOf(request.key);
  if (ignoreValue && value.length > 0) fail('BAD_REQUEST', { detail: 'value is provided' });
  if (ignoreLease && lease != 0) fail('BAD_REQUEST', { detail: 'lease is provided' });
  if (BigInt(lease) !== 0n) return toUnleased(key);
  return { type: 'put', key, value, prevKv: request.prev_kv === true, ignoreValue, ignoreLease };
}

/**
 * Nobody can be granted a lease yet: whatever is named does not exist. etcd says so only where the put would be carried
 * out, not in the branch that is not taken; so this goes to the store as a put that it refuses just there, for what
 * `toPut` lets nobody else send: a value beside `ignoreValue`.
 */
function toUnleased(key: Uint8Array): TxnOperation & { type: 'put' } {
  return { type: 'put', key, value: Uint8Array.of(0), ignoreValue: true };
}

export function refusesLease({ failure }: OperationError): boolean {
  return failure.code === 'BAD_REQUEST' && failure.detail === 'value is provided';
}

export function toDelete(request: etcd.DeleteRangeRequest): TxnOperation & { type: 'delete' } {
  return { type: 'delete', ...rangeOf(request), prevKv: request.prev_kv === true };
}

export function toTxn(request: etcd.TxnRequest): TxnRequest {
  const { compare = [], success = [], failure = [] } = request;
  if (Math.max(compare.length, success.length, failure.length) > txnOperationsMax) fail('TOO_MANY_OPERATIONS');
  return { type: 'txn', compare: compare.map(toCompare), success: success.map(toOperation), failure: failure.map(toOperation) };
}

function toOperation(operation: etcd.RequestOp): TxnOperation {
  if (operation.request_range !== undefined) return toRange(operation.request_range);
  if (operation.request_put !== undefined) return toPut(operation.request_put);
  if (operation.request_delete_range !== undefined) return toDelete(operation.request_delete_range);
  if (operation.request_txn !== undefined) return toTxn(operation.request_txn);
  // An operation that is none: etcd's word for it.
  return fail('KEY_NOT_FOUND');
}

const results: readonly CompareResult[] = ['equal', 'greater', 'less', 'notEqual'];
const unreached = Number.MAX_SAFE_INTEGER;

function toCompare(compare: etcd.Compare): Compare {
  const range = rangeOf(compare);
  const result = results[compare.result ?? 0] ?? fail('BAD_REQUEST', { detail: 'invalid comparison' });
  switch (compare.target ?? 0) {
    case 0:
      return { ...range, target: 'version', ...toNumber(result, compare.version) };
    case 1:
      return { ...range, target: 'create', ...toNumber(result, compare.create_revision) };
    case 2:
      return { ...range, target: 'mod', ...toNumber(result, compare.mod_revision) };
    case 3:
      return { ...range, target: 'value', result, value: compare.value ?? noBytes };
    case 4:
      return { ...range, target: 'lease', result, lease: BigInt(compare.lease ?? 0) };
    default:
      return fail('BAD_REQUEST', { detail: 'invalid comparison' });
  }
}

/** No version or revision is negative: what is compared with such a number is decided, and said with one never reached. */
function toNumber(result: CompareResult, value: Long): { readonly result: CompareResult; readonly number: number } {
  if (value === undefined || value >= 0) return { result, number: count(value) };
  return { result: result === 'greater' || result === 'notEqual' ? 'notEqual' : 'equal', number: unreached };
}

/** All its reads may be answered by any member as it is. */
export function isSerializable(request: etcd.TxnRequest): boolean {
  return [...(request.success ?? []), ...(request.failure ?? [])].every(
    ({ request_range: range, request_txn: txn }) => range?.serializable === true || (txn !== undefined && isSerializable(txn)),
  );
}

function fromKeyValue(kv: { readonly key: Uint8Array; readonly value: Uint8Array; readonly createRevision: number; readonly modRevision: number; readonly version: number; readonly lease: bigint }): etcd.KeyValue {
  return { key: kv.key, value: kv.value, create_revision: kv.createRevision, mod_revision: kv.modRevision, version: kv.version, lease: kv.lease };
}

export function fromRange(header: etcd.ResponseHeader, response: KvResponse & { type: 'range' }): etcd.RangeResponse {
  return { header, kvs: response.kvs.map(fromKeyValue), more: response.more, count: response.count };
}

export function fromPut(header: etcd.ResponseHeader, response: KvResponse & { type: 'put' }): etcd.PutResponse {
  return { header, prev_kv: response.prevKv === undefined ? undefined : fromKeyValue(response.prevKv) };
}

export function fromDelete(header: etcd.ResponseHeader, response: KvResponse & { type: 'delete' }): etcd.DeleteRangeResponse {
  return { header, deleted: response.deleted, prev_kvs: response.prevKvs.map(fromKeyValue) };
}

/** The answers inside carry the revision alone, as it was once theirs was done; transactions inside not even that, as etcd's. */
export function fromTxn(header: etcd.ResponseHeader, response: TxnResponse): etcd.TxnResponse {
  const { revision: after = 0 } = header;
  const before = writes(response) ? Number(after) - 1 : Number(after);
  let wrote = false;
  const inside = (txn: TxnResponse): etcd.ResponseOp[] =>
    txn.responses.map((each): etcd.ResponseOp => {
      wrote ||= each.type !== 'txn' && writes(each);
      const inner: etcd.ResponseHeader = { revision: wrote ? before + 1 : before };
      switch (each.type) {
        case 'range':
          return { response_range: fromRange(inner, each) };
        case 'put':
          return { response_put: fromPut(inner, each) };
        case 'delete':
          return { response_delete_range: fromDelete(inner, each) };
        case 'txn':
          return { response_txn: { header: {}, succeeded: each.succeeded, responses: inside(each) } };
        case 'append':
          return fail('INTERNAL', { detail: 'an append that nobody asked for' });
      }
    });
  return { header, succeeded: response.succeeded, responses: inside(response) };
}

/** All writes of a transaction have one revision. */
function writes(response: KvResponse): boolean {
  switch (response.type) {
    case 'range':
    case 'compact':
      return false;
    case 'delete':
      return response.deleted > 0;
    case 'txn':
      return response.responses.some(writes);
    case 'put':
    case 'append':
      return true;
  }
}
