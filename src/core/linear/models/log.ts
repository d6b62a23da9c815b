// A log: appended values get offsets 0, 1, 2 …, and stay where they are. A read past the end answers null; a scan
// returns everything from an offset on.

import { unreachable } from '../../assert.ts';
import { illegal, type Model } from '../model.ts';
import { describeValue, equalValues, type Value } from '../value.ts';
import { describeSequence } from './queue.ts';
import { at, emptySequence, equalSequences, lengthOf, push, type Sequence } from './sequence.ts';

export type LogInput =
  | { readonly f: 'append'; readonly value: Value }
  | { readonly f: 'read'; readonly offset: number }
  | { readonly f: 'scan'; readonly from: number };

/** append: the offset. read: the value there. scan: the values. */
export type LogOutput = Value;
export type LogModel = Model<Sequence, LogInput, LogOutput>;

export function log(): LogModel {
  return {
    name: 'log',
    init: emptySequence,
    step,
    equal: equalSequences,
    readOnly: (input) => input.f !== 'append',
    describeOperation,
    describeState: describeSequence,
  };
}

function step(state: Sequence, input: LogInput, output: LogOutput | undefined): Sequence | typeof illegal {
  switch (input.f) {
    case 'append':
      // A client that only knows that it was appended (true, null) claims no place.
      return typeof output === 'number' && output !== lengthOf(state) ? illegal : push(state, input.value);
    case 'read':
      return output === undefined || equalValues(output, at(state, input.offset) ?? null) ? state : illegal;
    case 'scan':
      return output === undefined || isTail(output, state, input.from) ? state : illegal;
    default:
      return unreachable(input);
  }
}

function isTail(seen: Value, state: Sequence, from: number): boolean {
  if (!Array.isArray(seen) || seen.length !== Math.max(0, lengthOf(state) - from)) return false;
  return seen.every((value, i) => equalValues(value, at(state, from + i)));
}

function describeOperation(input: LogInput, output: LogOutput | undefined): string {
  switch (input.f) {
    case 'append':
      return `append ${describeValue(input.value)} → ${describeValue(output)}`;
    case 'read':
      return `read at ${input.offset} → ${describeValue(output)}`;
    case 'scan':
      return `scan from ${input.from} → ${describeValue(output)}`;
    default:
      return unreachable(input);
  }
}
