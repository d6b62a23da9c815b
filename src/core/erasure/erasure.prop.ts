import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { products } from './galois.ts';
import { tableKernel } from './kernel.ts';
import { Matrix } from './matrix.ts';
import { range, ReedSolomon } from './reed-solomon.ts';
import { adaptiveKernel, emittedKernel, nibbleKernel } from './vector-kernels.ts';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

const length = fc.oneof(fc.constantFrom(0, 1, 15, 16, 63, 64, 65, 16_384), fc.nat(300), fc.nat(40_000));
const shape = fc.record({ data: fc.integer({ min: 1, max: 20 }), parity: fc.nat(6), length, seed: fc.nat() });

function noise(bytes: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (Math.imul(i + seed, 0x9e3779b1) >>> 15) & 0xff);
}

const same = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean => a.every((shard, i) => Buffer.compare(shard, b[i]!) === 0);

describe.each([nibbleKernel, emittedKernel, adaptiveKernel])('kernel $name', (kernel) => {
  it('writes what plain tables write, and rebuilds any losses it can bear', () => {
    fc.assert(
      fc.property(shape, fc.array(fc.nat()), (s, losses) => {
        const shards = range(0, s.data + s.parity).map((i) => noise(s.length, s.seed + i * 7919));
        const expected = shards.map((shard) => shard.slice());
        new ReedSolomon(s.data, s.parity, { kernel: tableKernel }).encode(expected);
        const code = new ReedSolomon(s.data, s.parity, { kernel });
        code.encode(shards);
        expect(same(shards, expected)).toBe(true);
        const lost = new Set(losses.slice(0, s.parity).map((n) => n % code.total));
        const result = code.reconstruct(shards.map((shard, i) => (lost.has(i) ? undefined : shard)));
        expect(result.type === 'ok' && same(result.shards, expected)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('codes in place, range by range, without touching a byte outside', () => {
    fc.assert(
      fc.property(shape, fc.nat(600), (s, step) => {
        const code = new ReedSolomon(s.data, s.parity, { kernel });
        const stripe = code.stripe(s.length);
        for (const [i, shard] of stripe.shards.entries()) shard.set(noise(s.length, s.seed + i));
        const expected = stripe.shards.map((shard) => shard.slice());
        new ReedSolomon(s.data, s.parity, { kernel: tableKernel }).encode(expected);
        const columns = (step + 1) * 64;
        for (let from = 0; from < s.length; from += columns) code.encodeStripe(stripe, from, Math.min(s.length, from + columns));
        expect(same(stripe.shards, expected)).toBe(true);
        const targets = range(0, Math.min(s.parity, code.total - s.data));
        const sources = range(targets.length, targets.length + s.data);
        for (const target of targets) stripe.shards[target]!.fill(0xaa);
        code.rebuildStripe(stripe, sources, targets);
        expect(same(stripe.shards, expected)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

it('a matrix times its inverse is the identity, and what has none is singular', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.uint8Array({ minLength: 36, maxLength: 36 }), (size, cells) => {
      const matrix = new Matrix(size, size, cells.slice(0, size * size));
      const inverse = matrix.invert();
      if (inverse === undefined) expect(determinant(matrix)).toBe(0);
      else expect(matrix.times(inverse).key).toBe(Matrix.identity(size).key);
    }),
  );
});

/** By Laplace: slow, and shares nothing with Gauss. */
function determinant(matrix: Matrix): number {
  if (matrix.rows === 1) return matrix.at(0, 0);
  let sum = 0;
  for (const skip of range(0, matrix.rows)) {
    const rows = range(1, matrix.rows).map((r) => [...matrix.row(r)].filter((_, c) => c !== skip));
    sum ^= products[matrix.at(0, skip) * 256 + determinant(Matrix.of(rows))]!;
  }
  return sum;
}
