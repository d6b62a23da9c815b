// One port and several: what each connection is told, and that nobody is disturbed by it.

import { connect as tcpConnect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/face/client.ts';
import type { Client } from '../../src/face/index.ts';
import { Running, cleanUp, eventually, freePorts, main, sleep, tempDir, thole } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

interface Raw {
  readonly socket: Socket;
  received: Buffer;
  closed: boolean;
}

const sockets = new Set<Socket>();
function dial(endpoint: string): Promise<Raw> {
  const [host, port] = endpoint.split(':');
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host: host!, port: Number(port) });
    sockets.add(socket);
    const raw: Raw = { socket, received: Buffer.alloc(0), closed: false };
    socket.on('data', (bytes) => void (raw.received = Buffer.concat([raw.received, bytes])));
    socket.on('close', () => void (raw.closed = true));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.on('error', () => undefined);
      resolve(raw);
    });
  });
}

/** Everything that comes until the connection ends. */
async function told(endpoint: string, bytes: Uint8Array | string): Promise<Buffer> {
  const raw = await dial(endpoint);
  raw.socket.write(bytes);
  await eventually(`the end of a connection that said ${JSON.stringify(bytes).slice(0, 60)}`, () => (raw.closed ? true : undefined), 4000);
  return raw.received;
}

const http = (endpoint: string, path: string, method = 'GET'): Promise<Buffer> => told(endpoint, `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
const status = async (endpoint: string, path: string): Promise<number> => Number(/^HTTP\/1\.1 (\d+) /.exec((await http(endpoint, path)).toString())?.[1] ?? 0);

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await cleanUp();
});

describe('one port', () => {
  let endpoint: string;
  let member: Running;
  beforeAll(async () => {
    endpoint = `127.0.0.1:${await freePorts(1)}`;
    member = new Running(process.execPath, [main, 'serve', '--name', 'a', '--data-dir', tempDir(), '--listen', endpoint, '--initial-cluster', `a=${endpoint}`]);
    await eventually('readiness', async () => ((await status(endpoint, '/readyz').catch(() => 0)) === 200 ? true : undefined));
  });

  it('tells whoever speaks RESP so, in RESP', async () => {
    for (const said of ['PING\r\n', 'SET a b\r\n', '*1\r\n$4\r\nPING\r\n', `*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100000\r\n${'x'.repeat(100_000)}\r\n`]) {
      expect((await told(endpoint, said)).toString()).toMatch(/^-ERR [^\r\n]+\r\n$/);
    }
  });

  it('tells whoever begins with TLS so, by an alert', async () => {
    const alert = await told(endpoint, Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc));
    expect([...alert]).toEqual([21, 3, 3, 0, 2, 2, 40]);
  });

  it('closes what it does not know, saying nothing', async () => {
    for (const said of [Uint8Array.of(0, 1, 2), Uint8Array.of(244, 1, 2), Uint8Array.of(0xff), '{}\n', 'SSH-2.0-x\r\n', `GET ${'a'.repeat(9000)}`]) {
      expect((await told(endpoint, said)).length).toBe(0);
    }
  });

  it('takes HTTP byte by byte, and answers as etcd does about its health', async () => {
    const raw = await dial(endpoint);
    raw.socket.setNoDelay(true);
    for (const letter of 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n') {
      raw.socket.write(letter);
      await sleep(1);
    }
    await eventually('the answer', () => (raw.closed ? true : undefined), 5000);
    expect(raw.received.toString()).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\{"health":"true"\}$/);
    expect((await http(endpoint, '/health?serializable=true')).toString()).toContain('{"health":"true"}');
  });

  it('a target that is no URL ends its connection at most', async () => {
    for (const target of ['//', '//[', '/%zz', 'x', '/\\[', '*']) expect([target, await status(endpoint, target)]).toEqual([target, expect.toSatisfy((code: number) => code === 400 || code === 404)]);
    expect(member.over).toBeUndefined();
  });

  it('a flood of garbage is a few lines in the log', async () => {
    const before = member.err.length + member.out.length;
    await Promise.all(Array.from({ length: 300 }, (_, round) => told(endpoint, Uint8Array.of(0xff, round))));
    expect(member.err.length + member.out.length - before).toBeLessThan(5000);
  });
});

describe('separate listeners', () => {
  let ports: number;
  const at = (offset: number): string => `127.0.0.1:${ports + offset}`;
  const members: Running[] = [];
  let client: Client;
  // Of member i: peers on 4i, clients on 4i+1, HTTP on 4i+2, metrics on 4i+3; and no port that takes everything.
  beforeAll(async () => {
    ports = await freePorts(13);
    const initialCluster = [0, 1, 2].map((i) => `n${i}=${at(4 * i)}`).join(',');
    for (let i = 0; i < 3; i++) {
      const words = ['serve', '--name', `n${i}`, '--data-dir', tempDir(), '--listen', at(12), '--listen-peer', at(4 * i), '--listen-client', at(4 * i + 1), '--listen-http', at(4 * i + 2), '--initial-cluster', initialCluster, '--log-level', 'warn'];
      members.push(new Running(process.execPath, [main, ...words], { THOLE_LISTEN_METRICS: at(4 * i + 3), THOLE_DURABILITY: 'os' }));
    }
    client = await connect({ endpoints: [0, 1, 2].map((i) => at(4 * i + 1)), timeoutMs: 15_000 });
    await client.kv.put('a', '1');
  });
  afterAll(() => client.close());

  it('take what they are for', async () => {
    expect(Buffer.from((await client.kv.get('a')).kv!.value).toString()).toBe('1');
    expect(await status(at(2), '/health')).toBe(200);
    expect(await status(at(3), '/health')).toBe(200);
    expect((await http(at(3), '/metrics')).toString()).toContain('thole_ready 1');
  });

  it('say that a power failure would forget what these acknowledge', async () => {
    expect((await client.status(at(1))).durability).toBe('os');
    expect((await http(at(3), '/metrics')).toString()).toContain('thole_durability_fsync 0\n');
    const { out } = await thole(['endpoint', 'status', '--endpoints', at(1)]);
    expect(out.trim().split(', ').slice(-4)[0]).toBe('os');
  });

  it('and nothing else', async () => {
    for (const offset of [0, 1]) expect((await http(at(offset), '/health')).length).toBe(0);
    await expect(connect({ endpoints: [at(0)], timeoutMs: 1000 }).then((one) => one.kv.get('a'))).rejects.toThrow();
    for (const offset of [2, 3]) expect((await told(at(offset), Uint8Array.of(0xd1, 0x54, 0x48, 0x4c))).length).toBe(0);
    await expect(dial(at(12))).rejects.toThrow('ECONNREFUSED');
  });

  it('serve on when the leader is killed', async () => {
    const leader = (await Promise.all([0, 1, 2].map((i) => client.status(at(4 * i + 1))))).findIndex((each) => each.role === 'leader');
    members[leader]!.kill('SIGKILL');
    await client.kv.put('a', '2');
    expect(Buffer.from((await client.kv.get('a')).kv!.value).toString()).toBe('2');
  });
});
