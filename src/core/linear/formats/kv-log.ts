// String-append logs: one EDN map a line, without vectors around them.
//
//   {:process 9, :type :invoke, :f :append, :key "0", :value "x 9 0 y"}
//   {:process 4, :type :ok, :f :get, :key "0", :value "x 9 0 y"}

import type { Operation } from '../history.ts';
import type { KvInput, KvOutput } from '../models/kv.ts';
import type { Value } from '../value.ts';
import { type Dialect, readEvents } from './dialect.ts';
import { knossosEvents } from './knossos.ts';

export const kvDialect: Dialect<KvInput, KvOutput> = {
  input: (f, value, key) => {
    const name = spell(key);
    if (f === 'get' || f === 'read') return { f: 'get', key: name };
    if (f === 'delete' || f === 'del') return { f: 'delete', key: name };
    if (f === 'put' || f === 'write') return { f: 'put', key: name, value: spell(value) };
    return f === 'append' ? { f, key: name, value: spell(value) } : undefined;
  },
  output: (_, value) => (value === null ? null : spell(value)),
};

export function readKvLog(text: string): Operation<KvInput, KvOutput>[] {
  return readEvents(knossosEvents(text), kvDialect);
}

function spell(value: Value): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
