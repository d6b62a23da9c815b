// What every Network must do, asked of TCP and of its double in memory.

import { describe, expect, it, vi } from 'vitest';
import { OperationError } from '../../src/core/errors.ts';
import { DialError } from '../../src/engine/ports.ts';
import type { Connection, ConnectionHandlers, Listener, Network } from '../../src/engine/ports.ts';
import { nodeNetwork } from '../../src/node/tcp.ts';
import { SimNetwork } from '../../src/sim/network.ts';
import { VirtualClock } from '../../src/sim/clock.ts';

// Seconds on an idle machine; nothing here is about time.
vi.setConfig({ testTimeout: 60_000 });

interface World {
  readonly server: Network;
  readonly client: Network;
  readonly host: string;
  /** Lets the world go on until it is so. */
  until(condition: () => boolean): Promise<void>;
  settled<T>(promise: Promise<T>): Promise<T>;
}

async function untilInReality(condition: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not happen in 30 s');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function reality(): World {
  return { server: nodeNetwork, client: nodeNetwork, host: '127.0.0.1', until: untilInReality, settled: (promise) => promise };
}

function simulation(seed: number): World {
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, seed);
  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 20_000 && !condition(); i++) await clock.advance(1);
    if (!condition()) throw new Error('it did not happen in 20 s of virtual time');
  };
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false;
    void promise.then(() => (over = true), () => (over = true));
    await until(() => over);
    return promise;
  };
  return { server: network.of('server'), client: network.of('client'), host: 'server', until, settled };
}

