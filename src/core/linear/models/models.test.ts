import { describe, expect, it } from 'vitest';
import { Checker, type Verdict } from '../checker.ts';
import type { Operation } from '../history.ts';
import type { Model } from '../model.ts';
import { etcd, type EtcdInput, type EtcdModel, type EtcdOperation, type EtcdOutput, withExpiry } from './etcd.ts';
import { lock, mutex } from './lock.ts';
import { log } from './log.ts';
import { multiRegister } from './multi-register.ts';
import { queue } from './queue.ts';
import { modelOf } from '../zoo.ts';

/** One after another, unless a row says when. An output of undefined has never returned. */
type Row<Input, Output> = readonly [Input, Output | undefined, (readonly [number, number])?];

function historyOf<Input, Output>(rows: readonly Row<Input, Output>[]): Operation<Input, Output>[] {
  return rows.map(([input, output, interval], i) => {
    const [call, returned] = interval ?? [10 * i, output === undefined ? Infinity : 10 * i + 5];
    return { client: i, input, output, call, return: returned };
  });
}

function judge<State, Input, Output>(model: Model<State, Input, Output>, history: readonly Operation<Input, Output>[]): Verdict {
  const checker = new Checker(model, history);
  while (checker.step(1000) === undefined);
  return checker.report().verdict;
}

const judgeRows = <State, Input, Output>(model: Model<State, Input, Output>, rows: readonly Row<Input, Output>[]): Verdict =>
  judge(model, historyOf(rows));

const judgeEtcd = (model: EtcdModel, rows: readonly Row<EtcdInput, EtcdOutput>[]): Verdict => judgeRows(model, rows);

const put = (key: string, value: string): EtcdOperation => ({ f: 'put', key, value });
const get = (key: string): EtcdOperation => ({ f: 'get', key });
const append = (value: string): { readonly f: 'append'; readonly value: string } => ({ f: 'append', value });
const deletions = (revision: number): Row<EtcdInput, EtcdOutput>[] => [
  [{ f: 'delete', key: 'a' }, { revision: 1, deleted: 0 }],
  [put('p/1', 'x'), {}],
  [put('p/2', 'x'), {}],
  [{ f: 'delete', key: 'p/', prefix: true }, { revision, deleted: 2 }],
  [{ f: 'get', key: 'a', end: '\0' }, { kvs: [] }],
];
const overtaken = (letThrough: boolean): Verdict =>
  judgeRows(lock(), [[{ f: 'acquire' }, 1], [{ f: 'expire' }, undefined], [{ f: 'acquire' }, 2], [{ f: 'guard', token: 1 }, letThrough], [{ f: 'guard', token: 2 }, true]]);

describe('kv', () => {
  it('puts, appends and deletes, and takes nothing and the empty string for the same', () => {
    for (const name of ['kv', 'kv-map'] as const) {
      const model = modelOf(name);
      const rows: Row<unknown, unknown>[] = [
        [{ f: 'get', key: 'a' }, null],
        [{ f: 'put', key: 'a', value: 'x' }, null],
        [{ f: 'append', key: 'a', value: 'y' }, null],
        [{ f: 'get', key: 'a' }, 'xy'],
        [{ f: 'delete', key: 'a' }, null],
        [{ f: 'get', key: 'a' }, ''],
      ];
      expect(judgeRows(model, rows)).toBe('ok');
      expect(judgeRows(model, rows.with(3, [{ f: 'get', key: 'a' }, 'x']))).toBe('illegal');
    }
  });
});

describe('multi-register', () => {
  it('reads several at one instant, and its own writes', () => {
    const swap = [{ f: 'write', key: 'x', value: 2 }, { f: 'write', key: 'y', value: 2 }] as const;
    const both = [{ f: 'read', key: 'x' }, { f: 'read', key: 'y' }] as const;
    const model = multiRegister({ initial: { x: 1, y: 1 } });
    expect(judgeRows(model, [[swap, [0, 0], [0, 9]], [both, [1, 1], [1, 2]], [both, [2, 2], [3, 4]]])).toBe('ok');
    expect(judgeRows(model, [[swap, [0, 0], [0, 9]], [both, [1, 2], [1, 2]]])).toBe('illegal');
    expect(judgeRows(model, [[[...swap, ...both], [0, 0, 2, 2]]])).toBe('ok');
  });

  it('lets an unknown register be found with any one value, but only one', () => {
    const x = [{ f: 'read', key: 'x' }] as const;
    expect(judgeRows(multiRegister(), [[x, [7]], [x, [7]]])).toBe('ok');
    expect(judgeRows(multiRegister(), [[x, [7]], [x, [8]]])).toBe('illegal');
  });
});

describe('mutex and lock', () => {
  it('a mutex is held once', () => {
    expect(judgeRows(mutex(), [[{ f: 'acquire' }, null], [{ f: 'release' }, null], [{ f: 'acquire' }, null]])).toBe('ok');
    expect(judgeRows(mutex(), [[{ f: 'acquire' }, null], [{ f: 'acquire' }, null]])).toBe('illegal');
    expect(judgeRows(mutex(), [[{ f: 'release' }, null]])).toBe('illegal');
  });

  it('tokens grow', () => {
    expect(judgeRows(lock(), [[{ f: 'acquire' }, 3], [{ f: 'release', token: 3 }, true], [{ f: 'acquire' }, 7]])).toBe('ok');
    expect(judgeRows(lock(), [[{ f: 'acquire' }, 3], [{ f: 'release', token: 3 }, true], [{ f: 'acquire' }, 3]])).toBe('illegal');
  });

  it('a holder that was overtaken is refused, and may not be let through', () => {
    expect(overtaken(false)).toBe('ok');
    expect(overtaken(true)).toBe('illegal');
  });

  it('without an expiry nobody else gets it', () => {
    expect(judgeRows(lock(), [[{ f: 'acquire' }, 1], [{ f: 'acquire' }, 2]])).toBe('illegal');
    expect(judgeRows(lock(), [[{ f: 'acquire' }, 1], [{ f: 'acquire' }, false]])).toBe('ok');
    expect(judgeRows(lock(), [[{ f: 'acquire' }, false]])).toBe('illegal');
  });

  it('an acquirer that never heard back may hold it', () => {
    expect(judgeRows(lock(), [[{ f: 'acquire' }, undefined], [{ f: 'acquire' }, false]])).toBe('ok');
  });
});

