// The JSON gateway beside etcd's own: the same requests, in the same order, to a member and to Debian's etcd 3.4; the
// same answers are wanted of both.

import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readHttp } from '../../src/face/http/get.ts';
import { Running, cleanUp, eventually, freePorts, main, tempDir } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(cleanUp);

const isThere = spawnSync('etcd', ['--version']).status === 0;
if (!isThere) console.warn('etcd is not installed (Debian: etcd-server): the JSON gateway is NOT compared with etcd’s');

interface Told {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

function ask(endpoint: string, path: string, body?: string | Uint8Array, headers: Readonly<Record<string, string>> = {}, method = body === undefined ? 'GET' : 'POST'): Promise<Told> {
  return new Promise((resolve, reject) => {
    const asked = request(`http://${endpoint}${path}`, { method, headers, agent: false, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => void (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], text }));
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.on('error', reject);
    asked.end(body);
  });
}

let member: string;
let etcd: string;
beforeAll(async () => {
  const ports = await freePorts(3);
  [member, etcd] = [`127.0.0.1:${ports}`, `127.0.0.1:${ports + 1}`];
  const running = [new Running(process.execPath, [main, 'serve', '--name', 'a', '--data-dir', tempDir(), '--listen', member, '--initial-cluster', `a=${member}`, '--log-level', 'error'])];
  if (isThere) {
    const peer = `http://127.0.0.1:${ports + 2}`;
    const words = ['--name', 'a', '--data-dir', tempDir(), '--listen-client-urls', `http://${etcd}`, '--advertise-client-urls', `http://${etcd}`, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `a=${peer}`, '--log-level', 'error'];
    running.push(new Running('etcd', words));
    await eventually('etcd', () => readHttp(etcd, '/health', 500).catch(() => undefined));
  }
  await eventually('readiness', () => readHttp(member, '/readyz', 500).catch(() => undefined));
  expect(running.map(({ over }) => over)).toEqual(running.map(() => undefined));
});

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const a = b64('a');
const all = { key: 'AA==', range_end: 'AA==' };

/** Whose cluster, whose member, whose term: nobody's is another's. */
const impersonal = (text: string): string => text.replaceAll(/"(cluster_id|member_id|raft_term)":"[1-9]\d*"/g, '"$1":"…"');

