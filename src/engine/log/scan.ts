// Reading a segment back, and telling a torn tail from damage.
//
// A batch is begun only when the one before is durable. So below the newest note, and before any record of a later
// batch, everything was synced, and what does not verify there is damage (law 7): refused, never cut. What remains
// is the last batch, whose sync may never have returned. A crash leaves any of its sectors unwritten, and those read
// as zeros, because segments are zeroed before use. So if a later record of the same batch verifies, an earlier one
// that does not is torn only if a whole sector of it was never written; bytes that merely changed are damage.
//
//   |…verified…|▒ damaged ▒|… zeros …                                        torn: cut
//   |…verified…|▒ damaged ▒|…|record of a later batch|                       damage
//   |…verified…|▒▒▒00000000▒▒▒|record of the same batch|                     torn: cut
//   |…verified…|▒▒▒▒▒▒▒▒▒|record of the same batch|                          damage

import { fail } from '../../core/errors.ts';
import type { DiskFile } from '../ports.ts';
import { claimedLength, claimedPlace, readRecord, recordHeadBytes } from './record.ts';
import type { StoredRecord } from './record.ts';
import type { Note } from './segment-index.ts';
import { SegmentWindow } from './segment-window.ts';

const sectorBytes = 512;

export interface Scan {
  readonly records: number;
  /** Where the next record goes. */
  readonly end: number;
  /** Bytes behind `end` up to the last one that is not zero: the torn tail, to be zeroed. */
  readonly tornBytes: number;
  /** One note per batch, as the index file should have them. */
  readonly notes: readonly Note[];
}

export interface ScanContext {
  readonly path: string;
  readonly file: DiskFile;
  readonly size: number;
  readonly headerBytes: number;
  readonly segment: number;
  readonly firstLsn: number;
  readonly note: Note | undefined;
  /** For a segment that has a successor: where it ends, as the successor says. */
  readonly sealedEnd: number | undefined;
  /** Were batches not synced one by one? Then a later one says nothing of an earlier one. */
  readonly isLoose: boolean;
  /** Called with each record in order; its payload is a view, valid during the call. */
  readonly each: (record: StoredRecord) => void;
}

export async function scanSegment(context: ScanContext): Promise<Scan> {
  const window = new SegmentWindow(context.file, context.size);
  const { records, end, notes } = await readRecords(window, context);
  const damaged = (detail: string): never => fail('CORRUPT', { detail, file: context.path, offset: end, index: context.firstLsn + records });
  if (context.sealedEnd !== undefined) {
    if (end !== context.sealedEnd || end > context.size) damaged('a record inside a finished segment does not verify');
    return { records, end, notes, tornBytes: 0 };
  }
  const durable = context.note?.end ?? context.headerBytes;
  if (end < durable) damaged('a record that was durable does not verify');
  if (context.size < durable) damaged('the file is shorter than it was when it was last made durable');
  const tail = await readTail(window, context, end, context.firstLsn + records);
  if (context.isLoose) return { records, end, notes, tornBytes: Math.max(0, tail.end - end) };
  if (tail.later) damaged('a record does not verify, and later batches follow it');
  if (tail.same !== undefined && !(await hasUnwrittenSector(window, end, tail.same))) damaged('a record does not verify inside its batch');
  return { records, end, notes, tornBytes: Math.max(0, tail.end - end) };
}

async function readRecords(window: SegmentWindow, context: ScanContext): Promise<{ records: number; end: number; notes: Note[] }> {
  const notes: Note[] = [];
  let records = 0;
  let end = context.headerBytes;
  for (;;) {
    if (!window.holds(end, recordHeadBytes)) await window.hold(end, recordHeadBytes);
    const at = end - window.base;
    if (at + recordHeadBytes > window.bytes.length) break;
    const length = recordHeadBytes + claimedLength(window.view, at);
    if (end + length > context.size) break;
    if (!window.holds(end, length)) {
      await window.hold(end, length);
      continue;
    }
    const record = readRecord(window.bytes, window.view, at, context.segment, end);
    if (record?.lsn !== context.firstLsn + records) break;
    context.each(record);
    const note = { lsn: record.lsn, term: record.term, end: record.end };
    if (record.batchOffset === 0 || notes.length === 0) notes.push(note);
    else notes[notes.length - 1] = note;
    records++;
    end = record.end;
  }
  return { records, end, notes };
}

interface Tail {
  /** Behind the last byte that is not zero. */
  end: number;
  /** Does a record of a later batch verify? */
  later: boolean;
  /** Of the first verifying record that belongs to the same batch as `from`: where it is, and where the batch began. */
  same: Follower | undefined;
}

interface Follower {
  readonly position: number;
  readonly batchStart: number;
}

/** Looks at everything behind the last record that verifies. A seeded checksum that fits by chance is as good as impossible. */
async function readTail(window: SegmentWindow, context: ScanContext, from: number, lsn: number): Promise<Tail> {
  const tail: Tail = { end: from, later: false, same: undefined };
  for (let position = from; position < context.size; position += 8) {
    if (!window.holds(position, recordHeadBytes)) await window.hold(position, recordHeadBytes);
    position = skipZeros(window, position);
    const at = position - window.base;
    for (let i = Math.min(8, window.bytes.length - at) - 1; i >= 0; i--) {
      if (window.bytes[at + i] === 0) continue;
      tail.end = position + i + 1;
      break;
    }
    if (position === from || at + recordHeadBytes > window.bytes.length || !isPlausible(window, at, context, lsn)) continue;
    await window.hold(position, recordHeadBytes + claimedLength(window.view, at));
    const record = readRecord(window.bytes, window.view, position - window.base, context.segment, position);
    if (record === undefined) continue;
    const batchStart = position - record.batchOffset;
    if (batchStart > from) tail.later = true;
    else tail.same ??= { position, batchStart };
  }
  return tail;
}

/** To the last eight zero bytes in a row that the window surely holds: most of a segment that was zeroed ahead. */
function skipZeros({ bytes, view, base }: SegmentWindow, position: number): number {
  const last = bytes.length - 2 * recordHeadBytes;
  let at = position - base;
  while (at < last && view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) === 0) at += 8;
  return base + at;
}

/** Cheap looks before the checksum, which costs as many bytes as the would-be record claims. */
function isPlausible(window: SegmentWindow, at: number, context: ScanContext, lsn: number): boolean {
  const kind = window.bytes[at + 8]!;
  if (kind === 0 || window.base + at + recordHeadBytes + claimedLength(window.view, at) > context.size) return false;
  const place = claimedPlace(window.view, at);
  return place.lsn > lsn && place.lsn <= lsn + context.size / recordHeadBytes && place.batchOffset <= window.base + at - context.headerBytes;
}

/**
 * Is a sector between the damage and its follower still as it was before the batch was written? Sectors are written
 * whole. That in which the damage begins may hold the end of the batch before, and of the batch nothing but the zeros
 * in which a record that verifies ends.
 */
async function hasUnwrittenSector(window: SegmentWindow, from: number, { position, batchStart }: Follower): Promise<boolean> {
  const first = Math.floor(from / sectorBytes) * sectorBytes;
  const begin = Math.max(first, batchStart);
  await window.hold(begin, position - begin);
  const isZero = (start: number, end: number): boolean => window.bytes.subarray(start - window.base, end - window.base).every((byte) => byte === 0);
  for (let sector = first; sector + sectorBytes <= position; sector += sectorBytes) {
    if (isZero(Math.max(sector, begin), sector + sectorBytes)) return true;
  }
  return false;
}
