// A seeded generator (xoshiro128**, Blackman & Vigna 2018), so that the same seed is the same world everywhere.
// Plain state: it can be cloned with its owner and compared.

export interface RandomState {
  a: number;
  b: number;
  c: number;
  d: number;
}

/** State from any integer seed, spread by splitmix32 so that seeds 1 and 2 share nothing. */
export function seedRandom(seed: number): RandomState {
  let z = (seed ^ Math.floor(seed / 0x1_0000_0000)) >>> 0;
  const next = (): number => {
    z = (z + 0x9e3779b9) >>> 0;
    let t = z ^ (z >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
  return { a: next(), b: next(), c: next(), d: next() | 1 };
}

/** The next 32 bits, 0 ≤ n < 2^32. Advances the state. */
export function nextUint32(state: RandomState): number {
  const product = Math.imul(state.b, 5);
  const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
  const t = (state.b << 9) >>> 0;
  state.c = (state.c ^ state.a) >>> 0;
  state.d = (state.d ^ state.b) >>> 0;
  state.b = (state.b ^ state.c) >>> 0;
  state.a = (state.a ^ state.d) >>> 0;
  state.c = (state.c ^ t) >>> 0;
  state.d = ((state.d << 11) | (state.d >>> 21)) >>> 0;
  return result;
}

/** Uniform in [0, bound), bound ≥ 1. */
export function nextBelow(state: RandomState, bound: number): number {
  return Math.floor((nextUint32(state) / 0x1_0000_0000) * bound);
}

/** Uniform in [0, 1). */
export function nextUnit(state: RandomState): number {
  return nextUint32(state) / 0x1_0000_0000;
}
