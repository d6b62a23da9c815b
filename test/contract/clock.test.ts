// What every Clock must do: reality's, virtual time, and the clock of a process inside virtual time, whose own time
// may run faster or slower.

import { describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../src/engine/ports.ts';
import { nodeClock } from '../../src/node/clock.ts';
import { VirtualClock } from '../../src/sim/clock.ts';
import { Incarnation } from '../../src/sim/incarnation.ts';

// Fractions of a second on an idle machine.
vi.setConfig({ testTimeout: 60_000 });

interface Subject {
  readonly clock: Clock;
  /** Lets about so much of its time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

function reality(): Subject {
  // By a timer of its own, so that a clock that never fires does not hang the test.
  return { clock: nodeClock, pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 5)) };
}

function virtual(): Subject {
  const clock = new VirtualClock();
  return { clock, pass: (ms) => clock.advance(ms) };
}

function ofProcess(rate: number): Subject {
  const world = new VirtualClock();
  const incarnation = new Incarnation(world);
  incarnation.drift(rate);
  return { clock: incarnation.clock, pass: (ms) => world.advance(ms / rate) };
}

const subjects: readonly (readonly [string, () => Subject])[] = [
  ['reality’s', reality],
  ['virtual time', virtual],
  ['a process in virtual time', () => ofProcess(1)],
  ['a process whose clock is fast', () => ofProcess(1.25)],
  ['a process whose clock is slow', () => ofProcess(0.8)],
];

describe.each(subjects)('clock: %s', (_, create) => {
  it('goes on, and never back', async () => {
    const { clock, pass } = create();
    const seen = [clock.now()];
    for (let i = 0; i < 5; i++) {
      await pass(2);
      seen.push(clock.now());
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)! - seen[0]!).toBeGreaterThanOrEqual(10 - 1e-6);
  });

  it('says the wall’s time in whole milliseconds since 1970', async () => {
    const { clock, pass } = create();
    const before = clock.wallNow();
    await pass(20);
    const after = clock.wallNow();
    for (const time of [before, after]) expect(Number.isSafeInteger(time)).toBe(true);
    expect(before).toBeGreaterThan(Date.UTC(2020));
    expect(after - before).toBeGreaterThanOrEqual(19);
  });

  it('calls back once, and not before the delay has passed by its own now()', async () => {
    const { clock, pass } = create();
    const early: string[] = [];
    const calls = new Map<number, number>();
    const delays = [0, 0.4, 1, 1.9, 3, 7.5, 12.3, 20];
    for (let round = 0; round < 8; round++) {
      calls.clear();
      for (const delay of delays) {
        const start = clock.now();
        clock.after(delay, () => {
          calls.set(delay, (calls.get(delay) ?? 0) + 1);
          const waited = clock.now() - start;
          // Nothing but the rounding of a fraction of a millisecond.
          if (waited < delay - 1e-6) early.push(`${delay} ms after ${waited}`);
        });
      }
      await pass(60);
      expect([...calls].toSorted(([a], [b]) => a - b)).toEqual(delays.map((delay) => [delay, 1]));
    }
    expect(early).toEqual([]);
  });

  it('calls back after `after` has returned, however short the delay', async () => {
    const { clock, pass } = create();
    const order: string[] = [];
    for (const delay of [0, -5]) clock.after(delay, () => order.push(`${delay}`));
    order.push('returned');
    await pass(5);
    expect(order).toEqual(['returned', '0', '-5']);
  });

  it('calls back in the order of the moments, whoever asked first', async () => {
    const { clock, pass } = create();
    const order: string[] = [];
    for (const [delay, name] of [[40, 'fourth'], [10, 'second'], [1, 'first'], [25, 'third']] as const) clock.after(delay, () => order.push(name));
    await pass(80);
    expect(order).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('does not call who cancelled, at once or from another’s call', async () => {
    const { clock, pass } = create();
    const called: string[] = [];
    clock.after(3, () => called.push('cancelled'))();
    const cancels: (() => void)[] = [];
    clock.after(5, () => {
      called.push('first');
      for (const cancel of cancels) cancel();
    });
    cancels.push(clock.after(8, () => called.push('second')));
    cancels.push(clock.after(12, () => called.push('third')));
    await pass(30);
    expect(called).toEqual(['first']);
  });

  it('may be told to cancel at any time: twice, too late, or from the call itself', async () => {
    const { clock, pass } = create();
    let calls = 0;
    const cancel: () => void = clock.after(1, () => {
      calls++;
      cancel();
    });
    const other = clock.after(2, () => calls++);
    await pass(10);
    for (const each of [cancel, cancel, other, other]) each();
    await pass(10);
    expect(calls).toBe(2);
  });

  it('takes a delay longer than any timer of the system for what it says, not for none', async () => {
    const { clock, pass } = create();
    let called = false;
    const cancels = [2 ** 31, 2 ** 32, 1e15, Infinity].map((delay) => clock.after(delay, () => (called = true)));
    await pass(20);
    for (const cancel of cancels) cancel();
    expect(called).toBe(false);
  });

  it('begins the next turn after the promises of this one, in the order of asking', async () => {
    const { clock, pass } = create();
    const order: string[] = [];
    clock.nextTurn(() => {
      order.push('first turn');
      void Promise.resolve().then(() => Promise.resolve()).then(() => order.push('its promise'));
      clock.nextTurn(() => order.push('the turn after'));
    });
    clock.nextTurn(() => order.push('first turn, second'));
    void Promise.resolve().then(() => order.push('promise'));
    order.push('this turn');
    await pass(10);
    expect(order[0]).toBe('this turn');
    expect(order[1]).toBe('promise');
    expect(order[2]).toBe('first turn');
    expect(order.toSorted()).toEqual(['first turn', 'first turn, second', 'its promise', 'promise', 'the turn after', 'this turn']);
    for (const before of ['first turn, second', 'its promise']) expect(order.indexOf(before)).toBeLessThan(order.indexOf('the turn after'));
  });
});

describe('clock: a process in virtual time', () => {
  const world = (): { clock: VirtualClock; process: Incarnation; heard: string[]; say: (what: string) => () => void } => {
    const clock = new VirtualClock();
    const heard: string[] = [];
    return { clock, process: new Incarnation(clock), heard, say: (what) => () => void heard.push(`${what} at ${clock.now()}`) };
  };

  it('hears nothing any more once it is dead: no timer, no turn, nothing of the system’s', async () => {
    const { clock, process, heard, say } = world();
    process.clock.after(5, say('timer'));
    process.clock.nextTurn(say('turn'));
    process.kill();
    process.clock.after(1, say('timer of the dead'));
    process.clock.nextTurn(say('turn of the dead'));
    process.gate(say('io'));
    await clock.advance(100);
    process.resume();
    await clock.advance(100);
    expect(heard).toEqual([]);
  });

  it('hears while it is paused nothing, and then all of it: timers first, what the system has, turns', async () => {
    const { clock, process, heard, say } = world();
    process.clock.after(5, say('timer'));
    process.clock.after(6, say('second timer'));
    const cancel = process.clock.after(7, say('cancelled'));
    process.clock.nextTurn(say('turn'));
    process.pause();
    process.gate(say('io'));
    await clock.advance(50);
    expect(heard).toEqual([]);
    cancel();
    process.resume();
    await clock.advance(50);
    expect(heard).toEqual(['timer at 50', 'second timer at 50', 'io at 50', 'turn at 50']);
    process.clock.after(5, say('later'));
    await clock.advance(50);
    expect(heard.at(-1)).toBe('later at 105');
  });

  it('may be killed while it is paused, and what waited never comes', async () => {
    const { clock, process, heard, say } = world();
    process.pause();
    process.gate(say('io'));
    process.clock.after(1, say('timer'));
    await clock.advance(5);
    process.kill();
    process.resume();
    await clock.advance(50);
    expect([heard, process.isDead]).toEqual([[], true]);
  });

  it('drifts without a jump, and its wall jumps without its other clock knowing', async () => {
    const { clock, process } = world();
    await clock.advance(100);
    process.drift(2);
    expect(process.clock.now()).toBe(100);
    await clock.advance(50);
    expect(process.clock.now()).toBe(200);
    const wall = process.clock.wallNow();
    process.jump(-10_000);
    expect([process.clock.now(), process.clock.wallNow()]).toEqual([200, wall - 10_000]);
  });
});
