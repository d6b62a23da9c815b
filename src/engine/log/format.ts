// The log's bytes, version 1. docs/internals/log-format.md is the same in tables.

import { fail } from '../../core/errors.ts';
import { decodeConfiguration, encodeConfiguration } from '../../core/raft/index.ts';
import type { Configuration, Entry, EntryKind, GroupId, HardState, LogIndex, SnapshotMarker, Term } from '../../core/raft/index.ts';
import { Reader, Writer, crc32c } from '../../core/wire/index.ts';

export const logVersion = 1;
const segmentMagic = 0x474c4854;
const noteMagic = 0x544e4854;
export const recordHeadBytes = 48;
export const noteBytes = 48;
const headerBytesMax = 16 << 20;

export const RecordKind = { entry: 1, hardState: 2, cut: 3, snapshot: 4, drop: 5 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** Where a group stands at the start of a segment: what lies before the segment is not needed to know it. */
export interface GroupCheckpoint {
  readonly group: GroupId;
  readonly hardState: HardState;
  readonly marker: SnapshotMarker | undefined;
  readonly configuration: Configuration;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
}

export interface SegmentHeader {
  readonly cluster: number;
  readonly member: number;
  /** Random: records of a file's earlier life do not verify in this one. */
  readonly segment: number;
  readonly firstLsn: number;
  /** Where the segment before ends: a record missing there is damage, not a torn tail. 0: there is none. */
  readonly previousEnd: number;
  readonly groups: readonly GroupCheckpoint[];
}

export interface RecordHead {
  readonly kind: RecordKind;
  readonly group: GroupId;
  readonly term: Term;
  readonly index: LogIndex;
  readonly lsn: number;
  /** From this record back to the first byte of the batch it was written with. */
  readonly batchOffset: number;
}

export interface StoredRecord extends RecordHead {
  readonly position: number;
  /** Where the next record begins. */
  readonly end: number;
  readonly payload: Uint8Array;
}

export const align = (bytes: number): number => (bytes + 7) & ~7;

export function encodeMarkerBytes(marker: SnapshotMarker): Uint8Array {
  const writer = new Writer(128);
  writer.u53(marker.index).u53(marker.term).u53(marker.producer).u53(marker.id).bytes(encodeConfiguration(marker.configuration));
  return writer.finish();
}

export function decodeMarkerBytes(bytes: Uint8Array): SnapshotMarker {
  const reader = new Reader(bytes);
  const [index, term, producer, id] = [reader.u53(), reader.u53(), reader.u53(), reader.u53()];
  return { index, term, producer, id, configuration: decodeConfiguration(reader.bytes()) };
}

function writeHardState(writer: Writer, state: HardState): void {
  writer.u53(state.term).u53(state.vote).u53(state.commit);
}

function readHardState(reader: Reader): HardState {
  return { term: reader.u53(), vote: reader.u53(), commit: reader.u53() };
}

/** magic u32 · version u16 · 0 u16 · length u32 · fields · crc32c u32, padded with zeros to 8. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const body = new Writer(512);
  body.u53(header.cluster).u53(header.member).u53(header.segment).u53(header.firstLsn).u53(header.previousEnd).u32(header.groups.length);
  for (const { group, hardState, marker, configuration, firstIndex, lastIndex } of header.groups) {
    body.u32(group);
    writeHardState(body, hardState);
    body.u53(firstIndex).u53(lastIndex).bytes(encodeConfiguration(configuration));
    body.bytes(marker === undefined ? new Uint8Array(0) : encodeMarkerBytes(marker));
  }
  const fields = body.finish();
  const length = align(12 + fields.length + 4);
  const writer = new Writer(length);
  writer.u32(segmentMagic).u16(logVersion).u16(0).u32(length).raw(fields);
  writer.raw(new Uint8Array(length - 12 - fields.length - 4));
  writer.u32(crc32c(writer.finish()));
  return writer.finish();
}

export function decodeSegmentHeader(bytes: Uint8Array, file: string): { readonly header: SegmentHeader; readonly end: number } {
  const damaged = (what: string): never => fail('CORRUPT', { detail: `a segment's header ${what}`, file, offset: 0, index: Number(file.match(/(\d{20})/)?.[1] ?? 0) });
  if (bytes.length < 12) damaged('is cut short');
  const start = new Reader(bytes);
  if (start.u32() !== segmentMagic) damaged('does not begin like one');
  const version = start.u16();
  start.u16();
  const length = start.u32();
  if (length < 64 || length > headerBytesMax || length > bytes.length) damaged('has an impossible length');
  // The checksum first: a flipped version is damage, a sound one that we do not know is a later build's.
  if (new Reader(bytes.subarray(length - 4)).u32() !== crc32c(bytes.subarray(0, length - 4))) damaged('has a wrong checksum');
  if (version !== logVersion) fail('UNSUPPORTED', { detail: `a log of version ${version}; this build knows ${logVersion}`, file });
  const reader = new Reader(bytes.subarray(12, length - 4));
  const [cluster, member, segment, firstLsn, previousEnd] = [reader.u53(), reader.u53(), reader.u53(), reader.u53(), reader.u53()];
  const groups: GroupCheckpoint[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const group = reader.u32();
    const hardState = readHardState(reader);
    const [firstIndex, lastIndex] = [reader.u53(), reader.u53()];
    const configuration = decodeConfiguration(reader.bytes());
    const marker = reader.bytes();
    groups.push({ group, hardState, firstIndex, lastIndex, configuration, marker: marker.length === 0 ? undefined : decodeMarkerBytes(marker) });
  }
  return { header: { cluster, member, segment, firstLsn, previousEnd, groups }, end: length };
}

const seedBytes = new Uint8Array(16);
const seedView = new DataView(seedBytes.buffer);

/** Of everything in the record but the checksum itself, seeded with where it belongs. */
function recordCrc(segment: number, position: number, bytes: Uint8Array, at: number, length: number): number {
  seedView.setUint32(0, segment % 0x1_0000_0000, true);
  seedView.setUint32(4, Math.floor(segment / 0x1_0000_0000), true);
  seedView.setUint32(8, position, true);
  seedView.setUint32(12, length, true);
  return crc32c(bytes.subarray(at + 8, at + recordHeadBytes + length), crc32c(seedBytes));
}

/** Bytes a record takes, padding included. */
export function recordBytes(payloadLength: number): number {
  return align(recordHeadBytes + payloadLength);
}

/** Writes the record at `at` of `into`, for `position` of the segment; the payload is already in its place. */
export function sealRecord(into: Uint8Array, view: DataView, at: number, payloadLength: number, segment: number, position: number, head: RecordHead): void {
  view.setUint32(at, payloadLength, true);
  into[at + 8] = head.kind;
  view.setUint32(at + 12, head.group, true);
  writeU53(view, at + 16, head.term);
  writeU53(view, at + 24, head.index);
  writeU53(view, at + 32, head.lsn);
  view.setUint32(at + 40, head.batchOffset, true);
  view.setUint32(at + 4, recordCrc(segment, position, into, at, payloadLength), true);
}

function writeU53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function readU53(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}

/** The record at `position`, if one verifies there. `bytes` holds the segment from `base` on; the payload is a view. */
export function readRecord(bytes: Uint8Array, view: DataView, base: number, position: number, segment: number): StoredRecord | undefined {
  const at = position - base;
  if (at + recordHeadBytes > bytes.length) return undefined;
  const kind = bytes[at + 8]!;
  if (kind === 0) return undefined;
  const length = view.getUint32(at, true);
  if (length > bytes.length - at - recordHeadBytes) return undefined;
  if (view.getUint32(at + 4, true) !== recordCrc(segment, position, bytes, at, length)) return undefined;
  return {
    kind: kind as RecordKind,
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

export function toEntry(record: StoredRecord): Entry {
  return { index: record.index, term: record.term, kind: record.payload[0] as EntryKind, data: record.payload.slice(1) };
}

export function encodeHardState(state: HardState): Uint8Array {
  const writer = new Writer(24);
  writeHardState(writer, state);
  return writer.finish();
}

export function decodeHardState(bytes: Uint8Array): HardState {
  return readHardState(new Reader(bytes));
}

/** How far the segment was durable when this was written. */
export interface Note {
  readonly segment: number;
  readonly lsn: number;
  readonly term: Term;
  readonly end: number;
}

export function encodeNote(note: Note): Uint8Array {
  const writer = new Writer(noteBytes);
  writer.u32(noteMagic).u16(logVersion).u16(0).u53(note.segment).u53(note.lsn).u53(note.term).u53(note.end);
  writer.u32(crc32c(writer.finish())).u32(0);
  return writer.finish();
}

/** Undefined: none, or none that can be trusted. It is only ever a lower bound, so that is safe. */
export function decodeNote(bytes: Uint8Array, segment: number): Note | undefined {
  if (bytes.length < noteBytes) return undefined;
  const reader = new Reader(bytes);
  if (reader.u32() !== noteMagic || reader.u16() !== logVersion) return undefined;
  reader.u16();
  if (new Reader(bytes.subarray(40)).u32() !== crc32c(bytes.subarray(0, 40))) return undefined;
  const note = { segment: reader.u53(), lsn: reader.u53(), term: reader.u53(), end: reader.u53() };
  return note.segment === segment ? note : undefined;
}
