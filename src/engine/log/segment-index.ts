// The file beside a segment: one fixed-width note per batch, appended unsynced after the batch's sync. The newest
// note is how far the segment certainly was durable; all of them together find a batch by its lsn without reading
// the segment. Whatever is missing or damaged here is written again from the segment: it is never trusted for more
// than a lower bound.

import { Reader, Writer, crc32c } from '../../core/wire/index.ts';
import type { Term } from '../../core/raft/index.ts';
import { logVersion } from './segment-header.ts';

/** `THIX`. */
const indexMagic = 0x58494854;
export const indexHeadBytes = 32;
export const noteBytes = 32;

/** How far the segment was durable when this was written: behind the batch that ends at `end`. */
export interface Note {
  /** Of the batch's last record. */
  readonly lsn: number;
  readonly term: Term;
  readonly end: number;
}

export function notePosition(slot: number): number {
  return indexHeadBytes + slot * noteBytes;
}

/** magic u32 · version u16 · 0 u16 · segment u53 · first lsn u53 · crc32c u32 · 0 u32. */
export function encodeIndexHead(segment: number, firstLsn: number): Uint8Array {
  const writer = new Writer(indexHeadBytes).u32(indexMagic).u16(logVersion).u16(0).u53(segment).u53(firstLsn);
  return writer.u32(crc32c(writer.finish())).u32(0).finish();
}

/** lsn u53 · term u53 · end u32 · 0 u32 · crc32c u32 · 0 u32; the checksum is seeded with segment and slot. */
export function encodeNote(segment: number, slot: number, note: Note): Uint8Array {
  const writer = new Writer(noteBytes).u53(note.lsn).u53(note.term).u32(note.end).u32(0);
  return writer.u32(crc32c(writer.finish(), seedOf(segment, slot))).u32(0).finish();
}

function seedOf(segment: number, slot: number): number {
  return crc32c(new Writer(12).u53(segment).u32(slot).finish());
}

function decodeNote(bytes: Uint8Array, segment: number, slot: number): Note | undefined {
  if (new Reader(bytes.subarray(24)).u32() !== crc32c(bytes.subarray(0, 24), seedOf(segment, slot))) return undefined;
  const reader = new Reader(bytes);
  return { lsn: reader.u53(), term: reader.u53(), end: reader.u32() };
}

/**
 * The newest note of an index file. It stands even where the file's head or earlier notes are damaged, because it
 * verifies by itself; and where it is damaged itself, an older one is a bound as true.
 */
export function newestNote(bytes: Uint8Array, segment: number): Note | undefined {
  for (let slot = Math.floor((bytes.length - indexHeadBytes) / noteBytes) - 1; slot >= 0; slot--) {
    const at = notePosition(slot);
    const note = decodeNote(bytes.subarray(at, at + noteBytes), segment, slot);
    if (note !== undefined) return note;
  }
  return undefined;
}

/** The whole file, as it would be had no note been lost. */
export function encodeIndex(segment: number, firstLsn: number, notes: readonly Note[]): Uint8Array {
  const writer = new Writer(notePosition(notes.length)).raw(encodeIndexHead(segment, firstLsn));
  notes.forEach((note, slot) => writer.raw(encodeNote(segment, slot, note)));
  return writer.finish();
}
