// The sequences of one session: which are awaited, and so from where on the state machine must keep replies.

import { assert } from '../../core/assert.ts';
import { windowRepliesMax } from '../../core/kv/index.ts';

export class Session {
  readonly id: number;
  #next = 1;
  #lowest = 1;
  /** By sequence modulo the window: not awaited any more, though a lower one is. */
  readonly #done = new Uint8Array(windowRepliesMax);

  constructor(id: number) {
    this.id = id;
  }

  /** The lowest sequence still awaited, or the next one to be used. */
  get lowest(): number {
    return this.#lowest;
  }

  /** A sequence further from the lowest would push the lowest's reply out of what the state machine keeps. */
  get isFull(): boolean {
    return this.#next - this.#lowest >= windowRepliesMax;
  }

  get isIdle(): boolean {
    return this.#next === this.#lowest;
  }

  take(): number {
    assert(!this.isFull, 'a session has at most a window of sequences under way');
    return this.#next++;
  }

  done(sequence: number): void {
    assert(sequence >= this.#lowest && sequence < this.#next, 'what is done was under way');
    this.#done[sequence % windowRepliesMax] = 1;
    while (this.#lowest < this.#next && this.#done[this.#lowest % windowRepliesMax] === 1) {
      this.#done[this.#lowest % windowRepliesMax] = 0;
      this.#lowest++;
    }
  }
}
