// Histories as Knossos keeps them: one vector or list of maps, or a map after another.
//
//   [{:process 0, :type :invoke, :f :write, :value 3}
//    {:process 0, :type :ok, :f :write, :value 3, :index 1, :time 1231}]
//
// More keys than these are nobody's concern here. The nemesis breaks things and asks nothing: it is passed over.

import type { Operation } from '../history.ts';
import { isRecord } from '../value.ts';
import { type Dialect, readEvents } from './dialect.ts';
import { type EdnForm, EdnReader } from './edn.ts';
import { formatErrorAt } from './format-error.ts';
import { eventTypes, type RecordedEvent } from './recorded-event.ts';

export function readKnossos<Input, Output>(text: string, dialect: Dialect<Input, Output>): Operation<Input, Output>[] {
  return readEvents(knossosEvents(text), dialect);
}

export function* knossosEvents(text: string): Generator<RecordedEvent> {
  const reader = new EdnReader(text);
  const isVector = reader.enter();
  const lines = lineCounter(text);
  for (;;) {
    const form = isVector ? reader.nextInside() : reader.next();
    if (form === undefined) break;
    const event = eventOf(text, form, lines);
    if (event !== undefined) yield event;
  }
  const rest = isVector ? reader.next() : undefined;
  if (rest !== undefined) throw formatErrorAt(text, rest.offset, 'something follows the vector');
}

function eventOf(text: string, { value, offset }: EdnForm, lines: (offset: number) => number): RecordedEvent | undefined {
  const complain = (problem: string): never => {
    throw formatErrorAt(text, offset, problem);
  };
  if (!isRecord(value)) return complain('an event is a map');
  const process = value[':process'];
  if (process === undefined) return complain('an event has no :process');
  if (process === ':nemesis') return undefined;
  if (typeof process !== 'number' && typeof process !== 'string') return complain('a :process is a number or a name');
  const type = eventTypes.get(value[':type']) ?? complain(`an event has no such :type: ${JSON.stringify(value[':type'])}`);
  const f = value[':f'];
  if (typeof f !== 'string') return complain('an event has no :f');
  return {
    process,
    type,
    f: f.replace(/^:/, ''),
    value: value[':value'] ?? null,
    key: value[':key'] ?? null,
    line: lines(offset),
  };
}

/** Offsets come in order, so the newlines before each are counted once. */
function lineCounter(text: string): (offset: number) => number {
  let counted = 0;
  let line = 1;
  return (offset) => {
    for (let at = text.indexOf('\n', counted); at !== -1 && at < offset; at = text.indexOf('\n', counted)) {
      line++;
      counted = at + 1;
    }
    return line;
  };
}
