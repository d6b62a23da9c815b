import { describe, expect, it } from 'vitest';
import { OperationError } from '../../core/errors.ts';
import { generateKv, kv, type KvInput, type KvOutput, readHistory, register, type RegisterInput } from '../../core/linear/index.ts';
import { check } from './check.ts';
import { recordHistory } from './record.ts';

/** Twenty writes at once and a read of none of them: every subset has to be tried. */
const hard = [
  ...Array.from({ length: 20 }, (_, i) => ({ client: i, input: { f: 'write', value: i } as RegisterInput, output: null, call: 0, return: 100 })),
  { client: 99, input: { f: 'read' } as RegisterInput, output: -1, call: 50, return: 60 },
];

describe('check', () => {
  it('gives the verdict and the evidence', async () => {
    const history = generateKv({ seed: 1, clients: 4, keys: 3, operations: 200 });
    const { verdict, partitions, elapsedMs } = await check(kv(), history);
    expect(verdict).toBe('ok');
    expect(partitions.flatMap(({ order }) => order).toSorted((a, b) => a - b)).toEqual([...history.keys()]);
    expect(elapsedMs).toBeGreaterThan(0);
  });

  it('says unknown when the time is over, never ok', async () => {
    const { verdict } = await check(register(), hard, { timeoutMs: 50 });
    expect(verdict).toBe('unknown');
  });

  it('says unknown when the memory it may use is full', async () => {
    expect((await check(register(), hard, { configurationsMax: 1000 })).verdict).toBe('unknown');
  });

  it('stops when its signal says so, and lets others run meanwhile', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const signal = AbortSignal.timeout(100);
    await expect(check(register(), hard, { signal })).rejects.toThrow('timeout');
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });
});

describe('a recorder', () => {
  class Store {
    readonly values = new Map<string, string>();
    async get(key: string): Promise<string | undefined> {
      return this.values.get(key);
    }
    async set(key: string, value: string): Promise<void> {
      if (key === 'refused') throw new OperationError({ code: 'NO_LEADER' });
      this.values.set(key, value);
      if (key === 'lost') throw new OperationError({ code: 'TIMEOUT' });
    }
    size(): number {
      return this.values.size;
    }
  }

  it('watches a client, tells failures from unknowns, and writes what thole check reads', async () => {
    const lines: string[] = [];
    let clock = 0;
    const recorder = recordHistory<KvInput, KvOutput>({ write: (line) => lines.push(line), model: 'kv', now: () => clock++ });
    const client = recorder.wrap('alice', new Store(), {
      get: { input: (key: string) => ({ f: 'get', key }), output: (value: string | undefined) => value ?? null },
      set: { input: (key: string, value: string) => ({ f: 'put', key, value }), output: () => null },
    });
    await client.set('a', '1');
    expect(await client.get('a')).toBe('1');
    await expect(client.set('refused', '1')).rejects.toThrow('NO_LEADER');
    await expect(client.set('lost', '1')).rejects.toThrow('TIMEOUT');
    expect(client.size()).toBe(2);
    expect(recorder.history()).toEqual([
      { client: 'alice', input: { f: 'put', key: 'a', value: '1' }, output: null, call: 0, return: 1 },
      { client: 'alice', input: { f: 'get', key: 'a' }, output: '1', call: 2, return: 3 },
      { client: 'alice', input: { f: 'put', key: 'lost', value: '1' }, output: undefined, call: 6, return: Infinity },
    ]);
    expect(readHistory(lines.join(''), 'jsonl', 'kv')).toEqual(recorder.history());
    expect((await check(kv(), recorder.history())).verdict).toBe('ok');
  });

  it('catches a cache that answers late', async () => {
    const recorder = recordHistory<KvInput, KvOutput>();
    await recorder.record('a', { f: 'put', key: 'k', value: '1' }, async () => null);
    await recorder.record('a', { f: 'put', key: 'k', value: '2' }, async () => null);
    await recorder.record('b', { f: 'get', key: 'k' }, async () => '1');
    expect((await check(kv(), recorder.history())).verdict).toBe('illegal');
  });
});
