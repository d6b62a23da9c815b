// The bytes of the KV's version 1, as released: commands and batches lie in logs, replies in sessions, requests and
// answers on wires, states in snapshots. Every later build reads them, and one that still speaks version 1 writes them.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import {
  Kv, KvRestore, decodeBatch, decodeCommand, decodeReadResult, decodeReply, decodeRequest, encodeBatch, encodeCommand, encodeReadResult, encodeReply, encodeRequest,
  restampBatch,
} from '../../../src/core/kv/index.ts';
import type { Command, KeyValue, KvRequest, ReadResult, Reply, WriteRequest } from '../../../src/core/kv/index.ts';
import { GoldenBytes, written } from '../../support/golden-bytes.ts';

const key = utf8('k');
const biggest = 2 ** 53 - 1;
const put: WriteRequest = { type: 'put', key, value: utf8('v'), lease: -2n, prevKv: true, ignoreValue: false, ignoreLease: true };
const txn: WriteRequest = {
  type: 'txn',
  compare: [
    { key, result: 'equal', target: 'version', number: 1 },
    { key, rangeEnd: utf8('l'), result: 'greater', target: 'create', number: 2 },
    { key, result: 'less', target: 'mod', number: biggest },
    { key, result: 'notEqual', target: 'lease', lease: 2n ** 63n - 1n },
    { key, result: 'equal', target: 'value', value: utf8('w') },
  ],
  success: [put, { type: 'txn', compare: [], success: [{ type: 'append', key, value: utf8('+') }], failure: [] }],
  failure: [{ type: 'delete', key, rangeEnd: utf8('\0'), prevKv: true }, { type: 'range', key }],
};
const range: KvRequest = {
  type: 'range', key, rangeEnd: utf8('l'), limit: 3, revision: 9, keysOnly: true, countOnly: true, sort: { target: 'mod', order: 'descend' },
  minModRevision: 1, maxModRevision: 2, minCreateRevision: 3, maxCreateRevision: biggest,
};
const row: KeyValue = { key, value: utf8('ä'), createRevision: 2, modRevision: biggest, version: 3, lease: -1n };
const write = (request: WriteRequest): Command => ({ type: 'write', session: biggest, sequence: 8, lowest: 5, request });

const commands: Readonly<Record<string, Command>> = {
  'command: put': write(put),
  'command: append': write({ type: 'append', key, value: utf8('+') }),
  'command: delete': write({ type: 'delete', key, prevKv: false }),
  'command: txn': write(txn),
  'command: compact': write({ type: 'compact', revision: 77 }),
  'command: open session': { type: 'openSession', id: 7, ttlMs: 60_000 },
  'command: touch sessions': { type: 'touchSession', ids: [7, biggest] },
  'command: expire sessions': { type: 'expireSessions', ids: [7], at: 1_700_000_000_123 },
  'command: close session': { type: 'closeSession', id: 7 },
};
const requests: Readonly<Record<string, KvRequest>> = { 'request: range': range, 'request: txn': txn };
const replies: Readonly<Record<string, Reply>> = {
  'reply: put': { revision: 1, response: { type: 'put' } },
  'reply: put over another': { revision: 2, response: { type: 'put', prevKv: row } },
  'reply: append': { revision: 3, response: { type: 'append', length: 9 } },
  'reply: delete': { revision: 4, response: { type: 'delete', deleted: 2, prevKvs: [row, row] } },
  'reply: txn': { revision: 5, response: { type: 'txn', succeeded: true, responses: [{ type: 'put' }, { type: 'txn', succeeded: false, responses: [{ type: 'range', kvs: [row], more: true, count: 6 }] }] } },
  'reply: compact': { revision: 6, response: { type: 'compact' } },
  'reply: acknowledged': { revision: 7, response: { type: 'ack' } },
  'reply: refused': { revision: biggest, failure: { code: 'COMPACTED', requested: 1, compacted: 5 } },
};
const results: Readonly<Record<string, ReadResult>> = {
  'result: range': { revision: 3, response: { type: 'range', kvs: [row], more: true, count: 2 } },
  'result: refused': { revision: 3, failure: { code: 'FUTURE_REVISION', requested: 9, current: 3 } },
};

/** A life in three entries: versions, tombstones, sessions with replies, a compaction, a failure kept for its asker. */
const history: readonly (readonly Command[])[] = [
  [
    { type: 'openSession', id: 7, ttlMs: 60_000 },
    { type: 'openSession', id: 3, ttlMs: 1000 },
    { type: 'write', session: 7, sequence: 1, lowest: 1, request: { type: 'put', key: utf8('a'), value: utf8('1'), lease: 5n } },
    { type: 'write', session: 7, sequence: 3, lowest: 1, request: { type: 'put', key: utf8('b'), value: new Uint8Array(100).fill(98) } },
    { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8('a'), value: utf8('2') } },
  ],
  [
    { type: 'write', session: 3, sequence: 1, lowest: 1, request: { type: 'append', key: utf8('a'), value: utf8('+') } },
    { type: 'write', session: 3, sequence: 2, lowest: 1, request: { type: 'put', key: utf8('none'), value: utf8(''), ignoreValue: true } },
    { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'delete', key: utf8('b') } },
    { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8('b'), value: utf8('again') } },
    { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: new Uint8Array([0xff, 0]), value: utf8('') } },
  ],
  [
    { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'compact', revision: 3 } },
    { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'delete', key: utf8('a'), rangeEnd: utf8('b') } },
    { type: 'touchSession', ids: [3] },
  ],
];

