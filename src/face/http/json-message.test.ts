import { describe, expect, it } from 'vitest';
import { messageType } from '../grpc/codec.ts';
import type { Message } from '../grpc/codec.ts';
import { readJson, weightOf, writeJson } from './json-message.ts';

const type = (name: string): ReturnType<typeof messageType> => messageType(`.etcdserverpb.${name}`);
const read = (name: string, text: string): Message => readJson(type(name), Buffer.from(text));
const write = (name: string, message: Message): string => [...writeJson(type(name), message)].join('');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('a message from JSON', () => {
  it('has its fields by either name, its bytes from base64, its integers from numbers and texts, its enums by name and number', () => {
    const expected = { key: bytes('foo'), range_end: bytes('fop'), limit: 3, sort_order: 2, sort_target: 3, count_only: true };
    expect(read('RangeRequest', '{"key":"Zm9v","range_end":"Zm9w","limit":"3","sort_order":"DESCEND","sort_target":3,"count_only":true}')).toEqual(expected);
    expect(read('RangeRequest', ' {"key" : "Zm9v",\n"rangeEnd":"Zm\\n9w","limit":3,"sortOrder":2,"sortTarget":"MOD","countOnly":true} ')).toEqual(expected);
    expect(read('RangeRequest', '{"revision":"9007199254740993","limit":"-9223372036854775808"}')).toEqual({ revision: 9007199254740993n, limit: -(1n << 63n) });
  });

  it('is one of defaults where there is nothing, and lacks what is null', () => {
    for (const text of ['', '  \n', 'null', '{}', '{"key":null,"limit":null,"sort_order":null,"serializable":null}']) expect(read('RangeRequest', text)).toEqual({});
    expect(read('TxnRequest', '{"compare":null,"success":[]}')).toEqual({ success: [] });
  });

  it('skips what it does not know, whatever that is, and the last of two is the one', () => {
    expect(read('RangeRequest', '{"x":[1,-2.5e-3,{"y":"\\u0041\\"","z":[true,false,null]}],"key":"YQ==","Key":"Yg==","key":"Yw==","__proto__":{"limit":1}}')).toEqual({ key: bytes('c') });
  });

  it('nests', () => {
    expect(read('TxnRequest', '{"compare":[{"key":"YQ==","target":"VALUE","value":"Yg=="}],"success":[{"requestTxn":{"failure":[{"request_range":{"key":"YQ=="}}]}}]}')).toEqual({
      compare: [{ key: bytes('a'), target: 3, value: bytes('b') }],
      success: [{ request_txn: { failure: [{ request_range: { key: bytes('a') } }] } }],
    });
  });

  it.each([
    '{', '[]', '1', '"a"', 'nul', 'true', '{"key"', '{"key":', '{"key":"', '{"key":"Zg==",}', "{'key':1}", '{"key":"Zg==" "limit":1}', '{"key":"Zg=="}x', '{"key":"Zg=="}{}', '{"a":01}', '{"a":+1}', '{"a":1.}', '{"a":.5}',
    '{"a":1e}', '{"a":tru}', '{"a":"\\x"}', '{"a":"\u0001"}', '{"a":[1,]}', '{"a":[1 2]}', '{"a":}', '{,}', '\ufeff{}',
    '{"key":1}', '{"key":"%%%"}', '{"key":"Zg"}', '{"key":"Zg="}', '{"key":"Z"}', '{"key":"_-8="}', '{"key":"====" }', '{"key":"Zg==Zg=="}', '{"key":{}}', '{"key":["Zg=="]}', '{"key":true}',
    '{"limit":1.5}', '{"limit":1.0}', '{"limit":1e3}', '{"limit":"x"}', '{"limit":""}', '{"limit":"+1"}', '{"limit":"01"}', '{"limit":"9223372036854775808"}', '{"limit":-9223372036854775809}', '{"limit":true}', '{"limit":{}}', '{"limit":"0x10"}',
    '{"count_only":"true"}', '{"count_only":1}', '{"sort_order":"descend"}', '{"sort_order":"9"}', '{"sort_order":1.5}', '{"sort_order":true}', '{"sort_order":4294967296}',
  ])('is refused: %s', (text) => {
    expect(() => read('RangeRequest', text)).toThrow(expect.objectContaining({ status: expect.objectContaining({ code: 'InvalidArgument' }) }));
  });

  it.each(['{"success":{}}', '{"success":[null]}', '{"success":[1]}', '{"success":"x"}', '{"success":[{"request_range":{},"request_put":{}}]}'])('of a transaction is refused: %s', (text) => {
    expect(() => read('TxnRequest', text)).toThrow(expect.objectContaining({ status: expect.objectContaining({ code: 'InvalidArgument' }) }));
  });

  it('is bounded in depth and in values, known or not', () => {
    const nested = (times: number): string => '{"success":[{"request_txn":'.repeat(times) + '{}' + '}]}'.repeat(times);
    expect(() => read('TxnRequest', nested(40))).not.toThrow();
    expect(() => read('TxnRequest', nested(20_000))).toThrow('nested too deep');
    expect(() => read('RangeRequest', `{"a":${'['.repeat(100_000)}`)).toThrow('nested too deep');
    expect(() => read('RangeRequest', `{"a":[${'1,'.repeat(100_000)}1]}`)).toThrow('too many values');
    expect(() => read('TxnRequest', `{"success":[${'{},'.repeat(100_000)}{}]}`)).toThrow('too many values');
  });
});

