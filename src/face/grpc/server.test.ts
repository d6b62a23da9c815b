// Over real sockets, against the store itself with a service around it that applies each command at once.

import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { readFileSync } from 'node:fs';
import { connect as dialTcp, createServer as createTcp } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { OperationError, errorTable } from '../../core/errors.ts';
import type { ErrorCode, Failure } from '../../core/errors.ts';
import { Kv, answerBytesOf, decodeRequest, encodeBatch, encodeReadResult } from '../../core/kv/index.ts';
import type { RangeRequest } from '../../core/kv/index.ts';
import { runSliced } from '../../engine/slice.ts';
import type { MemberListRow, MemberService, MemberStatus, MembershipChange, MembershipResult, ReadOptions } from '../../engine/service.ts';
import { nodeClock } from '../../node/clock.ts';
import { messageType } from './codec.ts';
import type { Message } from './codec.ts';
import { files } from './schema.ts';
import { methods } from './methods.ts';
import { grpcCodes } from './status.ts';
import type { GrpcCode } from './status.ts';
import { GrpcServer } from './server.ts';
import type { GrpcServerOptions } from './server.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

class LocalService implements MemberService {
  readonly kv = new Kv();
  #index = 0;
  /** What `propose` waits for before it applies. */
  gate: Promise<void> = Promise.resolve();
  ready = true;

  async propose(command: Uint8Array): Promise<Uint8Array> {
    await this.gate;
    const job = this.kv.apply(++this.#index, 1, encodeBatch(0, [command]));
    while (!job.step(Number.POSITIVE_INFINITY));
    return job.replies[0]!;
  }
  witness = false;
  /** What reads meet. */
  failure: Failure | undefined;
  /** Reads never come to an end, and count their steps. */
  endless = false;
  steps = 0;
  /** Told of every answer that is made. */
  made: () => void = () => undefined;

  async read(request: Uint8Array, options: ReadOptions): Promise<Uint8Array> {
    if (this.failure !== undefined) throw new OperationError(this.failure);
    if (this.endless) await runSliced(nodeClock, { step: () => ++this.steps < 0 }, options.signal);
    const job = this.kv.read(decodeRequest(request) as RangeRequest);
    while (!job.step(Number.POSITIVE_INFINITY));
    const { result } = job;
    if (!('failure' in result)) await options.admit?.(answerBytesOf(result.response));
    this.made();
    return encodeReadResult(result);
  }
  status(): MemberStatus {
    return { cluster: 7, member: 8, leader: 8, role: this.role, revision: this.kv.revision, errors: [], witness: this.witness } as unknown as MemberStatus;
  }
  agreedMembers(): Promise<[]> {
    return Promise.resolve([]);
  }

  role: MemberStatus['role'] = 'follower';
  rows: readonly MemberListRow[] = [];
  members(): readonly MemberListRow[] {
    return this.rows;
  }
  hashKv(): Promise<never> {
    return Promise.reject(new OperationError({ code: 'COMPACTED' }));
  }
  /** What the next changes meet, and what was asked. */
  refusal: ErrorCode | undefined;
  readonly changes: MembershipChange[] = [];

  changeMembership(change: MembershipChange): Promise<MembershipResult> {
    this.changes.push(change);
    if (this.refusal !== undefined) return Promise.reject(new OperationError({ code: this.refusal }));
    const members = [{ id: 8, name: 'a', address: 'a:1', learner: false }, { id: 9, name: 'h:2', address: 'h:2', learner: true, joining: true }];
    return Promise.resolve({ id: change.type === 'add' ? 9 : change.id, members });
  }
  moveLeader(): Promise<void> {
    return Promise.resolve();
  }
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly status: string;
  readonly message: string;
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function world(options: Partial<GrpcServerOptions> = {}): Promise<{ service: LocalService; server: GrpcServer; client: ClientHttp2Session; port: number; dial: () => ClientHttp2Session }> {
  const service = new LocalService();
  const server = new GrpcServer({ service, cluster: 7, member: 8, term: () => 3 }, { clock: nodeClock, logger: { log: () => undefined } as never, ...options });
  const tcp: Server = createTcp((socket) => server.take(socket));
  await new Promise<void>((resolve) => void tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  const dial = (): ClientHttp2Session => {
    const client = connect(`http://127.0.0.1:${port}`);
    client.on('error', () => undefined);
    closers.push(() => client.destroy());
    return client;
  };
  closers.push(() => {
    server.close();
    tcp.close();
  });
  return { service, server, client: dial(), port, dial };
}

function call(client: ClientHttp2Session, path: string, body: Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers });
    let got: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const parts: Buffer[] = [];
    stream.on('response', (each) => void (got = each));
    stream.on('trailers', (each) => void (trailers = each));
    stream.on('data', (part: Buffer) => void parts.push(part));
    stream.on('error', reject);
    stream.on('close', () => {
      const all = { ...got, ...trailers };
      resolve({ headers: got, trailers, body: Buffer.concat(parts), status: String(all['grpc-status']), message: decodeURIComponent(String(all['grpc-message'] ?? '')) });
    });
    stream.end(body);
  });
}

