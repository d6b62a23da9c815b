import { describe, expect, it } from 'vitest';
import { Kv, answerBytesMax, answerBytesOf, decodeReply, encodeBatch, encodeCommand, encodeReadResult } from './index.ts';
import type { RangeRequest, ReadResult, Reply, TxnRequest, WriteRequest } from './index.ts';
import { utf8 } from '../bytes.ts';

const value = new Uint8Array(1 << 20);
const all: RangeRequest = { type: 'range', key: utf8('k'), rangeEnd: utf8('l') };

function store(keys: number): { write: (request: WriteRequest) => Reply; read: (request: RangeRequest | TxnRequest) => ReadResult } {
  const kv = new Kv();
  let index = 0;
  const write = (request: WriteRequest): Reply => {
    const job = kv.apply(++index, 1, encodeBatch(0, [encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request })]));
    while (!job.step(Number.POSITIVE_INFINITY));
    return decodeReply(job.replies[0]!);
  };
  for (let at = 0; at < keys; at++) write({ type: 'put', key: utf8(`k${String(at).padStart(3, '0')}`), value });
  const read = (request: RangeRequest | TxnRequest): ReadResult => {
    const job = kv.read(request);
    while (!job.step(Number.POSITIVE_INFINITY));
    return job.result;
  };
  return { write, read };
}

describe('an answer', () => {
  it('is about as large as was said before it was made', () => {
    const { read } = store(3);
    for (const request of [all, { ...all, keysOnly: true }, { ...all, limit: 1 }, { ...all, countOnly: true }, { type: 'txn', compare: [], success: [all, all], failure: [] }] as const) {
      const result = read(request) as { readonly response: Parameters<typeof answerBytesOf>[0] } & ReadResult;
      const [said, is] = [answerBytesOf(result.response), encodeReadResult(result).length];
      expect(said).toBeGreaterThanOrEqual(is - 16);
      expect(said).toBeLessThan(is + 1000);
    }
  });

  it('that would not fit is not made; part of it is, and its count', () => {
    const { read } = store(64);
    expect(read(all)).toMatchObject({ failure: { code: 'TOO_LARGE' } });
    expect(read({ ...all, limit: 63 })).toMatchObject({ response: { count: 64, more: true } });
    expect(read({ ...all, keysOnly: true })).toMatchObject({ response: { count: 64 } });
    expect(read({ ...all, countOnly: true })).toMatchObject({ response: { count: 64 } });
  });

  it('of a transaction that would not fit: none of it is done', () => {
    const { read, write } = store(1);
    const one: RangeRequest = { type: 'range', key: utf8('k000') };
    const operations = Math.floor(answerBytesMax / (1 << 20));
    const many = Array.from({ length: operations }, () => one);
    expect(read({ type: 'txn', compare: [], success: many, failure: [] })).toMatchObject({ failure: { code: 'TOO_LARGE' } });
    expect(read({ type: 'txn', compare: [], success: many.slice(1), failure: many })).toMatchObject({ response: { succeeded: true } });
    const put = { type: 'put', key: utf8('a'), value: utf8('1') } as const;
    expect(write({ type: 'txn', compare: [], success: [put, ...many], failure: [] })).toMatchObject({ revision: 2, failure: { code: 'TOO_LARGE' } });
    const nested = { type: 'txn', compare: [], success: many.slice(operations / 2), failure: [] } as const;
    expect(write({ type: 'txn', compare: [], success: [put, nested, nested], failure: [] })).toMatchObject({ revision: 2, failure: { code: 'TOO_LARGE' } });
    expect(read({ type: 'range', key: utf8('a') })).toMatchObject({ response: { count: 0 } });
    expect(write({ type: 'txn', compare: [], success: [put, nested], failure: [] })).toMatchObject({ revision: 3, response: { succeeded: true } });
  });

  it('of a deletion that would not fit: it is not done, and is where nobody wants to see what went', () => {
    const { read, write } = store(64);
    const gone = { type: 'delete', key: all.key, rangeEnd: utf8('l') } as const;
    expect(write({ ...gone, prevKv: true })).toMatchObject({ failure: { code: 'TOO_LARGE' } });
    expect(read({ ...all, countOnly: true })).toMatchObject({ response: { count: 64 } });
    expect(write(gone)).toMatchObject({ response: { deleted: 64 } });
  });
});
