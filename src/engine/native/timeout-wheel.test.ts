import { describe, expect, it } from 'vitest';
import { nextBelow, seedRandom } from '../../core/random.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { Deadline, TimeoutWheel } from './timeout-wheel.ts';

class Recorded extends Deadline {
  readonly #clock: VirtualClock;
  expiredAt: number | undefined;
  times = 0;

  constructor(clock: VirtualClock) {
    super();
    this.#clock = clock;
  }

  expire(): void {
    this.expiredAt = this.#clock.now();
    this.times++;
  }
}

describe('timeout wheel', () => {
  it('expires each once, never early, late by a tick at most; those taken back never', async () => {
    const clock = new VirtualClock();
    const wheel = new TimeoutWheel(clock, 10);
    const random = seedRandom(3);
    const all: { waiting: Recorded; at: number; isTaken: boolean }[] = [];
    for (let i = 0; i < 500; i++) {
      const waiting = new Recorded(clock);
      const at = clock.now() + nextBelow(random, 5000);
      wheel.add(waiting, at);
      all.push({ waiting, at, isTaken: nextBelow(random, 3) === 0 });
      if (i % 20 === 0) await clock.advance(nextBelow(random, 37));
    }
    for (const { waiting, isTaken } of all) {
      if (!isTaken || waiting.times > 0) continue;
      wheel.remove(waiting);
      wheel.remove(waiting);
      waiting.times = -1;
    }
    await clock.advance(10_000);
    for (const { waiting, at } of all) {
      if (waiting.times === -1) continue;
      expect(waiting.times).toBe(1);
      expect(waiting.expiredAt).toBeGreaterThanOrEqual(at);
      expect(waiting.expiredAt! - at).toBeLessThanOrEqual(20);
    }
    expect(wheel.size).toBe(0);
  });

  it('after an idle time, and after a pause of the loop, goes on', async () => {
    const clock = new VirtualClock();
    const wheel = new TimeoutWheel(clock, 10);
    await clock.advance(100_000);
    const [soon, later] = [new Recorded(clock), new Recorded(clock)];
    wheel.add(soon, clock.now() + 5);
    wheel.add(later, clock.now() + 700);
    await clock.advance(30);
    expect([soon.times, later.times]).toEqual([1, 0]);
    await clock.advance(1000);
    expect(later.times).toBe(1);
  });

  it('an expiry may take back another that is due', async () => {
    const clock = new VirtualClock();
    const wheel = new TimeoutWheel(clock, 10);
    const second = new Recorded(clock);
    class Taking extends Recorded {
      override expire(): void {
        super.expire();
        wheel.remove(second);
      }
    }
    const first = new Taking(clock);
    wheel.add(first, 5);
    wheel.add(second, 5);
    await clock.advance(100);
    expect([first.times, second.times]).toEqual([1, 0]);
  });

  it('everything can be over at once', () => {
    const clock = new VirtualClock();
    const wheel = new TimeoutWheel(clock, 10);
    const all = [1, 5000, 100_000].map((at) => {
      const waiting = new Recorded(clock);
      wheel.add(waiting, at);
      return waiting;
    });
    wheel.expireAll();
    expect(all.map(({ times }) => times)).toEqual([1, 1, 1]);
    expect(wheel.size).toBe(0);
  });
});