async function ask(client: ClientHttp2Session, path: string, request: Message, headers: OutgoingHttpHeaders = {}): Promise<{ status: string; message: string; answer: Message }> {
  const method = methods.get(path)!;
  const { status, message, body } = await call(client, path, method.input.encodeFrame(request), headers);
  return { status, message, answer: status === '0' ? method.output.decode(new Uint8Array(body.subarray(5))) : {} };
}

const kv = '/etcdserverpb.KV';
const reflectionPath = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

interface OpenCall {
  write(bytes: Uint8Array): void;
  close(code: number): void;
  readonly received: number;
  /** Once it is told. */
  readonly status: string | undefined;
  readonly message: string | undefined;
}

/** A call whose request goes on. */
function open(client: ClientHttp2Session, path: string, { reads = true } = {}): OpenCall {
  const stream = client.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
  const told = { write: (each: Uint8Array) => void stream.write(each), close: (code: number) => stream.close(code), received: 0, status: undefined as string | undefined, message: undefined as string | undefined };
  const tell = (headers: IncomingHttpHeaders): void => {
    if (headers['grpc-status'] === undefined) return;
    told.status = String(headers['grpc-status']);
    told.message = decodeURIComponent(String(headers['grpc-message'] ?? ''));
  };
  stream.on('response', tell);
  stream.on('trailers', tell);
  stream.on('error', () => undefined);
  if (reads) stream.on('data', (part: Buffer) => void (told.received += part.length));
  else stream.pause();
  return told;
}

// Frames by hand, where a library would not send such.
const http2Head = (length: number, type: number, flag: number, stream: number): Buffer => Buffer.from([0, length >> 8, length & 0xff, type, flag, 0, 0, 0, stream]);
const greeting = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), http2Head(0, 4, 0, 0)]);
function http2Call(stream: number): Buffer {
  const fields = [[':method', 'POST'], [':scheme', 'http'], [':path', `${kv}/Put`], [':authority', 'x'], ['content-type', 'application/grpc']] as const;
  const block = Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x10, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]));
  return Buffer.concat([http2Head(block.length, 1, 4, stream), block]);
}

