// What every Network must do, asked of TCP and of its double in memory.

import { describe, expect, it } from 'vitest';
import { OperationError } from '../../src/core/errors.ts';
import { DialError } from '../../src/engine/ports.ts';
import type { Connection, Listener, Network } from '../../src/engine/ports.ts';
import { nodeNetwork } from '../../src/node/tcp.ts';
import { SimNetwork } from '../../src/sim/network.ts';
import { VirtualClock } from '../../src/sim/clock.ts';

interface World {
  readonly server: Network;
  readonly client: Network;
  readonly host: string;
  /** Lets the world go on until it is so. */
  until(condition: () => boolean): Promise<void>;
  settled<T>(promise: Promise<T>): Promise<T>;
}

async function untilInReality(condition: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not happen in 5 s');
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
