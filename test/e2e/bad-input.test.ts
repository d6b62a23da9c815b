// Bad input on the port, in the data directory, on the command line: a clear error with a code, and nobody else
// disturbed.

import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { HelloReader, encodeHello, newHello } from '../../src/core/wire/index.ts';
import type { Hello } from '../../src/core/wire/index.ts';
import { exitCodes } from '../../src/face/cli/exit.ts';
import { connect } from '../../src/face/client.ts';
import type { Client } from '../../src/face/index.ts';
import { readHttp } from '../../src/face/http/get.ts';
import { DevCluster, Load, leaderOf } from './support/dev-cluster.ts';
import { ServeCluster } from './support/members.ts';
import { Running, cleanUp, eventually, freePorts, main, sleep, tempDir, thole } from './support/processes.ts';
import type { Said } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(cleanUp);

const sockets = new Set<Socket>();
interface Raw {
  readonly socket: Socket;
  readonly received: () => Buffer;
  readonly closed: () => boolean;
}

function dial(endpoint: string): Promise<Raw> {
  const [host, port] = endpoint.split(':');
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host: host!, port: Number(port) });
    sockets.add(socket);
    let received = Buffer.alloc(0);
    let closed = false;
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
    });
    socket.on('error', reject);
    socket.on('close', () => {
      closed = true;
    });
    socket.once('connect', () => resolve({ socket, received: () => received, closed: () => closed }));
  });
}

async function hello(raw: Raw, said: Hello): Promise<Hello> {
  raw.socket.write(encodeHello(said));
  return eventually('an answer to the hello', () => new HelloReader().push(raw.received())?.hello);
}

const untilClosed = (raw: Raw, timeoutMs = 3000): Promise<true> => eventually('the end of the connection', () => (raw.closed() ? true : undefined), timeoutMs);

