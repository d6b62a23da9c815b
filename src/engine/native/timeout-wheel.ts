// Many deadlines, one timer. A deadline is kept in the slot of the tick after it, in a doubly linked list, so that
// adding one and taking it back (which nearly all see) cost a few assignments; expiry is late by one tick at most.
// Deadlines further away than one turn of the wheel are looked at, and left, once a turn.

import type { Clock } from '../ports.ts';

/** What waits; owners extend it. */
export abstract class Deadline {
  /** In the clock's time. */
  deadline = 0;
  /** @internal */
  before: Deadline | undefined;
  /** @internal */
  behind: Deadline | undefined;

  abstract expire(): void;
}

class Slot extends Deadline {
  constructor() {
    super();
    this.before = this;
    this.behind = this;
  }

  expire(): void {
    // A slot only holds the two ends of its list.
  }
}

const slotCount = 64;

export class TimeoutWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #slots: Slot[] = Array.from({ length: slotCount }, () => new Slot());
  #count = 0;
  /** The last tick whose slot was looked at. */
  #tick = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  get size(): number {
    return this.#count;
  }

  add(waiting: Deadline, deadline: number): void {
    if (this.#count++ === 0) {
      // What has passed meanwhile, with nothing waiting, needs no look.
      this.#tick = Math.floor(this.#clock.now() / this.#tickMs);
      this.#arm();
    }
    waiting.deadline = deadline;
    const tick = Math.max(Math.ceil(deadline / this.#tickMs), this.#tick + 1);
    const slot = this.#slots[tick % slotCount]!;
    waiting.before = slot.before!;
    waiting.behind = slot;
    slot.before!.behind = waiting;
    slot.before = waiting;
  }

  /** Harmless for one that does not wait here. */
  remove(waiting: Deadline): void {
    if (waiting.behind === undefined) return;
    waiting.before!.behind = waiting.behind;
    waiting.behind.before = waiting.before;
    waiting.before = undefined;
    waiting.behind = undefined;
    this.#count--;
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Everything that waits is over now, whatever its deadline was; so is the wheel. */
  expireAll(): void {
    for (const slot of this.#slots) {
      for (let first = slot.behind!; first !== slot; first = slot.behind!) {
        this.remove(first);
        first.expire();
      }
    }
    this.close();
  }

  /** One timer while anything waits, none otherwise. */
  #arm(): void {
    this.#cancel ??= this.#clock.after(this.#tickMs, () => {
      this.#cancel = undefined;
      this.#turn();
      if (this.#count > 0) this.#arm();
    });
  }

  #turn(): void {
    const now = this.#clock.now();
    const current = Math.floor(now / this.#tickMs);
    // After a long pause every slot is looked at once, not once for every turn missed.
    const first = Math.max(this.#tick + 1, current - slotCount + 1);
    this.#tick = current;
    for (let tick = first; tick <= current; tick++) this.#look(this.#slots[tick % slotCount]!, now);
  }

  #look(slot: Slot, now: number): void {
    const due: Deadline[] = [];
    for (let at = slot.behind!; at !== slot; at = at.behind!) {
      if (at.deadline <= now) due.push(at);
    }
    for (const waiting of due) {
      // An earlier one's expiry may have taken this one back.
      if (waiting.behind === undefined) continue;
      this.remove(waiting);
      waiting.expire();
    }
  }
}
