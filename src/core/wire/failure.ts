// A failure across a wire: JSON, because it is rare, small, and must survive fields that this build does not know.

import { text, utf8 } from '../bytes.ts';
import { errorTable } from '../errors.ts';
import type { ErrorCode, Failure } from '../errors.ts';

const textFacts: ReadonlySet<string> = new Set<keyof Failure>(['detail', 'leader', 'file']);
const numberFacts: ReadonlySet<string> = new Set<keyof Failure>(['requested', 'compacted', 'current', 'offset', 'index']);

export function encodeFailure(failure: Failure): Uint8Array {
  return utf8(JSON.stringify(failure));
}

/** A code of a later build arrives as INTERNAL with its name in the detail; facts of the wrong kind are left out. */
export function decodeFailure(bytes: Uint8Array): Failure {
  const unreadable: Failure = { code: 'INTERNAL', detail: 'an unreadable failure' };
  let value: unknown;
  try {
    value = JSON.parse(text(bytes));
  } catch {
    return unreadable;
  }
  if (typeof value !== 'object' || value === null || !('code' in value) || typeof value.code !== 'string') return unreadable;
  const { code } = value;
  const facts: Record<string, string | number> = {};
  for (const [name, fact] of Object.entries(value)) {
    if (textFacts.has(name) && typeof fact === 'string') facts[name] = fact;
    if (numberFacts.has(name) && typeof fact === 'number') facts[name] = fact;
  }
  if (!isCode(code)) return { ...facts, code: 'INTERNAL', detail: `${code}: ${facts['detail'] ?? 'a failure that this build does not know'}` };
  return { ...facts, code };
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}
