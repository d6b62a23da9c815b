// One register: the smallest thing that can be wrong. `cas` compares and sets; a register without it is the same model
// met by a history without it, so `register` and `cas-register` differ only in what they let a reader accept.

import { unreachable } from '../../assert.ts';
import { illegal, type Model } from '../model.ts';
import { describeValue, equalValues, type Value } from '../value.ts';

export type RegisterInput =
  | { readonly f: 'read' }
  | { readonly f: 'write'; readonly value: Value }
  | { readonly f: 'cas'; readonly from: Value; readonly to: Value };

/** What a read saw; whether a cas took place; anything at all after a write. */
export type RegisterOutput = Value;

export interface RegisterOptions {
  /** What the register holds before the first write. @default null */
  readonly initial?: Value;
}

export type RegisterModel = Model<Value, RegisterInput, RegisterOutput>;

function step(state: Value, input: RegisterInput, output: RegisterOutput | undefined): Value | typeof illegal {
  switch (input.f) {
    case 'read':
      return output === undefined || equalValues(output, state) ? state : illegal;
    case 'write':
      return input.value;
    case 'cas': {
      const swaps = equalValues(input.from, state);
      if (output !== undefined && output !== swaps) return illegal;
      return swaps ? input.to : state;
    }
    default:
      return unreachable(input);
  }
}

function describeOperation(input: RegisterInput, output: RegisterOutput | undefined): string {
  switch (input.f) {
    case 'read':
      return `read → ${describeValue(output)}`;
    case 'write':
      return `write ${describeValue(input.value)}`;
    case 'cas':
      return `cas ${describeValue(input.from)} → ${describeValue(input.to)}: ${outcome(output)}`;
    default:
      return unreachable(input);
  }
}

function outcome(output: RegisterOutput | undefined): string {
  if (output === undefined) return '?';
  return output === true ? 'swapped' : 'refused';
}

export function casRegister({ initial = null }: RegisterOptions = {}): RegisterModel {
  return {
    name: 'cas-register',
    init: () => initial,
    step,
    equal: equalValues,
    readOnly: (input) => input.f === 'read',
    describeOperation,
    describeState: describeValue,
  };
}

export function register(options: RegisterOptions = {}): RegisterModel {
  return { ...casRegister(options), name: 'register' };
}
