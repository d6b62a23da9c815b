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

/**
 * A value with its hash, which an append carries on from where it was. Appends in another order differ near the end of
 * strings of equal length, and comparing thousands of those character by character is what a search would spend its time on.
 */
interface Text {
  readonly value: string;
  readonly hash: number;
}

const nothing: Text = { value: '', hash: 0 };

export type KvModel = Model<Text, KvInput, KvOutput>;
export type KvMapModel = Model<KvMap, KvInput, KvOutput>;

function extend(text: Text, suffix: string): Text {
  let { hash } = text;
  for (let i = 0; i < suffix.length; i++) hash = (Math.imul(hash, 31) + suffix.charCodeAt(i)) | 0;
  return { value: text.value + suffix, hash };
}

function equalTexts(a: Text, b: Text): boolean {
  return a === b || (a.hash === b.hash && a.value === b.value);
}

function stepText(text: Text, input: KvInput, output: KvOutput | undefined): Text | typeof illegal {
  switch (input.f) {
    case 'get':
      return output === undefined || (output ?? '') === text.value ? text : illegal;
    case 'put':
      return extend(nothing, input.value);
    case 'append':
      return extend(text, input.value);
    case 'delete':
      return nothing;
    default:
      return unreachable(input);
  }
}

function describeOperation(input: KvInput, output: KvOutput | undefined): string {
  if (input.f === 'get') return `get ${input.key} → ${describeText(output)}`;
  return input.f === 'delete' ? `delete ${input.key}` : `${input.f} ${input.key} ${describeValue(input.value)}`;
}

/** Strings that grow by appending differ at their end. */
function describeText(text: KvOutput | undefined): string {
  const shown = 40;
  if (typeof text !== 'string' || text.length <= shown) return describeValue(text);
  return `…${text.slice(-shown)} (${text.length} characters)`;
}

export function kv(): KvModel {
  return {
    name: 'kv',
    init: () => nothing,
    step: stepText,
    equal: equalTexts,
    hash: (text) => text.hash,
    readOnly: (input) => input.f === 'get',
    partition: (input) => input.key,
    describeOperation,
    describeState: (text) => describeText(text.value),
  };
}

interface KvMap {
  readonly texts: ReadonlyMap<string, Text>;
  /** The sum over the keys, so that one key's change costs one key's work. */
  readonly hash: number;
}

/** The same as one state: all keys together, never partitioned. */
export function kvMap(): KvMapModel {
  return {
    name: 'kv-map',
    init: () => ({ texts: new Map(), hash: 0 }),
    step: stepMap,
    equal: (a, b) =>
      a === b ||
      (a.hash === b.hash && a.texts.size === b.texts.size && [...a.texts].every(([key, text]) => equalTexts(text, b.texts.get(key) ?? nothing))),
    hash: (state) => state.hash,
    readOnly: (input) => input.f === 'get',
    describeOperation,
    describeState: ({ texts }) => [...texts].map(([key, { value }]) => `${key} = ${describeText(value)}`).join(', '),
  };
}

function stepMap(state: KvMap, input: KvInput, output: KvOutput | undefined): KvMap | typeof illegal {
  const before = state.texts.get(input.key) ?? nothing;
  const after = stepText(before, input, output);
  if (after === illegal) return illegal;
  if (after === before) return state;
  const texts = new Map(state.texts);
  // An empty string and no key at all are the same value, and must be the same state.
  if (after.value === '') texts.delete(input.key);
  else texts.set(input.key, after);
  return { texts, hash: (state.hash + hashOf(input.key, after) - hashOf(input.key, before)) | 0 };
}

function hashOf(key: string, text: Text): number {
  return text.value === '' ? 0 : Math.imul(extend(text, key).hash, 0x9e3779b1);
}
