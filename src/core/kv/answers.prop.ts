// What the store answers, against an oracle that walks over everything it has every time: transactions with their
// comparisons, what was there before, ranges with filters, order and limit. What it holds is kv.prop.ts's.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { text, utf8 } from '../bytes.ts';
import { Kv, decodeReply, encodeBatch, encodeCommand } from './index.ts';
import type {
  Compare, DeleteRequest, KeyValue, PutRequest, RangeRequest, RangeResponse, Reply, TxnOperation, TxnOperationResponse, TxnRequest, WriteRequest,
} from './index.ts';

type Row = Omit<KeyValue, 'key'>;
/** Keys are single letters: their order is that of their bytes. */
type Rows = Map<string, Row>;

const key = fc.constantFrom('a', 'b', 'c', 'd').map(utf8);
const end = fc.option(fc.constantFrom('b', 'c', 'd', 'z', '\0').map(utf8), { nil: undefined });
const value = fc.constantFrom('', '1', '2', '22').map(utf8);
const lease = fc.constantFrom(0n, 5n, -1n);
const put: fc.Arbitrary<PutRequest> = fc.record({ type: fc.constant('put'), key, value, lease, prevKv: fc.boolean(), ignoreValue: fc.boolean(), ignoreLease: fc.boolean() });
const remove: fc.Arbitrary<DeleteRequest> = fc.record({ type: fc.constant('delete'), key, rangeEnd: end, prevKv: fc.boolean() });
const append = fc.record({ type: fc.constant('append' as const), key, value });
const bound = fc.constantFrom(0, 0, 2, 4, 7);
const range: fc.Arbitrary<RangeRequest> = fc.record({
  type: fc.constant('range'), key, rangeEnd: end, limit: fc.constantFrom(0, 0, 1, 2), revision: fc.constantFrom(0, 0, 0, 3, 5, 50), keysOnly: fc.boolean(), countOnly: fc.constantFrom(false, false, true),
  minModRevision: bound, maxModRevision: bound, minCreateRevision: bound, maxCreateRevision: bound,
  sort: fc.record({ target: fc.constantFrom('key', 'version', 'create', 'mod', 'value'), order: fc.constantFrom('ascend', 'descend') }),
});
const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({ key, rangeEnd: end, result: fc.constantFrom('equal', 'greater', 'less', 'notEqual'), target: fc.constantFrom('version', 'create', 'mod'), number: fc.nat(6) }),
  fc.record({ key, rangeEnd: end, result: fc.constantFrom('equal', 'greater', 'less', 'notEqual'), target: fc.constant('value'), value }),
  fc.record({ key, rangeEnd: end, result: fc.constantFrom('equal', 'greater', 'less', 'notEqual'), target: fc.constant('lease'), lease }),
);
const leaf: fc.Arbitrary<TxnOperation> = fc.oneof(put, remove, append, range);
const txnOf = (operation: fc.Arbitrary<TxnOperation>): fc.Arbitrary<TxnRequest> =>
  fc.record({ type: fc.constant('txn'), compare: fc.array(compare, { maxLength: 2 }), success: fc.array(operation, { maxLength: 3 }), failure: fc.array(operation, { maxLength: 3 }) });
const txn = txnOf(fc.oneof({ weight: 4, arbitrary: leaf }, { weight: 1, arbitrary: txnOf(leaf) }));
const request: fc.Arbitrary<WriteRequest> = fc.oneof({ weight: 2, arbitrary: put }, remove, append, { weight: 3, arbitrary: txn });

const isIn = (name: string, { key: from, rangeEnd }: { key: Uint8Array; rangeEnd?: Uint8Array | undefined }): boolean => {
  if (rangeEnd === undefined) return name === text(from);
  return name >= text(from) && (text(rangeEnd) === '\0' || name < text(rangeEnd));
};
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const named = ([name, row]: [string, Row]): KeyValue => ({ key: utf8(name), ...row });

class Refused extends Error {}

class Oracle {
  states: Rows[] = [new Map(), new Map()];

  get revision(): number {
    return this.states.length - 1;
  }

  apply(asked: Exclude<WriteRequest, { type: 'compact' }>): { readonly response: TxnOperationResponse } | { readonly refused: string } {
    const rows = new Map(this.states.at(-1)!);
    try {
      if (asked.type === 'txn') refuseDuplicates(asked);
      const [response, wrote] = this.#perform(rows, asked, this.states.at(-1)!);
      if (wrote) this.states.push(rows);
      return { response };
    } catch (error) {
      if (error instanceof Refused) return { refused: error.message };
      throw error;
    }
  }