describe.skipIf(!isThere)('the gateway answers as etcd’s: every byte', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['kv/range', { key: a }],
    ['kv/put', { key: a, value: b64('1') }],
    ['kv/put', { key: a, value: b64('2'), prev_kv: true }],
    ['kv/put', { key: a, value: b64('3'), prevKv: true }],
    ['kv/put', { key: b64('b'), value: '' }],
    ['kv/put', { key: b64('b'), prev_kv: true }],
    ['kv/put', { key: b64('c\0\xff'), value: Buffer.from(Uint8Array.from({ length: 256 }, (_, at) => at)).toString('base64') }],
    ['kv/put', { key: a, ignore_value: true, prev_kv: true }],
    ['kv/put', { key: a, ignore_lease: true, value: b64('4') }],
    ['kv/range', { key: a }],
    ['kv/range', { key: a, revision: 2 }],
    ['kv/range', { key: a, revision: '3' }],
    ['kv/range', all],
    ['kv/range', { ...all, limit: 1 }],
    ['kv/range', { ...all, limit: '2', keys_only: true }],
    ['kv/range', { ...all, count_only: true }],
    ['kv/range', { ...all, countOnly: true, limit: 1 }],
    ['kv/range', { ...all, sort_order: 'DESCEND', sort_target: 'MOD' }],
    ['kv/range', { ...all, sortOrder: 2, sortTarget: 1, limit: '1' }],
    ['kv/range', { ...all, sort_order: 'ASCEND', sort_target: 'VALUE' }],
    ['kv/range', { ...all, sort_target: 'CREATE' }],
    ['kv/range', { ...all, min_mod_revision: '4', max_mod_revision: 7 }],
    ['kv/range', { ...all, min_create_revision: '4' }],
    ['kv/range', { ...all, max_create_revision: '4', serializable: true }],
    ['kv/range', { key: a, range_end: b64('b') }],
    ['kv/range', { key: b64('b'), range_end: a }],
    ['kv/range', { key: a, limit: '-1', revision: '-1' }],
    ['kv/range', { key: a, limit: '9223372036854775807' }],
    ['kv/range', { key: null, unknown: [{ x: 1 }] }],
    ['kv/range', {}],
    ['kv/range', { key: a, revision: '1000' }],
    ['kv/put', {}],
    ['kv/put', { key: a, lease: '7' }],
    ['kv/put', { key: a, ignore_value: true, value: a }],
    ['kv/put', { key: b64('nowhere'), ignore_value: true }],
    ['kv/put', { key: a, ignore_lease: true, lease: '1' }],
    ['kv/txn', {}],
    ['kv/txn', { compare: [{ key: a, target: 'VALUE', value: b64('4') }], success: [{ request_range: { key: a } }, { request_put: { key: b64('t'), value: a, prev_kv: true } }, { request_range: { key: a } }, { request_delete_range: { key: b64('nowhere') } }, { request_delete_range: { key: b64('b'), prev_kv: true } }] }],
    ['kv/txn', { compare: [{ key: a, target: 'MOD', mod_revision: '99', result: 'GREATER' }], success: [{ request_put: { key: a } }], failure: [{ requestRange: { ...all, limit: 1 } }] }],
    ['kv/txn', { compare: [{ key: a, target: 'VERSION', version: 5, result: 'EQUAL' }, { key: a, target: 'CREATE', create_revision: 2 }, { key: a, target: 'LEASE', lease: '0' }, { key: a, result: 'NOT_EQUAL', target: 0, version: '77' }, { key: a, result: 2, version: '77' }] }],
    ['kv/txn', { compare: [{ key: b64('nowhere'), target: 'CREATE', create_revision: '0' }, { key: b64('nowhere'), target: 'VALUE', value: '' }], success: [{ request_put: { key: b64('n') } }] }],
    ['kv/txn', { compare: [{ ...all, target: 'MOD', mod_revision: '1', result: 'GREATER' }], success: [{ request_delete_range: { key: b64('n') } }, { request_range: { key: a } }] }],
    ['kv/txn', { success: [{ request_delete_range: { key: b64('nowhere') } }, { request_put: { key: b64('u') } }, { request_delete_range: { key: b64('nowhere') } }] }],
    ['kv/txn', { success: [{ request_txn: { success: [{ request_range: { key: a, count_only: true } }] } }] }],
    ['kv/txn', { success: [{ request_put: { key: b64('v') } }, { request_txn: { compare: [{ key: a, version: '1' }], failure: [{ request_range: { key: b64('v') } }, { request_put: { key: b64('w') } }] } }] }],
    ['kv/txn', { success: [{}] }],
    ['kv/txn', { success: [{ request_range: null }] }],
    ['kv/txn', { success: [{ request_range: {} }] }],
    ['kv/txn', { compare: [{}] }],
    ['kv/txn', { success: [{ request_put: { key: a } }, { request_put: { key: a } }] }],
    ['kv/txn', { success: [{ request_put: { key: a } }, { request_delete_range: { key: a, range_end: b64('b') } }] }],
    ['kv/txn', { success: Array.from({ length: 129 }, () => ({ request_range: { key: a } })) }],
    ['kv/txn', { success: [{ request_range: { key: a, revision: '1000' } }] }],
    ['kv/deleterange', { key: b64('nowhere'), prev_kv: true }],
    ['kv/deleterange', { key: a, range_end: b64('c'), prev_kv: true }],
    ['kv/deleterange', {}],
    ['kv/compaction', { revision: '4' }],
    ['kv/compaction', { revision: '4', physical: true }],
    ['kv/compaction', { revision: '4000' }],
    ['kv/compaction', {}],
    ['kv/range', { key: a, revision: '3' }],
    ['kv/range', { key: a, revision: '7' }],
    ['kv/deleterange', { ...all, prevKv: true }],
    ['kv/range', all],
    ['maintenance/transfer-leadership', { targetID: '5' }],
    ['maintenance/alarm', {}],
    ['kv/put', { key: a, value: Buffer.alloc(1600 << 10).toString('base64') }],
    ['kv/put', { key: a, value: Buffer.alloc(2600 << 10).toString('base64') }],
  ];

  it('to calls in a row, of every method and with every option', async () => {
    for (const [path, body] of cases) {
      const text = JSON.stringify(body);
      const [ours, theirs] = [await ask(member, `/v3/${path}`, text), await ask(etcd, `/v3/${path}`, text)];
      const shown = `${path} ${text.slice(0, 300)}`;
      // An alarm's answer has a header here, and none there.
      const said = path === 'maintenance/alarm' ? ours.text.replace(/"header":\{[^}]*\}/, '') : ours.text;
      expect([shown, ours.status, ours.type, impersonal(said)]).toEqual([shown, theirs.status, theirs.type, impersonal(theirs.text)]);
    }
  });

  it('to the path it had before, and to the client’s own deadline', async () => {
    const put = JSON.stringify({ key: a, value: a });
    for (const [path, headers] of [['/v3beta/kv/put', {}], ['/v3/kv/put', { 'grpc-timeout': '5S' }], ['/v3/kv/put', { 'grpc-timeout': '0n' }], ['/v3/kv/put', { 'content-type': 'text/plain' }], ['/v3/kv/put?x=%zz', {}]] as const) {
      const [ours, theirs] = [await ask(member, path, put, headers), await ask(etcd, path, put, headers)];
      expect([path, headers, ours.status, impersonal(ours.text)]).toEqual([path, headers, theirs.status, impersonal(theirs.text)]);
    }
  });

  it('in its status and its code to what is no request', async () => {
    const range = '/v3/kv/range';
    const wrong: readonly (readonly [string, string | undefined, string?, Readonly<Record<string, string>>?])[] = [
      ...['{', '[]', '1', '"a"', 'nul', '{"key":1}', '{"key":"%%%"}', '{"key":"YQ"}', '{"key":"_-8="}', '{"key":{}}', '{"limit":1.5}', '{"limit":"x"}', '{"limit":""}', '{"limit":true}', '{"limit":"9223372036854775808"}', '{"count_only":"true"}',
        '{"sort_order":"NOPE"}', '{"sort_order":"1"}', '{"sort_order":1.5}', '{"key":"YQ==",}', "{'key':1}", '{"a":01}', '{"a":tru}', `{"a":${'['.repeat(20_000)}`, '\ufeff{}'].map((body) => [range, body] as const),
      ['/v3/kv/txn', '{"success":{"a":1}}'], ['/v3/kv/txn', '{"success":[1]}'], ['/v3/kv/txn', '{"compare":[{"target":"NO"}]}'],
      [range, ''], [range, 'null'], [range, ' \n'],
      [range, undefined, 'GET'], [range, '{}', 'PUT'], [range, undefined, 'DELETE'], ['/v3/kv/nothing', '{}'], ['/v3/', '{}'], [`${range}/`, '{}'], ['/v3alpha/kv/range', '{}'], ['/nothing', undefined], ['/health', '{}', 'POST'], ['/version', '{}', 'POST'],
      [range, '{"key":"YQ=="}', 'POST', { 'grpc-timeout': 'xx' }],
    ];
    const code = ({ text }: Told): unknown => (text.startsWith('{') ? (JSON.parse(text) as { code: number }).code : undefined);
    for (const [path, body, method, headers] of wrong) {
      const [ours, theirs] = [await ask(member, path, body, headers, method), await ask(etcd, path, body, headers, method)];
      const shown = `${method ?? ''} ${path} ${body?.slice(0, 100)}`;
      expect([shown, ours.status]).toEqual([shown, theirs.status]);
      // Paths and methods that are not there have no code there.
      if (theirs.status === 400) expect([shown, code(ours), Object.keys(JSON.parse(ours.text) as object)]).toEqual([shown, code(theirs), ['error', 'message', 'code']]);
    }
  });

  it('about its health, its version, its members and itself', async () => {
    for (const path of ['/health', '/health?serializable=true']) {
      const [ours, theirs] = [await ask(member, path), await ask(etcd, path)];
      expect([ours.status, ours.text]).toEqual([theirs.status, theirs.text]);
    }
    const parsed = async (endpoint: string, path: string, body?: string): Promise<Record<string, unknown>> => JSON.parse((await ask(endpoint, path, body)).text) as Record<string, unknown>;
    expect(await parsed(member, '/version')).toEqual({ ...(await parsed(etcd, '/version')), thole: expect.any(String), clusterVersion: expect.any(Number) });
    const shape = (value: unknown): unknown => (Array.isArray(value) ? value.map(shape) : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shape(each)])) : /^\d+$/.test(value as string) ? 'digits' : typeof value);
    expect(shape(await parsed(member, '/v3/cluster/member/list', '{}'))).toEqual(shape(await parsed(etcd, '/v3/cluster/member/list', '{}')));
    const [ours, theirs] = [await parsed(member, '/v3/maintenance/status', '{}'), await parsed(etcd, '/v3/maintenance/status', '{}')];
    expect(shape(ours)).toEqual(shape(theirs));
    expect([ours['version'], Object.keys(ours)]).toEqual([theirs['version'], Object.keys(theirs)]);
  });
});