class Recorder {
  readonly connection: Connection;
  chunks: Uint8Array[] = [];
  bytes = 0;
  closed = 0;
  drained = 0;
  afterClose = 0;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.handle({
      data: (bytes) => {
        if (this.closed > 0) this.afterClose++;
        this.chunks.push(bytes.slice());
        this.bytes += bytes.length;
      },
      closed: () => this.closed++,
      drained: () => this.drained++,
    });
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

async function pair(world: World): Promise<{ near: Recorder; far: Recorder; listener: Listener }> {
  const accepted: Recorder[] = [];
  const listener = await world.settled(world.server.listen({ host: world.host, port: 0 }, (connection) => accepted.push(new Recorder(connection))));
  const near = new Recorder(await world.settled(world.client.dial({ host: world.host, port: listener.address.port }, { timeoutMs: 1000 })));
  await world.until(() => accepted.length === 1);
  return { near, far: accepted.at(0)!, listener };
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.each([
  ['TCP', reality],
  ['simulated (seed 1)', () => simulation(1)],
  ['simulated (seed 2)', () => simulation(2)],
])('network: %s', (_name, create) => {
  it('delivers bytes both ways, whole and in order, however they are cut', async () => {
    const world = create();
    const { near, far, listener } = await pair(world);
    let sent = '';
    for (let i = 0; i < 500; i++) {
      near.connection.write(utf8(`${i},`));
      sent += `${i},`;
    }
    far.connection.write(utf8('hello'));
    await world.until(() => far.bytes === sent.length && near.bytes === 5);
    expect(far.text).toBe(sent);
    expect(near.text).toBe('hello');
    near.connection.destroy();
    await world.settled(listener.close());
  });

  it('sends what is queued before it closes, and tells both ends once, last', async () => {
    const world = create();
    const { near, far, listener } = await pair(world);
    const big = new Uint8Array(300_000).fill(7);
    near.connection.write(big);
    near.connection.close();
    near.connection.write(utf8('after'));
    await world.until(() => far.closed > 0 && near.closed > 0);
    expect(far.bytes).toBe(300_000);
    expect([far.closed, near.closed, far.afterClose]).toEqual([1, 1, 0]);
    await world.settled(listener.close());
  });

  it('a destroyed connection ends on both sides', async () => {
    const world = create();
    const { near, far, listener } = await pair(world);
    near.connection.destroy();
    await world.until(() => far.closed === 1 && near.closed === 1);
    near.connection.destroy();
    near.connection.close();
    expect(near.connection.write(utf8('nothing'))).toBe(true);
    await world.settled(listener.close());
  });

  it('pushes back on a writer whose reader does not read, and says when it may go on', async () => {
    const world = create();
    const { near, far, listener } = await pair(world);
    far.connection.pause();
    let written = 0;
    let refused = false;
    while (!refused && written < 64 << 20) {
      refused = !near.connection.write(new Uint8Array(64 << 10));
      written += 64 << 10;
      await world.until(() => true);
    }
    expect(refused).toBe(true);
    expect(near.connection.queuedBytes).toBeGreaterThan(1 << 20);
    expect(near.drained).toBe(0);
    far.connection.resume();
    await world.until(() => near.drained === 1 && far.bytes === written);
    near.connection.destroy();
    await world.settled(listener.close());
  });

  it('a paused reader gets nothing, and all of it afterwards', async () => {
    const world = create();
    const { near, far, listener } = await pair(world);
    far.connection.pause();
    near.connection.write(utf8('later'));
    near.connection.write(utf8(' still'));
    let turns = 0;
    await world.until(() => ++turns > 30);
    expect(far.bytes).toBe(0);
    far.connection.resume();
    await world.until(() => far.bytes === 11);
    expect(far.text).toBe('later still');
    near.connection.destroy();
    await world.settled(listener.close());
  });

  it('a refused dial says that it was refused', async () => {
    const world = create();
    const { listener, near } = await pair(world);
    near.connection.destroy();
    const { port } = listener.address;
    await world.settled(listener.close());
    const error = await world.settled(world.client.dial({ host: world.host, port }, { timeoutMs: 1000 }).catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(DialError);
    expect(error).toMatchObject({ refused: true });
  });

  it('a port in use is PORT_IN_USE', async () => {
    const world = create();
    const { listener, near } = await pair(world);
    const error = await world.settled(world.server.listen(listener.address, () => undefined).catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(OperationError);
    expect(error).toMatchObject({ code: 'PORT_IN_USE' });
    near.connection.destroy();
    await world.settled(listener.close());
  });

  it('connections already accepted outlive their listener', async () => {
    const world = create();
    const { near, far, listener } = await pair(world);
    void listener.close();
    near.connection.write(utf8('still here'));
    await world.until(() => far.bytes === 10);
    near.connection.destroy();
    await world.until(() => far.closed === 1);
  });
});

/** Whatever the handlers are told, in order. */
function listen(connection: Connection, on: Partial<ConnectionHandlers> = {}): string[] {
  const heard: string[] = [];
  connection.handle({
    data: (bytes) => {
      for (const byte of bytes) heard.push(String.fromCharCode(byte));
      on.data?.(bytes);
    },
    closed: (reason) => {
      heard.push('closed');
      on.closed?.(reason);
    },
    drained: () => {
      heard.push('drained');
      on.drained?.();
    },
  });
  return heard;
}

async function silence(world: World): Promise<void> {
  let turns = 0;
  await world.until(() => ++turns > 40);
}

describe.each([
  ['TCP', reality],
  ['simulated (seed 1)', () => simulation(1)],
  ['simulated (seed 2)', () => simulation(2)],
])('network: %s: its corners', (_name, create) => {
  /** A connection whose near end does as told, and its far end. */
  async function ends(world: World, far: (connection: Connection) => void): Promise<{ near: Connection; listener: Listener }> {
    const listener = await world.settled(world.server.listen({ host: world.host, port: 0 }, far));
    return { near: await world.settled(world.client.dial({ host: world.host, port: listener.address.port }, { timeoutMs: 1000 })), listener };
  }

  it('a listener on port 0 is given one, and a connection names the port it was dialed at', async () => {
    const world = create();
    const { near, listener } = await ends(world, (connection) => void listen(connection));
    listen(near);
    expect(listener.address.port).toBeGreaterThan(0);
    expect(near.remote.port).toBe(listener.address.port);
    near.destroy();
    await world.settled(listener.close());
  });

  it('what was sent before anybody listened is not lost', async () => {
    const world = create();
    let heard: string[] = [];
    const { near, listener } = await ends(world, (connection) => (heard = listen(connection)));
    listen(near);
    near.write(utf8('early'));
    near.write(utf8(''));
    near.write(utf8('!'));
    await world.until(() => heard.length >= 6);
    expect(heard.join('')).toBe('early!');
    near.destroy();
    await world.settled(listener.close());
  });

  it('two connections do not mix', async () => {
    const world = create();
    const heard: string[][] = [];
    const { near, listener } = await ends(world, (connection) => heard.push(listen(connection)));
    listen(near);
    const other = await world.settled(world.client.dial({ host: world.host, port: listener.address.port }, { timeoutMs: 1000 }));
    listen(other);
    for (let i = 0; i < 100; i++) {
      near.write(utf8('a'));
      other.write(utf8('b'));
    }
    await world.until(() => heard.length === 2 && heard.every((each) => each.length === 100));
    expect(heard.map((each) => new Set(each).size)).toEqual([1, 1]);
    near.destroy();
    other.destroy();
    await world.settled(listener.close());
  });

  it('calls no handler from within a call to the connection', async () => {
    const world = create();
    let inside = false;
    const wrong: string[] = [];
    const note = (what: string) => (): void => {
      if (inside) wrong.push(what);
    };
    const call = (work: () => void): void => {
      inside = true;
      work();
      inside = false;
    };
    let far: Connection | undefined;
    let bytes = 0;
    const { near, listener } = await ends(world, (connection) => {
      far = connection;
      call(() => connection.handle({ data: (part) => (note('data')(), (bytes += part.length)), closed: note('closed'), drained: note('drained') }));
    });
    let ended = 0;
    call(() => near.handle({ data: note('data'), closed: () => (note('closed')(), ended++), drained: note('drained') }));
    await world.until(() => far !== undefined);
    call(() => far!.pause());
    for (let i = 0; i < 100; i++) call(() => near.write(new Uint8Array(64 << 10)));
    await silence(world);
    call(() => far!.resume());
    await world.until(() => bytes === 100 << 16);
    call(() => near.close());
    await world.until(() => ended === 1);
    call(() => near.destroy());
    await world.settled(listener.close());
    expect(wrong).toEqual([]);
  });

  it('a reader that pauses while it reads gets no more until it resumes', async () => {
    const world = create();
    let far: Connection | undefined;
    let heard: string[] = [];
    let calls = 0;
    const { near, listener } = await ends(world, (connection) => {
      far = connection;
      heard = listen(connection, { data: () => (calls++, connection.pause()) });
    });
    listen(near);
    const sent = 'x'.repeat(200_000);
    near.write(utf8(sent));
    await world.until(() => calls === 1);
    await silence(world);
    expect(calls).toBe(1);
    let resumed = 0;
    while (heard.length < sent.length) {
      far!.resume();
      const before = ++resumed;
      await world.until(() => calls > before);
    }
    expect(heard.length).toBe(sent.length);
    near.destroy();
    await world.settled(listener.close());
  });

  it.each(['close', 'destroy'] as const)('%s ends delivery here: what the other end still sends is for nobody', async (verb) => {
    const world = create();
    let far: Connection | undefined;
    const { near, listener } = await ends(world, (connection) => {
      far = connection;
      listen(connection);
    });
    let calls = 0;
    const heard = listen(near, { data: () => (calls++, near[verb]()) });
    await world.until(() => far !== undefined);
    // More than one read: when the first of it is here, the rest is on its way.
    for (let i = 0; i < 50; i++) far!.write(new Uint8Array(10_000));
    await world.until(() => heard.includes('closed'));
    await silence(world);
    expect([calls, heard.at(-1)]).toEqual([1, 'closed']);
    await world.settled(listener.close());
  });

  it('an end is an end: who was writing to one that closed is told, and owes nothing any more', async () => {
    const world = create();
    let far: Connection | undefined;
    const { near, listener } = await ends(world, (connection) => {
      far = connection;
      listen(connection);
    });
    const heard = listen(near);
    await world.until(() => far !== undefined);
    far!.pause();
    for (let i = 0; i < 80; i++) near.write(new Uint8Array(64 << 10));
    await silence(world);
    expect(near.queuedBytes).toBeGreaterThan(0);
    far!.close();
    await world.until(() => heard.includes('closed'));
    await silence(world);
    expect([near.queuedBytes, heard.at(-1), heard.filter((what) => what === 'closed').length]).toEqual([0, 'closed', 1]);
    expect(near.write(utf8('nobody'))).toBe(true);
    expect(near.queuedBytes).toBe(0);
    await world.settled(listener.close());
  });

  it('destroyed before anything left, it owes nothing, and the other end hears nothing but the end', async () => {
    const world = create();
    let heard: string[] = [];
    const { near, listener } = await ends(world, (connection) => (heard = listen(connection)));
    const own = listen(near);
    near.write(new Uint8Array(2 << 20));
    near.destroy();
    await world.until(() => own.length > 0 && heard.includes('closed'));
    expect([near.queuedBytes, own]).toEqual([0, ['closed']]);
    expect(heard.at(-1)).toBe('closed');
    await world.settled(listener.close());
  });

  it('may be ended, twice and each way, from within its own handlers', async () => {
    const world = create();
    let far: Connection | undefined;
    let heard: string[] = [];
    const { near, listener } = await ends(world, (connection) => {
      far = connection;
      heard = listen(connection, {
        data: () => (connection.close(), connection.close(), connection.destroy()),
        closed: () => (connection.destroy(), connection.close(), void connection.write(utf8('late'))),
      });
    });
    const own = listen(near, { closed: () => (near.close(), near.pause(), near.resume()) });
    near.write(utf8('a'));
    await world.until(() => heard.includes('closed') && own.includes('closed'));
    await silence(world);
    expect([heard, own]).toEqual([['a', 'closed'], ['closed']]);
    expect(far!.queuedBytes).toBe(0);
    await world.settled(listener.close());
  });

  it('a closed port may be listened on again, and closing twice is no error', async () => {
    const world = create();
    const first = await world.settled(world.server.listen({ host: world.host, port: 0 }, () => undefined));
    await world.settled(first.close());
    await world.settled(first.close());
    let isHeard = false;
    const second = await world.settled(world.server.listen(first.address, (connection) => {
      isHeard = true;
      listen(connection);
    }));
    // The first is over: closing it once more does not close the second.
    await world.settled(first.close());
    const near = await world.settled(world.client.dial({ host: world.host, port: second.address.port }, { timeoutMs: 1000 }));
    listen(near);
    await world.until(() => isHeard);
    near.destroy();
    await world.settled(second.close());
  });

  it('carries both directions at once, each whole, under pressure', async () => {
    const world = create();
    let far: Connection | undefined;
    let atFar = 0;
    let atNear = 0;
    const { near, listener } = await ends(world, (connection) => {
      far = connection;
      connection.handle({ data: (part) => (atFar += part.length), closed: () => undefined, drained: () => undefined });
    });
    near.handle({ data: (part) => (atNear += part.length), closed: () => undefined, drained: () => undefined });
    await world.until(() => far !== undefined);
    for (let i = 0; i < 60; i++) {
      near.write(new Uint8Array(50_000));
      far!.write(new Uint8Array(30_000));
    }
    await world.until(() => atFar === 3_000_000 && atNear === 1_800_000);
    expect([near.queuedBytes, far!.queuedBytes]).toEqual([0, 0]);
    near.destroy();
    await world.settled(listener.close());
  });
});

describe('network: simulated faults', () => {
  it('a partition silences one direction, and heals without loss', async () => {
    const clock = new VirtualClock();
    const network = new SimNetwork(clock, 3);
    const accepted: Recorder[] = [];
    await network.of('b').listen({ host: 'b', port: 1 }, (connection) => accepted.push(new Recorder(connection)));
    const dialing = network.of('a').dial({ host: 'b', port: 1 }, { timeoutMs: 100 });
    await clock.advance(50);
    const near = new Recorder(await dialing);
    network.partition('a', 'b');
    near.connection.write(utf8('lost?'));
    accepted.at(0)!.connection.write(utf8('heard'));
    await clock.advance(1000);
    expect([accepted.at(0)!.bytes, near.text]).toEqual([0, 'heard']);
    const other = network.of('a').dial({ host: 'b', port: 1 }, { timeoutMs: 100 }).catch((reason: unknown) => reason);
    await clock.advance(200);
    expect(await other).toMatchObject({ refused: false });
    network.heal();
    await clock.advance(50);
    expect(accepted.at(0)!.text).toBe('lost?');
    network.reset('a');
    await clock.advance(50);
    expect([near.closed, accepted.at(0)!.closed, network.connectionCount]).toEqual([1, 1, 0]);
  });

  it('what vanished stays silent for ever: healing brings nothing back, and each end is over only for who ends it', async () => {
    const clock = new VirtualClock();
    const network = new SimNetwork(clock, 3);
    const accepted: Recorder[] = [];
    await network.of('b').listen({ host: 'b', port: 1 }, (connection) => accepted.push(new Recorder(connection)));
    const dial = async (): Promise<Recorder> => {
      const dialing = network.of('a').dial({ host: 'b', port: 1 }, { timeoutMs: 100 });
      await clock.advance(50);
      return new Recorder(await dialing);
    };
    const near = await dial();
    near.connection.write(utf8('on its way'));
    network.vanish('b', 'a');
    accepted[0]!.connection.write(utf8('for nobody'));
    network.heal();
    network.reset('c');
    await clock.advance(60_000);
    expect([near.bytes, accepted[0]!.bytes, near.closed, accepted[0]!.closed]).toEqual([0, 0, 0, 0]);
    near.connection.destroy();
    await clock.advance(60_000);
    expect([near.closed, accepted[0]!.closed, network.connectionCount]).toEqual([1, 0, 0.5]);
    const later = await dial();
    later.connection.write(utf8('heard'));
    network.reset('b');
    await clock.advance(1000);
    expect([accepted[0]!.closed, later.closed, accepted[1]!.closed, network.connectionCount]).toEqual([1, 1, 1, 0]);
  });

  it('a dial that took too long has reached nobody: no half of a connection stays behind', async () => {
    const clock = new VirtualClock();
    const network = new SimNetwork(clock, 3, { delayMs: [80, 90] });
    let accepted = 0;
    await network.of('b').listen({ host: 'b', port: 1 }, () => accepted++);
    const dialing = network.of('a').dial({ host: 'b', port: 1 }, { timeoutMs: 100 }).catch((reason: unknown) => reason);
    await clock.advance(1000);
    expect(await dialing).toBeInstanceOf(DialError);
    expect([accepted, network.connectionCount]).toEqual([0, 0]);
  });

  it('the same seed is the same delivery', async () => {
    const first = await deliveries(9);
    expect(first.length).toBeGreaterThan(1);
    expect(await deliveries(9)).toEqual(first);
  });
});

async function deliveries(seed: number): Promise<number[]> {
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, seed);
  const accepted: Recorder[] = [];
  await network.of('b').listen({ host: 'b', port: 1 }, (connection) => accepted.push(new Recorder(connection)));
  const dialing = network.of('a').dial({ host: 'b', port: 1 }, { timeoutMs: 100 });
  await clock.advance(50);
  (await dialing).write(new Uint8Array(10_000));
  await clock.advance(1000);
  return accepted.at(0)!.chunks.map((chunk) => chunk.length);
}
