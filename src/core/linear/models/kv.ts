// A string per key: put, append, get, delete. A key that was never written is the empty string, as the string-append
// logs have it, and a get that found nothing (null) says the same. Keys are judged apart, unless the whole map is
// asked for, which no system needs and every checker should survive.

import { unreachable } from '../../assert.ts';
import { illegal, type Model } from '../model.ts';
import { describeValue } from '../value.ts';

export type KvInput =
  | { readonly f: 'get'; readonly key: string }
  | { readonly f: 'put'; readonly key: string; readonly value: string }
  | { readonly f: 'append'; readonly key: string; readonly value: string }
  | { readonly f: 'delete'; readonly key: string };

/** The whole value a get returned. Anything after the others. */
export type KvOutput = string | null;

export type KvModel = Model<string, KvInput, KvOutput>;
export type KvMapModel = Model<ReadonlyMap<string, string>, KvInput, KvOutput>;

function stepValue(value: string, input: KvInput, output: KvOutput | undefined): string | typeof illegal {
  switch (input.f) {
    case 'get':
      return output === undefined || (output ?? '') === value ? value : illegal;
    case 'put':
      return input.value;
    case 'append':
      return value + input.value;
    case 'delete':
      return '';
    default:
      return unreachable(input);
  }
}

function describeOperation(input: KvInput, output: KvOutput | undefined): string {
  if (input.f === 'get') return `get ${input.key} → ${describeValue(output)}`;
  return input.f === 'delete' ? `delete ${input.key}` : `${input.f} ${input.key} ${describeValue(input.value)}`;
}

export function kv(): KvModel {
  return {
    name: 'kv',
    init: () => '',
    step: stepValue,
    readOnly: (input) => input.f === 'get',
    partition: (input) => input.key,
    describeOperation,
    describeState: (value) => describeValue(value),
  };
}

/** The same as one state: all keys together, never partitioned. */
export function kvMap(): KvMapModel {
  return {
    name: 'kv-map',
    init: () => new Map(),
    step: (state, input, output) => {
      const before = state.get(input.key) ?? '';
      const after = stepValue(before, input, output);
      if (after === illegal || after === before) return after === illegal ? illegal : state;
      return new Map(state).set(input.key, after);
    },
    equal: (a, b) => a === b || (a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)),
    readOnly: (input) => input.f === 'get',
    describeOperation,
    describeState: (state) => [...state].map(([key, value]) => `${key} = ${describeValue(value)}`).join(', '),
  };
}
