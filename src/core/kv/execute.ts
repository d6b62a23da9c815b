// Commands on a workspace. Everything that can be refused is refused before anything is written.

import { compareBytes } from '../bytes.ts';
import type { Failure } from '../errors.ts';
import { eachLive, isInRange, rangeOf, takeRoom } from './range.ts';
import type { Room, Work } from './range.ts';
import { answerBytesMax, requestBytesMax, txnOperationsMax } from './request.ts';
import type { Compare, KeyRange, PutRequest, Revision, TxnOperation, TxnOperationResponse, TxnRequest, TxnResponse, WriteRequest } from './request.ts';
import type { Version } from './version.ts';
import type { Workspace } from './workspace.ts';

export interface Bounds {
  /** Revisions that can be read: compacted ≤ revision ≤ current. */
  readonly compacted: Revision;
  readonly current: Revision;
}

export function revisionFailure(requested: Revision, bounds: Bounds): Failure | undefined {
  if (requested > bounds.current) return { code: 'FUTURE_REVISION', requested, current: bounds.current };
  if (requested > 0 && requested < bounds.compacted) return { code: 'COMPACTED', requested, compacted: bounds.compacted };
  return undefined;
}

export function checkPut(space: Workspace, request: PutRequest): Failure | undefined {
  if (request.key.length === 0) return { code: 'BAD_REQUEST', detail: 'key is not provided' };
  if (request.key.length + request.value.length > requestBytesMax) return { code: 'TOO_LARGE' };
  if (request.ignoreValue === true && request.value.length > 0) return { code: 'BAD_REQUEST', detail: 'value is provided' };
  if (request.ignoreLease === true && (request.lease ?? 0n) !== 0n) return { code: 'BAD_REQUEST', detail: 'lease is provided' };
  if ((request.ignoreValue === true || request.ignoreLease === true) && space.live(request.key) === undefined) return { code: 'KEY_NOT_FOUND' };
  return undefined;
}

/**
 * What is wrong with the request, if anything; the store is only read. An answer that would not fit in `room` is: what
 * every member makes of a command in the log must not be more than any of them can hold.
 */
export function* check(space: Workspace, request: TxnOperation, bounds: Bounds, path: ReadonlyMap<TxnRequest, boolean>, room: Room = { left: answerBytesMax }): Work<Failure | undefined> {
  switch (request.type) {
    case 'range': {
      const failure = revisionFailure(request.revision ?? 0, bounds);
      if (failure !== undefined) return failure;
      const revision = request.revision ?? 0;
      yield* rangeOf(space.edit.root, request, revision === 0 ? Number.MAX_SAFE_INTEGER : revision, room);
      return room.left < 0 ? { code: 'TOO_LARGE' } : undefined;
    }
    case 'put':
      return checkPut(space, request);
    case 'append': {
      if (request.key.length === 0) return { code: 'BAD_REQUEST', detail: 'key is not provided' };
      const length = space.live(request.key)?.value.length ?? 0;
      return request.key.length + length + request.value.length > requestBytesMax ? { code: 'TOO_LARGE' } : undefined;
    }
    case 'delete':
      if (request.key.length === 0) return { code: 'BAD_REQUEST', detail: 'key is not provided' };
      if (request.prevKv === true) yield* eachLive(space.edit.root, request, Number.MAX_SAFE_INTEGER, (key, version) => takeRoom(room, key, version.value));
      return room.left < 0 ? { code: 'TOO_LARGE' } : undefined;
    case 'txn': {
      if (Math.max(request.compare.length, request.success.length, request.failure.length) > txnOperationsMax) return { code: 'TOO_MANY_OPERATIONS' };
      for (const operations of [request.success, request.failure]) if (hasDuplicates(operations)) return { code: 'DUPLICATE_KEY' };
      for (const operation of path.get(request) === true ? request.success : request.failure) {
        const failure = yield* check(space, operation, bounds, path, room);
        if (failure !== undefined) return failure;
      }
      return undefined;
    }
  }
}

