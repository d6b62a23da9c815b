// Products by halves of a byte: c·v = c·(v & 15) + c·(v & 240), and sixteen products fit one vector, so that one
// swizzle looks up sixteen bytes at once (Plank, Greenan and Miller, FAST 2013). One program serves every matrix,
// because what differs is in tables. For patterns too rare, or matrices too large, to write a program for.

import { assemble, i32, instantiate, op, v128, type Code, type Program } from '../memory/index.ts';
import { fieldSize, products } from './galois.ts';
import type { Matrix } from './matrix.ts';
import { columnBytes, entryBytes, type Stripe } from './stripe.ts';

const modules: { plain?: WebAssembly.Module; shared?: WebAssembly.Module } = {};

/** `dot(first, last, output, from, to)` sums entries [first, last) over columns [from, to) into the shard at `output`. */
function dotOver(stripe: Stripe): Program {
  let dot = stripe.programs.get('nibbles');
  if (dot === undefined) {
    const module = (modules[stripe.shared ? 'shared' : 'plain'] ??= new WebAssembly.Module(program(stripe.shared)));
    dot = instantiate(module, stripe.memory, 'dot');
    stripe.programs.set('nibbles', dot);
  }
  return dot;
}

/** outputs[r] = Σ matrix[r][c] · inputs[c] over the columns [from, to) of a stripe's slots. */
export function runNibbles(
  matrix: Matrix,
  stripe: Stripe,
  inputs: readonly number[],
  outputs: readonly number[],
  from: number,
  to: number,
): void {
  const dot = dotOver(stripe);
  for (const [r, output] of outputs.entries()) {
    const last = writeEntries(matrix.row(r), stripe, inputs);
    dot(stripe.tables, last, output * stripe.stride, from, to);
  }
}

function writeEntries(row: Uint8Array, stripe: Stripe, inputs: readonly number[]): number {
  const bytes = new Uint8Array(stripe.memory.buffer);
  let at = stripe.tables;
  for (const [c, slot] of inputs.entries()) {
    const factor = row[c]! * fieldSize;
    if (factor === 0) continue;
    for (let half = 0; half < 16; half++) {
      bytes[at + half] = products[factor + half]!;
      bytes[at + 16 + half] = products[factor + (half << 4)]!;
    }
    const address = slot * stripe.stride;
    for (let i = 0; i < 4; i++) bytes[at + 32 + i] = (address / 256 ** i) & 0xff;
    at += entryBytes;
  }
  return at;
}

function program(shared: boolean): Uint8Array<ArrayBuffer> {
  const [first, last, output, column, to, entry, source] = [0, 1, 2, 3, 4, 5, 6];
  const [low, high, v, mask] = [7, 8, 9, 10];
  const sums = [11, 12, 13, 14];
  const body: Code = [
    ...op.splat(15), ...op.set(mask),
    ...op.loop,
    ...op.get(first), ...op.set(entry),
    ...sums.flatMap((sum) => [...op.splat(0), ...op.set(sum)]),
    ...op.block, ...op.loop,
    ...op.get(entry), ...op.get(last), ...op.lessUnsigned, ...op.isZero, ...op.branchIf(1),
    ...op.get(entry), ...op.vload(0), ...op.set(low),
    ...op.get(entry), ...op.vload(16), ...op.set(high),
    ...op.get(entry), ...op.load32(32), ...op.get(column), ...op.add, ...op.set(source),
    ...sums.flatMap((sum, i) => [
      ...op.get(source), ...op.vload(16 * i), ...op.set(v),
      ...op.get(low), ...op.get(v), ...op.get(mask), ...op.vand, ...op.swizzle,
      ...op.get(high), ...op.get(v), ...op.i32(4), ...op.shiftBytesRight, ...op.swizzle,
      ...op.vxor, ...op.get(sum), ...op.vxor, ...op.set(sum),
    ]),
    ...op.get(entry), ...op.i32(entryBytes), ...op.add, ...op.set(entry),
    ...op.branch(0), ...op.end, ...op.end,
    ...sums.flatMap((sum, i) => [...op.get(output), ...op.get(column), ...op.add, ...op.get(sum), ...op.vstore(16 * i)]),
    ...op.get(column), ...op.i32(columnBytes), ...op.add, ...op.tee(column), ...op.get(to), ...op.lessUnsigned,
    ...op.branchIf(0), ...op.end,
  ];
  const locals = [i32, i32, ...Array.from({ length: 8 }, () => v128)];
  return assemble({ shared, functions: [{ name: 'dot', parameters: [i32, i32, i32, i32, i32], locals, body }] });
}
