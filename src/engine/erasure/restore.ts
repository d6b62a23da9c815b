// Looking at shards, decoding them, and rebuilding lost ones: three walks over the same rows.

import { blockCount, blockLength, blockPosition, encodeHeader, parseShardName, shardLength, shardName, type ShardSet } from '../../core/erasure/index.ts';
import { fail } from '../../core/errors.ts';
import type { Disk } from '../ports.ts';
import { localCoder, type Coder } from './coder.ts';
import { checksumOf, OriginalChecksum, type ProgressOptions } from './encode-file.ts';
import { baseName, withOutputs } from './output.ts';
import { Rows, type LostRow } from './rows.ts';
import { byIndex, openPile, readBlock, type ShardPile, type ShardStatus } from './shard-files.ts';

export interface ShardReport {
  /** The file; for a shard that no file holds, the name it would have. */
  readonly name: string;
  readonly index: number | undefined;
  readonly status: ShardStatus;
  readonly detail: string | undefined;
}

export interface Verification {
  readonly set: ShardSet | undefined;
  readonly shards: readonly ShardReport[];
  /** Whether every row still has k whole blocks. */
  readonly recoverable: boolean;
}

export interface RestoreOptions extends ProgressOptions {
  /** @default this thread */
  readonly makeCoder?: (data: number, parity: number) => Coder;
}

/** Reads every block of every shard. */
export async function verifyShards(disk: Disk, paths: readonly string[], options: ProgressOptions = {}): Promise<Verification> {
  const pile = await openPile(disk, paths);
  try {
    const { set } = pile;
    if (set === undefined) return { set, shards: pile.files.map(({ path, status, detail }) => ({ name: path, index: undefined, status, detail })), recoverable: false };
    const recoverable = await checkBlocks(pile, set, options);
    const shards: ShardReport[] = pile.files.map((shard) => ({ name: shard.path, index: shard.header?.index, status: shard.status, detail: shard.detail }));
    const name = nameOf(pile);
    for (const index of absentShards(pile)) {
      const expected = shardName(name, index, set.data + set.parity);
      // A path that was given, named after this shard, and that could not be used has its line already.
      if (shards.some((shard) => shard.index === undefined && baseName(shard.name) === expected)) continue;
      shards.push({ name: expected, index, status: 'missing', detail: undefined });
    }
    return { set, shards, recoverable };
  } finally {
    await pile.close();
  }
}

/** Marks damaged shards; answers whether every row could be rebuilt. */
async function checkBlocks(pile: ShardPile, set: ShardSet, options: ProgressOptions): Promise<boolean> {
  const blocks = blockCount(set);
  const bad = new Map<string, number>();
  const places = byIndex(pile);
  const end = Math.max(...pile.files.map(({ bytes }) => bytes));
  let recoverable = places.filter((files) => files.length > 0).length >= set.data;
  for (let block = 0; block < blocks; block++) {
    options.signal?.throwIfAborted();
    // Beyond every file there is nothing to read, however many blocks a header promises.
    if (blockPosition(set, block) >= end) {
      recoverable = false;
      break;
    }
    const whole = await Promise.all(
      places.map(async (files) => {
        let any = false;
        for (const shard of files) {
          if ((await readBlock(set, shard, block)) !== undefined) any = true;
          else bad.set(shard.path, (bad.get(shard.path) ?? 0) + 1);
        }
        return any;
      }),
    );
    if (whole.filter(Boolean).length < set.data) recoverable = false;
    options.onProgress?.(block + 1, blocks);
  }
  for (const shard of pile.files) {
    const count = bad.get(shard.path);
    if (count === undefined) continue;
    shard.status = 'corrupt';
    shard.detail = [shard.detail, `${count} of ${blocks} blocks damaged`].filter((note) => note !== undefined).join('; ');
  }
  return recoverable;
}

export interface Decoded {
  readonly type: 'ok';
  readonly set: ShardSet;
  /** Shards that were damaged or absent and did not matter. */
  readonly healed: readonly number[];
}