/** Which way every transaction goes, nested ones included, judged on the state before any of them wrote. */
export function* choose(space: Workspace, request: TxnRequest, path: Map<TxnRequest, boolean>): Work<void> {
  let holds = true;
  for (const compare of request.compare) {
    if (!(yield* compareHolds(space, compare))) {
      holds = false;
      break;
    }
  }
  path.set(request, holds);
  for (const operation of holds ? request.success : request.failure) if (operation.type === 'txn') yield* choose(space, operation, path);
}

function* compareHolds(space: Workspace, compare: Compare): Work<boolean> {
  let holds = true;
  let seen = false;
  yield* eachLive(space.edit.root, compare, Number.MAX_SAFE_INTEGER, (_key, version) => {
    seen = true;
    holds = holdsFor(compare, version);
    return holds;
  });
  // A key that is not there has version, revisions and lease 0, and no value to compare.
  return seen ? holds : holdsFor(compare, undefined);
}

function holdsFor(compare: Compare, version: Version | undefined): boolean {
  let order: number;
  switch (compare.target) {
    case 'value':
      if (version === undefined) return false;
      order = compareBytes(version.value, compare.value);
      break;
    case 'lease': {
      const lease = version?.lease ?? 0n;
      order = lease < compare.lease ? -1 : lease > compare.lease ? 1 : 0;
      break;
    }
    case 'version':
      order = (version?.version ?? 0) - compare.number;
      break;
    case 'create':
      order = (version?.createRevision ?? 0) - compare.number;
      break;
    case 'mod':
      order = (version?.modRevision ?? 0) - compare.number;
      break;
  }
  switch (compare.result) {
    case 'equal':
      return order === 0;
    case 'notEqual':
      return order !== 0;
    case 'greater':
      return order > 0;
    case 'less':
      return order < 0;
  }
}

/** A key may be put once in a transaction, and not where a delete of the same list covers it, or one nested before. */
function hasDuplicates(operations: readonly TxnOperation[]): boolean {
  return writesOf(operations) === undefined;
}

/**
 * Keys put and ranges deleted; undefined: one is put twice on one path, or where it is deleted. etcd's rule, its corners
 * included: branches of a nested transaction exclude each other, and a nested delete behind a nested put is no conflict.
 */
function writesOf(operations: readonly TxnOperation[]): { readonly puts: readonly Uint8Array[]; readonly deletes: readonly KeyRange[] } | undefined {
  const puts: Uint8Array[] = [];
  const deletes: KeyRange[] = operations.filter((operation) => operation.type === 'delete');
  const isFree = (key: Uint8Array): boolean => !puts.some((other) => compareBytes(other, key) === 0) && !deletes.some((range) => isInRange(key, range));
  for (const operation of operations) {
    if (operation.type !== 'txn') continue;
    const [first, second] = [writesOf(operation.success), writesOf(operation.failure)];
    if (first === undefined || second === undefined || ![...first.puts, ...second.puts].every(isFree)) return undefined;
    puts.push(...first.puts, ...second.puts);
    deletes.push(...first.deletes, ...second.deletes);
  }
  for (const operation of operations) {
    if (operation.type !== 'put' && operation.type !== 'append') continue;
    if (!isFree(operation.key)) return undefined;
    puts.push(operation.key);
  }
  return { puts, deletes };
}

/** Carries out a checked request; its reads see what it wrote before. */
export function* perform(space: Workspace, request: Exclude<WriteRequest, { type: 'compact' }> | TxnOperation, path: ReadonlyMap<TxnRequest, boolean>): Work<TxnOperationResponse> {
  switch (request.type) {
    case 'range': {
      const revision = request.revision ?? 0;
      return yield* rangeOf(space.edit.root, request, revision === 0 ? Number.MAX_SAFE_INTEGER : revision);
    }
    case 'put':
      return space.put(request);
    case 'append':
      return space.append(request);
    case 'delete':
      return yield* space.delete(request);
    case 'txn': {
      const succeeded = path.get(request) === true;
      const responses: TxnOperationResponse[] = [];
      for (const operation of succeeded ? request.success : request.failure) {
        responses.push(yield* perform(space, operation, path));
        yield 2;
      }
      const response: TxnResponse = { type: 'txn', succeeded, responses };
      return response;
    }
  }
}