describe('the gRPC server', () => {
  it('answers with a header, whatever metadata comes along', async () => {
    const { client } = await world();
    const put = await ask(client, `${kv}/Put`, { key: bytes('a'), value: bytes('1') }, { 'trace-bin': 'AAECAw==', 'user-agent': 'x', 'grpc-timeout': '5S' });
    expect(put).toMatchObject({ status: '0', answer: { header: { cluster_id: 7, member_id: 8, revision: 2, raft_term: 3 } } });
    const got = await ask(client, `${kv}/Range`, { key: bytes('a') });
    expect(got.answer).toMatchObject({ count: 1, kvs: [{ key: bytes('a'), value: bytes('1'), version: 1, mod_revision: 2 }] });
  });

  it('refuses as etcd does, in its words', async () => {
    const { client } = await world();
    await ask(client, `${kv}/Put`, { key: bytes('a'), value: bytes('1') });
    const said = async (path: string, request: Message): Promise<readonly string[]> => {
      const { status, message } = await ask(client, `${kv}/${path}`, request);
      return [status, message];
    };
    const twice = [{ request_put: { key: bytes('k') } }, { request_put: { key: bytes('k') } }];
    expect(await said('Range', {})).toEqual(['3', 'etcdserver: key is not provided']);
    expect(await said('Range', { key: bytes('a'), sort_target: 9 })).toEqual(['3', 'etcdserver: invalid sort option']);
    expect(await said('Range', { key: bytes('a'), revision: 9 })).toEqual(['11', 'etcdserver: mvcc: required revision is a future revision']);
    expect(await said('Put', { key: bytes('a'), value: bytes('x'), ignore_value: true })).toEqual(['3', 'etcdserver: value is provided']);
    expect(await said('Put', { key: bytes('a'), lease: 1, ignore_lease: true })).toEqual(['3', 'etcdserver: lease is provided']);
    expect(await said('Put', { key: bytes('a'), lease: 1 })).toEqual(['5', 'etcdserver: requested lease not found']);
    const leased = { request_put: { key: bytes('l'), value: bytes('1'), lease: 7 } };
    const never = [{ key: bytes('a'), target: 0, result: 0, version: 99 }];
    expect(await said('Txn', { success: [{ request_put: { key: bytes('other') } }, leased] })).toEqual(['5', 'etcdserver: requested lease not found']);
    expect(await said('Txn', { compare: never, failure: [{ request_txn: { success: [leased] } }] })).toEqual(['5', 'etcdserver: requested lease not found']);
    // Neither wrote anything; and a branch that is not taken may name what it likes.
    expect((await ask(client, `${kv}/Txn`, { compare: never, success: [leased], failure: [{ request_range: { key: bytes('l'), range_end: bytes('p') } }] })).answer).toMatchObject({ header: { revision: 2 }, responses: [{ response_range: {} }] });
    expect(await said('Txn', { success: [leased, leased] })).toEqual(['3', 'etcdserver: duplicate key given in txn request']);
    expect(await said('Put', { key: bytes('none'), ignore_value: true })).toEqual(['3', 'etcdserver: key not found']);
    expect(await said('Txn', { success: twice })).toEqual(['3', 'etcdserver: duplicate key given in txn request']);
    expect(await said('Txn', { failure: [{}] })).toEqual(['3', 'etcdserver: key not found']);
    expect(await said('Txn', { success: Array.from({ length: 129 }, () => ({ request_range: { key: bytes('a') } })) })).toEqual(['3', 'etcdserver: too many operations in txn request']);
    expect(await said('Put', { key: bytes('a'), value: new Uint8Array(1_600_000) })).toEqual(['3', 'etcdserver: request is too large']);
    expect(await said('Compact', { revision: 9 })).toEqual(['11', 'etcdserver: mvcc: required revision is a future revision']);
  });

  it('sends whoever asks a witness for data elsewhere: to a client of etcd, `not leader` would be the last word', async () => {
    const { client, service } = await world();
    const refusal: Failure = { code: 'NOT_LEADER', detail: 'a witness holds no data: ask another member' };
    service.failure = refusal;
    service.witness = true;
    service.propose = () => Promise.reject(new OperationError(refusal));
    service.hashKv = () => Promise.reject(new OperationError(refusal));
    const put = { request_put: { key: bytes('a') } };
    for (const [path, request] of [
      [`${kv}/Range`, { key: bytes('a') }], [`${kv}/Put`, { key: bytes('a') }], [`${kv}/DeleteRange`, { key: bytes('a') }], [`${kv}/Txn`, { success: [put] }], [`${kv}/Txn`, {}],
      [`${kv}/Compact`, { revision: 1 }], ['/etcdserverpb.Maintenance/HashKV', {}], ['/etcdserverpb.Cluster/MemberList', { linearizable: true }],
    ] as const) {
      const { status, message } = await ask(client, path, request);
      expect([path, status, message]).toEqual([path, '14', 'etcdserver: a witness holds no data: ask another member']);
    }
  });

  it('says of every failure on the wire what errors.md says it does', async () => {
    const { client, service } = await world();
    const documented = [...readFileSync(join(import.meta.dirname, '../../../docs/reference/errors.md'), 'utf8').matchAll(/^\| `([A-Z_]+)` \|[^|]*\|[^|]*\| (\w+) \| (.*) \|$/gm)];
    expect(documented.map(([, code]) => code).toSorted()).toEqual(Object.keys(errorTable).toSorted());
    for (const [, code, name, message] of documented) {
      service.failure = { code: code as ErrorCode };
      expect([code, await ask(client, `${kv}/Range`, { key: bytes('a') })]).toMatchObject([code, { status: String(grpcCodes[name as GrpcCode]), message }]);
      // What goes further than that is said where the document promises it, and nowhere else.
      service.failure = { code: code as ErrorCode, detail: 'a detail' };
      const exact = ['BAD_REQUEST', 'INTERNAL', 'TOO_LARGE', 'UNSUPPORTED'].includes(code!) ? 'etcdserver: a detail' : code === 'PROTOCOL' ? 'a detail' : message;
      expect([code, await ask(client, `${kv}/Range`, { key: bytes('a') })]).toMatchObject([code, { message: exact }]);
    }
  });

  it('changes membership in etcd’s messages, and refuses in its words', async () => {
    const { client, service } = await world();
    const cluster = '/etcdserverpb.Cluster';
    const [a, b] = [{ ID: 8, name: 'a', peerURLs: ['http://a:1'], clientURLs: ['http://a:1'] }, { ID: 9, name: 'h:2', peerURLs: ['http://h:2'], clientURLs: ['http://h:2'], isLearner: true }];
    const header = { cluster_id: 7, member_id: 8, raft_term: 3 };
    const unstarted = { ID: 9, peerURLs: ['http://h:2'], isLearner: true };
    expect((await ask(client, `${cluster}/MemberAdd`, { peerURLs: ['http://h:2'] })).answer).toEqual({ header, member: unstarted, members: [a, unstarted] });
    await ask(client, `${cluster}/MemberAdd`, { peerURLs: ['http://[::1]:2'], isLearner: true });
    expect((await ask(client, `${cluster}/MemberUpdate`, { ID: 9, peerURLs: ['http://h:3'] })).answer).toEqual({ header, members: [a, b] });
    expect((await ask(client, `${cluster}/MemberPromote`, { ID: 9 })).answer).toEqual({ header, members: [a, b] });
    expect((await ask(client, `${cluster}/MemberRemove`, { ID: 9 })).answer).toEqual({ header, members: [a, b] });
    expect(service.changes.splice(0)).toEqual([
      { type: 'add', name: 'h:2', address: 'h:2', as: 'voter' }, { type: 'add', name: '[::1]:2', address: '[::1]:2', as: 'learner' },
      { type: 'update', id: 9, address: 'h:3' }, { type: 'promote', id: 9 }, { type: 'remove', id: 9 },
    ]);
    for (const peerURLs of [[], [''], ['h:2'], ['https://h:2'], ['http://h'], ['http://h:0'], ['http://h:99999'], ['http://h:2/x'], ['http://u@h:2']]) {
      expect(await ask(client, `${cluster}/MemberAdd`, { peerURLs })).toMatchObject({ status: '3', message: 'etcdserver: given member URLs are invalid' });
    }
    expect(await ask(client, `${cluster}/MemberAdd`, { peerURLs: ['http://h:2', 'http://h:3'] })).toMatchObject({ status: '3', message: 'thole: a member has one URL' });
    expect(service.changes).toEqual([]);
    const words: readonly (readonly [ErrorCode, string, string])[] = [
      ['MEMBER_EXISTS', '9', 'Peer URLs already exists'],
      ['MEMBER_UNKNOWN', '5', 'member not found'],
      ['MEMBER_REMOVED', '5', 'member not found'],
      ['NOT_A_LEARNER', '9', 'can only promote a learner member'],
      ['LEARNER_BEHIND', '9', 'can only promote a learner member which is in sync with leader'],
      ['QUORUM_AT_RISK', '14', 'unhealthy cluster'],
      ['NO_LEADER', '14', 'no leader'],
    ];
    for (const [code, status, message] of words) {
      service.refusal = code;
      expect(await ask(client, `${cluster}/MemberPromote`, { ID: 9 })).toMatchObject({ status, message: `etcdserver: ${message}` });
    }
  });

  it('gives leadership to whoever votes and holds data, as etcd’s own words for the others say', async () => {
    const { client, service } = await world();
    const moved = (targetID: number): ReturnType<typeof ask> => ask(client, '/etcdserverpb.Maintenance/MoveLeader', { targetID });
    expect(await moved(9)).toMatchObject({ status: '9', message: 'etcdserver: not leader' });
    service.role = 'leader';
    service.rows = [
      { id: 8, name: 'a', address: 'a:1', learner: false }, { id: 9, name: 'b', address: 'b:1', learner: false },
      { id: 10, name: 'l', address: 'l:1', learner: true }, { id: 11, name: 'w', address: 'w:1', learner: false, witness: true },
    ];
    expect(await moved(9)).toMatchObject({ status: '0' });
    for (const target of [10, 11, 12]) expect([target, await moved(target)]).toMatchObject([target, { status: '9', message: 'etcdserver: bad leader transferee' }]);
  });

  it('compares with numbers that nothing can have', async () => {
    const { client } = await world();
    const holds = async (compare: Message): Promise<unknown> => (await ask(client, `${kv}/Txn`, { compare: [{ key: bytes('a'), ...compare }] })).answer['succeeded'] === true;
    expect(await holds({ target: 0, result: 1, version: -1 })).toBe(true);
    expect(await holds({ target: 0, result: 2, version: -1 })).toBe(false);
    expect(await holds({ target: 2, result: 0, mod_revision: -(2n ** 63n) })).toBe(false);
    expect(await holds({ target: 2, result: 3, mod_revision: -5 })).toBe(true);
    expect(await holds({ target: 1, result: 2, create_revision: 2n ** 63n - 1n })).toBe(true);
    expect(await holds({ target: 4, result: 0, lease: 0 })).toBe(true);
  });

  it('does not read what is compressed, too large, cut off or of another kind', async () => {
    const { client } = await world();
    const frame = methods.get(`${kv}/Put`)!.input.encodeFrame({ key: bytes('a') });
    const gzip = await call(client, `${kv}/Put`, frame, { 'grpc-encoding': 'gzip' });
    expect([gzip.status, gzip.message, gzip.headers['grpc-accept-encoding']]).toEqual(['12', 'grpc: Decompressor is not installed for grpc-encoding "gzip"', 'identity']);
    expect((await call(client, `${kv}/Put`, new Uint8Array([1, ...frame.subarray(1)]))).status).toBe('12');
    expect(await call(client, `${kv}/Put`, new Uint8Array([0, 0x7f, 0xff, 0xff, 0xff]))).toMatchObject({ status: '8', message: 'grpc: received message larger than max (2147483647 vs. 2097152)' });
    expect((await call(client, `${kv}/Put`, frame.subarray(0, 6))).status).toBe('13');
    expect((await call(client, `${kv}/Put`, new Uint8Array([0, 0, 0, 0, 2, 0x0a, 0x09]))).message).toContain('grpc: error unmarshalling request');
    expect((await call(client, `${kv}/Put`, frame, { 'grpc-timeout': 'soon' })).status).toBe('13');
    expect((await call(client, `${kv}/Put`, frame, { 'content-type': 'text/plain' })).headers[':status']).toBe(415);
    expect(await call(client, '/etcdserverpb.Lease/LeaseGrant', frame)).toMatchObject({ status: '12', message: 'thole: etcdserverpb.Lease/LeaseGrant is not offered yet' });
    expect(await call(client, '/some.Service/Method', frame)).toMatchObject({ status: '12', message: 'unknown service some.Service' });
    expect((await ask(client, `${kv}/Put`, { key: bytes('a') })).status).toBe('0');
  });

  it('ends a call at its client’s deadline', async () => {
    const { client, service } = await world();
    service.gate = new Promise(() => undefined);
    expect(await ask(client, `${kv}/Put`, { key: bytes('a') }, { 'grpc-timeout': '20m' })).toMatchObject({ status: '4', message: 'context deadline exceeded' });
  });

  it('takes no more than it may hold, and takes again what is let go of', async () => {
    const { client, service, server, dial } = await world({ connectionBytesMax: 100_000, bytesMax: 200_000 });
    let open = (): void => undefined;
    service.gate = new Promise((resolve) => void (open = resolve));
    const value = new Uint8Array(80_000);
    const waiting = ask(client, `${kv}/Put`, { key: bytes('a'), value });
    while (server.heldBytes < 80_000) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect(await ask(client, `${kv}/Put`, { key: bytes('b'), value })).toMatchObject({ status: '8', message: 'etcdserver: too many requests' });
    // Another connection has a share of its own.
    const other = ask(dial(), `${kv}/Put`, { key: bytes('c'), value });
    while (server.heldBytes < 160_000) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect((await ask(dial(), `${kv}/Put`, { key: bytes('d'), value })).status).toBe('8');
    // Who asks little is served whatever the others hold.
    expect((await ask(dial(), `${kv}/Range`, { key: bytes('a') })).status).toBe('0');
    open();
    expect([(await waiting).status, (await other).status]).toEqual(['0', '0']);
    while (server.heldBytes > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect((await ask(client, `${kv}/Put`, { key: bytes('b'), value })).status).toBe('0');
  });

  it('makes room for an answer before it is made: one of any size, and not many', async () => {
    const { client, service, server } = await world({ connectionBytesMax: 100_000, bytesMax: 1_000_000 });
    for (let at = 0; at < 8; at++) await ask(client, `${kv}/Put`, { key: bytes(`a${at}`), value: new Uint8Array(50_000) });
    const all = { key: bytes('a'), range_end: bytes('b') };
    while (server.heldBytes > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect((await ask(client, `${kv}/Range`, all)).answer).toMatchObject({ count: 8 });
    let made = 0;
    service.made = () => void made++;
    const window = client.request({ ':method': 'POST', ':path': `${kv}/Range`, 'content-type': 'application/grpc' });
    // Nobody reads this one's.
    window.pause();
    window.on('error', () => undefined);
    window.end(methods.get(`${kv}/Range`)!.input.encodeFrame(all));
    while (server.heldBytes < 400_000) await new Promise((resolve) => void setTimeout(resolve, 5));
    const more = await Promise.all(Array.from({ length: 10 }, () => ask(client, `${kv}/Range`, all)));
    expect(more.map(({ status, message }) => [status, message])).toEqual(more.map(() => ['8', 'etcdserver: too many requests']));
    expect(made).toBe(1);
    window.destroy();
    while (server.heldBytes > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect((await ask(client, `${kv}/Range`, all)).status).toBe('0');
  });

  it('a message in thousands of small frames is refused, and nothing of it is kept', async () => {
    const { server, port } = await world();
    const socket = dialTcp({ port, host: '127.0.0.1' });
    closers.push(() => socket.destroy());
    socket.on('error', () => undefined);
    let told = Buffer.alloc(0);
    socket.on('data', (part) => void (told = Buffer.concat([told, part])));
    const ones = Array.from({ length: 1500 }, () => Buffer.concat([http2Head(1, 0, 0, 1), Uint8Array.of(0x12)]));
    socket.write(Buffer.concat([greeting, http2Call(1), http2Head(5, 0, 0, 1), Uint8Array.of(0, 0, 0x1f, 0, 0), ...ones]));
    // RST_STREAM.
    while (!told.includes(http2Head(4, 3, 0, 1))) await new Promise((resolve) => void setTimeout(resolve, 5));
    while (server.callCount > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect(server.heldBytes).toBe(0);
  });

  it('a call that its client resets before it can be refused ends nobody', async () => {
    const { client, server, port } = await world();
    for (let round = 0; round < 50; round++) {
      const socket = dialTcp({ port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      const calls = [1, 3, 5, 7].map((stream) => {
        const message = round % 2 === 0 ? Buffer.from([0, 0, 0, 0, 9, 1]) : Buffer.alloc(5);
        return Buffer.concat([http2Call(stream), http2Head(message.length, 0, 1, stream), message, http2Head(4, 3, 0, stream), Buffer.from([0, 0, 0, 8])]);
      });
      socket.write(Buffer.concat([greeting, ...calls]));
      await new Promise((resolve) => void setTimeout(resolve, 3));
      socket.destroy();
    }
    expect((await ask(client, `${kv}/Put`, { key: bytes('a') })).status).toBe('0');
    while (server.callCount > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect(server.heldBytes).toBe(0);
  });

  it('forgets a call that its client cancelled', async () => {
    const { client, service, server } = await world();
    service.gate = new Promise(() => undefined);
    const stream = client.request({ ':method': 'POST', ':path': `${kv}/Put`, 'content-type': 'application/grpc' });
    stream.on('error', () => undefined);
    stream.end(methods.get(`${kv}/Put`)!.input.encodeFrame({ key: bytes('a') }));
    while (server.callCount === 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    stream.close(8);
    while (server.callCount > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect(server.heldBytes).toBe(0);
  });

  it.each(['its client cancelled', 'whose client is gone', 'whose deadline passed'])('works no longer for a range %s', async (how) => {
    const { client, service, server } = await world();
    service.endless = true;
    const deadline = how === 'whose deadline passed' ? { 'grpc-timeout': '50m' } : {};
    const stream = client.request({ ':method': 'POST', ':path': `${kv}/Range`, 'content-type': 'application/grpc', ...deadline });
    stream.on('error', () => undefined);
    stream.end(methods.get(`${kv}/Range`)!.input.encodeFrame({ key: bytes('a'), range_end: bytes('b') }));
    while (service.steps === 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    if (how === 'its client cancelled') stream.close(8);
    if (how === 'whose client is gone') client.destroy();
    while (server.callCount > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    // The slice that was planned sees it; then there is none.
    await new Promise((resolve) => void setTimeout(resolve, 50));
    const { steps } = service;
    await new Promise((resolve) => void setTimeout(resolve, 50));
    expect(service.steps).toBe(steps);
  });

  it('says that it goes away, and answers what is under way', async () => {
    const { client, service, server } = await world();
    let open = (): void => undefined;
    service.gate = new Promise((resolve) => void (open = resolve));
    const waiting = ask(client, `${kv}/Put`, { key: bytes('a') });
    while (server.callCount === 0) await new Promise((resolve) => void setTimeout(resolve, 5));
    const goaway = new Promise<void>((resolve) => void client.once('goaway', () => resolve()));
    const drained = server.drain(5000);
    await goaway;
    open();
    expect((await waiting).status).toBe('0');
    await drained;
    while (server.connectionCount > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
  });

  it('tells its health, and every change of it', async () => {
    const { client, service } = await world();
    const check = '/grpc.health.v1.Health/Check';
    expect((await ask(client, check, {})).answer).toEqual({ status: 1 });
    expect((await ask(client, check, { service: 'etcdserverpb.KV' })).answer).toEqual({ status: 1 });
    expect((await ask(client, check, { service: 'nothing' })).status).toBe('5');
    const stream = client.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Watch', 'content-type': 'application/grpc' });
    stream.end(new Uint8Array(5));
    const next = (): Promise<string> => new Promise((resolve) => void stream.once('data', (part: Buffer) => resolve(part.toString('hex'))));
    expect(await next()).toBe('00000000020801');
    service.ready = false;
    expect(await next()).toBe('00000000020802');
  });

  describe.each([['reflection', reflectionPath], ['a watch of the health', '/grpc.health.v1.Health/Watch']])('%s, which has no end,', (_, path) => {
    const head = (length: number): Buffer => Buffer.from([0, length >> 24, length >> 16, length >> 8, length]);

    it('keeps no more of a request than such requests need, and counts it', async () => {
      const { client, server } = await world();
      expect(await call(client, path, Buffer.concat([head(2 << 20), Buffer.alloc(500_000)]))).toMatchObject({ status: '8', message: 'grpc: received message larger than max (2097152 vs. 4096)' });
      while (server.callCount > 0) await sleep(5);
      expect(server.heldBytes).toBe(0);
      const half = open(client, path);
      half.write(Buffer.concat([head(4096), Buffer.alloc(4000)]));
      while (server.callCount === 0) await sleep(5);
      expect(server.heldBytes).toBeGreaterThanOrEqual(4096);
      half.close(8);
      while (server.callCount > 0) await sleep(5);
      expect(server.heldBytes).toBe(0);
    });

    it('is refused where too many are under way', async () => {
      const { client, server } = await world({ bytesMax: 100_000 });
      const calls = Array.from({ length: 100 }, () => open(client, path));
      const refused = (): number => calls.filter((each) => each.status === '8').length;
      while (server.callCount + refused() < calls.length) await sleep(5);
      expect(server.heldBytes).toBeLessThanOrEqual(100_000);
      expect(refused()).toBeGreaterThan(0);
    });

    it('ends when a request does not come whole in time', async () => {
      const { client, server } = await world({ stuckMs: 200, quietMs: 100 });
      const half = open(client, path);
      half.write(Buffer.concat([head(100), Buffer.alloc(50)]));
      while (half.status === undefined) await sleep(5);
      expect(half).toMatchObject({ status: '4', message: 'the request did not come whole in time' });
      while (server.callCount > 0) await sleep(5);
    });
  });

  it('goes on describing itself to who asks now and then, whatever time passes between', async () => {
    const { client } = await world({ stuckMs: 1500, quietMs: 1000 });
    const stream = open(client, reflectionPath);
    for (const pause of [2000, 0]) {
      const before = stream.received;
      stream.write(messageType('.grpc.reflection.v1.ServerReflectionRequest').encodeFrame({ list_services: '*' }));
      while (stream.received === before) await sleep(5);
      await sleep(pause);
    }
    expect(stream.status).toBeUndefined();
  });

  it('holds the descriptions that nobody reads against who asked for them, and not for ever', async () => {
    const { client, server } = await world({ connectionBytesMax: 200_000, stuckMs: 300, quietMs: 100 });
    const stream = open(client, reflectionPath, { reads: false });
    const request = messageType('.grpc.reflection.v1.ServerReflectionRequest').encodeFrame({ file_containing_symbol: 'etcdserverpb.KV' });
    for (let at = 0; at < 300; at++) stream.write(request);
    // More than HTTP/2's window of 64 KiB lets through: the rest is here.
    while (server.heldBytes < 100_000) await sleep(5);
    expect(server.heldBytes).toBeLessThan(300_000);
    while (server.callCount > 0) await sleep(5);
    expect(server.heldBytes).toBe(0);
  });

  it.each(['v1', 'v1alpha'])('describes itself (%s)', async (version) => {
    const { client } = await world();
    const name = `grpc.reflection.${version}.ServerReflection`;
    const reflect = async (request: Message): Promise<Message> => {
      const { status, body } = await call(client, `/${name}/ServerReflectionInfo`, messageType(`.${name}Request`).encodeFrame(request));
      expect(status).toBe('0');
      return messageType(`.${name}Response`).decode(new Uint8Array(body.subarray(5)));
    };
    expect(await reflect({ list_services: '*' })).toMatchObject({ list_services_response: { service: expect.arrayContaining([{ name: 'etcdserverpb.KV' }, { name }]) } });
    const { file_descriptor_response: found } = (await reflect({ file_containing_symbol: 'etcdserverpb.KV' })) as { file_descriptor_response: { file_descriptor_proto: Uint8Array[] } };
    const described = found.file_descriptor_proto.map((file) => messageType('.thole.descriptor.FileDescriptorProto').decode(file));
    expect(described).toMatchObject([{ name: 'kv.proto', dependency: ['mvcc.proto'], syntax: 'proto3', service: [{ name: 'KV' }] }, { name: 'mvcc.proto', package: 'mvccpb' }]);
    expect(await reflect({ file_containing_symbol: 'nothing' })).toMatchObject({ error_response: { error_code: 5 } });
  });

  it('numbers every field as the npm package etcd3 does', () => {
    const theirs = ['kv', 'rpc'].map((name) => readFileSync(join(import.meta.dirname, '../../../node_modules/etcd3/proto', `${name}.proto`), 'utf8')).join('\n').replaceAll(/\/\/[^\n]*/g, '');
    let compared = 0;
    for (const message of files.filter(({ package: each }) => each === 'etcdserverpb' || each === 'mvccpb').flatMap(({ messages }) => messages)) {
      const begin = theirs.search(new RegExp(`message ${message.name}\\s*\\{`));
      if (begin < 0) continue;
      const rest = theirs.slice(begin + 8);
      const end = rest.search(/\nmessage |\nservice |\nenum /);
      const body = (end < 0 ? rest : rest.slice(0, end)).replaceAll(/enum \w+\s*\{[^}]*\}/g, '');
      for (const [, type, name, number] of body.matchAll(/([\w.]+)\s+(\w+)\s*=\s*(\d+)/g)) {
        const field = message.fields.find((each) => each.name === name);
        expect([message.name, name, field?.number, field?.type.split('.').at(-1)]).toEqual([message.name, name, Number(number), type!.split('.').at(-1)]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(60);
  });
});

