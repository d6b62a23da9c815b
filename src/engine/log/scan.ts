// Reading a segment back, and telling a torn tail from damage.
//
// What was synced must be there: below the newest note everything is, and above it everything but the last batch,
// because a batch is only begun when the one before is durable. So a record that does not verify is
//   damage   if it lies below the note, if a record of a later batch follows, or if the segment is not the last;
//   torn     if nothing that verifies follows, or only records of its own batch while a whole sector of it was
//            never written (segments are zeroed before use, and a disk writes sectors whole).

import { fail } from '../../core/errors.ts';
import { readRecord, recordHeadBytes } from './format.ts';
import type { Note, StoredRecord } from './format.ts';

const sectorBytes = 512;

export interface Scan {
  readonly records: readonly StoredRecord[];
  /** Where the next record goes. */
  readonly end: number;
  /** Bytes behind `end` that are not zero: the torn tail, to be removed. */
  readonly tornBytes: number;
}

export interface ScanContext {
  readonly file: string;
  readonly segment: number;
  readonly firstLsn: number;
  readonly note: Note | undefined;
  /** For a segment that has a successor: where it ends, as the successor says. */
  readonly sealedEnd: number | undefined;
}

export function scanSegment(bytes: Uint8Array, start: number, context: ScanContext): Scan {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: StoredRecord[] = [];
  let position = start;
  for (;;) {
    const record = readRecord(bytes, view, 0, position, context.segment);
    if (record?.lsn !== context.firstLsn + records.length) break;
    records.push(record);
    position = record.end;
  }
  const nextLsn = context.firstLsn + records.length;
  const damaged = (detail: string): never => fail('CORRUPT', { detail, file: context.file, offset: position, index: nextLsn });
  if (context.sealedEnd !== undefined) {
    if (position !== context.sealedEnd) damaged('a record inside a finished segment does not verify');
    return { records, end: position, tornBytes: 0 };
  }
  if (context.note !== undefined && position < context.note.end) damaged('a record that was durable does not verify');
  const follower = findRecord(bytes, view, position + 8, context.segment);
  if (follower !== undefined) {
    if (follower.position - follower.batchOffset > position) damaged('a record does not verify, and later batches follow it');
    if (!hasUnwrittenSector(bytes, position, follower.position)) damaged('a record does not verify inside its batch');
  }
  return { records, end: position, tornBytes: lastNonZero(bytes, position) - position };
}

/** The first record that verifies at or behind `from`. The seeded checksum makes a chance find as good as impossible. */
function findRecord(bytes: Uint8Array, view: DataView, from: number, segment: number): StoredRecord | undefined {
  for (let position = from; position + recordHeadBytes <= bytes.length; position += 8) {
    const kind = bytes[position + 8]!;
    if (kind === 0 || kind > 5) continue;
    const record = readRecord(bytes, view, 0, position, segment);
    if (record !== undefined) return record;
  }
  return undefined;
}

function hasUnwrittenSector(bytes: Uint8Array, from: number, to: number): boolean {
  // Also the sector in which `from` lies may have been left out by the disk, but then what precedes would be gone too.
  for (let sector = Math.ceil(from / sectorBytes) * sectorBytes; sector + sectorBytes <= to; sector += sectorBytes) {
    if (lastNonZero(bytes, sector, sector + sectorBytes) === sector) return true;
  }
  return false;
}

/** The position behind the last byte of [from, to) that is not zero; `from` if there is none. */
export function lastNonZero(bytes: Uint8Array, from: number, to: number = bytes.length): number {
  let at = to;
  while (at > from && bytes[at - 1] === 0) at--;
  return at;
}
