// Work that pauses: a generator driven by budgets.

import type { Work } from './range.ts';

export class Job<T> {
  readonly #work: Work<T>;
  #done = false;
  #result: T | undefined;

  constructor(work: Work<T>) {
    this.#work = work;
  }

  /** Does about `budget` units of work, a unit being a microsecond at most; true when it is done. */
  step(budget: number): boolean {
    let left = budget;
    while (!this.#done && left > 0) {
      const { done, value } = this.#work.next();
      if (done === true) {
        this.#done = true;
        this.#result = value;
      } else left -= value;
    }
    return this.#done;
  }

  get isDone(): boolean {
    return this.#done;
  }

  /** Only once it is done. */
  get result(): T {
    return this.#result as T;
  }
}
