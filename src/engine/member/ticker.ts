// One clock for all groups of a member. On Node a timer can fire before heartbeats that already wait in the socket
// are read, so a tick that is late first lets the sockets be polled; and however late it is, it counts once.

import type { Clock } from '../ports.ts';

export class Ticker {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #tick: () => void;
  #due: number;
  #cancel: () => void = () => undefined;
  #stopped = false;
  /** The longest the loop was late, in milliseconds, since this was last reset. */
  latestMs = 0;

  constructor(clock: Clock, intervalMs: number, tick: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#tick = tick;
    this.#due = clock.now() + intervalMs;
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #wait(): void {
    this.#cancel = this.#clock.after(Math.max(1, this.#due - this.#clock.now()), () => this.#fire());
  }

  #fire(): void {
    const late = this.#clock.now() - this.#due;
    this.latestMs = Math.max(this.latestMs, late);
    if (late <= this.#intervalMs) return this.#run();
    // Two turns: the first ends the poll that was cut short, the second follows a whole one, whose messages have
    // also been through the turn of the replicas.
    this.#clock.nextTurn(() => this.#clock.nextTurn(() => this.#run()));
  }

  #run(): void {
    if (this.#stopped) return;
    // What was missed is not made up for: counting a pause of a second as twenty ticks would call an election that
    // nobody needs. By the time it is now: a pause may have come between the timer and this turn, too.
    this.#due = Math.max(this.#due + this.#intervalMs, this.#clock.now() + this.#intervalMs / 2);
    this.#tick();
    this.#wait();
  }
}
