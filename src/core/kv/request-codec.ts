// Requests and answers as bytes: in commands, on the wire. Types are numbered for good; a number this build does
// not know is UNSUPPORTED.

import { fail } from '../errors.ts';
import type { Reader, Writer } from '../wire/index.ts';
import { txnOperationsMax } from './request.ts';
import type { Compare, CompareResult, KeyValue, KvRequest, KvResponse, RangeRequest, SortTarget, TxnOperation, TxnOperationResponse, TxnRequest } from './request.ts';

const requestTypes = ['range', 'put', 'append', 'delete', 'txn', 'compact'] as const;
const sortTargets: readonly SortTarget[] = ['key', 'version', 'create', 'mod', 'value'];
const results: readonly CompareResult[] = ['equal', 'greater', 'less', 'notEqual'];
const targets = ['version', 'create', 'mod', 'lease', 'value'] as const;
const txnDepthMax = 8;

function at<T>(list: readonly T[], index: number, what: string): T {
  return list[index] ?? fail('UNSUPPORTED', { detail: `${what} ${index}` });
}

/** Present or not, as a bit; then the value. */
function flags(a?: boolean, b?: boolean, c?: boolean, d?: boolean, e?: boolean): number {
  return (a === true ? 1 : 0) | (b === true ? 2 : 0) | (c === true ? 4 : 0) | (d === true ? 8 : 0) | (e === true ? 16 : 0);
}

/** What {@link writeRequest} writes: of a put and of a range exactly, so that nothing is made too large or moved. */
export function requestSize(request: KvRequest): number {
  if (request.type === 'put') return 18 + request.key.length + request.value.length;
  if (request.type === 'range') return 56 + request.key.length + (request.rangeEnd === undefined ? 0 : 4 + request.rangeEnd.length);
  return 128;
}

export function writeRequest(writer: Writer, request: KvRequest): void {
  writer.u8(requestTypes.indexOf(request.type));
  switch (request.type) {
    case 'range':
      return writeRange(writer, request);
    case 'put':
      writer.u8(flags(request.prevKv, request.ignoreValue, request.ignoreLease)).i64(request.lease ?? 0n).bytes(request.key).bytes(request.value);
      return;
    case 'append':
      writer.bytes(request.key).bytes(request.value);
      return;
    case 'delete':
      writer.u8(flags(request.prevKv, request.rangeEnd !== undefined)).bytes(request.key);
      if (request.rangeEnd !== undefined) writer.bytes(request.rangeEnd);
      return;
    case 'txn':
      return writeTxn(writer, request);
    case 'compact':
      writer.u53(request.revision);
  }
}

function writeRange(writer: Writer, request: RangeRequest): void {
  writer.u16(flags(request.keysOnly, request.countOnly, request.rangeEnd !== undefined, request.sort !== undefined, request.sort?.order === 'descend'));
  writer.u8(sortTargets.indexOf(request.sort?.target ?? 'key')).bytes(request.key);
  if (request.rangeEnd !== undefined) writer.bytes(request.rangeEnd);
  writer.u53(request.limit ?? 0).u53(request.revision ?? 0);
  writer.u53(request.minModRevision ?? 0).u53(request.maxModRevision ?? 0).u53(request.minCreateRevision ?? 0).u53(request.maxCreateRevision ?? 0);
}

function writeTxn(writer: Writer, request: TxnRequest): void {
  writer.u32(request.compare.length);
  for (const compare of request.compare) {
    writer.u8(results.indexOf(compare.result)).u8(targets.indexOf(compare.target)).u8(flags(compare.rangeEnd !== undefined)).bytes(compare.key);
    if (compare.rangeEnd !== undefined) writer.bytes(compare.rangeEnd);
    if (compare.target === 'value') writer.bytes(compare.value);
    else if (compare.target === 'lease') writer.i64(compare.lease);
    else writer.u53(compare.number);
  }
  for (const operations of [request.success, request.failure]) {
    writer.u32(operations.length);
    for (const operation of operations) writeRequest(writer, operation);
  }
}

export function readRequest(reader: Reader, depth = 0): KvRequest {
  const type = at(requestTypes, reader.u8(), 'a request of type');
  switch (type) {
    case 'range':
      return readRange(reader);
    case 'put': {
      const bits = reader.u8();
      const lease = reader.i64();
      const [key, value] = [reader.bytes(), reader.bytes()];
      return { type, key, value, lease, prevKv: (bits & 1) !== 0, ignoreValue: (bits & 2) !== 0, ignoreLease: (bits & 4) !== 0 };
    }
    case 'append':
      return { type, key: reader.bytes(), value: reader.bytes() };
    case 'delete': {
      const bits = reader.u8();
      const key = reader.bytes();
      return { type, key, rangeEnd: (bits & 2) !== 0 ? reader.bytes() : undefined, prevKv: (bits & 1) !== 0 };
    }
    case 'txn':
      return readTxn(reader, depth);
    case 'compact':
      return { type, revision: reader.u53() };
  }
}

