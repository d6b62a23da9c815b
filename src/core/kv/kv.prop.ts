// The store against an oracle that keeps every state it ever was in.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { text, utf8 } from '../bytes.ts';
import { Kv, KvRestore, decodeCommand, decodeReadResult, decodeReply, decodeRequest, encodeBatch, encodeCommand, encodeReadResult, encodeReply, encodeRequest } from './index.ts';
import type { KvRequest, Reply, WriteRequest } from './index.ts';
import { OperationError } from '../errors.ts';

type Row = { value: string; create: number; mod: number; version: number };
type State = Map<string, Row>;

/** A state for every revision, copied whole each time: slow, and plainly right. */
class Oracle {
  states: State[] = [new Map(), new Map()];
  compacted = 0;

  get revision(): number {
    return this.states.length - 1;
  }

  apply(request: WriteRequest): void {
    const next = new Map(this.states.at(-1)!);
    if (this.#write(next, request)) this.states.push(next);
  }

  #write(state: State, request: WriteRequest): boolean {
    const revision = this.states.length;
    if (request.type === 'put' || request.type === 'append') {
      const key = text(request.key);
      const before = state.get(key);
      const value = request.type === 'put' ? text(request.value) : (before?.value ?? '') + text(request.value);
      state.set(key, { value, create: before?.create ?? revision, mod: revision, version: (before?.version ?? 0) + 1 });
      return true;
    }
    if (request.type === 'delete') {
      const doomed = [...state.keys()].filter((key) => inRange(key, request));
      for (const key of doomed) state.delete(key);
      return doomed.length > 0;
    }
    if (request.type === 'txn') {
      const [compare] = request.compare;
      const row = state.get(text(compare!.key));
      const holds = compare!.target === 'version' && (row?.version ?? 0) === compare!.number;
      let wrote = false;
      for (const operation of holds ? request.success : request.failure) {
        if (operation.type !== 'range') wrote = this.#write(state, operation) || wrote;
      }
      return wrote;
    }
    if (request.type === 'compact' && request.revision > this.compacted && request.revision <= this.revision) this.compacted = request.revision;
    return false;
  }
}

function inRange(key: string, range: { key: Uint8Array; rangeEnd?: Uint8Array | undefined }): boolean {
  if (range.rangeEnd === undefined) return key === text(range.key);
  return key >= text(range.key) && key < text(range.rangeEnd);
}

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e').map(utf8);
const value = fc.string({ maxLength: 4 }).map(utf8);
const put = fc.record({ type: fc.constant('put' as const), key, value });
const append = fc.record({ type: fc.constant('append' as const), key, value });
const remove = fc.record({ type: fc.constant('delete' as const), key, rangeEnd: fc.option(key, { nil: undefined }) });
const txn = fc.record({
  type: fc.constant('txn' as const),
  compare: fc.tuple(fc.record({ key, result: fc.constant('equal' as const), target: fc.constant('version' as const), number: fc.nat(3) })),
  success: fc.tuple(put),
  failure: fc.tuple(remove),
});
const compact = fc.record({ type: fc.constant('compact' as const), revision: fc.nat(40) });
const request: fc.Arbitrary<WriteRequest> = fc.oneof({ weight: 5, arbitrary: put }, append, remove, txn, compact);

function run(kv: Kv, index: number, commands: readonly Uint8Array[], budget = 1e9): Reply[] {
  const application = kv.apply(index, 1, encodeBatch(index, commands));
  while (!application.step(budget));
  return application.replies.map(decodeReply);
}

const write = (each: WriteRequest): Uint8Array => encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: each });

function rowsAt(kv: Kv, revision: number): unknown {
  const job = kv.read({ type: 'range', key: utf8('a'), rangeEnd: utf8('z'), revision });
  while (!job.step(3));
  const { result } = job;
  if ('failure' in result) return result.failure.code;
  if (result.response.type !== 'range') throw new Error('not a range');
  return result.response.kvs.map((row) => [text(row.key), text(row.value), row.createRevision, row.modRevision, row.version]);
}

const blocksOf = (kv: Kv): string => {
  const snapshot = kv.snapshot();
  const parts: string[] = [];
  for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) parts.push(Buffer.from(block).toString('hex'));
  return parts.join('|');
};

