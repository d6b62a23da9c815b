import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { Matrix } from './matrix.ts';
import { tableKernel } from './kernel.ts';
import { adaptiveKernel, emittedKernel, nibbleKernel } from './vector-kernels.ts';
import { range, ReedSolomon } from './reed-solomon.ts';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

interface Vector {
  readonly data: number;
  readonly parity: number;
  readonly parityHex: readonly string[];
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../../test/vectors/rs-vectors.json', import.meta.url), 'utf8'),
);
const kernels = [tableKernel, nibbleKernel, emittedKernel, adaptiveKernel];
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export function filled(data: number, parity: number, length: number): Uint8Array[] {
  return range(0, data + parity).map((i) =>
    Uint8Array.from({ length }, (_, x) => (i < data ? (i * 31 + x * 7 + x * x * i + 1) & 0xff : 0xee)),
  );
}

describe.each(kernels)('kernel $name', (kernel) => {
  it.each(vectors)('writes the recorded parity of $data + $parity', ({ data, parity, parityHex }) => {
    const shards = filled(data, parity, 48);
    new ReedSolomon(data, parity, { kernel }).encode(shards);
    expect(shards.slice(data).map(hex)).toEqual(parityHex);
  });

  it('rebuilds every pattern of losses of every code up to eight shards', () => {
    for (let total = 1; total <= 8; total++) {
      for (let data = 1; data <= total; data++) rebuildEveryPattern(new ReedSolomon(data, total - data, { kernel }));
    }
  });
});

function rebuildEveryPattern(code: ReedSolomon): void {
  const shards = filled(code.data, code.parity, 19);
  code.encode(shards);
  if (!code.isParityCorrect(shards)) expect.fail('parity is correct after encoding');
  for (let pattern = 0; pattern < 1 << code.total; pattern++) {
    const missing = range(0, code.total).filter((i) => (pattern >> i) & 1);
    const result = code.reconstruct(shards.map((shard, i) => ((pattern >> i) & 1 ? undefined : shard)));
    if (missing.length > code.parity) {
      expect(result).toEqual({ type: 'unrecoverable', missing, tolerated: code.parity });
    } else if (result.type !== 'ok' || !result.shards.every((shard, i) => hex(shard) === hex(shards[i]!))) {
      expect.fail(`${code.data}+${code.parity} without ${missing.join()}`);
    }
  }
}

it('notices one changed bit in any shard', () => {
  const code = new ReedSolomon(5, 3);
  const shards = filled(5, 3, 100);
  code.encode(shards);
  for (const shard of shards) {
    shard[99]! ^= 4;
    expect(code.isParityCorrect(shards)).toBe(false);
    shard[99]! ^= 4;
  }
  expect(code.isParityCorrect(shards)).toBe(true);
});

it('updates parity for one changed shard as a full encoding would', () => {
  const code = new ReedSolomon(6, 3);
  const shards = filled(6, 3, 77);
  code.encode(shards);
  const after = shards[2]!.map((byte, x) => byte ^ (x * 5));
  code.update(shards.slice(6), 2, shards[2]!, after);
  shards[2] = after;
  expect(code.isParityCorrect(shards)).toBe(true);
});

it('has a matrix at both ends of what is allowed', () => {
  const widest = new ReedSolomon(128, 128);
  const shards = filled(128, 128, 3);
  widest.encode(shards);
  expect(widest.reconstruct(shards.map((s, i) => (i < 128 ? undefined : s)))).toMatchObject({ type: 'ok', shards });
  expect(() => new ReedSolomon(200, 57)).toThrow('at most 256 shards');
  expect(() => new ReedSolomon(0, 1)).toThrow('at least one data shard');
  new ReedSolomon(256, 0).encode(filled(256, 0, 1));
});

it('inverts what can be inverted', () => {
  const matrix = Matrix.of([[56, 23, 98], [3, 100, 200], [45, 201, 123]]);
  expect(matrix.times(matrix.invert()!)).toEqual(Matrix.identity(3));
  expect(Matrix.of([[0, 1], [1, 0]]).invert()).toEqual(Matrix.of([[0, 1], [1, 0]]));
  expect(Matrix.of([[4, 3], [12, 9]]).times(Matrix.of([[1, 0], [0, 1]])).at(1, 0)).toBe(12);
  expect(Matrix.of([[1, 2], [1, 2]]).invert()).toBeUndefined();
});

it('takes a corrupt shard for a missing one, by its checksum', () => {
  const code = new ReedSolomon(4, 2);
  const shards = filled(4, 2, 1000);
  code.encode(shards);
  const checksums = code.checksums(shards);
  const original = shards.map(hex);
  shards[1]![7]! ^= 1;
  shards[5]![999]! ^= 0x80;
  const result = code.reconstruct(shards, { checksums });
  expect(result).toMatchObject({ type: 'ok', rebuilt: [1, 5] });
  expect(result.type === 'ok' && result.shards.map(hex)).toEqual(original);
  shards[0]![0]! ^= 1;
  expect(code.reconstruct(shards, { checksums })).toEqual({ type: 'unrecoverable', missing: [0, 1, 5], tolerated: 2 });
});

it('hands a stripe\'s memory to the next one, zeroed, and takes the old views away', () => {
  const code = new ReedSolomon(2, 1);
  const first = code.stripe(100);
  first.shards[0]!.fill(9);
  code.encodeStripe(first);
  first.close();
  first.close();
  expect(first.shards[0]!.length).toBe(0);
  using second = code.stripe(5000);
  expect(second.shards.every((shard) => shard.every((byte) => byte === 0))).toBe(true);
  expect(second.memory).toBe(first.memory);
});