function apply(kv: Kv, batch: readonly Command[]): void {
  const application = kv.apply(kv.appliedIndex + 1, 4, encodeBatch(1_700_000_000_000 + kv.appliedIndex, batch.map(encodeCommand)));
  while (!application.step(1e9));
}

function lived(): Kv {
  const kv = new Kv();
  for (const batch of history) apply(kv, batch);
  return kv;
}

function stateOf(kv: Kv): Uint8Array {
  const snapshot = kv.snapshot();
  const blocks: Uint8Array[] = [];
  for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) blocks.push(block);
  return new Uint8Array(Buffer.concat(blocks));
}

function hashOf(kv: Kv): number {
  const job = kv.hashKv(0);
  while (!job.step(1e9));
  if ('failure' in job.result) throw new Error('no hash');
  return job.result.hash;
}

function encoded<T>(cases: Readonly<Record<string, T>>, encode: (each: T) => Uint8Array): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(cases).map(([name, each]) => [name, encode(each)]));
}

const cases = {
  ...encoded(commands, encodeCommand),
  batch: encodeBatch(1_700_000_000_123, [utf8('one'), utf8(''), utf8('two')]),
  ...encoded(requests, encodeRequest),
  ...encoded(replies, encodeReply),
  ...encoded(results, encodeReadResult),
  'state: of nothing': stateOf(new Kv()),
  'state: of a life': stateOf(lived()),
  // Members of different builds compare these: they are as much a promise as the bytes.
  'digest of that life': utf8(lived().digest().digest),
  'hash of that life': utf8(String(hashOf(lived()))),
};
const golden = new GoldenBytes('kv-v1', import.meta.url, cases);

describe('the KV, version 1', () => {
  it('is written as it always was', () => {
    expect(written(cases)).toEqual(golden.lines);
  });

  it.each(Object.entries(commands))('%s: is read', (name, command) => {
    // What was left out is read as its default; what is read is written as it was.
    expect(encodeCommand(decodeCommand(golden.bytes(name)))).toEqual(golden.bytes(name));
    expect(decodeCommand(golden.bytes(name))).toMatchObject(command.type === 'write' ? { session: command.session, sequence: command.sequence, lowest: command.lowest } : command);
  });

  it('a batch is read, and stamped anew in place', () => {
    expect(decodeBatch(golden.bytes('batch'))).toEqual({ stampMs: 1_700_000_000_123, commands: [utf8('one'), utf8(''), utf8('two')] });
    const batch = golden.bytes('batch');
    restampBatch(batch, biggest);
    expect(decodeBatch(batch)).toEqual({ stampMs: biggest, commands: [utf8('one'), utf8(''), utf8('two')] });
  });

  it('requests, replies and results are read', () => {
    expect(decodeRequest(golden.bytes('request: range'))).toEqual(range);
    expect(decodeRequest(golden.bytes('request: txn'))).toMatchObject({ type: 'txn', compare: txn.compare.map((each) => ({ ...each })) });
    for (const [name, reply] of Object.entries(replies)) expect(decodeReply(golden.bytes(name)), name).toEqual(reply);
    for (const [name, result] of Object.entries(results)) expect(decodeReadResult(golden.bytes(name)), name).toEqual(result);
  });

  it('a state is restored, says the same digest and hash, and lives on as the one it was taken of', () => {
    const restore = new KvRestore();
    restore.add(golden.bytes('state: of a life'));
    const restored = restore.finish();
    const original = lived();
    expect([restored.digest().digest, String(hashOf(restored))].map(utf8)).toEqual([golden.bytes('digest of that life'), golden.bytes('hash of that life')]);
    expect([restored.appliedIndex, restored.appliedTerm, restored.revision, restored.compactRevision, restored.stampMs, restored.size]).toEqual([
      original.appliedIndex, original.appliedTerm, original.revision, original.compactRevision, original.stampMs, original.size,
    ]);
    const more: Command[] = [
      // Asked for again: answered by what is kept, not applied twice.
      { type: 'write', session: 3, sequence: 1, lowest: 1, request: { type: 'append', key: utf8('a'), value: utf8('+') } },
      { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'compact', revision: 8 } },
      { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8('c'), value: utf8('on') } },
    ];
    for (const kv of [restored, original]) apply(kv, more);
    expect(stateOf(restored)).toEqual(stateOf(original));
    expect(restored.digest()).toEqual(original.digest());
  });

  it('names every stored case, and stores every named one', () => {
    expect(Object.keys(golden.lines)).toEqual(Object.keys(cases));
  });
});
