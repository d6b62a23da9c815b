// What every way of computing a code has in common, and the plainest way, against which the others are judged.

import { assert } from '../assert.ts';
import { fieldSize, products } from './galois.ts';
import type { Matrix } from './matrix.ts';
import type { Stripe } from './stripe.ts';

export interface Kernel {
  readonly name: string;
  /**
   * outputs[r] = Σ matrix[r][c] · inputs[c], byte by byte. All views have one length and no output overlaps
   * another view. Synchronous; inputs are only read.
   */
  apply(matrix: Matrix, inputs: readonly Uint8Array[], outputs: readonly Uint8Array[]): void;
  /** The same where the bytes lie: the slots of a stripe named, over [from, to). */
  run(matrix: Matrix, stripe: Stripe, inputs: readonly number[], outputs: readonly number[], from: number, to: number): void;
}

/** What a caller of {@link Kernel.apply} promises; checked by every kernel before it touches a byte. */
export function checkShapes(matrix: Matrix, inputs: readonly Uint8Array[], outputs: readonly Uint8Array[]): number {
  assert(inputs.length === matrix.columns, 'a code reads one input per column of its matrix');
  assert(outputs.length === matrix.rows, 'a code writes one output per row of its matrix');
  const length = (inputs[0] ?? outputs[0])?.length ?? 0;
  for (const view of inputs) assert(view.length === length, 'all shards have one length');
  for (const view of outputs) assert(view.length === length, 'all shards have one length');
  return length;
}

/** One table look-up and one XOR for each byte and cell: slow, obvious, the oracle. */
export const tableKernel: Kernel = {
  name: 'tables',
  apply(matrix, inputs, outputs) {
    checkShapes(matrix, inputs, outputs);
    for (const [r, output] of outputs.entries()) {
      output.fill(0);
      for (const [c, input] of inputs.entries()) {
        const cell = matrix.at(r, c);
        if (cell !== 0) addScaled(output, input, cell);
      }
    }
  },
  run(matrix, stripe, inputs, outputs, from, to) {
    const view = (slot: number): Uint8Array => stripe.shards[slot]!.subarray(from, to);
    tableKernel.apply(matrix, inputs.map(view), outputs.map(view));
  },
};

function addScaled(into: Uint8Array, from: Uint8Array, factor: number): void {
  const row = products.subarray(factor * fieldSize, (factor + 1) * fieldSize);
  for (let i = 0; i < into.length; i++) into[i]! ^= row[from[i]!]!;
}
