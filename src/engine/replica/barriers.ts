// Linearizable reads of one turn share one question to the quorum; once its index is applied they are served.

import type { Failure } from '../../core/errors.ts';
import type { LogIndex } from '../../core/raft/index.ts';

interface Waiter {
  readonly deadline: number;
  settle: ((failure: Failure | undefined) => void) | undefined;
}

export class Barriers {
  /** Not asked yet; asked, by ref; confirmed, waiting for their index. */
  #fresh: Waiter[] = [];
  readonly #asked = new Map<number, Waiter[]>();
  #confirmed: { readonly index: LogIndex; readonly waiters: readonly Waiter[] }[] = [];
  #nextRef = 1;

  /** Settles with undefined when everything committed before this call is applied. */
  add(deadline: number, settle: (failure: Failure | undefined) => void): void {
    this.#fresh.push({ deadline, settle });
  }

  get hasFresh(): boolean {
    return this.#fresh.length > 0;
  }

  /** One ref for all that are fresh. */
  ask(): number {
    const ref = this.#nextRef++;
    this.#asked.set(ref, this.#fresh);
    this.#fresh = [];
    return ref;
  }

  confirmed(ref: number, index: LogIndex, applied: LogIndex): void {
    const waiters = this.#asked.get(ref);
    this.#asked.delete(ref);
    if (waiters === undefined) return;
    if (index <= applied) release(waiters);
    else this.#confirmed.push({ index, waiters });
  }

  /** Nobody could confirm it: back to the fresh ones, to be asked again; nothing has happened yet. */
  refused(ref: number): void {
    const waiters = this.#asked.get(ref);
    this.#asked.delete(ref);
    if (waiters !== undefined) this.#fresh.push(...waiters.filter((waiter) => waiter.settle !== undefined));
  }

  applied(index: LogIndex): void {
    if (this.#confirmed.length === 0) return;
    const later = this.#confirmed.filter((barrier) => barrier.index > index);
    if (later.length === this.#confirmed.length) return;
    const ready = this.#confirmed.filter((barrier) => barrier.index <= index);
    this.#confirmed = later;
    for (const { waiters } of ready) release(waiters);
  }

  expire(now: number, failure: Failure): void {
    const late = (waiter: Waiter): boolean => {
      if (waiter.deadline > now) return false;
      finish(waiter, failure);
      return true;
    };
    this.#fresh = this.#fresh.filter((waiter) => !late(waiter));
    for (const waiters of this.#asked.values()) waiters.forEach(late);
    for (const { waiters } of this.#confirmed) waiters.forEach(late);
  }

  failEverything(failure: Failure): void {
    this.expire(Infinity, failure);
  }
}

function release(waiters: readonly Waiter[]): void {
  for (const waiter of waiters) finish(waiter, undefined);
}

function finish(waiter: Waiter, failure: Failure | undefined): void {
  const settle = waiter.settle;
  waiter.settle = undefined;
  settle?.(failure);
}
