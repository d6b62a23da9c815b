// One record's bytes, version 1 of the log. docs/internals/log-format.md shows them as a table.

import { assert } from '../../core/assert.ts';
import { fail } from '../../core/errors.ts';
import type { GroupId, HardState, LogIndex, SnapshotMarker, Term } from '../../core/raft/index.ts';
import { EntryKind, decodeConfiguration, encodeConfiguration } from '../../core/raft/index.ts';
import { Reader, Writer, crc32c } from '../../core/wire/index.ts';

export const recordHeadBytes = 48;

export const RecordKind = { entry: 1, hardState: 2, cut: 3, snapshot: 4, drop: 5 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** What a record says, wherever it is. Reading it back does the same to a group as having written it. */
export interface RecordBody {
  readonly kind: RecordKind;
  /** Of an entry: its {@link EntryKind}. Of a snapshot: 1 if it replaces everything. */
  readonly detail: number;
  readonly group: GroupId;
  readonly term: Term;
  readonly index: LogIndex;
  readonly payload: Uint8Array;
}

/** As found in a file: whole, though perhaps of a kind that only a later build knows. */
export interface StoredRecord extends Omit<RecordBody, 'kind'> {
  readonly kind: number;
  readonly lsn: number;
  /** From this record back to the first byte of the batch it was written with. */
  readonly batchOffset: number;
  readonly position: number;
  /** Where the next record begins. */
  readonly end: number;
}

/** Bytes a record takes, padding included. */
export function recordBytes(payloadLength: number): number {
  return (recordHeadBytes + payloadLength + 7) & ~7;
}

const seedBytes = new Uint8Array(16);
const seedView = new DataView(seedBytes.buffer);

/**
 * Of everything in the record but length and checksum; the seed holds the length, and where the record belongs: the
 * segment's random id and the position in it. So neither a recycled file's earlier life nor a write that went astray
 * verifies, whatever it says.
 */
function recordCrc(segment: number, position: number, bytes: Uint8Array, at: number, length: number): number {
  seedView.setUint32(0, segment % 0x1_0000_0000, true);
  seedView.setUint32(4, Math.floor(segment / 0x1_0000_0000), true);
  seedView.setUint32(8, position, true);
  seedView.setUint32(12, length, true);
  return crc32c(bytes.subarray(at + 8, at + recordHeadBytes + length), crc32c(seedBytes));
}

/** Writes the record at `at` of `into`, which is zero there, for `position` of the segment. */
export function encodeRecord(into: Uint8Array, view: DataView, at: number, segment: number, position: number, lsn: number, batchOffset: number, body: RecordBody): void {
  const { length } = body.payload;
  assert(position + recordBytes(length) <= 0xffff_ffff, 'positions in a segment fit 32 bits');
  view.setUint32(at, length, true);
  into[at + 8] = body.kind;
  into[at + 9] = body.detail;
  view.setUint32(at + 12, body.group, true);
  writeU53(view, at + 16, body.term);
  writeU53(view, at + 24, body.index);
  writeU53(view, at + 32, lsn);
  view.setUint32(at + 40, batchOffset, true);
  into.set(body.payload, at + recordHeadBytes);
  view.setUint32(at + 4, recordCrc(segment, position, into, at, length), true);
}

/** How long the payload claims to be, before anything is verified. */
export function claimedLength(view: DataView, at: number): number {
  return view.getUint32(at, true);
}

/** The record at `at` of `bytes`, if one verifies there as the one at `position`. The payload is a view. */
export function readRecord(bytes: Uint8Array, view: DataView, at: number, segment: number, position: number): StoredRecord | undefined {
  if (at + recordHeadBytes > bytes.length) return undefined;
  const kind = bytes[at + 8]!;
  if (kind === 0) return undefined;
  const length = claimedLength(view, at);
  if (length > bytes.length - at - recordHeadBytes) return undefined;
  if (view.getUint32(at + 4, true) !== recordCrc(segment, position, bytes, at, length)) return undefined;
  return {
    kind,
    detail: bytes[at + 9]!,
    group: view.getUint32(at + 12, true),
    term: readU53(view, at + 16),
    index: readU53(view, at + 24),
    lsn: readU53(view, at + 32),
    batchOffset: view.getUint32(at + 40, true),
    position,
    end: position + recordBytes(length),
    payload: bytes.subarray(at + recordHeadBytes, at + recordHeadBytes + length),
  };
}

/** The lsn and batch offset that a record at `at` would have: cheap to look at before a checksum is computed. */
export function claimedPlace(view: DataView, at: number): { readonly lsn: number; readonly batchOffset: number } {
  return { lsn: readU53(view, at + 32), batchOffset: view.getUint32(at + 40, true) };
}

const recordKinds = new Set<number>(Object.values(RecordKind));
const entryKinds = new Map<number, EntryKind>(Object.values(EntryKind).map((kind) => [kind, kind]));

export function isRecordKind(kind: number): kind is RecordKind {
  return recordKinds.has(kind);
}

export function entryKindOf(detail: number): EntryKind {
  return entryKinds.get(detail) ?? fail('UNSUPPORTED', { detail: `an entry of kind ${detail}, which a later build wrote` });
}

export function encodeHardState(state: HardState): Uint8Array {
  return new Writer(24).u53(state.term).u53(state.vote).u53(state.commit).finish();
}

export function decodeHardState(bytes: Uint8Array): HardState {
  const reader = new Reader(bytes);
  return { term: reader.u53(), vote: reader.u53(), commit: reader.u53() };
}

export function encodeMarker(marker: SnapshotMarker): Uint8Array {
  const writer = new Writer(128).u53(marker.index).u53(marker.term).u53(marker.producer).u53(marker.id);
  return writer.bytes(encodeConfiguration(marker.configuration)).finish();
}

export function decodeMarker(bytes: Uint8Array): SnapshotMarker {
  const reader = new Reader(bytes);
  const [index, term, producer, id] = [reader.u53(), reader.u53(), reader.u53(), reader.u53()];
  return { index, term, producer, id, configuration: decodeConfiguration(reader.bytes()) };
}

function writeU53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function readU53(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}
