// Time that passes only when it is told to: the same moments, in the same order, every run.

import type { Clock } from '../engine/ports.ts';

/**
 * Resolves when no promise has anything left to do. Only the host of the program can promise that: `thole/sim` hands in
 * Node's, whose tick queue runs when the microtasks are drained, and before anything real is looked at.
 */
export type Drain = () => Promise<void>;

/** Enough for the chains of small tests; whole worlds are given a real one. */
async function drainShortChains(): Promise<void> {
  for (let i = 0; i < 40; i++) await Promise.resolve();
}

/** Turns of the loop in one instant beyond which time is taken to stand still. */
const turnsMax = 100_000;

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #wallStart: number;
  /** A binary heap by (at, order). */
  readonly #timers: Timer[] = [];
  #nextTurn: (() => void)[] = [];
  readonly #drain: Drain;
  /** Events run so far. */
  events = 0;
  /** Called after every event, when what it set in motion is at rest. */
  afterEvent: () => void = () => undefined;

  constructor(wallStart = 1_700_000_000_000, drain: Drain = drainShortChains) {
    this.#wallStart = wallStart;
    this.#drain = drain;
  }

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#wallStart + Math.floor(this.#now);
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback, cancelled: false };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  nextTurn(callback: () => void): void {
    this.#nextTurn.push(callback);
  }

  /** Lets `ms` pass: every timer in between runs at its moment, and after each what it set in motion comes to rest. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    await this.#runTo(end, () => false);
    this.#now = end;
  }

  /** Runs what comes until the condition holds, or the time is over, or nothing is pending and nothing will ever happen again. */
  async until(condition: () => boolean, end: number): Promise<'reached' | 'late' | 'dry'> {
    await this.settle();
    return this.#runTo(end, condition, true);
  }

  /** `isOver`: the event that comes after the end is run, too; without one the clock would stand. One loop, because every await of every event counts. */
  async #runTo(end: number, condition: () => boolean, isOver = false): Promise<'reached' | 'late' | 'dry'> {
    while (!condition()) {
      if (isOver && this.#now >= end) return 'late';
      let first = this.#timers[0];
      while (first?.cancelled === true) {
        this.#pop();
        [first] = this.#timers;
      }
      if (first === undefined) return 'dry';
      if (!isOver && first.at > end) return 'late';
      this.#pop();
      this.#now = Math.max(this.#now, first.at);
      this.events++;
      first.callback();
      await this.#drain();
      if (this.#nextTurn.length > 0) await this.#turns();
      this.afterEvent();
    }
    return 'reached';
  }

  /** Promises and turns of the loop, without time passing. */
  async settle(): Promise<void> {
    await this.#drain();
    if (this.#nextTurn.length > 0) await this.#turns();
  }

  async #turns(): Promise<void> {
    for (let turns = 0; this.#nextTurn.length > 0; turns++) {
      if (turns > turnsMax) throw new Error(`time stands still at ${this.#now} ms: the turns of the loop never end`);
      const turn = this.#nextTurn;
      this.#nextTurn = [];
      for (const callback of turn) callback();
      await this.#drain();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
