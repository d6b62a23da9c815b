// Our own form: a JSON object a line, either an event at a time, as a recorder writes it while it runs, or a whole
// operation. Both may stand in one file. docs/linear.md describes it for those who write it by other means.
//
//   {"thole":"history","version":1,"model":"register"}
//   {"type":"invoke","id":1,"client":"a","time":0.5,"input":{"f":"write","value":3}}
//   {"type":"return","id":1,"time":1.25,"output":null}
//   {"client":"b","call":1.5,"return":2.25,"input":{"f":"read"},"output":3}

import { OperationError } from '../../errors.ts';
import { type ClientId, type HistoryEvent, type Operation, operationsOf } from '../history.ts';
import { isRecord, type Value } from '../value.ts';
import { FormatError } from './format-error.ts';

type Line = Readonly<Record<string, Value>>;
type JsonEvent = HistoryEvent<Value, Value>;
type JsonOperation = Operation<Value, Value>;

export const jsonlVersion = 1;

/** `misshapen` says what is wrong with an input, if anything is. */
export function readJsonl(text: string, misshapen: (input: unknown) => string | undefined): JsonOperation[] {
  const whole: JsonOperation[] = [];
  const events: JsonEvent[] = [];
  let number = 0;
  for (const source of text.split('\n')) {
    number++;
    if (source.trim() === '') continue;
    const line = parse(source, number);
    const reader = new LineReader(line, number, source);
    if (line['thole'] !== undefined) reader.checkHeader();
    else if (line['type'] === undefined) whole.push(reader.operation(misshapen));
    else events.push(reader.event(misshapen));
  }
  return [...pair(events, number), ...whole];
}

function pair(events: readonly JsonEvent[], lastLine: number): JsonOperation[] {
  try {
    return operationsOf(events);
  } catch (error) {
    if (error instanceof OperationError) throw new FormatError(error.failure.detail ?? error.message, lastLine, 1);
    throw error;
  }
}

function parse(source: string, number: number): Line {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    // V8 names the place in one of two ways, or not at all when the text simply ends.
    const at = /position (\d+)/.exec(String(error))?.[1];
    const column = at === undefined ? source.length + 1 : Number(at) + 1;
    throw new FormatError('not JSON', number, column);
  }
  if (!isLine(value)) throw new FormatError('a line holds one JSON object', number, 1);
  return value;
}

/** JSON can say nothing that is no {@link Value}. */
function isLine(value: unknown): value is Line {
  return isRecord(value);
}

class LineReader {
  readonly #line: Line;
  readonly #number: number;
  readonly #source: string;

  constructor(line: Line, number: number, source: string) {
    this.#line = line;
    this.#number = number;
    this.#source = source;
  }

  checkHeader(): void {
    if (this.#line['thole'] !== 'history') this.#fail('thole', '"thole" is "history"');
    if (this.#line['version'] !== jsonlVersion) this.#fail('version', `this reads version ${jsonlVersion} of the format`);
  }

  operation(misshapen: (input: unknown) => string | undefined): JsonOperation {
    const returned = this.#line['return'] ?? Infinity;
    if (typeof returned !== 'number') return this.#fail('return', '"return" is a number, or null if it never came');
    const call = this.#numeric('call');
    if (returned < call) this.#fail('return', 'an operation returns before its call');
    const output = this.#line['output'];
    return { client: this.#client('client'), input: this.#input(misshapen), output, call, return: returned };
  }

  event(misshapen: (input: unknown) => string | undefined): JsonEvent {
    const named = this.#line['type'];
    const type = typeof named === 'string' ? named : '';
    const id = this.#client(this.#line['id'] === undefined ? 'client' : 'id');
    // Without clocks the place in the file is the time.
    const time = this.#line['time'] === undefined ? this.#number : this.#numeric('time');
    switch (type) {
      case 'invoke':
        return { type, id, client: this.#client('client'), time, input: this.#input(misshapen) };
      case 'return':
        return { type, id, time, output: this.#line['output'] };
      case 'unknown':
      case 'fail':
        return { type, id, time };
      default:
        return this.#fail('type', '"type" is invoke, return, unknown or fail');
    }
  }

  #input(misshapen: (input: unknown) => string | undefined): Value {
    const input = this.#line['input'];
    const problem = misshapen(input);
    return input !== undefined && problem === undefined ? input : this.#fail('input', problem ?? 'an operation has an input');
  }

  #client(field: string): ClientId {
    const id = this.#line[field];
    return typeof id === 'string' || typeof id === 'number' ? id : this.#fail(field, `"${field}" is a number or a string`);
  }

  #numeric(field: string): number {
    const value = this.#line[field];
    return typeof value === 'number' ? value : this.#fail(field, `"${field}" is a number`);
  }

  #fail(field: string, problem: string): never {
    throw new FormatError(problem, this.#number, Math.max(0, this.#source.indexOf(`"${field}"`)) + 1);
  }
}

export function jsonlHeader(model: string): string {
  return JSON.stringify({ thole: 'history', version: jsonlVersion, model });
}

/** One line per event, without the newline. */
export function jsonlEvent(event: HistoryEvent<unknown, unknown>): string {
  return JSON.stringify(event);
}

/** One line per operation. `null` says that it never returned; an output that nobody knows is left out. */
export function jsonlOperation(operation: Operation<unknown, unknown>): string {
  const { client, call, input, output } = operation;
  return JSON.stringify({ client, call, return: operation.return === Infinity ? null : operation.return, input, output });
}
