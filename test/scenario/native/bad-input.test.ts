// What strangers do to the port: each pays for it alone, and memory is bounded by what they sent.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { encodeCommand, encodeRequest } from '../../../src/core/kv/index.ts';
import { nextBelow, nextUint32, seedRandom } from '../../../src/core/random.ts';
import type { RandomState } from '../../../src/core/random.ts';
import { FrameReader, HelloReader, decodeFailure, encodeFrame, encodeHello, helloMagic, newHello } from '../../../src/core/wire/index.ts';
import type { Frame, Hello } from '../../../src/core/wire/index.ts';
import { ClientFrame, encodeProposeHead, encodeReadHead } from '../../../src/engine/native/message.ts';
import type { Connection } from '../../../src/engine/ports.ts';
import { FakeCluster } from './fake-cluster.ts';

/** Speaks in bytes. */
class Stranger {
  readonly fake: FakeCluster;
  connection!: Connection;
  closed = false;
  bytes = 0;
  hello: Hello | undefined;
  frames: Frame[] = [];
  readonly #hello = new HelloReader();
  readonly #frames = new FrameReader(64 << 20);

  private constructor(fake: FakeCluster) {
    this.fake = fake;
  }

  static async dial(fake: FakeCluster, host = 'stranger'): Promise<Stranger> {
    const stranger = new Stranger(fake);
    stranger.connection = await fake.settled(fake.networkOf(host).dial({ host: 'n1', port: 2379 }, { timeoutMs: 1000 }));
    stranger.connection.handle({
      data: (bytes) => stranger.#data(bytes),
      closed: () => {
        stranger.closed = true;
      },
      drained: () => undefined,
    });
    return stranger;
  }

  static async greeted(fake: FakeCluster, host?: string): Promise<Stranger> {
    const stranger = await Stranger.dial(fake, host);
    stranger.connection.write(encodeHello(newHello('client', 0, 0)));
    await fake.until(() => stranger.hello !== undefined);
    return stranger;
  }

  answers(stream: number): Frame[] {
    return this.frames.filter((frame) => frame.stream === stream && frame.type !== ClientFrame.leader);
  }

  async answer(stream: number): Promise<Frame> {
    await this.fake.until(() => this.answers(stream).length > 0);
    return this.answers(stream).at(0)!;
  }

  #data(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (this.hello !== undefined) return void this.frames.push(...this.#frames.push(bytes));
    const arrived = this.#hello.push(bytes);
    if (arrived === undefined) return;
    this.hello = arrived.hello;
    this.frames.push(...this.#frames.push(arrived.rest));
  }
}

const put = (key: string, value: string): Uint8Array =>
  encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8(key), value: utf8(value) } });
const read = encodeRequest({ type: 'range', key: utf8('k') });

describe('native: hello', () => {
  it('whoever says nothing, or half a hello, is gone after 5 s', async () => {
    const fake = await FakeCluster.start();
    const [mute, half] = [await Stranger.dial(fake), await Stranger.dial(fake)];
    half.connection.write(encodeHello(newHello('client', 0, 0)).subarray(0, 9));
    await fake.clock.advance(4900);
    expect([mute.closed, half.closed]).toEqual([false, false]);
    await fake.clock.advance(200);
    expect([mute.closed, half.closed]).toEqual([true, true]);
  });

  it('a version nobody speaks is told which are spoken', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.dial(fake);
    stranger.connection.write(encodeHello({ ...newHello('client', 0, 0), lowest: 7, highest: 9 }));
    await fake.until(() => stranger.closed);
    expect(stranger.hello).toMatchObject({ status: 'unsupported', lowest: 1, highest: 1 });
  });

  it('a purpose of a later version is told the same', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.dial(fake);
    const hello = encodeHello(newHello('client', 0, 0));
    hello[8] = 200;
    stranger.connection.write(hello);
    await fake.until(() => stranger.closed);
    expect(stranger.hello).toMatchObject({ status: 'unsupported' });
  });

  it('fields of a later version are skipped, and what follows is read', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.dial(fake);
    const hello = encodeHello({ ...newHello('client', 0, 0), highest: 9 });
    const longer = new Uint8Array(hello.length + 100).fill(0xee);
    longer.set(hello);
    longer[4] = hello.length - 6 + 100;
    stranger.connection.write(longer);
    stranger.connection.write(encodeFrame(ClientFrame.ping, 5, new Uint8Array(0)));
    expect(await stranger.answer(5)).toMatchObject({ type: ClientFrame.answer });
    expect(stranger.hello).toMatchObject({ status: 'ok', lowest: 1, highest: 1, cluster: 4711, member: 1 });
  });

  it('another cluster is told so', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.dial(fake);
    stranger.connection.write(encodeHello(newHello('client', 12, 0)));
    await fake.until(() => stranger.closed);
    expect(stranger.hello).toMatchObject({ status: 'clusterMismatch' });
  });
});

