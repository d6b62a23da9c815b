// Writes the program of one plan: a straight line of vector instructions without a table or a branch, in a loop over
// columns of sixteen bytes. Everything that is known when it is written (coefficients, where shards lie) is in the
// instructions; what is left at run time is one pointer.

import { append, assemble, op, i32, v128, type Code } from '../memory/index.ts';
import type { Plan } from './plan.ts';

export interface Layout {
  /** From the start of one slot to the next, in bytes. */
  readonly stride: number;
  /** The slot of each input and of each output. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly shared: boolean;
}

const pointer = 0;
const end = 1;
const zero = 2;
const reducer = 3;
const firstFree = 4;

/** The bytes of a module whose `run(from, to)` codes the columns in [from, to), addresses within slot 0. */
export function emit(plan: Plan, layout: Layout): Uint8Array<ArrayBuffer> {
  const body: Code = [];
  const add = (...parts: Code[]): void => {
    for (const part of parts) append(body, part);
  };
  // Constants live in locals, or the engine would make them anew at every use.
  add(op.splat(0), op.set(zero), op.splat(0x1d), op.set(reducer));
  add(op.loop);
  const local = emitColumn(plan, layout, add);
  add(op.get(pointer), op.i32(16), op.add, op.tee(pointer), op.get(end), op.lessUnsigned, op.branchIf(0), op.end);
  const locals = Array.from({ length: local - 2 }, () => v128);
  return assemble({ shared: layout.shared, functions: [{ name: 'run', parameters: [i32, i32], locals, body }] });
}

/** One column of sixteen bytes; answers the number of locals in use. */
function emitColumn(plan: Plan, layout: Layout, add: (...parts: Code[]) => void): number {
  let local = firstFree;
  const held = new Map<number, number>();
  /** Pushes a term: an input is loaded, a shared sum computed, where it is first needed. */
  const term = (which: number): void => {
    const known = held.get(which);
    if (known !== undefined) return add(op.get(known));
    if (which < plan.inputs) {
      add(op.get(pointer), op.vload(layout.inputs[which]! * layout.stride));
    } else {
      const [a, b] = plan.pairs[which - plan.inputs]!;
      term(a);
      term(b);
      add(op.vxor);
    }
    held.set(which, local);
    add(op.tee(local++));
  };
  const accumulators = layout.outputs.map(() => undefined as number | undefined);
  for (let bit = 7; bit >= 0; bit--) {
    for (let j = 0; j < plan.outputs; j++) {
      const terms = plan.sums[j * 8 + bit]!;
      let accumulator = accumulators[j];
      if (accumulator === undefined && terms.length === 0) continue;
      if (accumulator !== undefined) {
        const a = op.get(accumulator);
        add(a, a, op.addBytes, a, op.get(zero), op.lessBytes, op.get(reducer), op.vand, op.vxor);
      }
      for (const [i, which] of terms.entries()) {
        term(which);
        if (i > 0 || accumulator !== undefined) add(op.vxor);
      }
      accumulator = accumulators[j] ??= local++;
      add(op.set(accumulator));
    }
  }
  for (const [j, accumulator] of accumulators.entries()) {
    add(op.get(pointer), op.get(accumulator ?? zero), op.vstore(layout.outputs[j]! * layout.stride));
  }
  return local;
}
