// The kernels that run in WebAssembly: table-free programs emitted from the matrix, nibble tables, and the choice
// between them. All three write the bytes the plain tables write.

import { assert } from '../assert.ts';
import { checkShapes, type Kernel } from './kernel.ts';
import type { Matrix } from './matrix.ts';
import { runNibbles } from './nibbles.ts';
import { isEmitted, programOver } from './programs.ts';
import { Stripe } from './stripe.ts';

/** Short calls let the engine replace a running program by its optimised version, and keep a strip in the cache. */
const stripBytes = 16_384;

/** A program's length grows with the cells of its matrix; beyond this it outgrows the instruction cache. */
const emittedCellsMax = 1_536;

/** So many bytes of input pay for writing a program. */
const worthwhileBytes = 1 << 20;

type Code = Kernel['run'];

const runEmitted: Code = (matrix, stripe, inputs, outputs, from, to) => {
  const run = programOver(matrix, stripe, inputs, outputs);
  for (let at = from; at < to; at += stripBytes) run(at, Math.min(to, at + stripBytes));
};

const runSwizzled: Code = (matrix, stripe, inputs, outputs, from, to) => {
  for (let at = from; at < to; at += stripBytes) {
    runNibbles(matrix, stripe, inputs, outputs, at, Math.min(to, at + stripBytes));
  }
};

/** A program per matrix: fastest by far for whatever is done more than once. */
export const emittedKernel: Kernel = overStripes('emitted', (matrix) => (fits(matrix) ? runEmitted : runSwizzled));

/** Tables per matrix: ready at once. */
export const nibbleKernel: Kernel = overStripes('nibbles', () => runSwizzled);

/** The default. A pattern met for the first time, with little to do, does not get a program of its own. */
export const adaptiveKernel: Kernel = overStripes('adaptive', (matrix, bytes) =>
  fits(matrix) && (isEmitted(matrix) || worthwhile(matrix, bytes)) ? runEmitted : runSwizzled,
);

const fits = (matrix: Matrix): boolean => matrix.rows * matrix.columns <= emittedCellsMax;

/** Input seen so far per matrix without a program. Small, and forgotten as a whole: it only decides about speed. */
const seen = new Map<string, number>();

function worthwhile(matrix: Matrix, bytes: number): boolean {
  const total = (seen.get(matrix.key) ?? 0) + bytes;
  if (total >= worthwhileBytes) {
    seen.delete(matrix.key);
    return true;
  }
  if (seen.size >= 256) seen.clear();
  seen.set(matrix.key, total);
  return false;
}

function overStripes(name: string, choose: (matrix: Matrix, bytes: number) => Code): Kernel {
  /** Through which shards that live elsewhere are passed, strip by strip. */
  let scratch: Stripe | undefined;
  const run: Code = (matrix, stripe, inputs, outputs, from, to) => {
    assert(from % 64 === 0 && to <= stripe.length, 'a range begins at a column and ends within its shard');
    assert(inputs.length === matrix.columns && outputs.length === matrix.rows, 'slots match the matrix');
    if (from >= to || matrix.rows === 0) return;
    choose(matrix, (to - from) * matrix.columns)(matrix, stripe, inputs, outputs, from, to);
  };
  const apply: Kernel['apply'] = (matrix, inputs, outputs) => {
    const length = checkShapes(matrix, inputs, outputs);
    if (length === 0 || matrix.rows === 0) return;
    const slots = inputs.length + outputs.length;
    if (scratch === undefined || scratch.shards.length < slots) {
      scratch?.close();
      scratch = new Stripe(slots, stripBytes);
    }
    const { shards } = scratch;
    const sources = [...inputs.keys()];
    const targets = outputs.map((_, r) => inputs.length + r);
    const code = choose(matrix, length * matrix.columns);
    for (let from = 0; from < length; from += stripBytes) {
      const to = Math.min(length, from + stripBytes);
      for (const [i, input] of inputs.entries()) shards[i]!.set(input.subarray(from, to));
      code(matrix, scratch, sources, targets, 0, to - from);
      for (const [r, output] of outputs.entries()) {
        const shard = shards[inputs.length + r]!;
        output.set(to - from === stripBytes ? shard : shard.subarray(0, to - from), from);
      }
    }
  };
  return { name, apply, run };
}