describe('native: requests', () => {
  it('runs side by side: a slow one does not hold up the others', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.greeted(fake);
    fake.shared.commitMs = 400;
    stranger.connection.write(encodeFrame(ClientFrame.propose, 1, encodeProposeHead(1000), put('k', 'v')));
    stranger.connection.write(encodeFrame(ClientFrame.read, 2, encodeReadHead({ deadlineMs: 1000, consistency: 'local' }), read));
    await stranger.answer(2);
    expect(stranger.answers(1)).toEqual([]);
    expect(await stranger.answer(1)).toMatchObject({ type: ClientFrame.answer });
  });

  it('a message of a later version is UNSUPPORTED, and the connection lives on', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.greeted(fake);
    stranger.connection.write(encodeFrame(99, 3, utf8('news')));
    const frame = await stranger.answer(3);
    expect(decodeFailure(frame.body)).toMatchObject({ code: 'UNSUPPORTED' });
    stranger.connection.write(encodeFrame(ClientFrame.ping, 4, new Uint8Array(0)));
    await stranger.answer(4);
  });

  it('what nobody could read never enters the log', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.greeted(fake);
    const bodies = [utf8('garbage'), Uint8Array.of(1, 77), Uint8Array.of(9), put('k', 'v').subarray(0, 30), new Uint8Array(0), encodeCommand({ type: 'expireSessions', ids: [1], at: 5 })];
    for (const [i, body] of bodies.entries()) stranger.connection.write(encodeFrame(ClientFrame.propose, 10 + i, encodeProposeHead(1000), body));
    stranger.connection.write(encodeFrame(ClientFrame.propose, 20, new Uint8Array(2)));
    for (const stream of [10, 11, 12, 13, 14, 15, 20]) {
      const frame = await stranger.answer(stream);
      expect(frame.type).toBe(ClientFrame.failure);
      expect(['BAD_REQUEST', 'UNSUPPORTED']).toContain(decodeFailure(frame.body).code);
    }
    expect(fake.shared.commands).toBe(0);
  });

  it('the same stream twice at once ends the connection, with a reason', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.greeted(fake);
    fake.shared.commitMs = 400;
    for (let i = 0; i < 2; i++) stranger.connection.write(encodeFrame(ClientFrame.propose, 1, encodeProposeHead(1000), put('k', 'v')));
    await fake.until(() => stranger.closed);
    expect(decodeFailure(stranger.answers(0).at(0)!.body)).toMatchObject({ code: 'PROTOCOL' });
  });

  it('a cancelled request is not answered, and its stream is free again', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.greeted(fake);
    fake.shared.commitMs = 200;
    stranger.connection.write(encodeFrame(ClientFrame.propose, 1, encodeProposeHead(1000), put('k', 'v')));
    stranger.connection.write(encodeFrame(ClientFrame.cancel, 1, new Uint8Array(0)));
    stranger.connection.write(encodeFrame(ClientFrame.ping, 1, new Uint8Array(0)));
    await fake.clock.advance(1000);
    expect(stranger.answers(1).map(({ body }) => body.length)).toEqual([0]);
  });

  it('a service that forgets the deadline is answered for', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.greeted(fake);
    fake.members.at(0)!.afterApply = () => new Promise(() => undefined);
    stranger.connection.write(encodeFrame(ClientFrame.propose, 1, encodeProposeHead(300), put('k', 'v')));
    const frame = await stranger.answer(1);
    expect(decodeFailure(frame.body)).toMatchObject({ code: 'TIMEOUT' });
  });

  it('a failure of our own is INTERNAL and tells nothing', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.greeted(fake);
    fake.members.at(0)!.hashKv = () => {
      throw new Error('secret');
    };
    fake.members.at(0)!.beforeApply = () => {
      throw new Error('secret');
    };
    stranger.connection.write(encodeFrame(ClientFrame.hashKv, 1, new Uint8Array(8)));
    stranger.connection.write(encodeFrame(ClientFrame.propose, 2, encodeProposeHead(300), put('k', 'v')));
    for (const stream of [1, 2]) {
      const failure = decodeFailure((await stranger.answer(stream)).body);
      expect(failure.code).toBe('INTERNAL');
      expect(failure.detail).not.toContain('secret');
    }
  });
});