  /** Comparisons look at what was there before the whole transaction; reads at what it wrote so far. */
  #perform(rows: Rows, asked: TxnOperation, before: Rows): [TxnOperationResponse, boolean] {
    const revision = this.states.length;
    switch (asked.type) {
      case 'range':
        return [this.range(asked, rows), false];
      case 'put': {
        const name = text(asked.key);
        const old = rows.get(name);
        if (asked.ignoreValue === true && asked.value.length > 0) throw new Refused('BAD_REQUEST');
        if (asked.ignoreLease === true && asked.lease !== 0n) throw new Refused('BAD_REQUEST');
        // Judged on what was there before the transaction wrote anything: a refusal leaves nothing half done.
        const stood = before.get(name);
        if ((asked.ignoreValue === true || asked.ignoreLease === true) && stood === undefined) throw new Refused('KEY_NOT_FOUND');
        rows.set(name, {
          value: asked.ignoreValue === true ? old!.value : asked.value, lease: asked.ignoreLease === true ? old!.lease : asked.lease!,
          createRevision: old?.createRevision ?? revision, modRevision: revision, version: (old?.version ?? 0) + 1,
        });
        return [{ type: 'put', ...(asked.prevKv === true && old !== undefined ? { prevKv: named([name, old]) } : {}) }, true];
      }
      case 'append': {
        const name = text(asked.key);
        const old = rows.get(name);
        const grown = utf8((old === undefined ? '' : text(old.value)) + text(asked.value));
        rows.set(name, { value: grown, lease: old?.lease ?? 0n, createRevision: old?.createRevision ?? revision, modRevision: revision, version: (old?.version ?? 0) + 1 });
        return [{ type: 'append', length: grown.length }, true];
      }
      case 'delete': {
        const doomed = [...rows].filter(([name]) => isIn(name, asked)).sort(([a], [b]) => order(a, b));
        for (const [name] of doomed) rows.delete(name);
        return [{ type: 'delete', deleted: doomed.length, prevKvs: asked.prevKv === true ? doomed.map(named) : [] }, doomed.length > 0];
      }
      case 'txn': {
        const succeeded = asked.compare.every((each) => holds(before, each));
        const done = (succeeded ? asked.success : asked.failure).map((each) => this.#perform(rows, each, before));
        return [{ type: 'txn', succeeded, responses: done.map(([response]) => response) }, done.some(([, wrote]) => wrote)];
      }
    }
  }

  range(asked: RangeRequest, now: Rows): RangeResponse {
    const { revision = 0, limit = 0, sort } = asked;
    if (revision > this.revision) throw new Refused('FUTURE_REVISION');
    const rows = revision === 0 || revision === this.states.length ? now : this.states[revision]!;
    const all = [...rows].filter(([name]) => isIn(name, asked)).sort(([a], [b]) => order(a, b));
    if (asked.countOnly === true) return { type: 'range', kvs: [], more: false, count: all.length };
    const between = (found: number, min = 0, max = 0): boolean => (min === 0 || found >= min) && (max === 0 || found <= max);
    const passing = all.filter(([, row]) => between(row.modRevision, asked.minModRevision, asked.maxModRevision) && between(row.createRevision, asked.minCreateRevision, asked.maxCreateRevision));
    const by = ([name, row]: [string, Row]): string | number => {
      const target = sort?.target ?? 'key';
      if (target === 'key') return name;
      return target === 'value' ? text(row.value) : { version: row.version, create: row.createRevision, mod: row.modRevision }[target];
    };
    const sign = sort?.order === 'descend' ? -1 : 1;
    // Equal ones stay in the order of their keys.
    const sorted = passing.toSorted((a, b) => (by(a) < by(b) ? -sign : by(a) > by(b) ? sign : 0));
    const taken = limit === 0 ? sorted : sorted.slice(0, limit);
    const kvs = taken.map(named).map((row) => (asked.keysOnly === true ? { ...row, value: utf8('') } : row));
    return { type: 'range', kvs, more: taken.length < sorted.length, count: all.length };
  }
}

function holds(rows: Rows, asked: Compare): boolean {
  const found = [...rows].filter(([name]) => isIn(name, asked));
  const judged = (row: Row | undefined): boolean => {
    if (asked.target === 'value' && row === undefined) return false;
    const [left, right]: [string | number | bigint, string | number | bigint] =
      asked.target === 'value' ? [text(row!.value), text(asked.value)]
      : asked.target === 'lease' ? [row?.lease ?? 0n, asked.lease]
      : [{ version: row?.version, create: row?.createRevision, mod: row?.modRevision }[asked.target] ?? 0, asked.number];
    return { equal: left === right, notEqual: left !== right, greater: left > right, less: left < right }[asked.result];
  };
  return found.length === 0 ? judged(undefined) : found.every(([, row]) => judged(row));
}

