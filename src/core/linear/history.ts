// Histories: who called what when, and what came back. Intervals are closed: operations that share an instant are
// concurrent. An operation that never returned may take effect at any later point, or never.

import { fail } from '../errors.ts';

export type ClientId = string | number;

export interface Operation<Input, Output> {
  readonly client: ClientId;
  readonly input: Input;
  /** `undefined`: nobody knows what it answered. */
  readonly output: Output | undefined;
  readonly call: number;
  /** `Infinity`: it never returned, and may have happened at any point after its call, or not at all. */
  readonly return: number;
}

export type History<Input, Output> = readonly Operation<Input, Output>[];

/** The same as a log writes it. The two ends of an operation share an `id`; `fail` says that it certainly did not happen. */
export type HistoryEvent<Input, Output> =
  | { readonly type: 'invoke'; readonly id: ClientId; readonly client: ClientId; readonly time: number; readonly input: Input }
  | { readonly type: 'return'; readonly id: ClientId; readonly time: number; readonly output: Output | undefined }
  | { readonly type: 'unknown'; readonly id: ClientId; readonly time: number }
  | { readonly type: 'fail'; readonly id: ClientId; readonly time: number };

/** Pairs events into operations, in the order of their calls. Ends without a beginning are refused. */
export function operationsOf<Input, Output>(events: Iterable<HistoryEvent<Input, Output>>): Operation<Input, Output>[] {
  const operations: (Operation<Input, Output> | undefined)[] = [];
  const open = new Map<ClientId, { readonly at: number; readonly operation: Operation<Input, Output> }>();
  for (const event of events) {
    if (event.type === 'invoke') {
      if (open.has(event.id)) fail('BAD_REQUEST', { detail: `operation ${event.id} is invoked while it is under way` });
      const { client, input, time } = event;
      const operation = { client, input, output: undefined, call: time, return: Infinity };
      open.set(event.id, { at: operations.length, operation });
      operations.push(operation);
      continue;
    }
    const begun = open.get(event.id) ?? fail('BAD_REQUEST', { detail: `operation ${event.id} ends without a beginning` });
    open.delete(event.id);
    if (event.type === 'fail') operations[begun.at] = undefined;
    if (event.type === 'return') {
      operations[begun.at] = { ...begun.operation, output: event.output, return: event.time };
    }
  }
  return operations.filter((operation) => operation !== undefined);
}

/** Refuses what no clock could have recorded. */
export function validateHistory(history: History<unknown, unknown>): void {
  history.forEach((operation, index) => {
    if (!Number.isFinite(operation.call)) fail('BAD_REQUEST', { detail: `operation ${index} has no call time` });
    if (!(operation.return >= operation.call)) {
      fail('BAD_REQUEST', { detail: `operation ${index} returns at ${operation.return}, before its call at ${operation.call}` });
    }
  });
}