function readRange(reader: Reader): RangeRequest {
  const bits = reader.u16();
  const target = at(sortTargets, reader.u8(), 'a sort target');
  const key = reader.bytes();
  const rangeEnd = (bits & 4) !== 0 ? reader.bytes() : undefined;
  const [limit, revision] = [reader.u53(), reader.u53()];
  const [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision] = [reader.u53(), reader.u53(), reader.u53(), reader.u53()];
  const sort = (bits & 8) !== 0 ? ({ target, order: (bits & 16) !== 0 ? 'descend' : 'ascend' } as const) : undefined;
  return {
    type: 'range', key, rangeEnd, limit, revision, minModRevision, maxModRevision, minCreateRevision, maxCreateRevision,
    keysOnly: (bits & 1) !== 0, countOnly: (bits & 2) !== 0, ...(sort === undefined ? {} : { sort }),
  };
}

function count(reader: Reader): number {
  const n = reader.u32();
  if (n > txnOperationsMax) fail('TOO_MANY_OPERATIONS', { detail: `${n} operations in a transaction, ${txnOperationsMax} at most` });
  return n;
}

function readTxn(reader: Reader, depth: number): TxnRequest {
  if (depth > txnDepthMax) fail('TOO_MANY_OPERATIONS', { detail: `transactions nested deeper than ${txnDepthMax}` });
  const compare = Array.from({ length: count(reader) }, () => readCompare(reader));
  const operations = (): TxnOperation[] =>
    Array.from({ length: count(reader) }, () => {
      const request = readRequest(reader, depth + 1);
      return request.type === 'compact' ? fail('BAD_REQUEST', { detail: 'a compaction inside a transaction' }) : request;
    });
  return { type: 'txn', compare, success: operations(), failure: operations() };
}

function readCompare(reader: Reader): Compare {
  const result = at(results, reader.u8(), 'a comparison');
  const target = at(targets, reader.u8(), 'a comparison of');
  const ranged = reader.u8() === 1;
  const key = reader.bytes();
  const range = { key, rangeEnd: ranged ? reader.bytes() : undefined, result };
  if (target === 'value') return { ...range, target, value: reader.bytes() };
  if (target === 'lease') return { ...range, target, lease: reader.i64() };
  return { ...range, target, number: reader.u53() };
}

/** What {@link writeKeyValue} writes beside the key and the value. */
export const keyValueHeadBytes = 40;

export function writeKeyValue(writer: Writer, kv: KeyValue): void {
  writer.bytes(kv.key).bytes(kv.value).u53(kv.createRevision).u53(kv.modRevision).u53(kv.version).i64(kv.lease);
}

export function readKeyValue(reader: Reader): KeyValue {
  const [key, value] = [reader.bytes(), reader.bytes()];
  return { key, value, createRevision: reader.u53(), modRevision: reader.u53(), version: reader.u53(), lease: reader.i64() };
}

function writeKeyValues(writer: Writer, kvs: readonly KeyValue[]): void {
  writer.u32(kvs.length);
  for (const kv of kvs) writeKeyValue(writer, kv);
}

/** Each takes 44 bytes at least: an impossible count fails on its first missing byte. */
function readKeyValues(reader: Reader): KeyValue[] {
  const kvs: KeyValue[] = [];
  for (let left = reader.u32(); left > 0; left--) kvs.push(readKeyValue(reader));
  return kvs;
}

export function writeResponse(writer: Writer, response: KvResponse): void {
  writer.u8(requestTypes.indexOf(response.type));
  switch (response.type) {
    case 'range':
      writer.u8(response.more ? 1 : 0).u53(response.count);
      return writeKeyValues(writer, response.kvs);
    case 'put':
      return writeKeyValues(writer, response.prevKv === undefined ? [] : [response.prevKv]);
    case 'append':
      writer.u53(response.length);
      return;
    case 'delete':
      writer.u53(response.deleted);
      return writeKeyValues(writer, response.prevKvs);
    case 'txn':
      writer.u8(response.succeeded ? 1 : 0).u32(response.responses.length);
      for (const each of response.responses) writeResponse(writer, each);
      return;
    case 'compact':
  }
}

export function readResponse(reader: Reader, depth = 0): KvResponse {
  const type = at(requestTypes, reader.u8(), 'an answer of type');
  switch (type) {
    case 'range': {
      const more = reader.u8() === 1;
      const total = reader.u53();
      return { type, more, count: total, kvs: readKeyValues(reader) };
    }
    case 'put': {
      const prevKv = readKeyValues(reader)[0];
      return prevKv === undefined ? { type } : { type, prevKv };
    }
    case 'append':
      return { type, length: reader.u53() };
    case 'delete':
      return { type, deleted: reader.u53(), prevKvs: readKeyValues(reader) };
    case 'txn': {
      if (depth > txnDepthMax) fail('BAD_REQUEST', { detail: 'an answer nested too deep' });
      const succeeded = reader.u8() === 1;
      const responses = Array.from({ length: count(reader) }, () => readResponse(reader, depth + 1) as TxnOperationResponse);
      return { type, succeeded, responses };
    }
    case 'compact':
      return { type };
  }
}
