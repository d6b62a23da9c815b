// First in, first out. A dequeue that answers null found the queue empty, and that is checked like any other answer.

import { illegal, type Model } from '../model.ts';
import { describeValue, equalValues, type Value } from '../value.ts';
import { at, emptySequence, equalSequences, lengthOf, push, type Sequence, shift } from './sequence.ts';

export type QueueInput = { readonly f: 'enqueue'; readonly value: Value } | { readonly f: 'dequeue' };
export type QueueOutput = Value;
export type QueueModel = Model<Sequence, QueueInput, QueueOutput>;

export function queue(): QueueModel {
  return {
    name: 'queue',
    init: emptySequence,
    step: (state, input, output) => {
      if (input.f === 'enqueue') return push(state, input.value);
      const head = at(state, 0);
      if (output !== undefined && !equalValues(output, head ?? null)) return illegal;
      return head === undefined ? state : shift(state);
    },
    equal: equalSequences,
    describeOperation: (input, output) =>
      input.f === 'enqueue' ? `enqueue ${describeValue(input.value)}` : `dequeue → ${describeValue(output)}`,
    describeState: (state) => describeSequence(state),
  };
}

/** The ends of a long one, since those are what operations see. */
export function describeSequence(state: Sequence): string {
  const shown = 8;
  const length = lengthOf(state);
  const spell = (from: number, to: number): string =>
    state.items.slice(state.from + from, state.from + to).map((item) => describeValue(item, 24)).join(' ');
  if (length <= 2 * shown) return `[${spell(0, length)}]`;
  return `[${spell(0, shown)} …(${length})… ${spell(length - shown, length)}]`;
}
