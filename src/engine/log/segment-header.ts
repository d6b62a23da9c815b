// How a segment begins: whose it is, and where every group stood, so that nothing before it is needed to know that.

import { fail } from '../../core/errors.ts';
import { decodeConfiguration, encodeConfiguration } from '../../core/raft/index.ts';
import type { Configuration, GroupId, HardState, LogIndex, SnapshotMarker } from '../../core/raft/index.ts';
import { Reader, Writer, crc32c } from '../../core/wire/index.ts';
import { decodeHardState, decodeMarker, encodeHardState, encodeMarker } from './record.ts';

export const logVersion = 1;
/** `THLG`. */
const segmentMagic = 0x474c4854;
const prefixBytes = 12;
const looseFlag = 1;
const headerBytesMin = 64;
export const headerBytesMax: number = 16 << 20;

/** A configuration entry: a suffix cut goes back to the one before. */
export interface ConfigurationAt {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/** Where a group stands. */
export interface GroupCheckpoint {
  readonly group: GroupId;
  readonly hardState: HardState;
  readonly marker: SnapshotMarker | undefined;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  /** Those of live entries behind the marker, oldest first. */
  readonly configurations: readonly ConfigurationAt[];
}

export interface SegmentHeader {
  readonly cluster: number;
  readonly member: number;
  /** Random: records of a file's earlier life do not verify in this one. */
  readonly segment: number;
  readonly firstLsn: number;
  /** Where the segment before ends: what is missing there is damage, not a torn tail. 0: there is none. */
  readonly previousEnd: number;
  /** Batches were not synced one by one (durability `os`), so a crash may have taken any of those behind the newest note. */
  readonly isLoose: boolean;
  readonly groups: readonly GroupCheckpoint[];
}

/** magic u32 · version u16 · flags u16 · length u32 · fields · zeros up to a multiple of 8 · crc32c u32. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const body = new Writer(512);
  body.u53(header.cluster).u53(header.member).u53(header.segment).u53(header.firstLsn).u53(header.previousEnd);
  body.u32(header.groups.length);
  for (const { group, hardState, marker, firstIndex, lastIndex, configurations } of header.groups) {
    body.u32(group).raw(encodeHardState(hardState)).u53(firstIndex).u53(lastIndex);
    body.bytes(marker === undefined ? new Uint8Array(0) : encodeMarker(marker));
    body.u32(configurations.length);
    for (const { index, configuration } of configurations) body.u53(index).bytes(encodeConfiguration(configuration));
  }
  const fields = body.finish();
  const length = (prefixBytes + fields.length + 4 + 7) & ~7;
  const writer = new Writer(length);
  writer.u32(segmentMagic).u16(logVersion).u16(header.isLoose ? looseFlag : 0).u32(length).raw(fields);
  writer.raw(new Uint8Array(length - prefixBytes - fields.length - 4));
  return writer.u32(crc32c(writer.finish())).finish();
}

/** Length of the header that begins `bytes`, as it says itself; at least enough to judge it. */
export function claimedHeaderBytes(bytes: Uint8Array): number {
  return bytes.length < prefixBytes ? prefixBytes : new Reader(bytes.subarray(8)).u32();
}

export function decodeSegmentHeader(bytes: Uint8Array, file: string): { readonly header: SegmentHeader; readonly end: number } {
  // A header is durable before the file gets its name: there is no torn one.
  const damaged = (what: string): never => fail('CORRUPT', { detail: `a segment's header ${what}`, file, offset: 0, index: Number(/(\d{20})/.exec(file)?.[1] ?? 0) });
  if (bytes.length < prefixBytes) damaged('is cut short');
  const start = new Reader(bytes);
  if (start.u32() !== segmentMagic) damaged('does not begin like one');
  const version = start.u16();
  const flags = start.u16();
  const length = start.u32();
  if (length < headerBytesMin || length > headerBytesMax || length > bytes.length) damaged('has an impossible length');
  // The checksum first: a flipped version is damage, a sound one that we do not know is a later build's.
  if (new Reader(bytes.subarray(length - 4)).u32() !== crc32c(bytes.subarray(0, length - 4))) damaged('has a wrong checksum');
  if (version !== logVersion) fail('UNSUPPORTED', { detail: `a log of version ${version}; this build knows ${logVersion}`, file });
  if ((flags & ~looseFlag) !== 0) fail('UNSUPPORTED', { detail: 'a segment with a flag that a later build set', file });
  return { header: readFields(new Reader(bytes.subarray(prefixBytes, length - 4)), flags === looseFlag), end: length };
}

function readFields(reader: Reader, isLoose: boolean): SegmentHeader {
  const [cluster, member, segment, firstLsn, previousEnd] = [reader.u53(), reader.u53(), reader.u53(), reader.u53(), reader.u53()];
  const groups: GroupCheckpoint[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const group = reader.u32();
    const hardState = decodeHardState(reader.raw(24));
    const [firstIndex, lastIndex] = [reader.u53(), reader.u53()];
    const marker = reader.bytes();
    const configurations: ConfigurationAt[] = [];
    for (let count = reader.u32(); count > 0; count--) {
      configurations.push({ index: reader.u53(), configuration: decodeConfiguration(reader.bytes()) });
    }
    groups.push({ group, hardState, firstIndex, lastIndex, configurations, marker: marker.length === 0 ? undefined : decodeMarker(marker) });
  }
  return { cluster, member, segment, firstLsn, previousEnd, isLoose, groups };
}
