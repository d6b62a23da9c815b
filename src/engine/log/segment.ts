// One file of the log, and the index beside it.

import type { Disk, DiskFile } from '../ports.ts';
import { encodeIndexHead } from './segment-index.ts';
import { encodeSegmentHeader } from './segment-header.ts';
import type { SegmentHeader } from './segment-header.ts';

export interface Segment {
  readonly header: SegmentHeader;
  readonly path: string;
  readonly file: DiskFile;
  readonly index: DiskFile;
  readonly headerBytes: number;
  /** Where the next record goes. */
  end: number;
  /** The file's length. Behind `end` it is all zeros, so that an append changes no metadata. */
  allocated: number;
  /** Notes in the index file. */
  notes: number;
  /** Reads under way: the file is let go when there is none. */
  readers: number;
  onceUnread: (() => void) | undefined;
}

/** How much of the file that awaits its header is there and zero; 0: there is none. */
export interface Spare {
  readonly bytes: number;
}

/** Where files are zeroed ahead, and so the unit in which a segment grows when no spare was ready. */
export const growthBytes: number = 256 << 10;
const zeroBytes = new Uint8Array(growthBytes);

/** Zeros to write, in parts that share one buffer. */
export function zeros(count: number): readonly Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let left = count; left > 0; left -= zeroBytes.length) parts.push(zeroBytes.subarray(0, Math.min(left, zeroBytes.length)));
  return parts;
}

/** How long a file that must hold `end` bytes is made: a little ahead, but not beyond the segment's size. */
export function allocationFor(end: number, segmentBytes: number): number {
  return Math.max(end, Math.min(segmentBytes, Math.ceil(end / growthBytes) * growthBytes));
}

export function segmentPath(directory: string, firstLsn: number): string {
  return `${directory}/${String(firstLsn).padStart(20, '0')}.log`;
}

export const indexPath = (path: string): string => path.replace(/\.log$/, '.idx');
/** Where a segment gets its header, before it has a name. Only who rolls the log touches it. */
export const buildingPath = (directory: string): string => `${directory}/next`;
export const sparePath = (directory: string): string => `${directory}/spare`;

/**
 * A segment appears under its name whole: header and zeros are durable before the rename, so a damaged header is
 * never a creation that a crash cut short.
 */
export async function createSegment(disk: Disk, directory: string, header: SegmentHeader, spare: Spare, segmentBytes: number): Promise<Segment> {
  const building = buildingPath(directory);
  const bytes = encodeSegmentHeader(header);
  const isReady = spare.bytes >= bytes.length;
  const allocated = isReady ? spare.bytes : allocationFor(bytes.length, segmentBytes);
  const written = await disk.open(building, { create: 'may' });
  try {
    await written.appendAndSync(0, [bytes, ...(isReady ? [] : zeros(allocated - bytes.length))]);
  } finally {
    await written.close();
  }
  const path = segmentPath(directory, header.firstLsn);
  await disk.rename(building, path);
  await disk.syncDirectory(directory);
  const file = await disk.open(path, { create: 'never' });
  const index = await disk.open(indexPath(path), { create: 'may' });
  // Whatever index was there under this name is not this segment's.
  await index.truncate(0);
  await index.write(0, [encodeIndexHead(header.segment, header.firstLsn)]);
  return { header, path, file, index, headerBytes: bytes.length, end: bytes.length, allocated, notes: 0, readers: 0, onceUnread: undefined };
}

/** Resolves when nobody reads the segment, which nobody will begin to once no entry is placed in it. */
export function unread(segment: Segment): Promise<void> {
  if (segment.readers === 0) return Promise.resolve();
  return new Promise((resolve) => {
    segment.onceUnread = resolve;
  });
}

export async function closeSegment(segment: Segment): Promise<void> {
  await segment.file.close();
  await segment.index.close();
}
