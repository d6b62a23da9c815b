import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nextUint32, seedRandom } from '../../core/random.ts';
import { toolDisk } from '../../node/erasure-disk.ts';
import { decodeShards, encodeFile, localCoder, repairShards, verifyShards } from './index.ts';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

const disk = toolDisk();
let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'thole-erasure-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const content = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, i) => (Math.imul(i, 0x9e3779b1) >>> 17) & 0xff));

async function encoded(length: number, options: { data?: number; parity?: number; seed?: number; name?: string } = {}): Promise<string[]> {
  const { data = 4, parity = 2, seed = 1, name = 'file' } = options;
  const state = seedRandom(seed);
  writeFileSync(join(directory, name), content(length));
  const random = { uint32: () => nextUint32(state) };
  const { paths } = await encodeFile({ disk, random }, localCoder(data, parity), join(directory, name), directory, { blockBytes: 1024 });
  return [...paths];
}

const damage = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
};
const statuses = async (paths: readonly string[]): Promise<string[]> => (await verifyShards(disk, paths)).shards.map((s) => s.status);
const out = (): string => join(directory, 'out');

describe('encode and decode', () => {
  it.each([0, 1, 3, 4095, 4096, 4097, 100_000])('give %i bytes back, without any two shards', async (length) => {
    const paths = await encoded(length);
    expect(await statuses(paths)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
    for (const [a, b] of [[0, 1], [2, 5], [4, 5]]) {
      rmSync(out(), { force: true });
      const left = paths.filter((_, i) => i !== a && i !== b);
      expect(await decodeShards(disk, left, out())).toMatchObject({ type: 'ok', healed: [a, b] });
      expect(readFileSync(out()).equals(content(length))).toBe(true);
    }
  });

  it('leave nothing behind when too much is lost', async () => {
    const paths = await encoded(10_000);
    const lost = await decodeShards(disk, paths.slice(3), out());
    expect(lost).toEqual({ type: 'unrecoverable', block: 0, missing: [0, 1, 2], tolerated: 2 });
    expect(readdirSync(directory).filter((name) => name.startsWith('out'))).toEqual([]);
  });

  it('survive damage in every shard, as long as no row has lost too much', async () => {
    const paths = await encoded(20_000);
    for (const [i, path] of paths.entries()) damage(path, 64 + 1028 * (i % 4) + 10);
    expect(await statuses(paths)).toEqual(paths.map(() => 'corrupt'));
    expect(await decodeShards(disk, paths, out())).toMatchObject({ type: 'ok' });
    expect(readFileSync(out()).equals(content(20_000))).toBe(true);
  });

  it('stop when asked to, and leave nothing behind', async () => {
    const paths = await encoded(20_000);
    const controller = new AbortController();
    await expect(decodeShards(disk, paths, out(), { signal: controller.signal, onProgress: () => controller.abort() })).rejects.toThrow('abort');
    expect(readdirSync(directory).filter((name) => name.startsWith('out'))).toEqual([]);
  });
});

describe('verify tells apart', () => {
  it('damaged, truncated, foreign, missing and swapped shards', async () => {
    const other = await encoded(10_000, { seed: 2, name: 'other' });
    const paths = await encoded(10_000);
    damage(paths[0]!, 1000);
    truncateSync(paths[1]!, 500);
    renameSync(other[2]!, paths[2]!);
    rmSync(paths[3]!);
    renameSync(paths[4]!, `${directory}/x`);
    renameSync(paths[5]!, paths[4]!);
    renameSync(`${directory}/x`, paths[5]!);
    const { shards, recoverable } = await verifyShards(disk, paths);
    expect(shards.map(({ status, detail }) => [status, detail])).toEqual([
      ['corrupt', '1 of 3 blocks damaged'],
      ['corrupt', 'has 500 of 2576 bytes; 3 of 3 blocks damaged'],
      ['foreign', 'of another set'],
      ['missing', undefined],
      ['ok', 'swapped: it is shard 5'],
      ['ok', 'swapped: it is shard 4'],
      ['missing', undefined],
    ]);
    expect(recoverable).toBe(false);
  });

  it('a damaged header from a file that never was a shard, and names what is absent', async () => {
    const paths = await encoded(10_000);
    damage(paths[0]!, 3);
    damage(paths[1]!, 30);
    writeFileSync(join(directory, 'readme'), 'hello');
    const { shards } = await verifyShards(disk, [...paths.slice(0, 5), join(directory, 'readme')]);
    expect(shards.map(({ name, status }) => [name.slice(directory.length + 1) || name, status])).toEqual([
      ['file.00.shard', 'corrupt'], ['file.01.shard', 'corrupt'], ['file.02.shard', 'ok'], ['file.03.shard', 'ok'],
      ['file.04.shard', 'ok'], ['readme', 'foreign'], [expect.any(String), 'missing'],
    ]);
  });
});

it('repair writes lost shards byte for byte as they were', async () => {
  const paths = await encoded(50_000, { data: 5, parity: 3 });
  const before = paths.map((path) => readFileSync(path));
  rmSync(paths[1]!);
  damage(paths[4]!, 40);
  damage(paths[7]!, 2000);
  const repaired = await repairShards(disk, paths, directory);
  expect(repaired).toMatchObject({ type: 'ok', rebuilt: [1, 4, 7].map((index) => ({ index, path: paths[index] })) });
  expect(paths.every((path, i) => readFileSync(path).equals(before[i]!))).toBe(true);
  expect((await verifyShards(disk, paths)).shards.every(({ status }) => status === 'ok')).toBe(true);
});

it('a header that promises the moon costs nothing', async () => {
  const [first] = await encoded(10_000);
  const { encodeHeader } = await import('../../core/erasure/index.ts');
  const moon = { data: 200, parity: 56, length: 2 ** 53 - 1, blockBytes: 1 << 20, setId: new Uint8Array(16), originalCrc: 0, index: 3 };
  writeFileSync(first!, encodeHeader(moon));
  expect(await verifyShards(disk, [first!])).toMatchObject({ recoverable: false });
  expect(await decodeShards(disk, [first!], out())).toMatchObject({ type: 'unrecoverable', block: 0 });
});
