// The clever search against the obvious one: try every order. Small histories of a register are all there are.

import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Checker, type Verdict } from './checker.ts';
import { generateKv, generateRegister } from './generate.ts';
import type { Operation } from './history.ts';
import { illegal, type Model } from './model.ts';
import { kv, kvMap } from './models/kv.ts';
import { casRegister, type RegisterInput, type RegisterOutput } from './models/register.ts';

// Seconds on a quiet machine; a busy one must not look like a wrong verdict.
vi.setConfig({ testTimeout: 120_000 });

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

function verdictOf<State, Input, Output>(model: Model<State, Input, Output>, history: readonly Operation<Input, Output>[]): Verdict {
  const checker = new Checker(model, history);
  while (checker.step(10_000) === undefined);
  return checker.report().verdict;
}

/** Herlihy and Wing's definition, without a second thought: is there an order that respects real time and the model? */
function oracle<State, Input, Output>(model: Model<State, Input, Output>, history: readonly Operation<Input, Output>[], state: State = model.init()): boolean {
  if (history.every((operation) => operation.return === Infinity)) return true;
  return history.some((next) => {
    if (history.some((other) => other.return < next.call)) return false;
    const after = model.step(state, next.input, next.output);
    return after !== illegal && oracle(model, history.filter((other) => other !== next), after);
  });
}

/** All ways in which n intervals can overlap: sequences of calls and returns, operations numbered by their calls. */
function* overlaps(n: number, events: readonly number[] = [], called = 0, open: readonly number[] = []): Generator<readonly number[]> {
  if (events.length === 2 * n) yield events;
  if (called < n) yield* overlaps(n, [...events, called], called + 1, [...open, called]);
  for (const one of open) yield* overlaps(n, [...events, one], called, open.filter((other) => other !== one));
}

type Kind = readonly [RegisterInput, RegisterOutput];

const kinds: readonly Kind[] = [
  [{ f: 'write', value: 1 }, null],
  [{ f: 'read' }, 1],
  [{ f: 'read' }, null],
  [{ f: 'write', value: 2 }, null],
  [{ f: 'read' }, 2],
  [{ f: 'cas', from: 1, to: 2 }, true],
  [{ f: 'cas', from: 1, to: 2 }, false],
];

function kindAt(index: number): Kind {
  return kinds[index] ?? expect.fail('there is no such kind');
}

function* histories(n: number, kindCount: number, mayCrash: boolean): Generator<RegisterOperation[]> {
  const choices = kindCount * (mayCrash ? 2 : 1);
  for (const events of overlaps(n)) {
    for (let code = 0; code < choices ** n; code++) {
      yield Array.from({ length: n }, (_, i) => {
        const choice = Math.floor(code / choices ** i) % choices;
        const [input, output] = kindAt(choice % kindCount);
        const crashed = choice >= kindCount;
        return { client: i, input, output: crashed ? undefined : output, call: events.indexOf(i), return: crashed ? Infinity : events.lastIndexOf(i) };
      });
    }
  }
}

function compareAll(all: Iterable<RegisterOperation[]>): number {
  const model = casRegister();
  let compared = 0;
  for (const history of all) {
    compared++;
    const expected = oracle(model, history) ? 'ok' : 'illegal';
    if (verdictOf(model, history) !== expected) expect.fail(`${expected}: ${JSON.stringify(history)}`);
  }
  return compared;
}

describe('every small history of a register', () => {
  it('of up to 3 operations, with cas and crashes, gets the verdict of trying every order', () => {
    expect(compareAll(histories(1, 7, true)) + compareAll(histories(2, 7, true)) + compareAll(histories(3, 7, true))).toBe(41_762);
  });

  it('of 4 operations, with cas', () => {
    expect(compareAll(histories(4, 7, false))).toBe(105 * 7 ** 4);
  });

  it('of 5 operations on one value', () => {
    expect(compareAll(histories(5, 3, false))).toBe(945 * 3 ** 5);
  });
});

const anyRow = fc.record({ kind: fc.nat(kinds.length - 1), call: fc.nat(12), length: fc.option(fc.nat(6), { freq: 6 }) });
const anyHistory = (maxLength: number): fc.Arbitrary<RegisterOperation[]> =>
  fc.array(anyRow, { minLength: 1, maxLength }).map((rows) =>
    rows.map(({ kind, call, length }, client) => {
      const [input, output] = kindAt(kind);
      return { client, input, output: length === null ? undefined : output, call, return: length === null ? Infinity : call + length };
    }),
  );

describe('any history', () => {
  it('of up to 7 operations gets the verdict of trying every order', () => {
    fc.assert(
      fc.property(anyHistory(7), (history) => {
        expect(verdictOf(casRegister(), history)).toBe(oracle(casRegister(), history) ? 'ok' : 'illegal');
      }),
      { numRuns: 2000 },
    );
  });

  it('gets the same verdict in whatever order the file lists equal timestamps', () => {
    const shuffled = anyHistory(10).chain((history) =>
      fc.tuple(fc.constant(history), fc.shuffledSubarray(history, { minLength: history.length })),
    );
    fc.assert(
      fc.property(shuffled, ([history, other]) => {
        expect(verdictOf(casRegister(), other)).toBe(verdictOf(casRegister(), history));
      }),
      { numRuns: 1000 },
    );
  });

  it('gets the same verdict whether its keys are judged apart or as one map', () => {
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), (seed, isSpoiled) => {
        const history = generateKv({ seed, clients: 4, keys: 3, operations: 24, crashRatio: 0.1 });
        const at = history.findLastIndex(({ input, output }) => input.f === 'get' && output !== undefined);
        const judged = isSpoiled ? history.map((operation, i) => (i === at ? { ...operation, output: '' } : operation)) : history;
        expect(verdictOf(kvMap(), judged)).toBe(verdictOf(kv(), judged));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a history that some system really produced', () => {
  it('is linearizable, crashes and all', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 12 }), (seed, clients) => {
        expect(verdictOf(casRegister(), generateRegister({ seed, clients, operations: 120, crashRatio: 0.05 }))).toBe('ok');
      }),
      { numRuns: 200 },
    );
  });

  it('is illegal once a read returns what had been overwritten before it began', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        // Words are unique and only ever added, so a value without its last word was overwritten when that word arrived.
        const history = generateKv({ seed, clients: 6, keys: 2, operations: 80 });
        const at = history.findLastIndex((one) => one.input.f === 'get' && isSettled(history, one));
        fc.pre(at >= 0);
        const stale = history.map((operation, i) => (i === at ? { ...operation, output: withoutLastWord(operation.output ?? '') } : operation));
        expect(verdictOf(kv(), history)).toBe('ok');
        expect(verdictOf(kv(), stale)).toBe('illegal');
      }),
      { numRuns: 300 },
    );
  });
});

function withoutLastWord(text: string): string {
  return text.slice(0, text.lastIndexOf('x'));
}

/** Had the last word that this read returned been acknowledged before the read was called? */
function isSettled(history: ReturnType<typeof generateKv>, read: ReturnType<typeof generateKv>[number]): boolean {
  const word = read.output?.slice(read.output.lastIndexOf('x')) ?? '';
  return history.some(({ input, return: returned }) => input.f === 'append' && input.value === word && returned < read.call);
}
