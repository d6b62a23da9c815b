// A member served for real, where what serves it fails, or ends while somebody waits.

import { mkdtempSync, rmSync } from 'node:fs';
import { request as ask } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { serve } from './serve.ts';
import type { ServedMember } from './serve.ts';

// As when `dist/` was replaced under a member that runs.
vi.mock('./grpc/index.ts', () => {
  throw new Error('the module is not there any more');
});

let directory: string;
let served: ServedMember;
const logged: string[] = [];
beforeEach(async () => {
  logged.length = 0;
  directory = mkdtempSync(join(tmpdir(), 'thole-serve-'));
  served = await serve({
    name: 'a', dataDir: directory, listen: '127.0.0.1:0', initialCluster: [{ name: 'a', address: '127.0.0.1:1' }], initialClusterToken: 'x',
    logger: { log: (_level, message) => void logged.push(message) },
  });
});
afterEach(async () => {
  await served.shutdown();
  rmSync(directory, { recursive: true, force: true });
});

it('a member that cannot load gRPC closes who speaks it, says so, and lives on', async () => {
  for (const times of [1, 2]) {
    const socket = dial(served.address);
    const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await closed;
    expect(logged.filter((message) => message.startsWith('gRPC could not be loaded'))).toHaveLength(times);
  }
  // And stops as it should, its disk closed.
  await served.shutdown();
});

it('a put over HTTP that is under way at the shutdown is answered', async () => {
  const { service } = served;
  const propose = service.propose.bind(service);
  let [arrived, letGo] = [(): void => undefined, (): void => undefined];
  const under = new Promise<void>((resolve) => void (arrived = resolve));
  const gate = new Promise<void>((resolve) => void (letGo = resolve));
  service.propose = async (...all: Parameters<typeof propose>) => {
    const answer = await propose(...all);
    arrived();
    await gate;
    return answer;
  };
  const body = JSON.stringify({ key: Buffer.from('k').toString('base64'), value: Buffer.from('v').toString('base64') });
  const answered = new Promise<IncomingMessage>((resolve, reject) => void ask({ ...served.address, path: '/v3/kv/put', method: 'POST' }, resolve).on('error', reject).end(body));
  answered.catch(() => undefined);
  await under;
  const stopped = served.shutdown();
  // Everybody else has been drained by then.
  await new Promise((resolve) => void setTimeout(resolve, 300));
  letGo();
  const { statusCode, headers } = await answered;
  // It need not find out that nobody is there for its next.
  expect([statusCode, headers.connection]).toEqual([200, 'close']);
  await stopped;
});
