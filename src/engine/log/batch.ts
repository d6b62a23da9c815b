// What a caller wants written, as records, and records as the bytes of one append.

import { assert } from '../../core/assert.ts';
import type { GroupId, LogIndex } from '../../core/raft/index.ts';
import type { LogGroup } from './group.ts';
import { RecordKind, encodeHardState, encodeMarker, encodeRecord, recordBytes } from './record.ts';
import type { RecordBody } from './record.ts';
import type { LogWrite } from './writes.ts';

const nothing = new Uint8Array(0);

/** A group's bounds as the batch moves them: everything is judged before anything is written. */
interface Bounds {
  firstIndex: LogIndex;
  lastIndex: LogIndex;
  markerIndex: LogIndex;
  term: number;
  hardState: Uint8Array;
}

/** The records that a batch becomes. Asserts the log's laws of each write, in order. */
export function recordsOf(batch: readonly LogWrite[], groupOf: (id: GroupId) => LogGroup): readonly RecordBody[] {
  const records: RecordBody[] = [];
  const bounds = new Map<GroupId, Bounds>();
  for (const write of batch) {
    let bound = bounds.get(write.group);
    if (bound === undefined) {
      const { firstIndex, lastIndex, marker, hardState } = groupOf(write.group).state;
      bound = { firstIndex, lastIndex, markerIndex: marker?.index ?? 0, term: hardState.term, hardState: encodeHardState(hardState) };
      bounds.set(write.group, bound);
    }
    push(records, write, bound);
  }
  return records;
}

function push(records: RecordBody[], write: LogWrite, bound: Bounds): void {
  const { group } = write;
  switch (write.type) {
    case 'entries':
      for (const { index, term, kind, data } of write.entries) {
        assert(index === bound.lastIndex + 1, 'a log has no gaps');
        bound.lastIndex = index;
        records.push({ kind: RecordKind.entry, detail: kind, group, term, index, payload: data });
      }
      break;
    case 'hardState':
      assert(write.hardState.term >= bound.term, 'a term never goes back');
      bound.term = write.hardState.term;
      bound.hardState = encodeHardState(write.hardState);
      records.push({ kind: RecordKind.hardState, detail: 0, group, term: bound.term, index: 0, payload: bound.hardState });
      break;
    case 'cut':
      // Law 4: a suffix cut is about a conflict, and what a snapshot holds was committed.
      assert(write.from >= bound.firstIndex && write.from > bound.markerIndex, 'a suffix cut leaves alone what is committed');
      if (write.from > bound.lastIndex) break;
      bound.lastIndex = write.from - 1;
      records.push({ kind: RecordKind.cut, detail: 0, group, term: bound.term, index: write.from, payload: nothing });
      // A vote may have been written behind the first void entry: it is said again, in the same durable step.
      records.push({ kind: RecordKind.hardState, detail: 0, group, term: bound.term, index: 0, payload: bound.hardState });
      break;
    case 'snapshot': {
      const { marker, reset } = write;
      assert(marker.index >= bound.markerIndex, 'a snapshot never goes back');
      assert(reset || marker.index <= bound.lastIndex, 'a snapshot of our own holds only what we hold');
      bound.markerIndex = marker.index;
      if (reset) {
        bound.firstIndex = marker.index + 1;
        bound.lastIndex = marker.index;
      }
      records.push({ kind: RecordKind.snapshot, detail: reset ? 1 : 0, group, term: marker.term, index: marker.index, payload: encodeMarker(marker) });
      break;
    }
    case 'drop':
      assert(write.through <= bound.markerIndex, 'only what a snapshot holds is dropped');
      if (write.through < bound.firstIndex) break;
      bound.firstIndex = write.through + 1;
      records.push({ kind: RecordKind.drop, detail: 0, group, term: bound.term, index: write.through, payload: nothing });
      break;
  }
}

/** How many of `records` from `from` on fit in `room` bytes, and what they take. */
export function fitting(records: readonly RecordBody[], from: number, room: number): { readonly to: number; readonly bytes: number } {
  let bytes = 0;
  let to = from;
  for (; to < records.length; to++) {
    const more = recordBytes(records[to]!.payload.length);
    if (bytes + more > room) break;
    bytes += more;
  }
  return { to, bytes };
}

/** The bytes of records `from` … `to`, as one batch at `position` of the segment. */
export function encodeBatch(
  records: readonly RecordBody[], from: number, to: number, bytes: number,
  segment: number, position: number, firstLsn: number,
): Uint8Array {
  const batch = new Uint8Array(bytes);
  const view = new DataView(batch.buffer);
  let at = 0;
  for (let i = from; i < to; i++) {
    const record = records[i]!;
    encodeRecord(batch, view, at, segment, position + at, firstLsn + i - from, at, record);
    at += recordBytes(record.payload.length);
  }
  return batch;
}
