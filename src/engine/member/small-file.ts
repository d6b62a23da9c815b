// A small file that is replaced as a whole: version, length, checksum, bytes. Written beside, synced, renamed, and
// the directory synced: after a crash there is the old one or the new one, never half of each.

import { assert } from '../../core/assert.ts';
import { fail } from '../../core/errors.ts';
import { Reader, Writer, crc32c } from '../../core/wire/index.ts';
import { DiskError } from '../ports.ts';
import type { Disk } from '../ports.ts';

/** Of the whole file. A longer one would be cut when it is read, and be damaged for good. */
const bytesMax = 1 << 20;

export async function writeSmallFile(disk: Disk, path: string, version: number, body: Uint8Array): Promise<void> {
  const writer = new Writer(body.length + 16);
  writer.u16(version).bytes(body);
  writer.u32(crc32c(writer.finish()));
  assert(writer.finish().length <= bytesMax, 'a small file is read whole');
  const temporary = `${path}.tmp`;
  await disk.remove(temporary);
  const file = await disk.open(temporary, { create: 'must' });
  try {
    await file.appendAndSync(0, [writer.finish()]);
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory('');
}

/** Undefined: there is none. */
export async function readSmallFile(disk: Disk, path: string, version: number): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array;
  try {
    const file = await disk.open(path, { create: 'never' });
    try {
      bytes = await file.read(0, bytesMax);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  if (bytes.length < 10) fail('CORRUPT', { detail: 'a file that is too short', file: path, offset: 0 });
  const end = bytes.length - 4;
  if (new Reader(bytes.subarray(end)).u32() !== crc32c(bytes.subarray(0, end))) fail('CORRUPT', { detail: 'a damaged file', file: path, offset: 0 });
  const reader = new Reader(bytes);
  const found = reader.u16();
  if (found !== version) fail('UNSUPPORTED', { detail: `${path} has version ${found}, this build knows ${version}` });
  return reader.bytes();
}
