// A recorder around any asynchronous client: who called what when, and what came back, as a history that can be
// checked at once and, event by event, as lines that can be kept.

import { OperationError } from '../../core/errors.ts';
import {
  type ClientId,
  type HistoryEvent,
  jsonlEvent,
  jsonlHeader,
  type Operation,
  operationsOf,
} from '../../core/linear/index.ts';

export interface RecordOptions {
  /** Gets every event as a line of our JSONL form, newline included, while it happens: what survives a crash. */
  readonly write?: (line: string) => void;
  /** Named in the first line, for `thole check`. */
  readonly model?: string;
  /** Milliseconds on any one clock. @default performance.now */
  readonly now?: () => number;
  /** Does this error mean that the operation certainly did not happen? All others leave it open for good. @default retry is 'safe' */
  readonly isFailure?: (error: unknown) => boolean;
}

/** How one method of a client is an operation of a model. */
export interface Recorded<Input, Output> {
  // oxlint-disable-next-line typescript/no-explicit-any -- the arguments are whatever the wrapped method takes.
  readonly input: (...args: any[]) => Input;
  // oxlint-disable-next-line typescript/no-explicit-any -- the same of what it resolves to.
  readonly output: (result: any) => Output | undefined;
}

export interface Recorder<Input, Output> {
  /** The same client, with the methods named in `recorded` watched. Give each concurrent user a name of its own: it becomes a lane. */
  wrap<Client extends object>(
    name: ClientId,
    client: Client,
    recorded: { readonly [Method in keyof Client]?: Recorded<Input, Output> },
  ): Client;
  /** Records one call without wrapping anything. */
  record(name: ClientId, input: Input, call: () => Promise<Output | undefined>): Promise<Output | undefined>;
  /** What was recorded so far; operations under way have not returned. */
  history(): Operation<Input, Output>[];
}

export function recordHistory<Input, Output>(options: RecordOptions = {}): Recorder<Input, Output> {
  const { write, model, now = () => performance.now(), isFailure = isSafe } = options;
  const events: HistoryEvent<Input, Output>[] = [];
  let lastId = 0;
  if (write !== undefined && model !== undefined) write(`${jsonlHeader(model)}\n`);

  const note = (event: HistoryEvent<Input, Output>): void => {
    events.push(event);
    write?.(`${jsonlEvent(event)}\n`);
  };

  async function observe<Result>(
    client: ClientId,
    input: Input,
    call: () => Promise<Result>,
    outputOf: (result: Result) => Output | undefined,
  ): Promise<Result> {
    const id = ++lastId;
    note({ type: 'invoke', id, client, time: now(), input });
    try {
      const result = await call();
      note({ type: 'return', id, time: now(), output: outputOf(result) });
      return result;
    } catch (error) {
      note({ type: isFailure(error) ? 'fail' : 'unknown', id, time: now() });
      throw error;
    }
  }

  return {
    history: () => operationsOf(events),
    record: (name, input, call) => observe(name, input, call, (output) => output),
    wrap: (name, client, recorded) =>
      new Proxy(client, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property, target);
          if (typeof value !== 'function') return value;
          const method = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `recorded` has just said that it is one of its keys.
          const watched = Object.hasOwn(recorded, property) ? recorded[property as keyof typeof recorded] : undefined;
          if (watched === undefined) return method;
          return (...args: unknown[]) => observe(name, watched.input(...args), async () => method(...args), watched.output);
        },
      }),
  };
}

function isSafe(error: unknown): boolean {
  return error instanceof OperationError && error.retry === 'safe';
}
