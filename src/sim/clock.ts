// Time that passes only when it is told to: the same moments, in the same order, every run.

import type { Clock } from '../engine/ports.ts';

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

  constructor(wallStart = 1_700_000_000_000) {
    this.#wallStart = wallStart;
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
    for (;;) {
      const first = this.#timers[0];
      if (first === undefined || first.at > end) break;
      this.#pop();
      if (first.cancelled) continue;
      this.#now = Math.max(this.#now, first.at);
      first.callback();
      await this.settle();
    }
    this.#now = end;
  }

  /** Promises and turns of the loop, without time passing. */
  async settle(): Promise<void> {
    for (;;) {
      // There is no asking whether promises are at rest; chains longer than this are finished by the next timer.
      for (let i = 0; i < 40; i++) await Promise.resolve();
      if (this.#nextTurn.length === 0) return;
      const turn = this.#nextTurn;
      this.#nextTurn = [];
      for (const callback of turn) callback();
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
