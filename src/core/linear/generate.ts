// Histories with known verdicts, from a seed: clients that call at random times a system which is correct because it
// really does take each operation at one instant of its interval. For tests, benches and first steps; whoever wants an
// illegal history spoils one answer of a legal one.

import { nextBelow, nextUnit, type RandomState, seedRandom } from '../random.ts';
import type { Operation } from './history.ts';
import type { KvInput, KvOutput } from './models/kv.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';
import type { Value } from './value.ts';

export interface GenerateOptions {
  readonly seed: number;
  readonly clients: number;
  readonly operations: number;
  /** How much of the work reads. @default 0.5 */
  readonly readRatio?: number;
  /** How many operations never return; a half of those take effect. A client whose operation crashed goes on as another. @default 0 */
  readonly crashRatio?: number;
}

interface Slot {
  readonly client: number;
  readonly call: number;
  readonly point: number;
  readonly return: number;
  readonly hasEffect: boolean;
}

/** Writes, reads and cas of small values on one register that begins as nil. */
export function generateRegister(
  options: GenerateOptions & { readonly values?: number },
): Operation<RegisterInput, RegisterOutput>[] {
  const { values = 5 } = options;
  let state: Value = null;
  return generate<RegisterInput, RegisterOutput>(options, (random, isRead) => {
    const input: RegisterInput = isRead ? { f: 'read' } : chooseWrite(random, values);
    return {
      input,
      apply: () => {
        if (input.f === 'read') return state;
        if (input.f === 'cas' && state !== input.from) return false;
        state = input.f === 'cas' ? input.to : input.value;
        return input.f === 'cas' ? true : null;
      },
    };
  });
}

function chooseWrite(random: RandomState, values: number): RegisterInput {
  const value = nextBelow(random, values);
  return nextUnit(random) < 0.5 ? { f: 'write', value } : { f: 'cas', from: nextBelow(random, values), to: value };
}

/** Appends of unique words to, and reads of, strings under many keys. */
export function generateKv(options: GenerateOptions & { readonly keys: number }): Operation<KvInput, KvOutput>[] {
  const state = new Map<string, string>();
  let words = 0;
  return generate<KvInput, KvOutput>(options, (random, isRead) => {
    const key = String(nextBelow(random, options.keys));
    const input: KvInput = isRead ? { f: 'get', key } : { f: 'append', key, value: `x ${words++} y` };
    return {
      input,
      apply: () => {
        const value = state.get(key) ?? '';
        if (input.f === 'get') return value;
        state.set(key, value + (input.f === 'append' ? input.value : ''));
        return null;
      },
    };
  });
}

interface Act<Input, Output> {
  readonly input: Input;
  readonly apply: () => Output;
}

function generate<Input, Output>(
  options: GenerateOptions,
  choose: (random: RandomState, isRead: boolean) => Act<Input, Output>,
): Operation<Input, Output>[] {
  const { readRatio = 0.5 } = options;
  const random = seedRandom(options.seed);
  const operations: Operation<Input, Output>[] = [];
  // In the order of their instants, which is the order that the checker has to find.
  for (const slot of slots(options, random).toSorted((a, b) => a.point - b.point)) {
    const { input, apply } = choose(random, nextUnit(random) < readRatio);
    const answer = slot.hasEffect ? apply() : undefined;
    const output = slot.return === Infinity ? undefined : answer;
    operations.push({ client: slot.client, input, output, call: slot.call, return: slot.return });
  }
  return operations.toSorted((a, b) => a.call - b.call);
}

function slots({ clients, operations, crashRatio = 0 }: GenerateOptions, random: RandomState): Slot[] {
  const slotsOf: Slot[] = [];
  const free = Array.from({ length: clients }, () => nextUnit(random) * 10);
  const names = Array.from({ length: clients }, (_, i) => i);
  let nextName = clients;
  for (let i = 0; i < operations; i++) {
    const client = i % clients;
    const call = free[client]! + nextUnit(random) * 4;
    const length = 1 + nextUnit(random) * 9;
    const point = call + nextUnit(random) * length;
    const crashes = nextUnit(random) < crashRatio;
    const hasEffect = !crashes || nextUnit(random) < 0.5;
    slotsOf.push({ client: names[client]!, call, point, return: crashes ? Infinity : call + length, hasEffect });
    free[client] = call + length;
    if (crashes) names[client] = nextName++;
  }
  return slotsOf;
}
