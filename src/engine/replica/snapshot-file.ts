// A snapshot on disk, version 1: a header, blocks, an end. docs/internals/snapshot-format.md has the table.
//
//   magic 'THSN' u32 · version u16 · group u32 · cluster u53 · marker (length, bytes) · crc u32 of all before
//   block*: length u32 > 0 · crc u32 · bytes          end: 0 u32 · crc u32 of the count of blocks (u32)
//
// Block checksums are seeded with the block's number, so that blocks can neither be lost nor change places unseen.

import { fail } from '../../core/errors.ts';
import type { GroupId, SnapshotMarker } from '../../core/raft/index.ts';
import { Reader, Writer, crc32c } from '../../core/wire/index.ts';
import { decodeMarker, encodeMarker } from '../peers/message-codec.ts';
import { DiskError } from '../ports.ts';
import type { Clock, Disk, DiskFile } from '../ports.ts';
import { sleep } from '../slice.ts';
import type { StateMachine, StateRestore, StateSnapshot } from './state-machine.ts';

const magic = 0x4e534854;
const version = 1;
const headerBytesMax = 1 << 20;

export interface SnapshotHeader {
  readonly group: GroupId;
  readonly cluster: number;
  readonly marker: SnapshotMarker;
}

/** Where a group's snapshot lies; the name says everything that tells it from others. */
export function snapshotPath(directory: string, group: GroupId, marker: SnapshotMarker): string {
  const index = String(marker.index).padStart(20, '0');
  return `${directory}/${group}-${index}-${marker.producer.toString(16)}-${marker.id}.snap`;
}

function encodeHeader(header: SnapshotHeader): Uint8Array {
  const marker = new Writer();
  encodeMarker(marker, header.marker);
  const writer = new Writer(256);
  writer.u32(magic).u16(version).u32(header.group).u53(header.cluster).bytes(marker.finish());
  writer.u32(crc32c(writer.finish()));
  return writer.finish();
}

const u32 = (value: number): Uint8Array => new Writer(4).u32(value).finish();

/** Writes the file and makes it durable under its final name. Throttled; a turn of the loop between blocks. */
export async function writeSnapshot(
  ports: { readonly disk: Disk; readonly clock: Clock },
  directory: string,
  header: SnapshotHeader,
  snapshot: StateSnapshot,
  bytesPerSecond: number,
): Promise<{ readonly path: string; readonly bytes: number }> {
  const path = snapshotPath(directory, header.group, header.marker);
  const temporary = `${path}.tmp`;
  await ports.disk.remove(temporary);
  const file = await ports.disk.open(temporary, { create: 'must' });
  let position = 0;
  const put = async (parts: readonly Uint8Array[]): Promise<void> => {
    await file.write(position, parts);
    position += parts.reduce((sum, part) => sum + part.length, 0);
  };
  try {
    await put([encodeHeader(header)]);
    let blocks = 0;
    for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) {
      if (block.length === 0) continue;
      const started = ports.clock.now();
      await put([u32(block.length), u32(crc32c(block, blocks)), block]);
      blocks++;
      const due = (block.length / bytesPerSecond) * 1000 - (ports.clock.now() - started);
      if (due > 1) await sleep(ports.clock, due);
    }
    await put([u32(0), u32(crc32c(u32(blocks)))]);
    await file.sync();
  } finally {
    await file.close();
  }
  await ports.disk.rename(temporary, path);
  await ports.disk.syncDirectory(directory);
  return { path, bytes: position };
}

async function exactly(file: DiskFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = await file.read(position, length);
  if (bytes.length < length) corrupt(file, position, 'ends early');
  return bytes;
}

function corrupt(file: DiskFile, offset: number, what: string): never {
  return fail('CORRUPT', { detail: `a snapshot ${what}`, file: file.path, offset });
}

async function readHeader(file: DiskFile): Promise<{ readonly header: SnapshotHeader; readonly end: number }> {
  const fixed = new Reader(await exactly(file, 0, 22));
  if (fixed.u32() !== magic) corrupt(file, 0, 'does not begin like one');
  const found = fixed.u16();
  if (found !== version) fail('UNSUPPORTED', { detail: `a snapshot of version ${found}`, file: file.path });
  // The checksum before anything else is believed: a damaged number is damage, not somebody's bad request.
  const markerBytes = new Reader(fixed.raw(fixed.remaining).subarray(12)).u32();
  if (markerBytes > headerBytesMax) corrupt(file, 18, 'has an impossible header');
  const whole = await exactly(file, 0, 22 + markerBytes + 4);
  const end = whole.length - 4;
  if (new Reader(whole.subarray(end)).u32() !== crc32c(whole.subarray(0, end))) corrupt(file, 0, 'has a damaged header');
  const fields = new Reader(whole.subarray(6, end));
  const [group, cluster] = [fields.u32(), fields.u53()];
  return { header: { group, cluster, marker: decodeMarker(new Reader(fields.bytes())) }, end: whole.length };
}

/** Reads a snapshot block by block; every checksum is checked before its block is handed on. */
export async function readSnapshot(disk: Disk, path: string, block: (bytes: Uint8Array) => void | Promise<void>): Promise<SnapshotHeader> {
  const file = await disk.open(path, { create: 'never' });
  try {
    const { header, end } = await readHeader(file);
    // A block is as long as its longest record, and a key with a long history makes a long one: what bounds it is the file.
    const size = await file.size();
    let position = end;
    for (let blocks = 0; ; blocks++) {
      const prefix = new Reader(await exactly(file, position, 8));
      const length = prefix.u32();
      const crc = prefix.u32();
      if (length === 0) {
        if (crc !== crc32c(u32(blocks))) corrupt(file, position, 'lacks blocks');
        return header;
      }
      if (length > size - position - 8) corrupt(file, position, 'has an impossible block');
      const bytes = await exactly(file, position + 8, length);
      if (crc32c(bytes, blocks) !== crc) corrupt(file, position, 'has a damaged block');
      await block(bytes);
      position += 8 + length;
    }
  } finally {
    await file.close();
  }
}

/** The state in a snapshot file; yields between blocks. */
export async function restoreSnapshot(ports: { readonly disk: Disk; readonly clock: Clock }, path: string, restore: StateRestore): Promise<StateMachine> {
  await readSnapshot(ports.disk, path, (bytes) => restore.add(bytes));
  return restore.finish();
}

/**
 * Removes what is older than `keep` of the group's snapshots, and of what was to become one and did not: received in
 * part, or, unless one is being written just now, written in part.
 */
export async function removeOldSnapshots(disk: Disk, directory: string, group: GroupId, keep: string, isWriting = false): Promise<void> {
  const endings = isWriting ? ['.snap', '.snap.partial'] : ['.snap', '.snap.partial', '.snap.tmp'];
  for (const name of await disk.list(directory)) {
    const path = `${directory}/${name}`;
    if (name.startsWith(`${group}-`) && path < keep && endings.some((ending) => name.endsWith(ending))) await disk.remove(path);
  }
}

export async function fileExists(disk: Disk, path: string): Promise<boolean> {
  try {
    const file = await disk.open(path, { create: 'never' });
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof DiskError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}