describe('a message as JSON', () => {
  it('leaves out defaults, writes 64 bits as texts, small numbers as numbers, enums by name, in the order of the definition', () => {
    const kv = { value: bytes('bar'), key: bytes('foo'), create_revision: 2, mod_revision: 9007199254740993n, version: 1, lease: 0n };
    expect(write('RangeResponse', { header: { cluster_id: 7, revision: 2 }, kvs: [kv, kv], more: false, count: 2 })).toBe(
      '{"header":{"cluster_id":"7","revision":"2"},"kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"9007199254740993","version":"1","value":"YmFy"},{"key":"Zm9v","create_revision":"2","mod_revision":"9007199254740993","version":"1","value":"YmFy"}],"count":"2"}',
    );
    expect(write('HashResponse', { hash: 4_000_000_000 })).toBe('{"hash":4000000000}');
    expect(write('AlarmResponse', { alarms: [{ memberID: 1, alarm: 1 }, { alarm: 0 }, { alarm: 9 }] })).toBe('{"alarms":[{"memberID":"1","alarm":"NOSPACE"},{},{"alarm":9}]}');
    expect(write('MemberListResponse', { members: [{ name: 'a"\n\u2028', peerURLs: ['x', 'y'], isLearner: true }] })).toBe('{"members":[{"name":"a\\"\\n\u2028","peerURLs":["x","y"],"isLearner":true}]}');
  });

  it('keeps a message that is there and empty, and which of several it is', () => {
    expect(write('TxnResponse', { header: {}, responses: [{ response_put: {} }, { response_range: { kvs: [] } }] })).toBe('{"header":{},"responses":[{"response_put":{}},{"response_range":{}}]}');
  });

  it('reads back as it was', () => {
    const message = { compare: [{ key: bytes('a'), result: 3, target: 4, lease: -5 }], success: [{ request_put: { key: bytes('k'), value: Uint8Array.from({ length: 1000 }, (_, at) => at & 0xff), lease: 1n << 62n } }] };
    expect(read('TxnRequest', write('TxnRequest', message))).toEqual(message);
  });

  it('weighs at least what it holds', () => {
    const kvs = Array.from({ length: 100 }, () => ({ key: new Uint8Array(10), value: new Uint8Array(1000), lease: 0n }));
    expect(weightOf({ header: {}, kvs })).toBeGreaterThan(101_000);
    expect(weightOf({ header: {}, kvs })).toBeLessThan(150_000);
  });
});