describe('on the port', () => {
  let cluster: ServeCluster;
  let client: Client;
  let load: Load;
  let leader: string;
  beforeAll(async () => {
    cluster = await ServeCluster.start();
    client = await connect({ endpoints: cluster.endpoints, timeoutMs: 10_000 });
    const { name } = await leaderOf(client, cluster.endpoints);
    leader = cluster.endpoints[Number(name.slice(1)) - 1]!;
    load = new Load(client, 'calm/', 4, 5);
    await load.nextAck();
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await load.stop();
    await client.close();
    await cleanUp();
    expect(load.errors).toEqual([]);
    console.info(`beside strangers the calm client waited ${load.worstGapMs.toFixed(0)} ms at most; a stranger's deadline is 5000 ms`);
  });

  const residentMb = async (): Promise<number> => Number(/^thole_resident_bytes (\d+)$/m.exec(await readHttp(leader, '/metrics', 2000))![1]) / 1e6;

  it('garbage is sent away', async () => {
    for (const bytes of [Buffer.alloc(100_000, 7), Buffer.from('SSH-2.0-OpenSSH_9\r\n'), Buffer.from([0xd1, 1, 2, 3]), Buffer.from([0xd1, 0x54, 0x48, 0x4c, 0xff, 0xff])]) {
      const raw = await dial(leader);
      raw.socket.write(bytes);
      await untilClosed(raw);
      expect(raw.received().length).toBe(0);
    }
  });

  it('garbage and an oversized frame after a good hello are sent away, at no cost in memory', async () => {
    const before = await residentMb();
    for (let round = 0; round < 20; round++) {
      const raw = await dial(leader);
      expect((await hello(raw, newHello('client', 0, 0))).status).toBe('ok');
      const announced = Buffer.alloc(64 << 10, 1);
      announced.writeUInt32LE(round % 2 === 0 ? 0xffff_fff0 : 100, 0);
      raw.socket.write(announced);
      await untilClosed(raw);
    }
    expect((await residentMb()) - before).toBeLessThan(60);
  });

  it('a protocol nobody speaks is answered with the ones that are', async () => {
    const raw = await dial(leader);
    const answer = await hello(raw, { ...newHello('client', 0, 0), lowest: 99, highest: 99 });
    expect([answer.status, answer.lowest, answer.highest]).toEqual(['unsupported', 1, 1]);
    await untilClosed(raw);
  });

  it('another cluster’s client and peer are refused', async () => {
    for (const purpose of ['client', 'control', 'bulk'] as const) {
      const stranger = await dial(leader);
      expect((await hello(stranger, newHello(purpose, 4711, purpose === 'client' ? 0 : 4712))).status).toBe('clusterMismatch');
      await untilClosed(stranger);
    }
  });

  it('connections that say nothing keep nobody out, and are sent away in time', async () => {
    const silent: Raw[] = [];
    for (let round = 0; round < 14; round++) silent.push(...(await Promise.all(Array.from({ length: 100 }, () => dial(leader)))));
    for (const [at, { socket }] of silent.entries()) if (at % 10 === 0) socket.write(at % 20 === 0 ? Buffer.from([0xd1]) : 'GE');
    await using late = await connect({ endpoints: [leader], timeoutMs: 3000 });
    await late.kv.put('late', 'comer');
    expect(await readHttp(leader, '/healthz', 2000)).toBe('ok\n');
    // A request that is never finished, too.
    const unfinished = await dial(leader);
    unfinished.socket.write('GET /version HTTP/1.1\r\nhost: ');
    await eventually('the end of all silent connections', () => ([...silent, unfinished].every((raw) => raw.closed()) ? true : undefined), 15_000);
  });

  it('HTTP may come byte by byte', async () => {
    const slow = await dial(leader);
    slow.socket.setNoDelay(true);
    for (const letter of 'GET /version HTTP/1.1\r\nhost: x\r\n\r\n') {
      slow.socket.write(letter);
      await sleep(2);
    }
    await eventually('an answer', () => (slow.received().includes('}') ? true : undefined), 3000);
    expect(slow.received().toString()).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\{"etcdserver":"3\.\d/);
  });

  it('an unfinished HTTP request does not keep a member from going', async () => {
    const at = cluster.endpoints.findIndex((endpoint) => endpoint !== leader);
    const raw = await dial(cluster.endpoints[at]!);
    raw.socket.write('GET /version HTTP/1.1\r\nhost: ');
    await sleep(50);
    cluster.members[at]!.kill('SIGTERM');
    expect(await cluster.members[at]!.end(5000)).toEqual({ code: 0, signal: null });
    cluster.run(at);
    await eventually('its return', async () => ((await readHttp(cluster.endpoints[at]!, '/readyz', 500).catch(() => undefined)) === undefined ? undefined : true));
  });
});

describe('in a data directory', () => {
  it('in use, another cluster’s, another member’s, not writable: refused with a code', async () => {
    const port = await freePorts(2);
    const dataDir = tempDir();
    const words = (name: string, token: string, at: number, directory = dataDir): string[] => [
      'serve', '--name', name, '--data-dir', directory, '--listen', `127.0.0.1:${port + at}`,
      '--initial-cluster', `${name}=127.0.0.1:${port + at}`, '--initial-cluster-token', token, '--log-level', 'error',
    ];
    const first = new Running(process.execPath, [main, ...words('a', 'one', 0)]);
    await eventually('a leader', async () => (await readHttp(`127.0.0.1:${port}`, '/readyz', 500).catch(() => undefined)));
    const second = await thole(words('a', 'one', 1));
    expect([second.code, second.err]).toEqual([exitCodes.dataDir, expect.stringMatching(/^Error: DATA_DIR_IN_USE\b/)]);
    const taken = await thole(words('b', 'one', 0, tempDir()));
    expect([taken.code, taken.err]).toEqual([exitCodes.portInUse, expect.stringMatching(/^Error: PORT_IN_USE\b.*127\.0\.0\.1/)]);
    first.kill('SIGTERM');
    expect((await first.end()).code).toBe(0);
    const foreign = await thole(words('a', 'two', 0));
    expect([foreign.code, foreign.err]).toEqual([exitCodes.dataDir, expect.stringMatching(/^Error: DATA_DIR_MISMATCH\b/)]);
    const renamed = await thole(words('b', 'one', 0));
    expect([renamed.code, renamed.err]).toEqual([exitCodes.dataDir, expect.stringMatching(/^Error: DATA_DIR_MISMATCH\b.*"a", not "b"/)]);
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    const noDirectory = await thole(words('a', 'one', 0, file));
    expect([noDirectory.code, noDirectory.err]).toEqual([exitCodes.dataDir, expect.stringMatching(/^Error: DATA_DIR_UNUSABLE\b/)]);
  });

  // For root nothing is read-only.
  it.skipIf(process.getuid?.() === 0)('read-only: DATA_DIR_UNUSABLE', async () => {
    const dataDir = tempDir();
    chmodSync(dataDir, 0o500);
    const said = await thole(['serve', '--name', 'a', '--data-dir', join(dataDir, 'a'), '--listen', '127.0.0.1:1', '--initial-cluster', 'a=127.0.0.1:1']);
    chmodSync(dataDir, 0o700);
    expect([said.code, said.err]).toEqual([exitCodes.dataDir, expect.stringMatching(/^Error: DATA_DIR_UNUSABLE\b/)]);
  });

  it('emptied under a known member: DATA_LOST, and dev says why it stays away', async () => {
    const cluster = await DevCluster.start();
    await using client = await cluster.connect();
    await client.kv.put('a', '1');
    cluster.kill('n1');
    const directory = join(cluster.dataDir, 'n1');
    await eventually('its end', () => cluster.events.find(({ event }) => event === 'exit'));
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    const exit = await eventually('the second end', () => cluster.events.filter((event) => event.event === 'exit')[1]);
    expect(exit).toEqual({ event: 'exit', name: 'n1', code: exitCodes.dataLost, signal: null });
    await eventually('why', () => (cluster.process.err.includes('thole dev: n1 is not restarted: its data directory is empty') ? true : undefined));
    expect(cluster.process.err).toContain('Error: DATA_LOST');
    await sleep(2500);
    expect(cluster.starts.filter((start) => start.name === 'n1').length).toBe(2);
    await client.kv.put('a', '2');
    expect((await cluster.stop()).code).toBe(0);
  });
});

const serve = (...words: string[]): Promise<Said> => thole(['serve', '--name', 'a', '--data-dir', join(tempDir(), 'a'), '--initial-cluster', 'a=127.0.0.1:1', ...words]);

describe('on the command line', () => {
  it('unknown words and flags: usage, exit 2', async () => {
    await Promise.all([['serve', '--nonsense'], ['get', 'a', '--nonsense'], ['nonsense'], ['get'], ['get', 'a', '-o', 'nonsense'], ['dev', '--nodes', '0']].map(async (words) => {
      const said = await thole(words);
      expect([words, said.code, said.out]).toEqual([words, exitCodes.usage, '']);
      expect(said.err).not.toBe('');
    }));
  });

  it('a configuration that cannot be: INVALID_CONFIG, exit 10, naming what is wrong', async () => {
    const file = join(tempDir(), 'thole.toml');
    writeFileSync(file, 'colour = "red"\n');
    const broken = join(tempDir(), 'broken.toml');
    writeFileSync(broken, 'name = \n');
    const cases: [string[], RegExp][] = [
      [['--config', file], /unknown key "colour"/],
      [['--config', broken], /broken\.toml cannot be read/],
      [['--config', '/does/not/exist.toml'], /exist\.toml cannot be read/],
      [['--listen', '0.0.0.0:1'], /--insecure/],
      [['--listen', 'nowhere'], /listen \(flag\): "nowhere" is not host:port/],
      [['--name', 'b'], /"b" is not in the initial cluster/],
      [['--durability', 'maybe'], /durability \(flag\)/],
      [['--initial-cluster', 'a=127.0.0.1:1,a=127.0.0.1:2'], /the same name/],
    ];
    await Promise.all(cases.map(async ([words, why]) => {
      const said = await serve(...words);
      expect([words, said.code, said.err]).toEqual([words, exitCodes.config, expect.stringMatching(/^Error: INVALID_CONFIG\b/)]);
      expect(said.err).toMatch(why);
    }));
  });

  it('config show --origin: flag over environment over file over default', async () => {
    const file = join(tempDir(), 'thole.toml');
    writeFileSync(file, 'name = "file"\ndata-dir = "file"\nlisten = "127.0.0.1:4"\nsegment-bytes = 1000000\n');
    const said = await thole(['config', 'show', '--origin', '--config', file, '--name', 'flag'], undefined, { THOLE_NAME: 'env', THOLE_DATA_DIR: 'env', THOLE_INSECURE: 'true' });
    expect([said.code, said.err]).toEqual([0, '']);
    const lines = said.out.trim().split('\n');
    expect(lines).toContain('name = "flag"  # flag');
    expect(lines).toContain('data-dir = "env"  # environment');
    expect(lines).toContain('insecure = true  # environment');
    expect(lines).toContain('listen = "127.0.0.1:4"  # file');
    expect(lines).toContain('segment-bytes = 1000000  # file');
    expect(lines).toContain('durability = "fsync"  # default');
  });

  it('nobody there: UNAVAILABLE, exit 1', async () => {
    const said = await thole(['get', 'a', '--endpoints', `127.0.0.1:${await freePorts(1)}`, '--command-timeout', '500ms']);
    expect([said.code, said.out, said.err]).toEqual([exitCodes.failed, '', expect.stringMatching(/^Error: (UNAVAILABLE|TIMEOUT)\b/)]);
  });
});
