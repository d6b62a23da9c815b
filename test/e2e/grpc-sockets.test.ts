// What HTTP/2 leaves open when a client breaks off, and what it must leave open when a client is merely quiet.

import { connect as http2Connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { connect as tcpConnect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readHttp } from '../../src/face/http/get.ts';
import { Running, cleanUp, eventually, freePorts, main, sleep, tempDir } from './support/processes.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
afterAll(cleanUp);

let endpoint: string;
let member: Running;
let quiet: ClientHttp2Session;
let quietSince: number;
beforeAll(async () => {
  endpoint = `127.0.0.1:${await freePorts(1)}`;
  member = new Running(process.execPath, [main, 'serve', '--name', 'a', '--data-dir', tempDir(), '--listen', endpoint, '--initial-cluster', `a=${endpoint}`, '--log-level', 'error']);
  await eventually('readiness', () => readHttp(endpoint, '/readyz', 500).catch(() => undefined));
  quiet = http2Connect(`http://${endpoint}`);
  quiet.on('error', () => undefined);
  quietSince = performance.now();
});

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
/** What follows a request's headers, without a request. */
const continuation = Buffer.from([0, 0, 5, 9, 9, 0, 0, 0, 1, 1, 2, 3, 4, 5]);

/** True once the member has closed it. */
function dial(bytes: Uint8Array): Promise<{ readonly socket: Socket; readonly closed: () => boolean }> {
  const [host, port] = endpoint.split(':');
  return new Promise((resolve) => {
    let closed = false;
    const socket = tcpConnect({ host: host!, port: Number(port), allowHalfOpen: true }, () => {
      socket.write(bytes);
      resolve({ socket, closed: () => closed });
    });
    socket.on('data', () => undefined);
    socket.on('end', () => void (closed = true));
    socket.on('close', () => void (closed = true));
    socket.on('error', () => void (closed = true));
  });
}

it('a client that breaks HTTP/2 and stays is closed in time', { timeout: 40_000 }, async () => {
  const broken = await Promise.all(Array.from({ length: 20 }, () => dial(Buffer.concat([preface, settings, continuation]))));
  await eventually('their end', () => (broken.every(({ closed }) => closed()) ? true : undefined), 25_000);
  for (const { socket } of broken) socket.destroy();
});

it('a client that says its preface and no more is closed in time; one that ends, at once', async () => {
  const silent = await dial(preface);
  const ending = await dial(Buffer.concat([preface, settings]));
  ending.socket.end();
  await eventually('the end of the one that ended', () => (ending.closed() ? true : undefined), 3000);
  expect(silent.closed()).toBe(false);
  await eventually('the end of the silent one', () => (silent.closed() ? true : undefined), 9000);
  for (const { socket } of [silent, ending]) socket.destroy();
});

it('a client that was merely quiet all the while is still connected', async () => {
  // Quiet for 5 s, and 10 s to answer a ping: by then one that had not answered would be gone.
  await sleep(Math.max(0, quietSince + 17_000 - performance.now()));
  expect([member.over, quiet.destroyed, quiet.closed]).toEqual([undefined, false, false]);
  quiet.destroy();
});
