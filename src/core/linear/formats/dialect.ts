// How a model's operations are spelled in a log. An invocation names an input; its completion names the output, which
// for a cas or a transaction arrives in the same `value` that repeats the request.

import type { ClientId, Operation } from '../history.ts';
import type { Value } from '../value.ts';
import { FormatError } from './format-error.ts';
import type { RecordedEvent } from './recorded-event.ts';

export interface Dialect<Input, Output> {
  /** What was asked for; undefined if this model has no such operation. */
  readonly input: (f: string, value: Value, key: Value) => Input | undefined;
  /** What `:ok` answered. */
  readonly output: (input: Input, value: Value) => Output | undefined;
  /** A `:fail` that is an answer, such as a cas that was refused; undefined if it only says "did not happen". */
  readonly refusal?: (input: Input, value: Value) => { readonly output: Output | undefined } | undefined;
}

interface Open<Input> {
  readonly at: number;
  readonly input: Input;
}

/**
 * Pairs events by process; a place in the file is a point in time. `:fail` drops the operation, for it certainly did
 * not happen; `:info`, and a process that begins again or never goes on, leave it open for good.
 */
export function readEvents<Input, Output>(
  events: Iterable<RecordedEvent>,
  dialect: Dialect<Input, Output>,
): Operation<Input, Output>[] {
  const operations: (Operation<Input, Output> | undefined)[] = [];
  const open = new Map<ClientId, Open<Input>>();
  let time = 0;
  for (const event of events) {
    time++;
    const begun = open.get(event.process);
    if (event.type === 'invoke') {
      const input = dialect.input(event.f, event.value, event.key);
      if (input === undefined) throw new FormatError(`this model has no operation :${event.f} ${JSON.stringify(event.value)}`, event.line, 1);
      open.set(event.process, { at: operations.length, input });
      operations.push({ client: event.process, input, output: undefined, call: time, return: Infinity });
      continue;
    }
    if (begun === undefined) {
      if (event.type === 'info') continue;
      throw new FormatError(`process ${event.process} completes what it has not invoked`, event.line, 1);
    }
    open.delete(event.process);
    const operation = operations[begun.at]!;
    if (event.type === 'ok') {
      operations[begun.at] = { ...operation, output: dialect.output(begun.input, event.value), return: time };
    } else if (event.type === 'fail') {
      const refusal = dialect.refusal?.(begun.input, event.value);
      operations[begun.at] = refusal === undefined ? undefined : { ...operation, output: refusal.output, return: time };
    }
  }
  return operations.filter((operation) => operation !== undefined);
}
