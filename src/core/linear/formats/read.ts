// A history from a text, by the names a person gives: which model, which format.

import { unreachable } from '../../assert.ts';
import { fail } from '../../errors.ts';
import type { Operation } from '../history.ts';
import type { Value } from '../value.ts';
import { type ModelName, zoo } from '../zoo.ts';
import { EdnReader } from './edn.ts';
import { formatErrorAt } from './format-error.ts';
import { readJepsenLog } from './jepsen-log.ts';
import { readJsonl } from './jsonl.ts';
import { readKnossos } from './knossos.ts';
import { readKvLog } from './kv-log.ts';

export const formats = ['jepsen', 'kv-log', 'edn', 'jsonl'] as const;
export type Format = (typeof formats)[number];

export type AnyOperation = Operation<unknown, unknown>;

/** Throws a `FormatError` that names line and column, or BAD_REQUEST where the format never speaks of this model. */
export function readHistory(text: string, format: Format, model: ModelName): AnyOperation[] {
  const entry = zoo[model];
  // An editor's byte order mark is no part of anybody's format.
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  switch (format) {
    case 'jepsen':
      return isRegister(model) ? readJepsenLog(source) : mismatch(format, model, 'register, cas-register');
    case 'kv-log':
      return isKv(model) ? readKvLog(source) : mismatch(format, model, 'kv, kv-map');
    case 'edn':
      return entry.dialect === undefined ? mismatch(format, model, 'all but etcd') : readKnossos(source, entry.dialect);
    case 'jsonl':
      return readJsonl(source, entry.misshapen);
    default:
      return unreachable(format);
  }
}

/** An initial value as it is given on a command line: JSON, or EDN. */
export function readValue(text: string): Value {
  try {
    return JSON.parse(text);
  } catch {
    // Then it is EDN, or neither, and the EDN reader can say where.
  }
  const reader = new EdnReader(text);
  const form = reader.next();
  if (form === undefined) throw formatErrorAt(text, 0, 'there is no value');
  if (reader.next() !== undefined) throw formatErrorAt(text, text.length, 'there is more than one value');
  return form.value;
}

function isRegister(model: ModelName): boolean {
  return model === 'register' || model === 'cas-register';
}

function isKv(model: ModelName): boolean {
  return model === 'kv' || model === 'kv-map';
}

function mismatch(format: Format, model: ModelName, fits: string): never {
  fail('BAD_REQUEST', { detail: `a ${format} file says nothing about the model ${model}: it fits ${fits}` });
}
