import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../sim/clock.ts';
import type { Clock } from '../ports.ts';
import { Ticker } from './ticker.ts';

/** A process that can stand still anywhere: then neither its timers nor its turns come. */
class Paused {
  readonly world: VirtualClock = new VirtualClock();
  readonly ticks: number[] = [];
  #turns: (() => void)[] = [];
  #heldTurns = false;
  /** Of the timer set after so many ticks. */
  late: { readonly ticks: number; readonly ms: number } = { ticks: -1, ms: 0 };

  readonly clock: Clock = {
    now: () => this.world.now(),
    wallNow: () => this.world.wallNow(),
    after: (ms, callback) => this.world.after(this.late.ticks === this.ticks.length ? ms + this.late.ms : ms, callback),
    nextTurn: (callback) => void (this.#heldTurns ? this.#turns.push(callback) : this.world.nextTurn(callback)),
  };

  start(): Ticker {
    return new Ticker(this.clock, 50, () => void this.ticks.push(this.world.now()));
  }

  holdTurns(): void {
    this.#heldTurns = true;
  }

  release(): void {
    this.#heldTurns = false;
    const turns = this.#turns;
    this.#turns = [];
    for (const turn of turns) this.world.nextTurn(turn);
  }
}

const gaps = (moments: readonly number[]): number[] => moments.slice(1).map((at, n) => at - moments[n]!);

describe('a tick', () => {
  it('comes every interval', async () => {
    const paused = new Paused();
    paused.start();
    await paused.world.advance(500);
    expect(paused.ticks).toHaveLength(10);
  });

  it('counts once, also when a second pause comes between the timer and the turn that counts it (found by seed 4250)', async () => {
    const paused = new Paused();
    // The timer itself is late by 200 ms, …
    paused.late = { ticks: 2, ms: 200 };
    paused.start();
    await paused.world.advance(250);
    expect(paused.ticks).toHaveLength(2);
    // … and what it set in motion by 300 more.
    paused.holdTurns();
    await paused.world.advance(350);
    paused.release();
    await paused.world.advance(300);
    expect(paused.ticks.length).toBeGreaterThan(5);
    expect(Math.min(...gaps(paused.ticks))).toBeGreaterThanOrEqual(25);
  });
});
