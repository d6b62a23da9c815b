// How connections begin, and end, when their client says little, says it late, or says what HTTP/2 does not know.

import { connect as http2Connect } from 'node:http2';
import { connect as tcpConnect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { nodeClock } from '../../node/clock.ts';
import { Flag, FrameType, frame, framesOf, preface, requestHeaders, settings, settingsAck } from '../../../test/support/http2-frames.ts';
import type { Frame } from '../../../test/support/http2-frames.ts';
import { GrpcServer } from './server.ts';
import type { GrpcServerOptions } from './server.ts';

vi.setConfig({ testTimeout: 60_000 });

/** However busy the machine is. */
const eventually = <T>(look: () => T): ReturnType<typeof expect.poll<T>> => expect.poll(look, { timeout: 30_000 });

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

interface Client {
  readonly socket: Socket;
  frames(): readonly Frame[];
  closed(): boolean;
}

async function world(options: Partial<GrpcServerOptions> = {}): Promise<{ server: GrpcServer; dial: (...bytes: Uint8Array[]) => Promise<Client>; port: number }> {
  const server = new GrpcServer({ service: { ready: true }, cluster: 7, member: 8, term: () => 3 } as never, { clock: nodeClock, logger: { log: () => undefined } as never, ...options });
  const tcp = createServer({ allowHalfOpen: true }, (socket) => {
    // As the port does: somebody has read of it, and given it back.
    socket.pause();
    server.take(socket);
  });
  await new Promise<void>((resolve) => void tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  closers.push(() => {
    server.close();
    tcp.close();
  });
  const dial = async (...bytes: Uint8Array[]): Promise<Client> => {
    const socket = tcpConnect({ host: '127.0.0.1', port, allowHalfOpen: true });
    let received = Buffer.alloc(0);
    let closed = false;
    socket.on('data', (chunk: Buffer) => void (received = Buffer.concat([received, chunk])));
    for (const event of ['end', 'close', 'error']) socket.on(event, () => void (closed = true));
    closers.push(() => socket.destroy());
    await new Promise((resolve) => void socket.once('connect', resolve));
    socket.write(Buffer.concat(bytes));
    return { socket, frames: () => framesOf(received), closed: () => closed };
  };
  return { server, dial, port };
}

const check = (stream: number, more: Readonly<Record<string, string>> = {}): Buffer =>
  Buffer.concat([frame(FrameType.headers, Flag.endHeaders, stream, requestHeaders('/grpc.health.v1.Health/Check', more)), frame(FrameType.data, Flag.endStream, stream, new Uint8Array(5))]);
const serving = '00000000020801';
const isAnswered = (client: Client, stream: number): boolean => client.frames().some((each) => each.type === FrameType.data && each.stream === stream && each.payload.toString('hex') === serving);
const kinds = (client: Client): string[] => client.frames().map(({ type, flags }) => `${type}${type === FrameType.settings && (flags & Flag.ack) !== 0 ? ' ack' : ''}`);

it('who sends everything at once is answered at once', async () => {
  const { dial } = await world();
  const client = await dial(preface, settings, check(1));
  await eventually(() => isAnswered(client, 1)).toBe(true);
  // One announcement, and its own settings acknowledged.
  expect(kinds(client).filter((kind) => kind === '4')).toEqual(['4']);
});

it('who waits for settings gets them, and its answer to those confuses nobody', async () => {
  const { dial } = await world();
  const client = await dial(preface, settings);
  await eventually(() => kinds(client)).toEqual(['4']);
  client.socket.write(Buffer.concat([settingsAck, check(1)]));
  await eventually(() => isAnswered(client, 1)).toBe(true);
  expect(kinds(client).filter((kind) => kind.startsWith('4'))).toEqual(['4', '4', '4 ack']);
  client.socket.write(Buffer.concat([settingsAck, check(3)]));
  await eventually(() => isAnswered(client, 3)).toBe(true);
  expect(kinds(client)).not.toContain('7');
});

it('one acknowledgement too many is an error, as it would be without us', async () => {
  const { dial } = await world();
  const client = await dial(preface, settings);
  await eventually(() => kinds(client)).toEqual(['4']);
  client.socket.write(Buffer.concat([settingsAck, check(1), settingsAck, settingsAck]));
  await eventually(() => kinds(client)).toContain('7');
});

it('requests before the acknowledgement wait for it, each byte by itself', async () => {
  const { dial } = await world();
  const client = await dial(preface);
  for (const byte of Buffer.concat([settings, check(1), check(3), settingsAck, settingsAck])) {
    client.socket.write(Buffer.of(byte));
    await new Promise((resolve) => void setImmediate(resolve));
  }
  await eventually(() => isAnswered(client, 1) && isAnswered(client, 3)).toBe(true);
  expect(kinds(client)).not.toContain('7');
});

it('a URL as authority is taken, plain, padded and with a priority, in every request of the beginning', async () => {
  const { dial } = await world();
  const url = requestHeaders('/grpc.health.v1.Health/Check', { ':authority': 'http://127.0.0.1:2379/x' });
  // Fields by name are nobody's business here: the authority by its number is what such clients send.
  const byNumber = (text: string): Buffer => Buffer.concat([Buffer.from([0x01, text.length]), Buffer.from(text)]);
  const block = Buffer.concat([requestHeaders('/grpc.health.v1.Health/Check').subarray(0, url.indexOf(':authority') - 2), byNumber('http://127.0.0.1:2379'), Buffer.from([0x0f, 0x10, 16]), Buffer.from('application/grpc')]);
  const body = (stream: number): Buffer => frame(FrameType.data, Flag.endStream, stream, new Uint8Array(5));
  const client = await dial(
    preface, settings,
    frame(FrameType.headers, Flag.endHeaders, 1, block), body(1),
  );
  await eventually(() => isAnswered(client, 1)).toBe(true);
  const padded = await dial(preface, settings, frame(FrameType.headers, Flag.endHeaders | 8 | 32, 1, Buffer.concat([Buffer.of(3, 0, 0, 0, 0, 9), block, new Uint8Array(3)])), body(1));
  await eventually(() => isAnswered(padded, 1)).toBe(true);
});

it('a URL as authority is taken in every request of a connection, though the header table forgets it again and again', async () => {
  const { server, port } = await world();
  const client = http2Connect(`http://127.0.0.1:${port}`);
  client.on('error', () => undefined);
  closers.push(() => client.destroy());
  // Another deadline each time: four kilobytes of table hold some eighty of them.
  const ask = (at: number): Promise<string> => new Promise((resolve) => {
    const stream = client.request({ ':method': 'POST', ':authority': 'http://127.0.0.1:2379', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', 'grpc-timeout': `${100_000 + at}m` });
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => void parts.push(part));
    stream.on('error', () => undefined);
    stream.on('close', () => resolve(Buffer.concat(parts).toString('hex')));
    stream.end(new Uint8Array(5));
  });
  for (let round = 0; round < 20; round++) {
    expect(await Promise.all(Array.from({ length: 50 }, (_, at) => ask(round * 50 + at)))).toEqual(Array.from({ length: 50 }, () => serving));
  }
  client.destroy();
  await eventually(() => [server.connectionCount, server.callCount]).toEqual([0, 0]);
});

it('a URL as authority is taken late and byte by byte, beside what is no request', async () => {
  const { dial } = await world();
  // Indexed in the static table by its number, kept in no other.
  const authority = Buffer.from('http://127.0.0.1:2379');
  const block = requestHeaders('/grpc.health.v1.Health/Check');
  const name = Buffer.concat([Buffer.of(0, 10), Buffer.from(':authority'), Buffer.of(1), Buffer.from('x')]);
  const at = block.indexOf(name);
  const asked = (stream: number): Buffer => Buffer.concat([
    frame(FrameType.headers, Flag.endHeaders, stream, Buffer.concat([block.subarray(0, at), Buffer.of(0x01, authority.length), authority, block.subarray(at + name.length)])),
    frame(FrameType.data, Flag.endStream, stream, new Uint8Array(5)),
  ]);
  const client = await dial(preface, settings, asked(1));
  await eventually(() => isAnswered(client, 1)).toBe(true);
  for (const byte of Buffer.concat([settingsAck, asked(3), frame(FrameType.ping, 0, 0, new Uint8Array(8)), asked(5)])) {
    client.socket.write(Buffer.of(byte));
    await new Promise((resolve) => void setImmediate(resolve));
  }
  client.socket.write(Buffer.concat([asked(7), asked(9)]));
  for (const stream of [3, 5, 7, 9]) await eventually(() => isAnswered(client, stream)).toBe(true);
  expect(kinds(client)).not.toContain('7');
});

it('a connection kept in reserve is served when it is used', async () => {
  const { dial, server } = await world({ quietMs: 60_000 });
  const client = await dial(preface, settings);
  await eventually(() => kinds(client)).toEqual(['4']);
  client.socket.write(settingsAck);
  await eventually(() => server.connectionCount).toBe(1);
  client.socket.write(Buffer.concat([settingsAck, check(1)]));
  await eventually(() => isAnswered(client, 1)).toBe(true);
});

it('who goes on and on without a request is closed, and so is who says nothing', async () => {
  const { dial } = await world({ greetingMs: 300, quietMs: 100 });
  const endless = await dial(preface, settings, ...Array.from({ length: 20_000 }, () => frame(FrameType.windowUpdate, 0, 0, Buffer.of(0, 0, 0, 1))));
  await eventually(() => endless.closed()).toBe(true);
  const silent = await dial(preface);
  const unanswering = await dial(preface, settings);
  for (const each of [silent, unanswering]) await eventually(() => each.closed()).toBe(true);
});

it('who ends before it has asked for anything is let go of', async () => {
  const { dial } = await world({ greetingMs: 600_000, quietMs: 600_000 });
  const ending = await dial(preface, settings);
  ending.socket.end();
  await eventually(() => ending.closed()).toBe(true);
});

it('a client that breaks HTTP/2 and stays is closed in time; one that is merely quiet is not', async () => {
  const { dial, port } = await world({ greetingMs: 300, quietMs: 200, pongMs: 400 });
  const quiet = http2Connect(`http://127.0.0.1:${port}`);
  quiet.on('error', () => undefined);
  closers.push(() => quiet.destroy());
  // What follows a request's headers, without a request; and a frame longer than any may be.
  const continuation = Buffer.from([0, 0, 5, 9, 9, 0, 0, 0, 1, 1, 2, 3, 4, 5]);
  const broken = await Promise.all(Array.from({ length: 20 }, (_, at) => dial(preface, settings, at % 2 === 0 ? continuation : Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 1]))));
  // It greets and then never answers a ping.
  const mute = await dial(preface, settings, check(1));
  for (const each of [...broken, mute]) await eventually(() => each.closed()).toBe(true);
  await sleep(1000);
  expect([quiet.destroyed, quiet.closed]).toEqual([false, false]);
});

it('more connections in one turn than there is room for find no room that is not there', async () => {
  const sockets: Socket[] = [];
  const tcp = createServer({ allowHalfOpen: true }, (socket) => void sockets.push(socket.pause()));
  await new Promise<void>((resolve) => void tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  const server = new GrpcServer({ service: { ready: true }, cluster: 7, member: 8, term: () => 3 } as never, { clock: nodeClock, logger: { log: () => undefined } as never, connectionsMax: 3 });
  closers.push(() => {
    server.close();
    tcp.close();
  });
  const clients = Array.from({ length: 10 }, () => tcpConnect({ host: '127.0.0.1', port }));
  for (const client of clients) {
    client.on('error', () => undefined);
    closers.push(() => client.destroy());
    client.write(Buffer.concat([preface, settings]));
  }
  await eventually(() => sockets.length).toBe(10);
  for (const socket of sockets) server.take(socket);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([...Array.from({ length: 7 }, () => true), ...Array.from({ length: 3 }, () => false)]);
});
