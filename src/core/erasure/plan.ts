// How to multiply by a matrix with nothing but XOR and "times x". By Horner over the bits of the coefficients,
//
//   output j = (…((S₇)·x + S₆)·x + …)·x + S₀   where S_b is the sum of the inputs whose coefficient in row j has bit b,
//
// all that is left is to form the 8·m sums S with few additions. Sums have terms in common, within a row and across
// rows: as long as some pair of terms occurs twice, it becomes a term of its own (Paar's greedy elimination).

import type { Matrix } from './matrix.ts';

export interface Plan {
  readonly inputs: number;
  readonly outputs: number;
  /** Shared sums, in an order in which each needs only earlier ones. Term inputs + i is the sum of pair i. */
  readonly pairs: readonly (readonly [number, number])[];
  /** sums[j · 8 + b]: the terms whose sum is S_b of output j. */
  readonly sums: readonly (readonly number[])[];
}

export function plan(matrix: Matrix): Plan {
  const sums: number[][] = [];
  for (let j = 0; j < matrix.rows; j++) {
    for (let b = 0; b < 8; b++) {
      const terms: number[] = [];
      for (let i = 0; i < matrix.columns; i++) if ((matrix.at(j, i) >> b) & 1) terms.push(i);
      sums.push(terms);
    }
  }
  return { inputs: matrix.columns, outputs: matrix.rows, pairs: eliminate(sums, matrix.columns), sums };
}

/** XORs of vectors that a plan costs, without those of "times x". */
export function additions({ pairs, sums }: Plan): number {
  return pairs.length + sums.reduce((total, terms) => total + terms.length, 0);
}

/** Rewrites `sums` in place until no pair of terms occurs twice; answers the pairs that became terms. */
function eliminate(sums: number[][], inputs: number): [number, number][] {
  const pairs: [number, number][] = [];
  const counts = new Map<number, number>();
  const count = (a: number, b: number, change: number): void => {
    const key = a < b ? a * width + b : b * width + a;
    counts.set(key, (counts.get(key) ?? 0) + change);
  };
  for (const terms of sums) {
    for (let x = 0; x < terms.length; x++) for (let y = 0; y < x; y++) count(terms[y]!, terms[x]!, 1);
  }
  for (;;) {
    const best = mostCommon(counts);
    if (best === undefined) return pairs;
    const a = Math.floor(best / width);
    const b = best % width;
    const sum = inputs + pairs.length;
    pairs.push([a, b]);
    for (const terms of sums) {
      if (!terms.includes(a) || !terms.includes(b)) continue;
      for (const other of terms) {
        if (other !== a && other !== b) {
          count(a, other, -1);
          count(b, other, -1);
          count(sum, other, 1);
        }
      }
      count(a, b, -1);
      terms.splice(terms.indexOf(a), 1);
      terms.splice(terms.indexOf(b), 1);
      terms.push(sum);
    }
  }
}

/** Pairs are keyed by a · width + b with a < b; no plan has so many terms. */
const width = 65_536;

/** The first pair met of those that occur most often, so that equal matrices give equal programs. */
function mostCommon(counts: ReadonlyMap<number, number>): number | undefined {
  let best: number | undefined;
  let most = 1;
  for (const [pair, occurrences] of counts) {
    if (occurrences > most) {
      most = occurrences;
      best = pair;
    }
  }
  return best;
}
