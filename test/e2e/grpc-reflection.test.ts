// A client that has never heard of us, as grpcurl is one: it asks by reflection what there is, makes its clients of the
// answer, and calls. The library is @grpc/grpc-js, which came with the npm package etcd3.

import { createRequire } from 'node:module';
import type * as GrpcJs from '@grpc/grpc-js';
import type * as ProtoLoader from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { messageType } from '../../src/face/grpc/codec.ts';
import type { Message } from '../../src/face/grpc/codec.ts';
import { readHttp } from '../../src/face/http/get.ts';
import { Running, cleanUp, eventually, freePorts, main, tempDir } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(cleanUp);

const here = createRequire(import.meta.url);
const ofEtcd3 = createRequire(here.resolve('etcd3'));
const grpc = ofEtcd3('@grpc/grpc-js') as typeof GrpcJs;
const loader = ofEtcd3('@grpc/proto-loader') as typeof ProtoLoader;

type Answers = Record<string, (request: object, done: (error: GrpcJs.ServiceError | null, answer: Message) => void) => void>;

describe('a stranger with reflection', () => {
  let endpoint: string;
  const clients: GrpcJs.Client[] = [];
  beforeAll(async () => {
    endpoint = `127.0.0.1:${await freePorts(1)}`;
    const running = new Running(process.execPath, [main, 'serve', '--name', 'a', '--data-dir', tempDir(), '--listen', endpoint, '--initial-cluster', `a=${endpoint}`, '--log-level', 'error']);
    await eventually('readiness', () => readHttp(endpoint, '/readyz', 500).catch(() => undefined));
    expect(running.over).toBe(undefined);
  });
  afterAll(() => {
    for (const client of clients) client.close();
  });

  it.each(['v1', 'v1alpha'])('finds what there is and calls it (%s)', async (version) => {
    const name = `grpc.reflection.${version}.ServerReflection`;
    const [input, output] = [messageType(`.${name}Request`), messageType(`.${name}Response`)];
    const plain = new grpc.Client(endpoint, grpc.credentials.createInsecure());
    clients.push(plain);
    const stream = plain.makeBidiStreamRequest<Message, Message>(`/${name}/ServerReflectionInfo`, (request) => Buffer.from(input.encode(request)), (bytes) => output.decode(new Uint8Array(bytes)));
    stream.on('error', () => undefined);
    const ask = (request: Message): Promise<Message> => new Promise((resolve, reject) => {
      stream.once('data', resolve).once('error', reject);
      stream.write(request);
    });
    const listed = (await ask({ list_services: '' }))['list_services_response'] as { service: { name: string }[] };
    const services = listed.service.map((each) => each.name);
    expect(services).toEqual(expect.arrayContaining(['etcdserverpb.KV', 'etcdserverpb.Cluster', 'etcdserverpb.Maintenance', 'grpc.health.v1.Health', name]));
    const files = new Map<string, Uint8Array>();
    for (const symbol of services) {
      const found = (await ask({ file_containing_symbol: symbol }))['file_descriptor_response'] as { file_descriptor_proto: Uint8Array[] };
      for (const file of found.file_descriptor_proto) files.set(Buffer.from(file).toString('latin1'), file);
    }
    stream.end();
    const set = Buffer.concat([...files.values()].flatMap((file) => [Buffer.from(file.length < 128 ? [0x0a, file.length] : [0x0a, (file.length & 0x7f) | 0x80, file.length >> 7]), file]));
    const definitions = loader.loadFileDescriptorSetFromBuffer(set, { keepCase: true, longs: String, enums: String });
    const client = (service: string): Answers => {
      const Client = grpc.makeGenericClientConstructor(definitions[service] as GrpcJs.ServiceDefinition, service);
      const made = new Client(endpoint, grpc.credentials.createInsecure());
      clients.push(made);
      return made as unknown as Answers;
    };
    const call = (service: Answers, method: string, request: object): Promise<Message> => new Promise((resolve, reject) => {
      service[method]!.call(service, request, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
    const [kv, cluster, maintenance, health] = ['etcdserverpb.KV', 'etcdserverpb.Cluster', 'etcdserverpb.Maintenance', 'grpc.health.v1.Health'].map(client) as [Answers, Answers, Answers, Answers];
    const key = Buffer.from(`of ${version}`);
    const put = await call(kv, 'Put', { key, value: Buffer.from('1') });
    expect(put['header']).toMatchObject({ revision: expect.stringMatching(/^\d+$/), raft_term: expect.stringMatching(/^\d+$/) });
    expect(await call(kv, 'Range', { key })).toMatchObject({ count: '1', kvs: [{ key, value: Buffer.from('1'), version: '1' }] });
    const txn = { compare: [{ key, target: 'VERSION', result: 'EQUAL', version: 1 }], success: [{ request_delete_range: { key, prev_kv: true } }] };
    expect(await call(kv, 'Txn', txn)).toMatchObject({ succeeded: true, responses: [{ response_delete_range: { deleted: '1', prev_kvs: [{ value: Buffer.from('1') }] } }] });
    expect(await call(cluster, 'MemberList', {})).toMatchObject({ members: [{ name: 'a', clientURLs: [`http://${endpoint}`] }] });
    expect(await call(maintenance, 'Status', {})).toMatchObject({ version: '3.4.23' });
    expect(await call(health, 'Check', {})).toMatchObject({ status: 'SERVING' });
    await expect(call(kv, 'Range', { key, revision: 1_000_000 })).rejects.toMatchObject({ code: grpc.status.OUT_OF_RANGE, details: 'etcdserver: mvcc: required revision is a future revision' });
  });
});
