// One event as Jepsen and its relatives write it: a process, what happened, and to what. The formats end here; what
// `f` and `value` mean to a model is the business of its dialect.

import type { Value } from '../value.ts';

export interface RecordedEvent {
  readonly process: string | number;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  /** Without its colon. */
  readonly f: string;
  readonly value: Value;
  readonly key: Value;
  readonly line: number;
}

/** By the keyword in the file. */
export const eventTypes: ReadonlyMap<unknown, RecordedEvent['type']> = new Map([
  [':invoke', 'invoke'],
  [':ok', 'ok'],
  [':fail', 'fail'],
  [':info', 'info'],
]);
