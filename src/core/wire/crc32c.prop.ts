import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { crc32c } from './crc32c.ts';
import { combineCrc32c } from './crc32c-combine.ts';
import { absorb } from './crc32c-tables.ts';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

const bytes = fc.tuple(fc.nat(), fc.oneof(fc.nat(600), fc.nat(20_000), fc.nat(120_000))).map(([seed, length]) =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i ^ seed, 0x9e3779b1) >>> 13) & 0xff),
);

/** One byte at a time: the tables' last line. */
function bytewise(input: Uint8Array, seed: number): number {
  let register = ~seed;
  for (let i = 0; i < input.length; i++) register = absorb(register, input, i, i + 1);
  return ~register >>> 0;
}

it('the sum of a concatenation follows from its parts, however it is split, whatever the seed', () => {
  fc.assert(
    fc.property(bytes, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(0xffff_ffff), (whole, where, seed) => {
      const cut = Math.floor(whole.length * where);
      const [a, b] = [whole.subarray(0, cut), whole.subarray(cut)];
      const expected = bytewise(whole, seed);
      expect(crc32c(whole, seed)).toBe(expected);
      expect(crc32c(b, crc32c(a, seed))).toBe(expected);
      expect(combineCrc32c(crc32c(a, seed), crc32c(b), b.length)).toBe(expected);
    }),
    { numRuns: 150 },
  );
});

it('every length around the edges of the kernel equals bytewise', () => {
  const whole = Uint8Array.from({ length: 70_000 }, (_, i) => (Math.imul(i, 0x85ebca6b) >>> 11) & 0xff);
  const edges = [66, 416, 1536, 7024, 10_240, 16_384 + 7024, 2 * 16_384 + 7024, 3 * 16_384 + 7024];
  for (const edge of edges) {
    for (let length = edge - 66; length <= edge + 66; length++) {
      const part = whole.subarray(5, 5 + length);
      if (crc32c(part, 0x1234567) !== bytewise(part, 0x1234567)) expect.fail(`differs at length ${length}`);
    }
  }
});
