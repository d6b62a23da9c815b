// HTTP/2 as an attacker speaks it, at a real member, while a well-behaved client puts and gets: each flood may cost
// its own connection, nobody else's, and what it took is given back.

import { connect as http2Connect } from 'node:http2';
import { connect as tcpConnect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { messageType } from '../../src/face/grpc/codec.ts';
import { readHttp } from '../../src/face/http/get.ts';
import { Flag, FrameType, frame, framesOf, headerBlock, preface, requestHeaders, setting, settings, settingsAck, uint32 } from '../support/http2-frames.ts';
import type { Frame } from '../support/http2-frames.ts';
import { Running, cleanUp, eventually, freePorts, main, tempDir } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const kv = '/etcdserverpb.KV';
const bytes = (text: string): Uint8Array => Buffer.from(text);
const rangeOf = (key: string): Uint8Array => messageType('.etcdserverpb.RangeRequest').encodeFrame({ key: bytes(key) });

interface Memory {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly handles: Readonly<Record<string, number>>;
}

class Attacker {
  readonly socket: Socket;
  received: Buffer = Buffer.alloc(0);
  receivedBytes = 0;
  closed = false;
  #acknowledged = 0;

  private constructor(socket: Socket, reads: boolean) {
    this.socket = socket;
    for (const event of ['end', 'close', 'error']) socket.on(event, () => void (this.closed = true));
    if (!reads) {
      socket.pause();
      return;
    }
    socket.on('data', (chunk: Buffer) => {
      this.receivedBytes += chunk.length;
      if (this.received.length < 1 << 18) this.received = Buffer.concat([this.received, chunk]);
      // It floods, but is otherwise polite.
      const said = this.frames.filter(({ type, flags }) => type === FrameType.settings && flags === 0).length;
      for (; this.#acknowledged < said; this.#acknowledged++) socket.write(settingsAck);
    });
  }

  static async dial(endpoint: string, reads = true): Promise<Attacker> {
    const [host, port] = endpoint.split(':');
    const socket = tcpConnect({ host: host!, port: Number(port), allowHalfOpen: true });
    const attacker = new Attacker(socket, reads);
    await new Promise<void>((resolve, reject) => void socket.once('connect', () => resolve()).once('error', reject));
    return attacker;
  }

  get frames(): readonly Frame[] {
    return framesOf(this.received);
  }

  get isEnded(): boolean {
    return this.closed || this.frames.some(({ type }) => type === FrameType.goaway);
  }

  /** Sends it over and over, as fast as it is taken, `times` times or until the member has ended it or takes no more. */
  async flood(unit: (at: number) => Uint8Array, times: number): Promise<void> {
    for (let at = 0; at < times && !this.isEnded;) {
      const parts: Uint8Array[] = [];
      for (let size = 0; size < 1 << 16 && at < times; at++) {
        const part = unit(at);
        parts.push(part);
        size += part.length;
      }
      const taken = this.socket.write(Buffer.concat(parts));
      const goesOn = await Promise.race([
        taken ? new Promise<boolean>((resolve) => void setImmediate(resolve, true)) : new Promise<boolean>((resolve) => void this.socket.once('drain', () => resolve(true)).once('close', () => resolve(false))),
        new Promise<boolean>((resolve) => void setTimeout(resolve, 1000, false).unref()),
      ]);
      if (!goesOn) return;
    }
  }
}

describe('floods of HTTP/2', () => {
  let endpoint: string;
  let member: Running;
  const attackers: Attacker[] = [];
  let calm = { answered: 0, failures: [] as string[] };
  let over = false;
  let calmly: Promise<void>;

  /** Its first request has been taken: what follows is for those who know HTTP/2. */
  const begun = [preface, settings, frame(FrameType.headers, Flag.endHeaders, 1, requestHeaders(`${kv}/Range`))];

  async function attacker(opening: readonly Uint8Array[] = begun, reads = true): Promise<Attacker> {
    const each = await Attacker.dial(endpoint, reads);
    attackers.push(each);
    each.socket.write(Buffer.concat(opening));
    return each;
  }
  const closed = (each: Attacker): Promise<true> => eventually('its end', () => (each.closed ? true : undefined), 20_000);

  async function memory(): Promise<Memory> {
    const seen = member.err.length;
    member.kill('SIGUSR2');
    return eventually('the memory', () => {
      const line = /memory (\{.*\})\n/.exec(member.err.slice(seen));
      return line === null ? undefined : (JSON.parse(line[1]!) as Memory);
    });
  }

  beforeAll(async () => {
    endpoint = `127.0.0.1:${await freePorts(1)}`;
    const words = ['--expose-gc', '--import', join(import.meta.dirname, 'support/memory-report.mjs'), main, 'serve', '--name', 'a', '--data-dir', tempDir(), '--listen', endpoint, '--initial-cluster', `a=${endpoint}`, '--log-level', 'error'];
    member = new Running(process.execPath, words);
    await eventually('readiness', () => readHttp(endpoint, '/readyz', 500).catch(() => undefined));
    const put = messageType('.etcdserverpb.PutRequest');
    const session = http2Connect(`http://${endpoint}`);
    session.on('error', (error) => void calm.failures.push(error.message));
    const call = (path: string, body: Uint8Array): Promise<string> => new Promise((resolve) => {
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
      let status = 'no trailers';
      for (const event of ['response', 'trailers']) stream.on(event, (headers: Record<string, string | undefined>) => void (status = headers['grpc-status'] ?? status));
      stream.on('error', (error) => void (status = error.message));
      stream.on('close', () => resolve(status));
      stream.resume().end(body);
    });
    calmly = (async () => {
      for (let at = 0; !over; at++) {
        const status = await call(at % 2 === 0 ? `${kv}/Put` : `${kv}/Range`, at % 2 === 0 ? put.encodeFrame({ key: bytes('calm'), value: bytes(String(at)) }) : rangeOf('calm'));
        if (status === '0') calm.answered++;
        else calm.failures.push(status);
        await new Promise((resolve) => void setTimeout(resolve, 5));
      }
      session.close();
    })();
    // For the answers of the starved: a value that fills windows.
    expect(await call(`${kv}/Put`, put.encodeFrame({ key: bytes('big'), value: Buffer.alloc(1_000_000, 1) }))).toBe('0');
    calm = { answered: 0, failures: [] };
  });

  afterAll(async () => {
    for (const { socket } of attackers) socket.destroy();
    over = true;
    await calmly;
    await cleanUp();
  });

  it.each<readonly [string, () => (at: number) => Uint8Array]>([
    ['settings', () => () => frame(FrameType.settings, 0, 0, setting(4, 65_535))],
    ['pings', () => () => frame(FrameType.ping, 0, 0, new Uint8Array(8))],
    ['rapid resets', () => (at) => Buffer.concat([frame(FrameType.headers, Flag.endHeaders, at * 2 + 3, requestHeaders(`${kv}/Range`)), frame(FrameType.reset, 0, at * 2 + 3, uint32(8))])],
    ['headers that go on and on', () => (at) => (at === 0 ? frame(FrameType.headers, 0, 3, requestHeaders(`${kv}/Range`)) : frame(FrameType.continuation, 0, 3, headerBlock({ [`x-${at}`]: 'y'.repeat(200) })))],
    ['headers that go on, empty', () => (at) => (at === 0 ? frame(FrameType.headers, 0, 3, requestHeaders(`${kv}/Range`)) : frame(FrameType.continuation, 0, 3))],
    ['streams beyond what was offered', () => (at) => frame(FrameType.headers, Flag.endHeaders, at * 2 + 3, requestHeaders(`${kv}/Range`))],
    ['requests refused', () => (at) => frame(FrameType.headers, Flag.endHeaders | Flag.endStream, at * 2 + 3, headerBlock({ ':method': 'POST', ':path': 'x' }))],
  ])('of %s end their connection', { timeout: 60_000 }, async (_name, unit) => {
    // One reads what it is sent, the other does not.
    const each = await Promise.all([attacker(), attacker(undefined, false)]);
    await Promise.all(each.map((one) => one.flood(unit(), 60_000)));
    // It was told, and closed: at once, or by those who look for connections that stand still.
    await eventually('the end', () => (each[0]!.isEnded ? true : undefined));
    for (const { socket } of each) socket.destroy();
  });

  it.each<readonly [string, (at: number) => Uint8Array]>([
    ['windows opened', () => frame(FrameType.windowUpdate, 0, 0, uint32(1))],
    ['priorities', (at) => frame(FrameType.priority, 0, (at % 1000) * 2 + 1, Buffer.from([0, 0, 0, 0, 1]))],
    ['frames of no known type', () => frame(0x7f, 0xff, 0, new Uint8Array(20))],
  ])('of %s before any request end their connection, those behind one cost nobody else', async (_name, unit) => {
    const before = await attacker([preface, settings]);
    await before.flood(unit, 30_000);
    await closed(before);
    const behind = await attacker();
    await behind.flood(unit, 30_000);
    behind.socket.destroy();
  });

  it('headers larger than said are refused, and the connection lives', async () => {
    const each = await attacker([preface, settings]);
    const block = headerBlock(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`x-${at}`, 'y'.repeat(300)])));
    each.socket.write(Buffer.concat([
      frame(FrameType.headers, Flag.endHeaders, 1, Buffer.concat([requestHeaders(`${kv}/Range`), block])),
      frame(FrameType.headers, Flag.endHeaders, 3, requestHeaders(`${kv}/Range`)), frame(FrameType.data, Flag.endStream, 3, rangeOf('calm')),
    ]));
    await eventually('an answer to the second', () => (each.frames.some(({ type, stream }) => type === FrameType.data && stream === 3) ? true : undefined));
    expect(each.frames.some(({ type, stream }) => type === FrameType.data && stream === 1)).toBe(false);
  });

  it('thousands of streams, as many as were offered, are all answered', async () => {
    const each = await Promise.all(Array.from({ length: 4 }, () => attacker()));
    await Promise.all(each.map((one) => one.flood((at) => frame(FrameType.headers, Flag.endHeaders, at * 2 + 3, requestHeaders(`${kv}/Range`)), 1000)));
    await Promise.all(each.map((one) => one.flood((at) => frame(FrameType.data, Flag.endStream, at * 2 + 3, rangeOf('calm')), 1000)));
    for (const one of each) await eventually('1000 answers', () => (one.frames.filter(({ type, flags }) => type === FrameType.headers && (flags & Flag.endStream) !== 0).length >= 1000 ? true : undefined));
    for (const { socket } of each) socket.destroy();
  });

  it('windows that are never opened hold no more than a connection may', async () => {
    // A window of nothing: every answer stays with the member, which says no before it holds too much.
    const each = await attacker([preface, frame(FrameType.settings, 0, 0, setting(4, 0))]);
    await each.flood((at) => Buffer.concat([frame(FrameType.headers, Flag.endHeaders, at * 2 + 3, requestHeaders(`${kv}/Range`)), frame(FrameType.data, Flag.endStream, at * 2 + 3, rangeOf('big'))]), 200);
    // A refusal is headers that end the stream, and needs no window; of answers there are as many as the connection may hold.
    const heads = (ends: boolean): number => each.frames.filter(({ type, flags }) => type === FrameType.headers && ((flags & Flag.endStream) !== 0) === ends).length;
    await eventually('200 answers', () => (heads(true) + heads(false) >= 200 ? true : undefined));
    expect(heads(false)).toBeGreaterThan(10);
    expect(heads(false)).toBeLessThan(34);
    expect((await memory()).arrayBuffers).toBeLessThan(80e6);
    each.socket.destroy();
  });

  it('afterwards everything is given back, and nobody else has noticed', async () => {
    for (const { socket } of attackers) socket.destroy();
    const left = await eventually('the memory to return', async () => {
      const now = await memory();
      return (now.handles['TCPSocketWrap'] ?? 0) <= 3 && now.heapUsed < 60e6 && now.external < 60e6 ? now : undefined;
    }, 20_000, 300).catch(async (error: unknown) => {
      throw new Error(JSON.stringify(await memory()), { cause: error });
    });
    expect(left.heapUsed).toBeLessThan(60e6);
    expect(member.over).toBe(undefined);
    expect(calm.failures).toEqual([]);
    expect(calm.answered).toBeGreaterThan(20);
  });
});