describe('queue and log', () => {
  it('first in, first out, and empty when empty', () => {
    const rows: Row<{ f: 'enqueue'; value: string } | { f: 'dequeue' }, string | null>[] = [
      [{ f: 'enqueue', value: 'a' }, null],
      [{ f: 'enqueue', value: 'b' }, null],
      [{ f: 'dequeue' }, 'a'],
      [{ f: 'dequeue' }, 'b'],
      [{ f: 'dequeue' }, null],
    ];
    expect(judgeRows(queue(), rows)).toBe('ok');
    expect(judgeRows(queue(), rows.with(2, [{ f: 'dequeue' }, 'b']))).toBe('illegal');
    expect(judgeRows(queue(), rows.with(3, [{ f: 'dequeue' }, null]))).toBe('illegal');
    expect(judgeRows(queue(), [[{ f: 'enqueue', value: 'a' }, undefined], [{ f: 'dequeue' }, undefined], [{ f: 'dequeue' }, null]])).toBe('ok');
  });

  it('offsets count up, and what was read once stays', () => {
    expect(judgeRows(log(), [[append('a'), 0], [append('b'), 1], [{ f: 'read', offset: 1 }, 'b'], [{ f: 'scan', from: 0 }, ['a', 'b']], [{ f: 'read', offset: 2 }, null]])).toBe('ok');
    expect(judgeRows(log(), [[append('a'), 0], [append('b'), 0]])).toBe('illegal');
    expect(judgeRows(log(), [[append('a'), 0, [0, 9]], [append('b'), 1, [0, 9]], [{ f: 'scan', from: 0 }, ['b', 'a']]])).toBe('illegal');
    expect(judgeRows(log(), [[append('a'), true, [0, 9]], [append('b'), true, [0, 9]], [{ f: 'scan', from: 0 }, ['b', 'a']]])).toBe('ok');
  });
});

describe('etcd', () => {
  it('counts revisions, versions, creations and modifications', () => {
    const kvs = [{ key: 'a', value: '2', version: 2, create: 2, mod: 3 }];
    expect(judgeEtcd(etcd(), [[put('a', '1'), { revision: 2 }], [put('a', '2'), { revision: 3 }], [get('a'), { revision: 3, kvs, count: 1 }]])).toBe('ok');
    expect(judgeEtcd(etcd(), [[put('a', '1'), { revision: 2 }], [put('a', '2'), { revision: 2 }]])).toBe('illegal');
    expect(judgeEtcd(etcd({ revision: 40 }), [[put('a', '1'), { revision: 41 }]])).toBe('ok');
  });

  it('takes no revision for a delete of nothing, one for a delete of many', () => {
    expect(judgeEtcd(etcd(), deletions(4))).toBe('ok');
    expect(judgeEtcd(etcd(), deletions(5))).toBe('illegal');
  });

  it('runs a transaction at one revision, and only if its comparisons hold', () => {
    const txn: EtcdInput = { f: 'txn', compare: [{ key: 'a', target: 'create', op: '=', value: 0 }], success: [put('a', '1'), put('b', '1')], failure: [get('a')] };
    const first: Row<EtcdInput, EtcdOutput> = [txn, { revision: 2, succeeded: true }];
    expect(judgeEtcd(etcd(), [first, [txn, { revision: 2, succeeded: false, responses: [{ kvs: [{ value: '1' }] }] }]])).toBe('ok');
    expect(judgeEtcd(etcd(), [first, [txn, { succeeded: true }]])).toBe('illegal');
  });

  it('lets a request that failed halfway explain a revision that nobody else took', () => {
    const rows: Row<EtcdInput, EtcdOutput>[] = [[put('a', '1'), { revision: 2 }], [put('a', '2'), undefined], [put('b', '1'), { revision: 4 }], [get('a'), { kvs: [{ value: '2', mod: 3 }] }]];
    expect(judgeEtcd(etcd(), rows)).toBe('ok');
    expect(judgeEtcd(etcd(), rows.toSpliced(1, 1))).toBe('illegal');
  });

  it('drops the keys of a lease when it ends, which it may do by itself', () => {
    const rows: Row<EtcdInput, EtcdOutput>[] = [
      [{ f: 'grant', lease: '7' }, { lease: '7' }],
      [{ f: 'put', key: 'a', value: '1', lease: '7' }, { revision: 2 }],
      [get('a'), { revision: 3, kvs: [] }],
      [{ f: 'put', key: 'a', value: '1', lease: '7' }, { error: 'lease not found' }],
    ];
    expect(judgeEtcd(etcd(), rows)).toBe('illegal');
    expect(judge(etcd(), withExpiry(historyOf(rows)))).toBe('ok');
    const revoked: Row<EtcdInput, EtcdOutput> = [{ f: 'revoke', lease: '7' }, { revision: 3 }];
    expect(judgeEtcd(etcd(), rows.toSpliced(2, 0, revoked))).toBe('ok');
  });
});
