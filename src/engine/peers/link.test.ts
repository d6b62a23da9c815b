import { describe, expect, it } from 'vitest';
import { nextUint32, seedRandom } from '../../core/random.ts';
import { answerHello, encodeHello, HelloFeature, HelloReader, newHello } from '../../core/wire/index.ts';
import { VirtualClock } from '../../sim/clock.ts';
import type { Connection, ConnectionHandlers, Network } from '../ports.ts';
import { Link } from './link.ts';

/** Whoever dials is answered with ok, and sent away after so long. */
function network(clock: VirtualClock, livesMs: number, features: number): { readonly port: Network; readonly dials: number[] } {
  const dials: number[] = [];
  const dial = (): Promise<Connection> => {
    dials.push(clock.now());
    let handlers: ConnectionHandlers | undefined;
    let isGreeted = false;
    const end = (): void => handlers?.closed(undefined);
    return Promise.resolve({
      remote: { host: 'other', port: 1 },
      queuedBytes: 0,
      handle: (given: ConnectionHandlers) => void (handlers = given),
      write: (bytes: Uint8Array) => {
        // Behind the hello come frames, which it passes over.
        if (isGreeted) return true;
        isGreeted = true;
        const { hello } = new HelloReader().push(bytes)!;
        clock.nextTurn(() => handlers?.data(encodeHello({ ...answerHello(hello, 1, 2), features })));
        if (livesMs < Infinity) clock.after(livesMs, end);
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      close: end,
      destroy: end,
    });
  };
  return { dials, port: { dial, listen: () => Promise.reject(new Error('nobody listens')) } };
}

function run(livesMs: number, features = 0): { readonly clock: VirtualClock; readonly dials: number[]; readonly link: Link } {
  const clock = new VirtualClock();
  const seed = seedRandom(1);
  const { port, dials } = network(clock, livesMs, features);
  const ports = { clock, random: { uint32: () => nextUint32(seed) }, network: port, logger: { log: () => undefined } };
  const link = new Link(ports, { host: 'other', port: 1 }, newHello('control', 1, 1), { opened: () => undefined, frame: () => undefined, closed: () => undefined });
  return { clock, dials, link };
}

describe('redialing', () => {
  it('is immediate after a connection that lasted', async () => {
    const { clock, dials, link } = run(5000);
    await clock.advance(20_000);
    link.close();
    expect(dials).toEqual([0, 5000, 10_000, 15_000, 20_000]);
  });

  it('slows down when the other side says yes and breaks, again and again', async () => {
    const { clock, dials, link } = run(1);
    await clock.advance(10);
    expect(dials[1]).toBe(1);
    await clock.advance(30_000);
    link.close();
    expect(dials.length).toBeLessThan(60);
    expect(dials.length).toBeGreaterThan(15);
  });
});

describe('a connection on which nothing is heard', () => {
  it('is given up and dialed again where the other side said that it answers', async () => {
    const { clock, dials, link } = run(Infinity, HelloFeature.answersPings);
    await clock.advance(15_000);
    link.close();
    expect(dials).toEqual([0, 7000, 14_000]);
  });

  it('is kept where it did not say so: an older member answers no pings', async () => {
    const { clock, dials, link } = run(Infinity);
    await clock.advance(600_000);
    link.close();
    expect(dials).toEqual([0]);
  });
});