describe('native: limits', () => {
  it('an oversized frame ends the connection on its first bytes', async () => {
    const fake = await FakeCluster.start();
    const stranger = await Stranger.greeted(fake);
    stranger.connection.write(Uint8Array.of(0xff, 0xff, 0xff, 0x7f));
    await fake.until(() => stranger.closed);
    expect(decodeFailure(stranger.answers(0).at(0)!.body)).toMatchObject({ code: 'PROTOCOL' });
  });

  it('who does not read its answers stops being read, and after a while is let go; others notice nothing', async () => {
    const fake = await FakeCluster.start(1, 3, { connectionBytesMax: 1 << 20, stuckMs: 2000 });
    const client = await fake.connect();
    await fake.settled(client.kv.put('k', new Uint8Array(100_000)));
    await fake.clock.advance(100);
    const stranger = await Stranger.greeted(fake);
    stranger.connection.pause();
    const { reads } = fake.members.at(0)!;
    for (let i = 1; i <= 500; i++) stranger.connection.write(encodeFrame(ClientFrame.read, i, encodeReadHead({ deadlineMs: 60_000, consistency: 'local' }), read));
    await fake.clock.advance(1000);
    const served = fake.members.at(0)!.reads - reads;
    // The first ones were let in before it was known how large answers are here.
    expect(served).toBeLessThan(500);
    const before = fake.clock.now();
    await fake.settled(client.kv.get('k', { consistency: 'linearizable' }));
    expect(fake.clock.now() - before).toBeLessThan(50);
    await fake.until(() => fake.servers.at(0)!.connectionCount === 1);
    expect(fake.servers.at(0)!.occupiedBytes).toBeLessThan(1000);
    await fake.settled(client.close());
  });

  it('more requests than the bound wait outside, and all are answered', async () => {
    const fake = await FakeCluster.start(1, 3, { requestsMax: 10 });
    const stranger = await Stranger.greeted(fake);
    fake.shared.commitMs = 20;
    for (let i = 1; i <= 200; i++) stranger.connection.write(encodeFrame(ClientFrame.propose, i, encodeProposeHead(10_000), put('k', `${i}`)));
    let most = 0;
    await fake.until(() => {
      most = Math.max(most, fake.servers.at(0)!.requestCount);
      return stranger.answers(200).length === 1;
    });
    expect(most).toBe(10);
    expect(stranger.frames.filter(({ type }) => type === ClientFrame.answer).length).toBe(200);
  });

  it('all together are bounded, too: those who ask much wait for each other, and all are answered', async () => {
    const fake = await FakeCluster.start(1, 3, { bytesMax: 1 << 20 });
    const client = await fake.connect();
    await fake.settled(client.kv.put('k', new Uint8Array(50_000)));
    const strangers = [await Stranger.greeted(fake, 'a'), await Stranger.greeted(fake, 'b'), await Stranger.greeted(fake, 'c')];
    for (const stranger of strangers) {
      for (let i = 1; i <= 100; i++) stranger.connection.write(encodeFrame(ClientFrame.read, i, encodeReadHead({ deadlineMs: 60_000, consistency: 'local' }), read));
    }
    let most = 0;
    await fake.until(() => {
      most = Math.max(most, fake.servers.at(0)!.requestCount);
      return strangers.every((stranger) => stranger.frames.filter(({ type }) => type === ClientFrame.answer).length === 100);
    });
    expect(most).toBeLessThan(80);
    await fake.settled(client.close());
  });

  it('beyond the bound of connections the quietest makes room; where all wait for something, who comes is told', async () => {
    const fake = await FakeCluster.start(1, 3, { connectionsMax: 2 });
    const [quiet, heard] = [await Stranger.greeted(fake, 'a'), await Stranger.greeted(fake, 'b')];
    await fake.clock.advance(50);
    fake.shared.commitMs = 60_000;
    heard.connection.write(encodeFrame(ClientFrame.propose, 1, encodeProposeHead(30_000), put('k', 'v')));
    await fake.clock.advance(50);
    const third = await Stranger.greeted(fake, 'c');
    await fake.until(() => quiet.closed);
    expect([heard.closed, third.closed]).toEqual([false, false]);
    third.connection.write(encodeFrame(ClientFrame.propose, 1, encodeProposeHead(30_000), put('k', 'v')));
    await fake.clock.advance(50);
    const fourth = await Stranger.greeted(fake, 'd');
    await fake.until(() => fourth.closed);
    expect(decodeFailure(fourth.answers(0).at(0)!.body)).toMatchObject({ code: 'OVERLOADED' });
    expect([heard.closed, third.closed]).toEqual([false, false]);
  });

  it('frames begun and not finished have a bound for all: who began first is told and sent away', async () => {
    const fake = await FakeCluster.start(1, 3, { halfBytesMax: 1 << 20, stuckMs: 5000 });
    const client = await fake.connect();
    const frame = encodeFrame(ClientFrame.propose, 1, new Uint8Array(300_000));
    const strangers: Stranger[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const stranger = await Stranger.greeted(fake, name);
      strangers.push(stranger);
      stranger.connection.write(frame.slice(0, 250_000));
      await fake.clock.advance(20);
    }
    expect(strangers.map(({ closed }) => closed)).toEqual([true, true, false, false, false, false]);
    expect(decodeFailure(strangers[0]!.answers(0).at(0)!.body)).toMatchObject({ code: 'OVERLOADED' });
    expect(fake.servers.at(0)!.occupiedBytes).toBeLessThan(1.1 * (1 << 20));
    await fake.settled(client.kv.put('k', new Uint8Array(100_000)));
    // Who finishes is answered, and is young again.
    strangers[2]!.connection.write(frame.slice(250_000));
    await fake.until(() => strangers[2]!.answers(1).length === 1);
    strangers[2]!.connection.write(frame.slice(0, 250_000));
    await fake.clock.advance(4000);
    expect(strangers.map(({ closed }) => closed)).toEqual([true, true, false, false, false, false]);
    await fake.until(() => strangers.every(({ closed }) => closed), 10_000);
    await fake.until(() => fake.servers.at(0)!.occupiedBytes < 1000);
    await fake.settled(client.close());
  });

  it('answers larger than was thought are made when there is room for them; too many of those who wait are told', async () => {
    const fake = await FakeCluster.start(1, 3, { bytesMax: 2 << 20, connectionBytesMax: 2 << 20, requestsMax: 1000 });
    const client = await fake.connect();
    await fake.settled(client.kv.put('k', new Uint8Array(100_000)));
    const stranger = await Stranger.greeted(fake);
    const server = fake.servers.at(0)!;
    for (let i = 1; i <= 150; i++) stranger.connection.write(encodeFrame(ClientFrame.read, i, encodeReadHead({ deadlineMs: 60_000, consistency: 'local' }), read));
    let most = 0;
    await fake.until(() => {
      most = Math.max(most, server.heldBytes);
      return stranger.frames.filter(({ stream }) => stream > 0).length === 150;
    });
    const answers = stranger.frames.filter(({ type }) => type === ClientFrame.answer).length;
    const failures = stranger.frames.filter(({ type }) => type === ClientFrame.failure).map(({ body }) => decodeFailure(body).code);
    expect(most).toBeLessThan(2.2 * (1 << 20));
    expect(answers).toBeGreaterThan(50);
    expect(failures.every((code) => code === 'OVERLOADED')).toBe(true);
    stranger.connection.destroy();
    await fake.until(() => server.occupiedBytes < 1000 && server.heldBytes < 1000);
    await fake.settled(client.kv.get('k'));
    await fake.settled(client.close());
  });

  it.each(Array.from({ length: 20 }, (_, seed) => seed + 1))('garbage harms nobody else (seed %i)', async (seed) => {
    const fake = await FakeCluster.start(seed);
    const client = await fake.connect();
    const random = seedRandom(seed);
    for (let i = 0; i < 25; i++) {
      const stranger = nextBelow(random, 3) === 0 ? await Stranger.dial(fake) : await Stranger.greeted(fake);
      const junk = garbage(random);
      for (let at = 0; at < junk.length; ) {
        const end = at + 1 + nextBelow(random, junk.length);
        stranger.connection.write(junk.slice(at, end));
        at = end;
      }
      if (nextBelow(random, 4) === 0) await fake.clock.advance(10);
      if (nextBelow(random, 4) === 0) stranger.connection.destroy();
    }
    await fake.settled(client.kv.put('k', 'still here'));
    await fake.clock.advance(10_000);
    expect(fake.servers.at(0)!.requestCount).toBe(0);
    await fake.settled(client.close());
  });
});

/** From noise to almost right. */
function garbage(random: RandomState): Uint8Array {
  const noise = Uint8Array.from({ length: 1 + nextBelow(random, 300) }, () => nextUint32(random) & 255);
  switch (nextBelow(random, 5)) {
    case 0:
      return noise;
    case 1: {
      const begun = new Uint8Array(noise.length + 4);
      begun.set(helloMagic);
      begun.set(noise, 4);
      return begun;
    }
    case 2:
      // A proper frame of nonsense, of any type.
      return encodeFrame(nextBelow(random, 140), nextBelow(random, 5), noise);
    case 3: {
      const frame = encodeFrame(1 + nextBelow(random, 8), 1, encodeProposeHead(500), put('x', 'y'));
      const at = nextBelow(random, frame.length);
      frame[at] = (frame.at(at) ?? 0) ^ (1 << nextBelow(random, 8));
      return frame;
    }
    default:
      return encodeFrame(1 + nextBelow(random, 2), 1, encodeProposeHead(500), noise);
  }
}
