// A file of any size into k + m shard files, one block of each at a time: memory is (k + m) blocks, whatever the file.
// Data shard i is bytes [i·L, (i+1)·L) of the file, so that with nothing lost, decoding is concatenation.

import { blockChecksum, blockCount, blockLength, blockPosition, checksumBytes, encodeHeader, setIdBytes, shardLength, shardName, type ShardSet } from '../../core/erasure/index.ts';
import { combineCrc32c, crc32c } from '../../core/wire/index.ts';
import { fail } from '../../core/errors.ts';
import type { Disk, DiskFile, Random } from '../ports.ts';
import type { Coder } from './coder.ts';
import { baseName, withOutputs, type Output } from './output.ts';

export interface ProgressOptions {
  /** Called after every block with bytes of the original done, and their total. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface EncodeFileOptions extends ProgressOptions {
  /** Bytes of a block: what is read, coded, checked and lost at once. @default 256 KiB */
  readonly blockBytes?: number;
  /** First part of the shards' names. @default the file's name */
  readonly name?: string;
}

export const defaultBlockBytes: number = 256 * 1024;

export interface EncodedFile {
  readonly set: ShardSet;
  readonly paths: readonly string[];
}

/** Writes `NAME.00.shard` … into an existing directory. They appear when all are whole. */
export async function encodeFile(
  ports: { readonly disk: Disk; readonly random: Random },
  coder: Coder,
  path: string,
  directory: string,
  options: EncodeFileOptions = {},
): Promise<EncodedFile> {
  const { disk } = ports;
  const source = await disk.open(path, { create: 'never' });
  try {
    const set = {
      data: coder.data,
      parity: coder.parity,
      length: await source.size(),
      blockBytes: options.blockBytes ?? defaultBlockBytes,
      setId: drawId(ports.random),
      originalCrc: 0,
    };
    const name = options.name ?? baseName(path);
    const paths = Array.from({ length: coder.total }, (_, i) => `${directory}/${shardName(name, i, coder.total)}`);
    return await withOutputs(disk, paths, async (outputs) => {
      const originalCrc = await writeBlocks(set, coder, source, outputs, options);
      const whole = { ...set, originalCrc };
      // The header comes last: it holds the checksum of what was read.
      for (const [index, { file }] of outputs.entries()) await file.write(0, [encodeHeader({ ...whole, index })]);
      return { complete: true, result: { set: whole, paths } };
    });
  } finally {
    await source.close();
  }
}

/** All blocks of all shards; answers the checksum of the original. */
async function writeBlocks(set: ShardSet, coder: Coder, source: DiskFile, outputs: readonly Output[], options: ProgressOptions): Promise<number> {
  const length = shardLength(set);
  const blocks = blockCount(set);
  const stripe = coder.stripe(Math.min(set.blockBytes, length));
  const sums = new OriginalChecksum(set);
  for (let block = 0; block < blocks; block++) {
    options.signal?.throwIfAborted();
    const count = blockLength(set, block);
    await Promise.all(
      stripe.shards.slice(0, coder.data).map(async (shard, i) => {
        const from = i * length + block * set.blockBytes;
        const wanted = Math.max(0, Math.min(count, set.length - from));
        const bytes = wanted === 0 ? new Uint8Array(0) : await source.read(from, wanted);
        if (bytes.length < wanted) fail('CORRUPT', { detail: 'the file became shorter while it was read', file: source.path });
        shard.set(bytes);
        shard.fill(0, wanted, count);
        sums.add(i, bytes);
      }),
    );
    await coder.encode(stripe, count);
    await Promise.all(
      outputs.map(({ file }, index) => {
        const bytes = stripe.shards[index]!.subarray(0, count);
        return file.write(blockPosition(set, block), [bytes, checksumOf(set, index, block, bytes)]);
      }),
    );
    options.onProgress?.(Math.min(set.length, (block + 1) * set.blockBytes * coder.data), set.length);
  }
  return sums.value;
}

/** A block's checksum as it follows the block. */
export function checksumOf(set: ShardSet, index: number, block: number, bytes: Uint8Array): Uint8Array {
  const sum = new Uint8Array(checksumBytes);
  new DataView(sum.buffer).setUint32(0, blockChecksum(set, index, block, bytes), true);
  return sum;
}

/** The checksum of a file that is read in k places at once. */
export class OriginalChecksum {
  readonly #parts: { crc: number; length: number }[];

  constructor(set: ShardSet) {
    this.#parts = Array.from({ length: set.data }, () => ({ crc: 0, length: 0 }));
  }

  add(part: number, bytes: Uint8Array): void {
    const sum = this.#parts[part]!;
    sum.crc = crc32c(bytes, sum.crc);
    sum.length += bytes.length;
  }

  get value(): number {
    return this.#parts.reduce((crc, part) => combineCrc32c(crc, part.crc, part.length), 0);
  }
}

function drawId(random: Random): Uint8Array {
  const id = new Uint8Array(setIdBytes);
  const view = new DataView(id.buffer);
  for (let at = 0; at < setIdBytes; at += 4) view.setUint32(at, random.uint32());
  return id;
}
