// A sequence that many states share. Appending at the end of the array behind it extends that array in place, which
// no other state can see, since each looks only as far as its own `to`; a different continuation copies.

import { equalValues, type Value } from '../value.ts';

export interface Sequence {
  readonly items: readonly Value[];
  readonly from: number;
  readonly to: number;
}

export function emptySequence(): Sequence {
  return { items: [], from: 0, to: 0 };
}

export function lengthOf({ from, to }: Sequence): number {
  return to - from;
}

export function at({ items, from, to }: Sequence, position: number): Value | undefined {
  return position >= 0 && position < to - from ? items[from + position] : undefined;
}

export function push(sequence: Sequence, value: Value): Sequence {
  const { items, from, to } = sequence;
  if (to === items.length) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- readonly to everybody but this function.
    (items as Value[]).push(value);
    return { items, from, to: to + 1 };
  }
  if (equalValues(items[to], value)) return { items, from, to: to + 1 };
  return { items: [...items.slice(from, to), value], from: 0, to: to - from + 1 };
}

export function shift({ items, from, to }: Sequence): Sequence {
  return { items, from: from + 1, to };
}

/** Compared from the end: two orders of the same appends differ there. */
export function equalSequences(a: Sequence, b: Sequence): boolean {
  if (lengthOf(a) !== lengthOf(b)) return false;
  if (a.items === b.items && a.from === b.from) return true;
  for (let i = 1; i <= lengthOf(a); i++) {
    if (!equalValues(a.items[a.to - i], b.items[b.to - i])) return false;
  }
  return true;
}