describe('the gateway', () => {
  it('does not obey a page of another site, nor one that gives itself our name', async () => {
    const put = JSON.stringify({ key: b64('evil'), value: a });
    for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, { origin: 'http://evil.example:2379', host: 'evil.example:2379' }]) {
      const told = await ask(member, '/v3/kv/put', put, headers);
      expect([headers, told.status, JSON.parse(told.text)]).toEqual([headers, 403, expect.objectContaining({ code: 7 })]);
    }
    expect((await ask(member, '/v3/kv/put', JSON.stringify({ key: b64('own'), value: a }), { origin: `http://${member}` })).status).toBe(200);
    expect((JSON.parse((await ask(member, '/v3/kv/range', JSON.stringify({ key: b64('evil') }))).text) as { kvs?: unknown }).kvs).toBeUndefined();
  });

  it('says of what etcd has and a member has not yet that it is so', async () => {
    for (const path of ['watch', 'lease/grant', 'lock/lock', 'election/campaign', 'auth/enable', 'maintenance/defragment']) {
      const told = await ask(member, `/v3/${path}`, '{}');
      expect([path, told.status, JSON.parse(told.text)]).toEqual([path, 501, { error: expect.stringMatching(/^thole: \w+\.\w+\/\w+ is not offered yet$/), message: expect.any(String), code: 12 }]);
    }
  });

  it('takes a body up to its limit and no more, and a large answer arrives whole', async () => {
    const large = JSON.stringify({ key: a, value: ' '.repeat(5 << 20) });
    const told = await ask(member, '/v3/kv/put', large).catch((error: Error) => error);
    expect(told).toMatchObject({ status: 429 });
    const value = Buffer.alloc(1 << 20, 'x').toString('base64');
    for (let at = 0; at < 8; at++) expect((await ask(member, '/v3/kv/put', JSON.stringify({ key: b64(`large/${at}`), value }))).status).toBe(200);
    const got = await ask(member, '/v3/kv/range', JSON.stringify({ key: b64('large/'), range_end: b64('large0') }));
    const { kvs, count } = JSON.parse(got.text) as { kvs: { value: string }[]; count: string };
    expect([got.status, count, kvs.map((kv) => kv.value === value)]).toEqual([200, '8', Array.from({ length: 8 }, () => true)]);
  });
});
