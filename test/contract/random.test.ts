// What every Random must do, and what those with a seed promise besides.

import { describe, expect, it } from 'vitest';
import { nextUint32, seedRandom } from '../../src/core/random.ts';
import type { Random } from '../../src/engine/ports.ts';
import { nodeRandom } from '../../src/node/random.ts';
import { entropy } from '../../src/sim/world.ts';

const seeded = (seed: number): Random => {
  const state = seedRandom(seed);
  return { uint32: () => nextUint32(state) };
};

const draws = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uint32());

describe.each<[string, () => Random]>([
  ['the system’s', () => nodeRandom],
  ['of a seed', () => seeded(1)],
  ['of the seed 0', () => seeded(0)],
  ['of a purpose in a world', () => entropy(7, 'life 1 1')],
])('random: %s', (_, create) => {
  it('draws integers of 32 bits', () => {
    for (const drawn of draws(create(), 5000)) expect(Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 32).toBe(true);
  });

  it('draws every bit about as often set as not, and repeats nothing soon', () => {
    const drawn = draws(create(), 4096);
    for (let bit = 0; bit < 32; bit++) {
      const set = drawn.filter((value) => (value >>> bit) & 1).length;
      // Of 4096 fair throws 2048 ± 8 standard deviations: it fails once in 10¹⁵.
      expect(Math.abs(set - 2048), `bit ${bit}`).toBeLessThan(256);
    }
    // Four equal pairs among 4096 draws of 32 bits are as rare.
    expect(new Set(drawn).size).toBeGreaterThan(4092);
  });

  it('tells nothing of the next draw by the last: pairs fill the square', () => {
    const drawn = draws(create(), 8192);
    const cells = Array.from({ length: 64 }, () => 0);
    for (let at = 0; at < drawn.length; at += 2) cells[(drawn[at]! >>> 29) * 8 + (drawn[at + 1]! >>> 29)]!++;
    for (const count of cells) expect(count).toBeGreaterThan(10);
  });
});

describe('random: with a seed', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(draws(seeded(5), 100)).toEqual(draws(seeded(5), 100));
    expect(draws(seeded(5), 100)).not.toEqual(draws(seeded(6), 100));
  });

  it('is another for every purpose of one world: one more roll here changes nothing there', () => {
    const purposes = ['life 1 1', 'life 1 2', 'life 2 1', 'client c1', 'network'];
    const series = purposes.map((purpose) => draws(entropy(7, purpose), 8).join());
    expect(new Set(series).size).toBe(purposes.length);
    expect(draws(entropy(7, 'network'), 8).join()).toBe(series.at(-1));
  });
});
