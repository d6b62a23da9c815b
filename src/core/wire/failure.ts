// A failure across a wire: JSON, because it is rare, small, and must survive fields that this build does not know.

import { text, utf8 } from '../bytes.ts';
import { errorTable } from '../errors.ts';
import type { Failure } from '../errors.ts';

export function encodeFailure(failure: Failure): Uint8Array {
  return utf8(JSON.stringify(failure));
}

/** A code of a later build arrives as INTERNAL with its name in the detail. */
export function decodeFailure(bytes: Uint8Array): Failure {
  let value: unknown;
  try {
    value = JSON.parse(text(bytes));
  } catch {
    return { code: 'INTERNAL', detail: 'an unreadable failure' };
  }
  const failure = value as Failure;
  if (typeof failure !== 'object' || failure === null || typeof failure.code !== 'string') return { code: 'INTERNAL', detail: 'an unreadable failure' };
  if (!(failure.code in errorTable)) return { code: 'INTERNAL', detail: `${String(failure.code)}: ${failure.detail ?? ''}` };
  return failure;
}
