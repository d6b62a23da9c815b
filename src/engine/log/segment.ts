// One file of the log, and the note beside it.

import type { Disk, DiskFile } from '../ports.ts';
import { encodeSegmentHeader } from './format.ts';
import type { SegmentHeader } from './format.ts';

export interface Segment {
  readonly header: SegmentHeader;
  readonly path: string;
  readonly file: DiskFile;
  readonly notes: DiskFile;
  readonly headerBytes: number;
  /** Where the next record goes. */
  end: number;
}

export function segmentName(firstLsn: number): string {
  return String(firstLsn).padStart(20, '0');
}

export const sparePath = (directory: string): string => `${directory}/spare`;

/**
 * A segment appears under its name whole: its header is durable before the rename, so a damaged header is never a
 * creation that a crash cut short. `zeroed`: the spare was prepared and is zero from end to end.
 */
export async function createSegment(disk: Disk, directory: string, header: SegmentHeader, zeroed: boolean): Promise<Segment> {
  const spare = sparePath(directory);
  if (!zeroed) await disk.remove(spare);
  const building = await disk.open(spare, { create: 'may' });
  const bytes = encodeSegmentHeader(header);
  try {
    await building.appendAndSync(0, [bytes]);
  } finally {
    await building.close();
  }
  const path = `${directory}/${segmentName(header.firstLsn)}.log`;
  await disk.rename(spare, path);
  await disk.syncDirectory(directory);
  const file = await disk.open(path, { create: 'never' });
  return { header, path, file, notes: await openNotes(disk, path), headerBytes: bytes.length, end: bytes.length };
}

export function openNotes(disk: Disk, path: string): Promise<DiskFile> {
  return disk.open(path.replace(/\.log$/, '.idx'), { create: 'may' });
}

export async function closeSegment(segment: Segment): Promise<void> {
  await segment.file.close();
  await segment.notes.close();
}