/** Writes the original; it appears at `out` when its checksum is right. */
export async function decodeShards(disk: Disk, paths: readonly string[], out: string, options: RestoreOptions = {}): Promise<Decoded | LostRow> {
  return withPile(disk, paths, options, async (pile, set, coder) => {
    const rows = new Rows(set, coder, byIndex(pile));
    const wanted = Array.from({ length: set.data }, (_, i) => i);
    const lengthEach = shardLength(set);
    const sums = new OriginalChecksum(set);
    return withOutputs<Decoded | LostRow>(disk, [out], async ([output]) => {
      for (let block = 0; block < blockCount(set); block++) {
        options.signal?.throwIfAborted();
        const lost = await rows.fill(block, wanted);
        if (lost !== undefined) return { complete: false, result: lost };
        await Promise.all(
          wanted.map(async (i) => {
            const from = i * lengthEach + block * set.blockBytes;
            const count = Math.max(0, Math.min(blockLength(set, block), set.length - from));
            const bytes = rows.stripe.shards[i]!.subarray(0, count);
            sums.add(i, bytes);
            if (count > 0) await output!.file.write(from, [bytes]);
          }),
        );
        options.onProgress?.(Math.min(set.length, (block + 1) * set.blockBytes * set.data), set.length);
      }
      if (sums.value !== set.originalCrc) fail('CORRUPT', { detail: 'every block is whole and yet the original differs: the shards were made wrong' });
      const healed = new Set([...absentShards(pile), ...rows.damaged.keys()]);
      return { complete: true, result: { type: 'ok', set, healed: [...healed].toSorted((a, b) => a - b) } };
    });
  });
}

export interface Repaired {
  readonly type: 'ok';
  readonly set: ShardSet;
  /** Shards that were written anew, and where. */
  readonly rebuilt: readonly { readonly index: number; readonly path: string }[];
}

/** Writes a whole shard for each that is damaged or absent, byte for byte what it was. */
export async function repairShards(disk: Disk, paths: readonly string[], directory: string, options: RestoreOptions = {}): Promise<Repaired | LostRow> {
  return withPile(disk, paths, options, async (pile, set, coder) => {
    await checkBlocks(pile, set, options.signal === undefined ? {} : { signal: options.signal });
    const healthy = new Set(pile.files.filter(({ status }) => status === 'ok').map(({ header }) => header!.index));
    const targets = Array.from({ length: coder.total }, (_, i) => i).filter((i) => !healthy.has(i));
    const name = nameOf(pile);
    const rebuilt = targets.map((index) => ({ index, path: `${directory}/${shardName(name, index, coder.total)}` }));
    const rows = new Rows(set, coder, byIndex(pile));
    return withOutputs<Repaired | LostRow>(disk, rebuilt.map(({ path }) => path), async (outputs) => {
      const blocks = targets.length === 0 ? 0 : blockCount(set);
      for (let block = 0; block < blocks; block++) {
        options.signal?.throwIfAborted();
        const lost = await rows.fill(block, targets);
        if (lost !== undefined) return { complete: false, result: lost };
        for (const [i, index] of targets.entries()) {
          const bytes = rows.stripe.shards[index]!.subarray(0, blockLength(set, block));
          await outputs[i]!.file.write(blockPosition(set, block), [bytes, checksumOf(set, index, block, bytes)]);
        }
        options.onProgress?.(block + 1, blocks);
      }
      for (const [i, index] of targets.entries()) await outputs[i]!.file.write(0, [encodeHeader({ ...set, index })]);
      return { complete: true, result: { type: 'ok', set, rebuilt } };
    });
  });
}

async function withPile<T>(disk: Disk, paths: readonly string[], options: RestoreOptions, work: (pile: ShardPile, set: ShardSet, coder: Coder) => Promise<T>): Promise<T> {
  const pile = await openPile(disk, paths);
  try {
    const { set } = pile;
    if (set === undefined) fail('CORRUPT', { detail: 'no file has the header of a shard' });
    const coder = (options.makeCoder ?? localCoder)(set.data, set.parity);
    try {
      return await work(pile, set, coder);
    } finally {
      await coder.close();
    }
  } finally {
    await pile.close();
  }
}

/** Indexes that no usable file holds. */
function absentShards(pile: ShardPile): number[] {
  return byIndex(pile).flatMap((files, index) => (files.length === 0 ? [index] : []));
}

/** What shards of this pile are called before their number. */
function nameOf({ files }: ShardPile): string {
  for (const { path, header } of files) {
    const parsed = header === undefined ? undefined : parseShardName(baseName(path));
    if (parsed !== undefined) return parsed.name;
  }
  return 'shard';
}
