import { describe, expect, it } from 'vitest';
import { Checker, type Report } from './checker.ts';
import type { Operation } from './history.ts';
import type { Model } from './model.ts';
import { kv } from './models/kv.ts';
import { casRegister, register, type RegisterInput, type RegisterOutput } from './models/register.ts';

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

function run<State, Input, Output>(model: Model<State, Input, Output>, history: readonly Operation<Input, Output>[]): Report {
  const checker = new Checker(model, history);
  while (checker.step(1000) === undefined);
  return checker.report();
}

const write = (client: number, value: number, call: number, returned = Infinity): RegisterOperation => ({
  client,
  input: { f: 'write', value },
  output: returned === Infinity ? undefined : null,
  call,
  return: returned,
});
const read = (client: number, value: number | null, call: number, returned: number): RegisterOperation => ({
  client,
  input: { f: 'read' },
  output: value,
  call,
  return: returned,
});

const cas = (output: boolean, call: number): RegisterOperation => ({ client: 1, input: { f: 'cas', from: 1, to: 2 }, output, call, return: call + 1 });
const append = (key: string, value: string, call: number): Operation<{ f: 'append'; key: string; value: string }, null> => ({ client: 0, input: { f: 'append', key, value }, output: null, call, return: call + 1 });
const get = (key: string, output: string, call: number): Operation<{ f: 'get'; key: string }, string> => ({ client: 1, input: { f: 'get', key }, output, call, return: call + 1 });

describe('a history', () => {
  it('of nothing is linearizable', () => {
    expect(run(register(), [])).toEqual({ verdict: 'ok', partitions: [] });
  });

  it('with a read of the value before a write that had returned is illegal', () => {
    const { verdict, partitions } = run(register(), [write(0, 1, 0, 1), read(1, null, 2, 3)]);
    expect(verdict).toBe('illegal');
    expect(partitions[0]).toMatchObject({ order: [0], blocked: 1, unplaced: [1] });
  });

  it('may answer a read from before a write that it overlaps, by no more than an instant', () => {
    expect(run(register(), [write(0, 1, 0, 1), read(1, null, 1, 2)]).verdict).toBe('ok');
  });

  it('may not show a new value and then the old one again', () => {
    const { partitions } = run(register(), [write(0, 1, 0, 9), read(1, 1, 1, 2), read(1, null, 3, 4)]);
    expect(partitions[0]).toMatchObject({ verdict: 'illegal', blocked: 2, order: [0, 1] });
  });

  it('lets a write that never returned take effect late, or never', () => {
    expect(run(register(), [write(0, 1, 0), read(1, null, 5, 6), read(1, 1, 7, 8)]).verdict).toBe('ok');
    expect(run(register(), [write(0, 1, 0), read(1, null, 7, 8)]).verdict).toBe('ok');
  });

  it('does not let a write that never returned take effect twice', () => {
    const history = [write(0, 1, 0), read(1, 1, 1, 2), write(1, 2, 3, 4), read(1, 1, 5, 6)];
    expect(run(register(), history).verdict).toBe('illegal');
    expect(run(register(), [...history, write(2, 1, 0)]).verdict).toBe('ok');
  });

  it('does not let a write take effect before its call', () => {
    expect(run(register(), [read(1, 1, 0, 1), write(0, 1, 2)]).verdict).toBe('illegal');
  });

  it('holds a cas to what it answered', () => {
    expect(run(casRegister(), [write(0, 1, 0, 1), cas(true, 2), read(0, 2, 4, 5)]).verdict).toBe('ok');
    expect(run(casRegister(), [write(0, 1, 0, 1), cas(false, 2)]).verdict).toBe('illegal');
  });

  it('is judged key by key, each with its own longest order', () => {
    const report = run(kv(), [append('a', 'x', 0), append('b', 'y', 2), get('a', 'x', 4), get('b', '', 6)]);
    expect(report.verdict).toBe('illegal');
    expect(report.partitions).toMatchObject([
      { key: 'a', verdict: 'ok', order: [0, 2] },
      { key: 'b', verdict: 'illegal', order: [1], blocked: 3 },
    ]);
  });

  it('with a return before its call is refused', () => {
    expect(() => new Checker(register(), [read(0, 1, 5, 4)])).toThrow(/returns at 4, before its call at 5/);
    expect(() => new Checker(register(), [read(0, 1, Number.NaN, 4)])).toThrow(/no call time/);
  });
});

describe('a search', () => {
  it('that is stopped says unknown, and shows how far it got', () => {
    const history = Array.from({ length: 40 }, (_, i) => write(i, i, 0, 100));
    const checker = new Checker(register(), [...history, read(99, -1, 50, 60)]);
    expect(checker.step(100)).toBeUndefined();
    const { verdict, partitions } = checker.report();
    expect(verdict).toBe('unknown');
    expect(partitions[0]?.order.length).toBeGreaterThan(0);
  });

  it('comes to the same end in steps of one as in one step', () => {
    const history = [write(0, 1, 0, 9), write(1, 2, 0, 9), read(2, 2, 1, 3), read(2, 1, 4, 5), read(2, 2, 6, 7)];
    const whole = run(register(), history);
    const checker = new Checker(register(), history);
    while (checker.step(1) === undefined);
    expect(checker.report()).toEqual(whole);
    expect(whole.verdict).toBe('illegal');
  });

  it('remembers more configurations than its first tables hold', () => {
    // 14 concurrent writes and a read of none of them: 2^13 · 14 sets and states, each once.
    const writes = Array.from({ length: 14 }, (_, i) => write(i, i, 0, 100));
    const { verdict, partitions } = run(register(), [...writes, read(99, -1, 50, 60)]);
    expect(verdict).toBe('illegal');
    expect(partitions[0]?.configurations).toBe(2 ** 13 * 14);
  });
});
