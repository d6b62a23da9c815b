import { describe, expect, it } from 'vitest';
import { OperationError } from '../../core/errors.ts';
import { messageType } from './codec.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const hex = (message: Uint8Array): string => Buffer.from(message).toString('hex');
const put = messageType('.etcdserverpb.PutRequest');
const compare = messageType('.etcdserverpb.Compare');
const txn = messageType('.etcdserverpb.TxnRequest');

describe('the codec of Protocol Buffers', () => {
  it('writes what the format says, byte by byte', () => {
    expect(hex(put.encode({ key: bytes('a'), value: bytes('bc'), lease: 300, prev_kv: true }))).toBe('0a01611202626318ac022001');
    expect(hex(put.encode({ lease: -1 }))).toBe('18ffffffffffffffffff01');
    expect(hex(put.encodeFrame({ key: bytes('a') }))).toBe('00000000030a0161');
  });

  it('leaves defaults out, except where presence says something', () => {
    expect(put.encode({ key: new Uint8Array(0), lease: 0, prev_kv: false }).length).toBe(0);
    expect(hex(compare.encode({ version: 0 }))).toBe('2000');
    expect(compare.decode(compare.encode({ version: 0 }))).toEqual({ version: 0 });
  });

  it('reads what it writes', () => {
    const message = {
      compare: [{ result: 3, target: 2, key: bytes('k'), mod_revision: 2 ** 53 - 1, range_end: bytes('l') }],
      success: [{ request_put: { key: bytes('x'), value: new Uint8Array(70_000).fill(7), lease: 0x7fff_ffff_ffff_ffffn } }, { request_txn: { failure: [{ request_range: { key: bytes('é'), limit: 2 ** 31 } }] } }],
      failure: [{ request_delete_range: { key: bytes('a'), prev_kv: true } }],
    };
    expect(txn.decode(txn.encode(message))).toEqual(message);
  });

  it('keeps every bit of an int64, and numbers where they are exact', () => {
    for (const lease of [-1, -(2 ** 53), 1, 2 ** 32, 2 ** 52, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n]) expect(put.decode(put.encode({ lease }))).toEqual({ lease });
    const member = messageType('.etcdserverpb.Member');
    expect(member.decode(member.encode({ ID: 2n ** 64n - 1n }))).toEqual({ ID: 2n ** 64n - 1n });
  });

  it('skips what it does not know, and takes the last of a oneof', () => {
    // Fields 100 (a number), 101 (eight bytes), 102 (text), 103 (four bytes), then the key.
    expect(put.decode(new Uint8Array(Buffer.from('a00605a9060102030405060708b206026869bd06010203040a0161', 'hex')))).toEqual({ key: bytes('a') });
    expect(compare.decode(new Uint8Array(Buffer.from('20013002', 'hex')))).toEqual({ mod_revision: 2 });
  });

  it('refuses what is cut off, overlong or bottomless, wherever the cut is', () => {
    const whole = txn.encode({ success: [{ request_put: { key: bytes('key'), value: bytes('value') } }] });
    for (let end = 1; end < whole.length; end++) expect(() => txn.decode(whole.subarray(0, end))).toThrow(OperationError);
    let deep = new Uint8Array(0);
    const nest = (inner: Uint8Array, tag: number): Uint8Array => new Uint8Array([tag, ...length(inner.length), ...inner]);
    const length = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...length(n >>> 7)]);
    for (let depth = 0; depth < 100; depth++) deep = new Uint8Array(nest(nest(deep, 0x22), 0x12));
    expect(() => txn.decode(deep)).toThrow('nested too deep');
    expect(() => put.decode(new Uint8Array([0x18, ...Array.from({ length: 11 }, () => 0xff)]))).toThrow('ten bytes');
  });
});
