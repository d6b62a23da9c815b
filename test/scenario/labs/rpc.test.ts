// The labs' RPC tests, of what we have in their place: a client's connection of frames, and a member's server.

import { describe, expect, it, vi } from 'vitest';
import { Channel } from '../../../src/engine/client/channel.ts';
import { SimpleCall } from '../../../src/engine/client/call.ts';
import { NativeServer, serveNative } from '../../../src/engine/native/index.ts';
import { ClientFrame, encodeProposeHead } from '../../../src/engine/native/message.ts';
import type { MemberService, MemberStatus } from '../../../src/engine/service.ts';
import { OperationError } from '../../../src/core/errors.ts';
import { nextUint32, seedRandom } from '../../../src/core/random.ts';
import { decodeCommand, encodeCommand } from '../../../src/core/kv/index.ts';
import type { AppendRequest, Command } from '../../../src/core/kv/index.ts';
import { text, utf8 } from '../../../src/core/bytes.ts';
import { Reader, Writer } from '../../../src/core/wire/index.ts';
import { drainNode } from '../../../src/face/sim.ts';
import { VirtualClock } from '../../../src/sim/clock.ts';
import { LabNetwork } from '../../../src/sim/lab-network.ts';
import { labRow } from '../../support/lab-table.ts';

vi.setConfig({ testTimeout: 120_000 });

type Handler = (argument: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A server whose proposals are calls of `handler`. */
class LabRpc {
  readonly clock = new VirtualClock(undefined, drainNode);
  readonly network = new LabNetwork(this.clock, 1);
  readonly #random = seedRandom(1);
  readonly #channels: Channel[] = [];
  handled: string[] = [];

  async serve(handler: Handler): Promise<void> {
    const status = { leader: 0, term: 0, leaderAddress: '' } as MemberStatus;
    const unused = (): never => {
      throw new OperationError({ code: 'UNSUPPORTED' });
    };
    const service: MemberService = {
      propose: async (command) => {
        const { request } = decodeCommand(command) as Command & { type: 'write' };
        const argument = (request as AppendRequest).value;
        this.handled.push(new TextDecoder().decode(argument));
        return handler(argument);
      },
      read: unused, status: () => status, members: () => [], agreedMembers: unused, hashKv: unused, ready: true, moveLeader: unused, changeMembership: unused,
    };
    const logger = { log: () => undefined };
    const server = new NativeServer(service, { clock: this.clock, logger });
    await this.network.of('server').listen({ host: 'server', port: 1 }, (connection) => serveNative(connection, server, { clock: this.clock, logger, cluster: 1, member: 1 }));
  }

  /** A connection that is open. */
  async end(name: string): Promise<Channel> {
    const channel = new Channel({ host: 'server', port: 1 }, true, { clock: this.clock, random: { uint32: () => nextUint32(this.#random) }, network: this.network.of(name), logger: { log: () => undefined } }, {
      cluster: () => 0, opened: () => undefined, leader: () => undefined, failed: () => undefined,
      closed: (_channel, pending) => pending.forEach((call) => call.reject(new OperationError({ code: 'UNAVAILABLE' }))),
      failure: (call, failure) => call.reject(new OperationError(failure)),
    });
    this.#channels.push(channel);
    channel.dial();
    await this.until(() => channel.isOpen);
    return channel;
  }

  /** The answer, or undefined: nobody knows whether it was handled. */
  call(end: Channel, argument: Uint8Array): Promise<Uint8Array | undefined> {
    if (!end.isOpen) return Promise.resolve(undefined);
    // A server looks at what it is given before it proposes it: the argument travels as an append's value.
    const payload = encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'append', key: utf8('k'), value: argument } });
    return new Promise<Uint8Array>((resolve, reject) => {
      const call = new SimpleCall<Uint8Array>(ClientFrame.propose, { weight: 1, end: Infinity, route: 'any', repeat: 'never', signal: undefined }, { head: encodeProposeHead, payload, decode: (answer) => answer.slice() }, resolve, reject);
      end.send(call, 60_000);
    }).catch(() => undefined);
  }

  async until(condition: () => boolean, ms = 100_000): Promise<void> {
    const last = this.clock.now() + ms;
    while (!condition() && this.clock.now() < last) await this.clock.advance(1);
    expect(condition()).toBe(true);
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    void promise.finally(() => (done = true));
    await this.until(() => done);
    return promise;
  }

  async said(end: Channel, argument: string): Promise<string | undefined> {
    const answer = await this.settled(this.call(end, utf8(argument)));
    return answer === undefined ? undefined : text(answer);
  }
}

const echo: Handler = (argument) => utf8(`handled ${text(argument)}`);

async function served(handler: Handler = echo): Promise<LabRpc> {
  const rpc = new LabRpc();
  await rpc.serve(handler);
  return rpc;
}

function row(name: string, rpc: LabRpc, started: number): void {
  labRow({ name, seconds: rpc.clock.now() / 1000, peers: 2, rpcs: rpc.network.rpcs, bytes: rpc.network.bytes, ops: rpc.handled.length, limits: [], realMs: performance.now() - started });
}

