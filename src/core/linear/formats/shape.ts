// What an input must look like in JSON: by the name of the operation, its fields and their kinds. Unknown fields are
// let through, so that a recorder may note more than a model asks for.

import { isRecord } from '../value.ts';

export type Kind = 'any' | 'string' | 'number' | 'boolean' | 'id' | 'array';

/** By `f`: the fields; a kind with a question mark may be left out. */
export type Shapes = { readonly [f: string]: { readonly [field: string]: Kind | `${Kind}?` } };

/** What is wrong with a value; undefined if nothing is. */
export function misshapen(value: unknown, shapes: Shapes): string | undefined {
  if (!isRecord(value)) return 'an operation is an object';
  const f = value['f'];
  const shape = typeof f === 'string' && Object.hasOwn(shapes, f) ? shapes[f] : undefined;
  if (shape === undefined) return `"f" is one of ${Object.keys(shapes).join(', ')}, not ${JSON.stringify(f)}`;
  for (const [field, kind] of Object.entries(shape)) {
    const isPresent = Object.hasOwn(value, field);
    if (!isPresent && kind.endsWith('?')) continue;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that is how the optional kinds are spelled.
    const required = kind.replace('?', '') as Kind;
    if (!isPresent || !isOfKind(value[field], required)) return `${String(f)} needs "${field}", ${article(required)}`;
  }
  return undefined;
}

function isOfKind(value: unknown, kind: Kind): boolean {
  if (kind === 'any') return true;
  if (kind === 'array') return Array.isArray(value);
  if (kind === 'id') return typeof value === 'string' || typeof value === 'number';
  return typeof value === kind;
}

function article(kind: Kind): string {
  if (kind === 'id') return 'a number or a string';
  return kind === 'any' || kind === 'array' ? `an${kind === 'any' ? 'y value' : ' array'}` : `a ${kind}`;
}
