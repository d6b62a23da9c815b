// The bytes of a shard file: a header that says which part of what this is, then blocks, each with its checksum. All
// integers little-endian. docs/internals/shard-format.md draws it.

import { assert } from '../assert.ts';
import { equalBytes } from '../bytes.ts';
import { crc32c } from '../wire/index.ts';
import { fieldSize } from './galois.ts';

export const shardVersion = 1;
export const headerBytes = 64;
export const checksumBytes = 4;
export const setIdBytes = 16;

/** What one block may have: bounds what reading a stranger's shard allocates. */
export const blockBytesMax: number = 1 << 20;
const blockBytesMin = 64;

/** "THSHARD" behind a byte that no text begins with. */
const magic = Uint8Array.of(0xd1, 0x54, 0x48, 0x53, 0x48, 0x41, 0x52, 0x44);

export interface ShardSet {
  readonly data: number;
  readonly parity: number;
  /** Bytes of the original. */
  readonly length: number;
  /** Bytes of a block, all but a shard's last: a multiple of 64. */
  readonly blockBytes: number;
  /** Drawn when the set was made: shards of another encoding, even of the same file, do not mix. */
  readonly setId: Uint8Array;
  /** CRC-32C of the original. */
  readonly originalCrc: number;
}

export interface ShardHeader extends ShardSet {
  readonly index: number;
}

export type HeaderReading =
  | { readonly type: 'ok'; readonly header: ShardHeader }
  | { readonly type: 'bad'; readonly reason: BadHeader };

/** `not a shard`: another kind of file. `damaged`: was one. `version`: written by a later release. */
export type BadHeader = 'not a shard' | 'damaged' | 'version';

export function encodeHeader(header: ShardHeader): Uint8Array {
  assert(isPlausible(header), 'a header describes a possible shard');
  const bytes = new Uint8Array(headerBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(magic, 0);
  view.setUint16(8, shardVersion, true);
  view.setUint16(10, headerBytes, true);
  view.setUint16(12, header.data, true);
  view.setUint16(14, header.parity, true);
  view.setUint16(16, header.index, true);
  view.setUint32(20, header.blockBytes, true);
  view.setBigUint64(24, BigInt(header.length), true);
  bytes.set(header.setId, 32);
  view.setUint32(48, header.originalCrc, true);
  view.setUint32(60, crc32c(bytes.subarray(0, 60)), true);
  return bytes;
}

/** Total: any bytes give an answer. Nothing is allocated by what they say. */
export function decodeHeader(bytes: Uint8Array): HeaderReading {
  if (bytes.length < headerBytes || !equalBytes(bytes.subarray(0, magic.length), magic)) return bad('not a shard');
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  if (view.getUint32(60, true) !== crc32c(bytes.subarray(0, 60))) return bad('damaged');
  if (view.getUint16(8, true) !== shardVersion || view.getUint16(10, true) !== headerBytes) return bad('version');
  const header: ShardHeader = {
    data: view.getUint16(12, true),
    parity: view.getUint16(14, true),
    index: view.getUint16(16, true),
    blockBytes: view.getUint32(20, true),
    length: Number(view.getBigUint64(24, true)),
    setId: bytes.slice(32, 32 + setIdBytes),
    originalCrc: view.getUint32(48, true),
  };
  return isPlausible(header) ? { type: 'ok', header } : bad('damaged');
}

const bad = (reason: BadHeader): HeaderReading => ({ type: 'bad', reason });

function isPlausible({ data, parity, index, blockBytes, length, setId }: ShardHeader): boolean {
  return (
    data >= 1 && parity >= 0 && data + parity <= fieldSize && index >= 0 && index < data + parity &&
    blockBytes >= blockBytesMin && blockBytes <= blockBytesMax && blockBytes % 64 === 0 &&
    Number.isSafeInteger(length) && length >= 0 && setId.length === setIdBytes
  );
}

/** Whether two headers speak of the same set, and agree about it. */
export function sameSet(a: ShardSet, b: ShardSet): boolean {
  return (
    a.data === b.data && a.parity === b.parity && a.length === b.length && a.blockBytes === b.blockBytes &&
    a.originalCrc === b.originalCrc && equalBytes(a.setId, b.setId)
  );
}

/** Bytes of the original (or of parity) in each shard: ⌈length / k⌉, so the last data shards may end in zeros. */
export function shardLength({ length, data }: ShardSet): number {
  return Math.ceil(length / data);
}

export function blockCount(set: ShardSet): number {
  return Math.ceil(shardLength(set) / set.blockBytes);
}

/** Bytes of block b: all are whole but the last. */
export function blockLength(set: ShardSet, block: number): number {
  return Math.min(set.blockBytes, shardLength(set) - block * set.blockBytes);
}

/** Where block b begins in the file; its checksum follows its bytes. */
export function blockPosition(set: ShardSet, block: number): number {
  return headerBytes + block * (set.blockBytes + checksumBytes);
}

export function shardFileBytes(set: ShardSet): number {
  return headerBytes + shardLength(set) + blockCount(set) * checksumBytes;
}

/**
 * The checksum of a block, seeded with set, shard and position: a block that was written to another place, or is
 * left over from another set, does not verify however whole it is.
 */
export function blockChecksum(set: ShardSet, index: number, block: number, bytes: Uint8Array): number {
  const place = new Uint8Array(setIdBytes + 12);
  const view = new DataView(place.buffer);
  place.set(set.setId);
  view.setUint32(setIdBytes, index, true);
  view.setBigUint64(setIdBytes + 4, BigInt(block), true);
  return crc32c(bytes, crc32c(place));
}

/** `NAME.03.shard`; three digits when there are more than a hundred shards. */
export function shardName(name: string, index: number, total: number): string {
  return `${name}.${String(index).padStart(total > 100 ? 3 : 2, '0')}.shard`;
}

/** The parts of such a name, or undefined. */
export function parseShardName(fileName: string): { readonly name: string; readonly index: number } | undefined {
  const match = /^(.+)\.(\d{2,3})\.shard$/.exec(fileName);
  return match === null ? undefined : { name: match[1]!, index: Number(match[2]) };
}