describe('the store', () => {
  it('answers at every revision as an oracle that kept them all', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (requests, perBatch) => {
        const kv = new Kv();
        const oracle = new Oracle();
        let index = 0;
        for (let at = 0; at < requests.length; at += perBatch) {
          const batch = requests.slice(at, at + perBatch);
          run(kv, ++index, batch.map(write), 1 + (index % 7));
          for (const each of batch) oracle.apply(each);
        }
        expect(kv.revision).toBe(oracle.revision);
        expect(kv.compactRevision).toBe(oracle.compacted);
        expect(kv.size.keys).toBe(oracle.states.at(-1)!.size);
        for (let revision = 1; revision <= oracle.revision; revision++) {
          if (revision < oracle.compacted) expect(rowsAt(kv, revision)).toBe('COMPACTED');
          else expect(rowsAt(kv, revision)).toEqual([...oracle.states[revision]!].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, row]) => [name, row.value, row.create, row.mod, row.version]));
        }
        expect(rowsAt(kv, oracle.revision + 1)).toBe('FUTURE_REVISION');
      }),
      { numRuns: 400 },
    );
  });

  it('is the same state whatever the budgets, and after a snapshot and a restore', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (requests, budget) => {
        const [fast, slow] = [new Kv(), new Kv()];
        for (const [at, each] of requests.entries()) {
          run(fast, at + 1, [write(each)]);
          run(slow, at + 1, [write(each)], budget);
        }
        expect(slow.digest()).toEqual(fast.digest());
        expect(blocksOf(slow)).toBe(blocksOf(fast));
        const restore = new KvRestore();
        const snapshot = fast.snapshot();
        for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) restore.add(block);
        const restored = restore.finish();
        expect(restored.digest()).toEqual(fast.digest());
        expect(restored.size).toEqual(fast.size);
        expect(blocksOf(restored)).toBe(blocksOf(fast));
        // And it goes on as the other: compaction, too, knows what was superseded.
        for (const kv of [fast, restored]) run(kv, requests.length + 1, [write({ type: 'compact', revision: kv.revision }), write({ type: 'put', key: utf8('a'), value: utf8('z') })]);
        expect(restored.digest()).toEqual(fast.digest());
        expect(blocksOf(restored)).toBe(blocksOf(fast));
      }),
      { numRuns: 200 },
    );
  });

  it('pins what a snapshot and a read began with, while commands go on', () => {
    const kv = new Kv();
    run(kv, 1, [write({ type: 'put', key: utf8('a'), value: utf8('1') })]);
    const before = blocksOf(kv);
    const snapshot = kv.snapshot();
    const read = kv.read({ type: 'range', key: utf8('a') });
    run(kv, 2, [write({ type: 'delete', key: utf8('a') }), write({ type: 'compact', revision: 3 })]);
    expect(Buffer.from(snapshot.next()!).toString('hex')).toBe(before);
    read.step(1e6);
    expect(read.result).toMatchObject({ response: { count: 1 } });
  });
});

describe('the bytes of requests and replies', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(request, (each) => {
        const again = decodeCommand(write(each));
        expect(again).toMatchObject({ type: 'write', session: 0 });
        expect(write((again as { request: WriteRequest }).request)).toEqual(write(each));
      }),
    );
    const range: KvRequest = { type: 'range', key: utf8('k'), rangeEnd: utf8('l'), limit: 3, revision: 9, keysOnly: true, countOnly: false, sort: { target: 'mod', order: 'descend' }, minModRevision: 1, maxModRevision: 2, minCreateRevision: 3, maxCreateRevision: 4 };
    expect(decodeRequest(encodeRequest(range))).toEqual(range);
    const reply: Reply = { revision: 7, failure: { code: 'COMPACTED', requested: 1, compacted: 5 } };
    expect(decodeReply(encodeReply(reply))).toEqual(reply);
    const read = { revision: 3, response: { type: 'range', kvs: [], more: false, count: 0 } } as const;
    expect(decodeReadResult(encodeReadResult(read))).toEqual(read);
  });

  it('never crash on anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(decodeCommand, decodeRequest, decodeReply, decodeReadResult), (bytes, decode) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(OperationError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('never crash on a damaged command', () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.integer({ min: 1, max: 255 }), (each, at, mask) => {
        const bytes = write(each).slice();
        bytes[at % bytes.length]! ^= mask;
        try {
          decodeCommand(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(OperationError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
