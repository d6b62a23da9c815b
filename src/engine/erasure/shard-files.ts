// A pile of files that may be shards: which belong together, and what each one is. The set most headers speak of
// is the one that is meant; among equals, the one met first.

import { blockLength, blockPosition, checksumBytes, decodeHeader, headerBytes, parseShardName, sameSet, shardFileBytes, type ShardHeader, type ShardSet } from '../../core/erasure/index.ts';
import { DiskError, type Disk, type DiskFile } from '../ports.ts';
import { checksumOf } from './encode-file.ts';
import { baseName } from './output.ts';

export type ShardStatus = 'ok' | 'corrupt' | 'foreign' | 'missing';

export interface ShardFile {
  readonly path: string;
  status: ShardStatus;
  /** What exactly is the matter, or worth knowing. */
  detail: string | undefined;
  readonly header: ShardHeader | undefined;
  readonly file: DiskFile | undefined;
  /** Size of the file. */
  readonly bytes: number;
}

export interface ShardPile {
  /** Undefined when no file has a readable header. */
  readonly set: ShardSet | undefined;
  /** In the order given. */
  readonly files: readonly ShardFile[];
  close(): Promise<void>;
}

export async function openPile(disk: Disk, paths: readonly string[]): Promise<ShardPile> {
  const files: ShardFile[] = [];
  for (const path of paths) files.push(await openShard(disk, path));
  const set = chooseSet(files);
  for (const shard of files) classify(shard, set);
  markPlaces(files);
  return {
    set,
    files,
    close: async () => {
      for (const { file } of files) await file?.close();
    },
  };
}

async function openShard(disk: Disk, path: string): Promise<ShardFile> {
  const none = { path, header: undefined, file: undefined, bytes: 0 };
  let file: DiskFile;
  try {
    file = await disk.open(path, { create: 'never' });
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    const missing = error.code === 'NOT_FOUND';
    return { ...none, status: missing ? 'missing' : 'corrupt', detail: missing ? undefined : `unreadable: ${error.code}` };
  }
  try {
    const reading = decodeHeader(await file.read(0, headerBytes));
    const bytes = await file.size();
    if (reading.type === 'ok') return { path, status: 'ok', detail: undefined, header: reading.header, file, bytes };
    const status = reading.reason === 'damaged' ? 'corrupt' : 'foreign';
    const detail = { damaged: 'its header is damaged', version: 'written by a later version', 'not a shard': 'not a shard' }[reading.reason];
    return { path, status, detail, header: undefined, file, bytes };
  } catch (error) {
    return { path, status: 'corrupt', detail: `unreadable: ${error instanceof DiskError ? error.code : String(error)}`, header: undefined, file, bytes: 0 };
  }
}

function chooseSet(files: readonly ShardFile[]): ShardSet | undefined {
  const sets: { set: ShardHeader; votes: number }[] = [];
  for (const { header } of files) {
    if (header === undefined) continue;
    const known = sets.find(({ set }) => sameSet(set, header));
    if (known === undefined) sets.push({ set: header, votes: 1 });
    else known.votes++;
  }
  return sets.reduce<(typeof sets)[number] | undefined>((best, s) => (best === undefined || s.votes > best.votes ? s : best), undefined)?.set;
}

function classify(shard: ShardFile, set: ShardSet | undefined): void {
  const { bytes } = shard;
  if (set === undefined) return;
  if (shard.header === undefined) {
    // No header of ours, but exactly the size of a shard: rather a shard whose beginning was lost than a stranger.
    if (shard.status === 'foreign' && shard.detail === 'not a shard' && bytes === shardFileBytes(set)) {
      shard.status = 'corrupt';
      shard.detail = 'its header is damaged';
    }
  } else if (!sameSet(shard.header, set)) {
    shard.status = 'foreign';
    shard.detail = 'of another set';
  } else if (bytes !== shardFileBytes(set)) {
    shard.status = 'corrupt';
    shard.detail = `has ${bytes} of ${shardFileBytes(set)} bytes`;
  }
}

/** Swapped names and second copies: whole, but worth a word. */
function markPlaces(files: readonly ShardFile[]): void {
  const first = new Map<number, ShardFile>();
  for (const shard of files) {
    if (shard.header === undefined || shard.status === 'foreign') continue;
    const { index } = shard.header;
    const named = parseShardName(baseName(shard.path))?.index;
    const notes = shard.detail === undefined ? [] : [shard.detail];
    if (named !== undefined && named !== index) notes.push(`swapped: it is shard ${index}`);
    if (first.has(index)) notes.push(`a second copy of shard ${index}`);
    else first.set(index, shard);
    shard.detail = notes.length === 0 ? undefined : notes.join('; ');
  }
}

/** The pile's files of the chosen set, by index: where a block is looked for. Foreign ones are no help. */
export function byIndex({ set, files }: ShardPile): ShardFile[][] {
  const places: ShardFile[][] = Array.from({ length: set === undefined ? 0 : set.data + set.parity }, () => []);
  for (const shard of files) if (shard.header !== undefined && shard.status !== 'foreign') places[shard.header.index]!.push(shard);
  return places;
}

/** Block `block` of a shard, or undefined when it is not there, or not whole. */
export async function readBlock(set: ShardSet, shard: ShardFile, block: number): Promise<Uint8Array | undefined> {
  const length = blockLength(set, block);
  let bytes: Uint8Array;
  try {
    bytes = await shard.file!.read(blockPosition(set, block), length + checksumBytes);
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
  if (bytes.length < length + checksumBytes) return undefined;
  const body = bytes.subarray(0, length);
  const sum = checksumOf(set, shard.header!.index, block, body);
  return sum.every((byte, i) => byte === bytes[length + i]) ? body : undefined;
}
