// Jepsen's own log of a register, as its etcd test printed it. Everything else that a test prints is passed over:
//
//   INFO  jepsen.util - 4   :invoke  :cas    [3 2]
//   INFO  jepsen.util - 4   :fail    :cas    [3 2]        it compared, and differed
//   INFO  jepsen.util - 1   :fail    :read   :timed-out   a read, closed on the spot, of which nothing is known
//   INFO  jepsen.util - 3   :info    :write  :timed-out   it may still take effect, at any later point

import type { Operation } from '../history.ts';
import type { RegisterInput, RegisterOutput } from '../models/register.ts';
import type { Value } from '../value.ts';
import { type Dialect, readEvents } from './dialect.ts';
import { EdnReader } from './edn.ts';
import { formatErrorAt } from './format-error.ts';
import { eventTypes, type RecordedEvent } from './recorded-event.ts';
import { registerDialect } from './register-dialect.ts';

const eventLine = /jepsen\.util\s+-\s+(\S+)\s+:(invoke|ok|fail|info)\s+:(\S+)[ \t]*(.*)$/;

const dialect: Dialect<RegisterInput, RegisterOutput> = {
  ...registerDialect,
  output: (input, value) => (input.f === 'cas' ? true : value),
  refusal: (input, value) => {
    if (input.f === 'read') return { output: undefined };
    // A cas that failed for any other reason than its comparison did not happen, and says nothing about the register.
    return input.f === 'cas' && Array.isArray(value) ? { output: false } : undefined;
  },
};

export function readJepsenLog(text: string): Operation<RegisterInput, RegisterOutput>[] {
  return readEvents(eventsOf(text), dialect);
}

function* eventsOf(text: string): Generator<RecordedEvent> {
  let offset = 0;
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    const match = eventLine.exec(line.trimEnd());
    // The nemesis has no number, and does nothing to a register by itself.
    if (match !== null && /^\d+$/.test(match[1]!)) {
      const [, process, type, f, rest] = match;
      const value = valueOf(text, rest!, offset + line.lastIndexOf(rest!));
      yield { process: Number(process), type: eventTypes.get(`:${type}`)!, f: f!, value, key: null, line: number };
    }
    offset += line.length + 1;
  }
}

function valueOf(text: string, rest: string, offset: number): Value {
  if (rest === '') return null;
  const form = new EdnReader(text, offset, offset + rest.length).next();
  if (form === undefined) throw formatErrorAt(text, offset, 'an event without a value');
  return form.value;
}
