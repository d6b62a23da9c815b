// Histories in the formats of other tools, for the readers to read back.

import type { KvInput, KvOutput, Operation, RegisterInput, RegisterOutput, Value } from '../../src/core/linear/index.ts';

interface End<Input, Output> {
  readonly time: number;
  readonly isCall: boolean;
  readonly operation: Operation<Input, Output>;
}

/** Calls before returns at the same instant, as the intervals are closed. */
function endsOf<Input, Output>(history: readonly Operation<Input, Output>[]): End<Input, Output>[] {
  return history
    .flatMap((operation) => [
      { time: operation.call, isCall: true, operation },
      { time: operation.return, isCall: false, operation },
    ])
    .toSorted((a, b) => (a.time === b.time ? Number(b.isCall) - Number(a.isCall) : a.time - b.time));
}

export function edn(value: Value | undefined): string {
  if (value === undefined || value === null) return 'nil';
  if (Array.isArray(value)) return `[${value.map(edn).join(' ')}]`;
  return JSON.stringify(value);
}

type Type = 'invoke' | 'ok' | 'fail' | 'info';
type Spell = (client: string | number, type: Type, f: string, value: Value) => string | undefined;

function spellRegister(history: readonly Operation<RegisterInput, RegisterOutput>[], spell: Spell): string {
  const lines = endsOf(history).map(({ isCall, operation: { client, input, output, return: returned } }) => {
    const asked = input.f === 'read' ? null : input.f === 'write' ? input.value : [input.from, input.to];
    if (isCall) return spell(client, 'invoke', input.f, asked);
    // A read that never returned is a read that failed, to Jepsen.
    if (returned === Infinity) return spell(client, input.f === 'read' ? 'fail' : 'info', input.f, ':timed-out');
    if (input.f === 'cas' && output === false) return spell(client, 'fail', input.f, asked);
    return spell(client, 'ok', input.f, input.f === 'read' ? (output ?? null) : asked);
  });
  return `${lines.join('\n')}\n`;
}

const spellValue = (value: Value): string => (value === ':timed-out' ? ':timed-out' : edn(value));

export function writeJepsenLog(history: readonly Operation<RegisterInput, RegisterOutput>[]): string {
  return spellRegister(history, (client, type, f, value) => `INFO  jepsen.util - ${client}\t:${type}\t:${f}\t${spellValue(value)}`);
}

export function writeEdn(history: readonly Operation<RegisterInput, RegisterOutput>[]): string {
  return `[${spellRegister(history, (client, type, f, value) => ` {:process ${client}, :type :${type}, :f :${f}, :value ${spellValue(value)}}`)}]`;
}

export function writeKvLog(history: readonly Operation<KvInput, KvOutput>[]): string {
  const lines = endsOf(history).flatMap(({ isCall, operation: { client, input, output, return: returned } }) => {
    if (!isCall && returned === Infinity) return [];
    const asked = 'value' in input ? input.value : null;
    const value = !isCall && input.f === 'get' ? (output ?? null) : asked;
    return [`{:process ${client}, :type :${isCall ? 'invoke' : 'ok'}, :f :${input.f}, :key "${input.key}", :value ${edn(value)}}`];
  });
  return `${lines.join('\n')}\n`;
}
