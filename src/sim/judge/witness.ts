// The order in which a history happened, for those who could watch. Looking for a linearization takes exponential time
// when outcomes are unknown; checking one takes one pass. The judge has seen every revision, and every answer names
// its own: that is an order, and if the model allows each operation where it stands and none stands before one that
// had ended when it was called, then the history is linearizable, however the order was come by. If not, nothing is
// proved: the search decides.

import { illegal } from '../../core/linear/index.ts';
import type { Model, Operation } from '../../core/linear/index.ts';
import { registerModel } from '../register-model.ts';
import type { RegisterInput, RegisterOutput } from '../register-model.ts';

/** Whoever knows what a key held after every revision that changed it. */
export interface Watched {
  versionsOf(key: string): readonly { readonly revision: number; readonly value: string | null }[];
}

export interface Witnessed {
  readonly operation: Operation<RegisterInput, RegisterOutput>;
  /** Of its answer; 0: nobody heard it. */
  readonly revision: number;
}

/** The operations of one key as they happened; those of which nothing was ever seen are left out. */
export function witnessOf(operations: readonly Witnessed[], watched: Watched): readonly Operation<RegisterInput, RegisterOutput>[] {
  const placed: { readonly operation: Operation<RegisterInput, RegisterOutput>; readonly revision: number; readonly changes: boolean }[] = [];
  const lost: Operation<RegisterInput, RegisterOutput>[] = [];
  const deletions = new Set<number>();
  for (const { operation, revision } of operations) {
    const { input, output } = operation;
    if (operation.return === Infinity) lost.push(operation);
    else {
      const changes = input.f === 'put' || input.f === 'append' || output?.swapped === true || (output?.deleted ?? 0) > 0;
      if (input.f === 'delete' && changes) deletions.add(revision);
      placed.push({ operation, revision, changes });
    }
  }
  if (lost.length > 0) {
    const { key } = lost[0]!.input;
    const versions = watched.versionsOf(key === 'pair' ? 'pair/a' : key);
    const unclaimed = versions.filter(({ revision, value }) => value === null && !deletions.has(revision));
    // Nobody knows which of them it was. The one called first fits wherever any other does.
    for (const operation of lost.toSorted((a, b) => a.call - b.call)) {
      const { f, value } = operation.input;
      const found =
        f === 'delete' ? unclaimed.shift()
        : f === 'append' ? versions.find((version) => version.value?.includes(value!) === true)
        : versions.find((version) => version.value === value);
      if (found !== undefined) placed.push({ operation, revision: found.revision, changes: true });
    }
  }
  // What changes something comes before those that saw it, and they in the order in which they asked.
  return placed
    .toSorted((a, b) => a.revision - b.revision || Number(b.changes) - Number(a.changes) || a.operation.call - b.operation.call)
    .map(({ operation }) => operation);
}

/** True: this order explains the history. */
export function explains<State>(order: readonly Operation<RegisterInput, RegisterOutput>[], model: Model<State, RegisterInput, RegisterOutput>): boolean {
  let state = model.init();
  /** The latest call so far: nothing behind may have ended before it. */
  let called = -Infinity;
  for (const { input, output, call, return: end } of order) {
    if (end < called) return false;
    called = Math.max(called, call);
    const after = model.step(state, input, output);
    if (after === illegal) return false;
    state = after;
  }
  return true;
}

/** The history's keys that no watched order explains. */
export function unexplained(history: readonly Witnessed[], watched: Watched): readonly Operation<RegisterInput, RegisterOutput>[] {
  const byKey = new Map<string, Witnessed[]>();
  for (const one of history) {
    const { key } = one.operation.input;
    const some = byKey.get(key);
    if (some === undefined) byKey.set(key, [one]);
    else some.push(one);
  }
  return [...byKey.values()].filter((some) => !explains(witnessOf(some, watched), registerModel)).flatMap((some) => some.map(({ operation }) => operation));
}