/** etcd 3.4’s own answers to these were looked at, one by one, in `transactions that write a key twice` below. */
function refuseDuplicates({ success, failure }: TxnRequest): void {
  for (const list of [success, failure]) writes(list);
}

function writes(list: readonly TxnOperation[]): { readonly puts: readonly string[]; readonly deletes: readonly DeleteRequest[] } {
  const deletes = list.filter((each) => each.type === 'delete');
  const puts: string[] = [];
  const check = (names: readonly string[]): void => {
    for (const name of names) if (puts.includes(name) || deletes.some((each) => isIn(name, each))) throw new Refused('DUPLICATE_KEY');
  };
  for (const each of list) {
    if (each.type !== 'txn') continue;
    const [yes, no] = [writes(each.success), writes(each.failure)];
    check(yes.puts);
    check(no.puts);
    puts.push(...yes.puts, ...no.puts);
    deletes.push(...yes.deletes, ...no.deletes);
  }
  for (const each of list) {
    if (each.type !== 'put' && each.type !== 'append') continue;
    check([text(each.key)]);
    puts.push(text(each.key));
  }
  return { puts, deletes };
}

function apply(kv: Kv, asked: WriteRequest): Reply {
  const application = kv.apply(kv.appliedIndex + 1, 1, encodeBatch(1, [encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: asked })]));
  while (!application.step(3));
  return decodeReply(application.replies[0]!);
}

describe('what the store answers', () => {
  it('to writes and transactions is what an oracle would', { timeout: 60_000 }, () => {
    const seen = { done: 0, refused: 0, nested: 0 };
    fc.assert(
      fc.property(fc.array(request, { maxLength: 12 }), (requests) => {
        const kv = new Kv();
        const oracle = new Oracle();
        for (const asked of requests) {
          const reply = apply(kv, asked);
          const expected = oracle.apply(asked as Exclude<WriteRequest, { type: 'compact' }>);
          if ('refused' in expected) {
            seen.refused++;
            // A transaction may be wrong in several ways at once; that it is refused, and why in general, is the promise.
            expect(reply).toMatchObject(asked.type === 'txn' ? { failure: {} } : { failure: { code: expected.refused } });
          } else {
            seen.done++;
            if (asked.type === 'txn' && [...asked.success, ...asked.failure].some(({ type }) => type === 'txn')) seen.nested++;
            expect(reply).toEqual({ revision: oracle.revision, response: expected.response });
          }
          expect(kv.revision).toBe(oracle.revision);
        }
      }),
      { numRuns: 700 },
    );
    expect(Math.min(seen.done, seen.refused, seen.nested)).toBeGreaterThan(100);
  });

  it('to ranges at every revision, filtered, ordered and limited, is what an oracle would', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: put }, remove, append), { maxLength: 14 }), fc.array(range, { minLength: 1, maxLength: 8 }), (requests, ranges) => {
        const kv = new Kv();
        const oracle = new Oracle();
        for (const asked of requests) {
          apply(kv, asked);
          oracle.apply(asked);
        }
        for (const asked of ranges) {
          const job = kv.read(asked);
          while (!job.step(2));
          if (asked.revision! > oracle.revision) expect(job.result).toMatchObject({ failure: { code: 'FUTURE_REVISION' } });
          else expect(job.result).toEqual({ revision: oracle.revision, response: oracle.range(asked, oracle.states.at(-1)!) });
        }
      }),
      { numRuns: 700 },
    );
  });
});

describe('transactions that write a key twice', () => {
  const p: TxnOperation = { type: 'put', key: utf8('k'), value: utf8('v') };
  const d: TxnOperation = { type: 'delete', key: utf8('k') };
  const nested = (success: readonly TxnOperation[], failure: readonly TxnOperation[] = []): TxnOperation => ({ type: 'txn', compare: [], success, failure });

  it.each<[string, boolean, readonly TxnOperation[]]>([
    ['two puts', false, [p, p]],
    ['a put and a delete', false, [p, d]],
    ['a put and a nested delete', false, [p, nested([d])]],
    ['a delete and a nested put', false, [d, nested([p])]],
    ['a nested delete, then a nested put', false, [nested([d]), nested([p])]],
    ['two nested puts', false, [nested([p]), nested([p])]],
    ['a nested put, then a nested delete', true, [nested([p]), nested([d])]],
    ['a put in either branch of a nested one', true, [nested([p], [p])]],
    ['a put in one branch, a delete in the other', true, [nested([p], [d])]],
    ['two deletes', true, [d, nested([d])]],
  ])('%s: allowed as in etcd: %s', (_, isAllowed, success) => {
    const reply = apply(new Kv(), { type: 'txn', compare: [], success, failure: [] });
    expect(reply).toMatchObject(isAllowed ? { response: { type: 'txn' } } : { failure: { code: 'DUPLICATE_KEY' } });
  });
});
