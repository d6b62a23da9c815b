// Reading a range of one version of the store, a step at a time.

import { compareBytes } from '../bytes.ts';
import { keyValueBytes } from './answer-size.ts';
import { Cursor, getFrom } from './ordered-map.ts';
import type { MapRoot } from './ordered-map.ts';
import type { KeyRange, KeyValue, RangeRequest, RangeResponse, Revision } from './request.ts';
import { isLive, toKeyValue, versionAt } from './version.ts';
import type { Version } from './version.ts';

/** What a step costs, handed out where work may pause. */
export type Work<T> = Generator<number, T, void>;

const noEnd = new Uint8Array(1);

/** Is `key` below the range's end? A single 0 byte is no end. */
export function endsBehind(key: Uint8Array, rangeEnd: Uint8Array): boolean {
  return (rangeEnd.length === 1 && rangeEnd[0] === 0) || compareBytes(key, rangeEnd) < 0;
}

export function isInRange(key: Uint8Array, range: KeyRange): boolean {
  if (range.rangeEnd === undefined || range.rangeEnd.length === 0) return compareBytes(key, range.key) === 0;
  return compareBytes(key, range.key) >= 0 && endsBehind(key, range.rangeEnd);
}

/** The keys alive in the range at `revision`, in order; pauses as it goes. */
export function* eachLive(root: MapRoot<Version>, range: KeyRange, revision: Revision, visit: (key: Uint8Array, version: Version) => boolean): Work<void> {
  if (range.rangeEnd === undefined || range.rangeEnd.length === 0) {
    const version = versionAt(getFrom(root, range.key), revision);
    if (isLive(version)) visit(range.key, version);
    return;
  }
  const rangeEnd = range.rangeEnd.length === 0 ? noEnd : range.rangeEnd;
  let sinceYield = 0;
  for (const cursor = new Cursor(root, range.key); !cursor.done; cursor.next()) {
    const { key } = cursor;
    if (!endsBehind(key, rangeEnd)) return;
    const version = versionAt(cursor.value, revision);
    if (isLive(version) && !visit(key, version)) return;
    if (++sinceYield === 64) {
      sinceYield = 0;
      yield 64;
    }
  }
}

/** What an answer may still hold. */
export interface Room {
  left: number;
}

/** Does it still fit? False from the first that does not. */
export function takeRoom(room: Room, key: Uint8Array, value: Uint8Array | undefined): boolean {
  room.left -= keyValueBytes + key.length + (value?.length ?? 0);
  return room.left >= 0;
}

/**
 * etcd's range: `count` is of the whole range, filters and sorting come before the limit. Where `room` is used up the
 * answer is not whole, and must be refused.
 */
export function* rangeOf(root: MapRoot<Version>, request: RangeRequest, revision: Revision, room?: Room): Work<RangeResponse> {
  const { sort, limit = 0, countOnly = false } = request;
  const filters = hasFilters(request);
  // Sorting by anything but the ascending key, and filters, need everything before the limit can be applied.
  const buffered = filters || (sort !== undefined && !(sort.target === 'key' && sort.order === 'ascend'));
  const found: { readonly key: Uint8Array; readonly version: Version }[] = [];
  let count = 0;
  yield* eachLive(root, request, revision, (key, version) => {
    count++;
    if (countOnly || (filters && !passes(request, version))) return true;
    if (buffered || limit === 0 || found.length < limit) found.push({ key, version });
    return true;
  });
  if (countOnly) return { type: 'range', kvs: [], more: false, count };
  if (sort !== undefined && buffered) {
    const direction = sort.order === 'descend' ? -1 : 1;
    found.sort((a, b) => direction * compareBy(sort.target, a, b));
    yield found.length;
  }
  const total = filters ? found.length : count;
  const more = limit > 0 && total > limit;
  const kvs: KeyValue[] = [];
  for (const { key, version } of more ? found.slice(0, limit) : found) {
    if (room !== undefined && !takeRoom(room, key, request.keysOnly === true ? undefined : version.value)) break;
    kvs.push(toKeyValue(key, version, request.keysOnly !== true));
    if (kvs.length % 256 === 0) yield 64;
  }
  return { type: 'range', kvs, more, count };
}

function hasFilters(request: RangeRequest): boolean {
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request;
  return minModRevision + maxModRevision + minCreateRevision + maxCreateRevision > 0;
}

function passes(request: RangeRequest, version: Version): boolean {
  const within = (revision: Revision, min = 0, max = 0): boolean => (min === 0 || revision >= min) && (max === 0 || revision <= max);
  return (
    within(version.modRevision, request.minModRevision, request.maxModRevision) &&
    within(version.createRevision, request.minCreateRevision, request.maxCreateRevision)
  );
}

type Found = { readonly key: Uint8Array; readonly version: Version };

function compareBy(target: NonNullable<RangeRequest['sort']>['target'], a: Found, b: Found): number {
  switch (target) {
    case 'key':
      return compareBytes(a.key, b.key);
    case 'version':
      return a.version.version - b.version.version;
    case 'create':
      return a.version.createRevision - b.version.createRevision;
    case 'mod':
      return a.version.modRevision - b.version.modRevision;
    case 'value':
      return compareBytes(a.version.value, b.version.value);
  }
}
