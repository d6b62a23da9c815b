// One life of a process. Everything that could wake it goes through here: after its death nothing does, so that no
// promise settles, no timer fires and no `finally` runs; while it is paused all of that waits, and comes back in the
// order in which Node would bring it: timers first, then what the sockets and the disk have, then the turns of the loop.

import type { Clock } from '../engine/ports.ts';
import type { VirtualClock } from './clock.ts';

type Work = () => void;

export class Incarnation {
  readonly clock: Clock;
  readonly #world: VirtualClock;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #timers: Work[] = [];
  #io: Work[] = [];
  #turns: Work[] = [];
  #isResuming = false;
  /** Local time: runs at `#rate` of the world's since `#since`, where it was `#base`. */
  #base: number;
  #since: number;
  #rate = 1;
  #wallOffset = 0;

  constructor(world: VirtualClock) {
    this.#world = world;
    this.#base = world.now();
    this.#since = world.now();
    this.clock = {
      now: () => this.#now(),
      wallNow: () => world.wallNow() + Math.floor(this.#now() - world.now()) + this.#wallOffset,
      after: (ms, callback) => this.#after(ms, callback),
      nextTurn: (callback) => this.#nextTurn(callback),
    };
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Work of the system for this process: done now, when it goes on, or never. */
  readonly gate = (work: Work): void => {
    if (this.#state === 'running') work();
    else if (this.#state === 'paused') this.#io.push(work);
  };

  kill(): void {
    this.#state = 'dead';
    this.#timers = [];
    this.#io = [];
    this.#turns = [];
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const [timers, io] = [this.#timers, this.#io];
    this.#timers = [];
    this.#io = [];
    this.#isResuming = true;
    for (const work of timers) this.#world.after(0, () => this.#timer(work));
    for (const work of io) this.#world.after(0, () => this.gate(work));
    this.#world.after(0, () => {
      if (this.#state !== 'running') return;
      this.#isResuming = false;
      const turns = this.#turns;
      this.#turns = [];
      for (const work of turns) this.#nextTurn(work);
    });
  }

  /** From here on its clocks run at this rate. */
  drift(rate: number): void {
    this.#base = this.#now();
    this.#since = this.#world.now();
    this.#rate = rate;
  }

  /** Its wall clock is set; the monotonic one does not know. */
  jump(ms: number): void {
    this.#wallOffset += ms;
  }

  #now(): number {
    return this.#base + (this.#world.now() - this.#since) * this.#rate;
  }

  #after(ms: number, callback: Work): Work {
    if (this.#state === 'dead') return () => undefined;
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) callback();
    };
    const cancel = this.#world.after(Math.max(0, ms) / this.#rate, () => this.#timer(fire));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  #timer(work: Work): void {
    if (this.#state === 'running') work();
    else if (this.#state === 'paused') this.#timers.push(work);
  }

  #nextTurn(callback: Work): void {
    if (this.#state === 'dead') return;
    if (this.#isResuming || this.#state === 'paused') this.#turns.push(callback);
    else
      this.#world.nextTurn(() => {
        if (this.#state === 'running') callback();
        else if (this.#state === 'paused') this.#turns.push(callback);
      });
  }
}
