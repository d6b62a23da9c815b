import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

const main = process.env['THOLE_MAIN'] ?? join(import.meta.dirname, '../../dist/face/cli/main.js');
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'thole-cli-'));
  writeFileSync(join(directory, 'data.bin'), original);
});
afterEach(() => rmSync(directory, { recursive: true }));

const original = Buffer.from(Uint8Array.from({ length: 3_000_001 }, (_, i) => (Math.imul(i, 0x9e3779b1) >>> 19) & 0xff));

function thole(...words: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'erasure', ...words], { cwd: directory, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

const shards = (): string[] => readdirSync(join(directory, 'shards')).map((name) => join('shards', name));
const encode = (data = 4, parity = 2): ReturnType<typeof thole> =>
  thole('encode', 'data.bin', '--data', String(data), '--parity', String(parity), '--out', 'shards');

it('encodes, loses two shards, decodes, and says how it went', () => {
  const encoded = encode();
  expect([encoded.status, encoded.out.trim().split('\n').length]).toEqual([0, 6]);
  expect(encoded.err).toContain('encode 100 %');
  expect(shards()).toEqual([0, 1, 2, 3, 4, 5].map((i) => `shards/data.bin.0${i}.shard`));
  rmSync(join(directory, 'shards/data.bin.00.shard'));
  rmSync(join(directory, 'shards/data.bin.05.shard'));
  const decoded = thole('decode', ...shards(), '--out', 'copy.bin');
  expect([decoded.status, decoded.out]).toEqual([0, 'copy.bin\n']);
  expect(decoded.err).toContain('rebuilt from the others: 0 5');
  expect(readFileSync(join(directory, 'copy.bin')).equals(original)).toBe(true);
});

it('verifies with one line per shard, repairs, and verifies again', () => {
  encode();
  const path = join(directory, 'shards/data.bin.02.shard');
  const bytes = readFileSync(path);
  bytes[300_000]! ^= 0x80;
  writeFileSync(path, bytes);
  rmSync(join(directory, 'shards/data.bin.04.shard'));
  const verified = thole('verify', ...shards(), '--quiet');
  expect(verified.status).toBe(1);
  expect(verified.out.trim().split('\n').map((line) => line.replace(/^.*data\.bin\./, '').replace(/ \(.*/, ''))).toEqual([
    '00.shard: ok', '01.shard: ok', '02.shard: corrupt', '03.shard: ok', '05.shard: ok', '04.shard: missing',
  ]);
  expect(verified.err).toContain(': recoverable');
  expect(thole('repair', ...shards(), '--out', 'shards').out).toBe('shards/data.bin.02.shard\nshards/data.bin.04.shard\n');
  expect(thole('verify', ...shards()).status).toBe(0);
});

it('leaves no output when too much is lost, and exits 1', () => {
  encode();
  const decoded = thole('decode', ...shards().slice(3), '--out', 'copy.bin');
  expect([decoded.status, decoded.out]).toEqual([1, '']);
  expect(decoded.err).toContain('unrecoverable: row 0 misses the blocks of shards 0 1 2; 2 may be missing');
  expect(readdirSync(directory).filter((name) => name.startsWith('copy'))).toEqual([]);
});

it('exits 2 for what cannot be used', () => {
  expect(thole('encode', 'nothing.bin', '--data', '2', '--parity', '1', '--out', 'shards').status).toBe(2);
  expect(encode(0, 1).status).toBe(2);
  expect(encode(200, 100).status).toBe(2);
  expect(thole('decode', '--out', 'copy.bin').status).toBe(2);
});

it('numbers more than a hundred shards with three digits, on two threads', () => {
  const encoded = thole('encode', 'data.bin', '--data', '100', '--parity', '20', '--out', 'shards', '--threads', '2', '--quiet');
  expect([encoded.status, shards()[7]]).toEqual([0, 'shards/data.bin.007.shard']);
  const decoded = thole('decode', ...shards().slice(20), '--out', 'copy.bin', '--threads', '2', '--quiet');
  expect(decoded.status).toBe(0);
  expect(readFileSync(join(directory, 'copy.bin')).equals(original)).toBe(true);
});