describe('the labs: rpc', () => {
  it('Basic: an argument goes, an answer comes', async () => {
    const rpc = await served();
    expect(await rpc.said(await rpc.end('a'), '99')).toBe('handled 99');
  });

  it('Types: numbers and bytes arrive as they were', async () => {
    const rpc = await served((argument) => {
      const reader = new Reader(argument);
      return new Writer(64).u53(reader.u53() + 1).i64(-reader.i64()).string(reader.string().toUpperCase()).bytes(reader.bytes()).finish();
    });
    const argument = new Writer(64).u53(2 ** 52).i64(5n).string('größe').bytes(Uint8Array.of(0, 255)).finish();
    const reader = new Reader((await rpc.settled(rpc.call(await rpc.end('a'), argument)))!);
    expect([reader.u53(), reader.i64(), reader.string(), [...reader.bytes()], reader.remaining]).toEqual([2 ** 52 + 1, -5n, 'GRÖSSE', [0, 255], 0]);
  });

  it('Disconnect: a disabled end answers nothing, an enabled one again', async () => {
    const rpc = await served();
    const end = await rpc.end('a');
    rpc.network.enable('a', 'server', false);
    expect(await rpc.said(end, '1')).toBeUndefined();
    rpc.network.enable('a', 'server', true);
    await rpc.until(() => end.isOpen, 5000);
    expect(await rpc.said(end, '2')).toBe('handled 2');
    expect(rpc.handled).toEqual(['2']);
  });

  it('Counts: seventeen calls are counted as seventeen', async () => {
    const rpc = await served();
    const end = await rpc.end('a');
    for (let n = 0; n < 17; n++) expect(await rpc.said(end, `${n}`)).toBe(`handled ${n}`);
    expect(rpc.network.served.get('server')).toBe(17);
    expect(rpc.network.rpcs).toBe(17);
  });

  it('Bytes (2025): what is counted is what was sent, both ways, and little more', async () => {
    const rpc = await served((argument) => argument);
    const end = await rpc.end('a');
    await rpc.clock.advance(50);
    const before = rpc.network.bytes;
    for (let n = 0; n < 17; n++) await rpc.settled(rpc.call(end, new Uint8Array(128)));
    const bytes = rpc.network.bytes - before;
    expect(bytes).toBeGreaterThanOrEqual(17 * 2 * 128);
    expect(bytes).toBeLessThanOrEqual(17 * 2 * 128 + 17 * 100);
  });

  it('ConcurrentMany: twenty clients, ten calls each, all answered', async () => {
    const rpc = await served();
    const ends: Channel[] = [];
    for (let client = 0; client < 20; client++) ends.push(await rpc.end(`c${client}`));
    let right = 0;
    await rpc.settled(Promise.all(ends.map(async (end, client) => {
      for (let n = 0; n < 10; n++) {
        const answer = await rpc.call(end, utf8(`${client} ${n}`));
        if (answer !== undefined && text(answer) === `handled ${client} ${n}`) right++;
      }
    })));
    expect(right).toBe(200);
    expect(rpc.network.served.get('server')).toBe(200);
  });

  it('Unreliable: of three hundred calls some are answered and some are not', async () => {
    const started = performance.now();
    const rpc = await served();
    rpc.network.reliable = false;
    let answered = 0;
    for (let n = 0; n < 300; n++) if ((await rpc.said(await rpc.end(`c${n}`), `${n}`)) === `handled ${n}`) answered++;
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThan(300);
    // One in ten requests is lost, and one in ten of the answers: the others were handled and nobody was told.
    expect(rpc.handled.length).toBeGreaterThan(answered);
    expect(answered).toBeGreaterThan(200);
    row('rpc Unreliable', rpc, started);
  });

  it('ConcurrentOne: twenty calls at once on one end are told apart', async () => {
    const rpc = await served();
    const end = await rpc.end('a');
    const answers = await rpc.settled(Promise.all(Array.from({ length: 20 }, (_, n) => rpc.call(end, utf8(`${n}`)))));
    expect(answers.map((answer) => text(answer!))).toEqual(Array.from({ length: 20 }, (_, n) => `handled ${n}`));
    expect(rpc.network.served.get('server')).toBe(20);
  });

  it('Regression1: twenty calls on a disabled end do not delay a later one', async () => {
    const rpc = await served();
    const end = await rpc.end('a');
    rpc.network.enable('a', 'server', false);
    const lost = Array.from({ length: 20 }, (_, n) => rpc.call(end, utf8(`${n}`)));
    expect(await rpc.settled(Promise.all(lost))).toEqual(lost.map(() => undefined));
    rpc.network.enable('a', 'server', true);
    const started = rpc.clock.now();
    // The connection that lost them is not used again: the next one is dialed when the end is enabled.
    const next = await rpc.end('a');
    expect(await rpc.said(next, 'later')).toBe('handled later');
    expect(rpc.clock.now() - started).toBeLessThan(30);
    expect(rpc.handled).toEqual(['later']);
  });

  it('Killed: a call whose server dies while it is handled returns within 100 ms', async () => {
    const rpc = await served(() => new Promise((resolve) => void rpc.clock.after(20_000, () => resolve(utf8('late')))));
    const end = await rpc.end('a');
    let answer: Uint8Array | undefined | 'none yet' = 'none yet';
    void rpc.call(end, utf8('1')).then((given) => (answer = given));
    await rpc.clock.advance(1000);
    expect(rpc.handled).toEqual(['1']);
    expect(answer).toBe('none yet');
    rpc.network.kill('server');
    await rpc.clock.advance(100);
    expect(answer).toBeUndefined();
  });

  it('Benchmark: a hundred thousand calls, a thousand under way at once', async () => {
    const started = performance.now();
    const rpc = await served((argument) => argument);
    const end = await rpc.end('a');
    let answered = 0;
    for (let n = 0; n < 100_000; n += 1000) {
      await rpc.settled(Promise.all(Array.from({ length: 1000 }, () => rpc.call(end, utf8('x')).then((answer) => (answered += answer === undefined ? 0 : 1)))));
    }
    expect(answered).toBe(100_000);
    expect(rpc.network.served.get('server')).toBe(100_000);
    row('rpc Benchmark', rpc, started);
  });
});
