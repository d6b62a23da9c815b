// What callers write, made into requests: strings are UTF-8, prefixes are ranges.

import { prefixEnd, utf8 } from '../../core/bytes.ts';
import { OperationError } from '../../core/errors.ts';
import { requestBytesMax } from '../../core/kv/index.ts';
import type { Compare, CompareResult, RangeRequest, SortTarget, TxnOperation, TxnRequest } from '../../core/kv/index.ts';

export type Bytes = string | Uint8Array;

/** Which keys, beginning with `key`; at most one of them. Without any: the one key. */
export interface RangeSelection {
  /** All keys that begin with it; with an empty key, all keys. */
  readonly prefix?: boolean | undefined;
  /** All keys from it on. */
  readonly fromKey?: boolean | undefined;
  /** All keys from it up to this one, which is not included. */
  readonly rangeEnd?: Bytes | undefined;
}

export interface RangeOptions extends RangeSelection {
  readonly limit?: number | undefined;
  readonly revision?: number | undefined;
  readonly keysOnly?: boolean | undefined;
  readonly countOnly?: boolean | undefined;
  readonly sort?: { readonly target: SortTarget; readonly order: 'ascend' | 'descend' } | undefined;
  readonly minModRevision?: number | undefined;
  readonly maxModRevision?: number | undefined;
  readonly minCreateRevision?: number | undefined;
  readonly maxCreateRevision?: number | undefined;
}

export type CompareArgument = { readonly key: Bytes; readonly rangeEnd?: Bytes; readonly result: CompareResult } & (
  | { readonly target: 'version' | 'create' | 'mod'; readonly number: number }
  | { readonly target: 'lease'; readonly lease: bigint }
  | { readonly target: 'value'; readonly value: Bytes }
);

export type OperationArgument =
  | ({ readonly type: 'range'; readonly key: Bytes } & RangeOptions)
  | { readonly type: 'put'; readonly key: Bytes; readonly value: Bytes; readonly lease?: bigint; readonly prevKv?: boolean; readonly ignoreValue?: boolean; readonly ignoreLease?: boolean }
  | { readonly type: 'append'; readonly key: Bytes; readonly value: Bytes }
  | ({ readonly type: 'delete'; readonly key: Bytes; readonly prevKv?: boolean } & RangeSelection)
  | ({ readonly type: 'txn' } & TxnArgument);

export interface TxnArgument {
  readonly compare?: readonly CompareArgument[];
  readonly success?: readonly OperationArgument[];
  readonly failure?: readonly OperationArgument[];
}

export function toBytes(value: Bytes): Uint8Array {
  return typeof value === 'string' ? utf8(value) : value;
}

/** A single 0 byte: as an end, "to the last key"; as both ends, everything. */
const zero = Uint8Array.of(0);

export function toRange(key: Bytes, selection: RangeSelection): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array | undefined } {
  const bytes = toBytes(key);
  const given = (selection.prefix === true ? 1 : 0) + (selection.fromKey === true ? 1 : 0) + (selection.rangeEnd === undefined ? 0 : 1);
  if (given > 1) throw new OperationError({ code: 'BAD_REQUEST', detail: 'only one of prefix, fromKey and rangeEnd can be given' });
  if (selection.prefix === true) return bytes.length === 0 ? { key: zero, rangeEnd: zero } : { key: bytes, rangeEnd: prefixEnd(bytes) };
  if (selection.fromKey === true) return { key: bytes.length === 0 ? zero : bytes, rangeEnd: zero };
  return { key: bytes, rangeEnd: selection.rangeEnd === undefined ? undefined : toBytes(selection.rangeEnd) };
}

export function toRangeRequest(key: Bytes, options: RangeOptions): RangeRequest {
  const { limit = 0, revision = 0, keysOnly = false, countOnly = false, sort } = options;
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = options;
  checkCount('limit', limit);
  checkCount('revision', revision);
  checkCount('minModRevision', minModRevision);
  checkCount('maxModRevision', maxModRevision);
  checkCount('minCreateRevision', minCreateRevision);
  checkCount('maxCreateRevision', maxCreateRevision);
  const { key: bytes, rangeEnd } = toRange(key, options);
  const request: RangeRequest = {
    type: 'range', key: bytes, rangeEnd, limit, revision, minModRevision, maxModRevision, minCreateRevision, maxCreateRevision, keysOnly, countOnly,
  };
  return sort === undefined ? request : { ...request, sort };
}

export function toTxnRequest(argument: TxnArgument): TxnRequest {
  const { compare = [], success = [], failure = [] } = argument;
  return { type: 'txn', compare: compare.map(toCompare), success: success.map(toOperation), failure: failure.map(toOperation) };
}

function toCompare(argument: CompareArgument): Compare {
  const range = { key: toBytes(argument.key), rangeEnd: argument.rangeEnd === undefined ? undefined : toBytes(argument.rangeEnd), result: argument.result };
  switch (argument.target) {
    case 'value':
      return { ...range, target: 'value', value: toBytes(argument.value) };
    case 'lease':
      return { ...range, target: 'lease', lease: argument.lease };
    case 'version':
    case 'create':
    case 'mod':
    default:
      checkCount('a compared number', argument.number);
      return { ...range, target: argument.target, number: argument.number };
  }
}

function toOperation(argument: OperationArgument): TxnOperation {
  switch (argument.type) {
    case 'range':
      return toRangeRequest(argument.key, argument);
    case 'put':
      return { ...argument, key: toBytes(argument.key), value: toBytes(argument.value) };
    case 'append':
      return { type: 'append', key: toBytes(argument.key), value: toBytes(argument.value) };
    case 'delete':
      return { type: 'delete', ...toRange(argument.key, argument), prevKv: argument.prevKv ?? false };
    case 'txn':
    default:
      return toTxnRequest(argument);
  }
}

export function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new OperationError({ code: 'BAD_REQUEST', detail: `${name} must be a whole number from 0 on` });
}

/** Said here, in full, instead of by a connection that breaks. */
export function tooLarge(bytes: number): OperationError {
  return new OperationError({ code: 'TOO_LARGE', detail: `a request of ${bytes} bytes, ${requestBytesMax} at most` });
}
