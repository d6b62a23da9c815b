// One direction of a simulated connection: bytes arrive late, in order, cut wherever the generator likes. What the
// receiver does not read stays with the sender beyond a window, as it does in reality.

import { nextBelow, nextUnit } from '../core/random.ts';
import type { RandomState } from '../core/random.ts';
import type { Clock } from '../engine/ports.ts';

export interface PipeEnds {
  data(bytes: Uint8Array): void;
  /** The sender's queue has fallen below the mark. */
  drained(): void;
  /** Everything up to the sender's close was delivered. */
  ended(): void;
  /** Runs it when the receiver's process does: at once, when it goes on, or never. */
  gate(work: () => void): void;
}

const highMark = 1 << 20;

export class Pipe {
  readonly #clock: Clock;
  readonly #random: RandomState;
  readonly #delay: () => number;
  readonly #ends: PipeEnds;
  /** As a system buffers: what is beyond waits in the sender's own queue. */
  readonly #windowBytes: number;
  /** Not yet delivered, in order. */
  #queue: Uint8Array[] = [];
  #queued = 0;
  /** Of the queue, what the network has; the rest is still the sender's. */
  #travelling = 0;
  #full = false;
  #ending = false;
  #cancel: (() => void) | undefined;
  #dead = false;
  blocked = false;
  paused = true;

  constructor(clock: Clock, random: RandomState, delay: () => number, ends: PipeEnds, windowBytes: number) {
    this.#clock = clock;
    this.#random = random;
    this.#delay = delay;
    this.#ends = ends;
    this.#windowBytes = windowBytes;
  }

  get queuedBytes(): number {
    return this.#queued - this.#travelling;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ending || this.#dead) return true;
    if (bytes.length > 0) this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#take();
    if (this.queuedBytes > highMark) this.#full = true;
    this.schedule();
    return !this.#full;
  }

  end(): void {
    this.#ending = true;
    this.schedule();
  }

  /** Nothing more arrives. */
  kill(): void {
    this.#dead = true;
    this.#cancel?.();
    this.#queue = [];
    this.#queued = 0;
    this.#travelling = 0;
  }

  schedule(): void {
    if (this.#cancel !== undefined || this.#dead || this.blocked || this.paused) return;
    if (this.#queued === 0 && !this.#ending) return;
    this.#cancel = this.#clock.after(this.#delay(), () =>
      this.#ends.gate(() => {
        this.#cancel = undefined;
        if (!this.blocked && !this.paused && !this.#dead) this.#deliver();
      }),
    );
  }

  #deliver(): void {
    // Sometimes all at once, sometimes byte by byte, mostly something in between.
    let left = nextUnit(this.#random) < 0.5 ? this.#travelling : 1 + nextBelow(this.#random, Math.max(1, this.#travelling));
    while (left > 0 && !this.paused && !this.#dead && this.#queue.length > 0) {
      const chunk = this.#chunk(nextUnit(this.#random) < 0.5 ? left : 1 + nextBelow(this.#random, left));
      left -= chunk.length;
      this.#ends.data(chunk);
      // The view is only good for the call: whoever keeps it keeps garbage, and a test sees it.
      chunk.fill(0xa5);
    }
    if (this.#dead) return;
    this.#take();
    if (this.#full && this.queuedBytes <= highMark) {
      this.#full = false;
      this.#ends.drained();
    }
    if (this.#queued === 0 && this.#ending) {
      this.kill();
      return this.#ends.ended();
    }
    this.schedule();
  }

  #take(): void {
    this.#travelling = Math.min(this.#queued, this.#windowBytes);
  }

  /** The first `length` bytes, across writes. */
  #chunk(length: number): Uint8Array {
    const chunk = new Uint8Array(Math.min(length, this.#travelling));
    let filled = 0;
    while (filled < chunk.length) {
      const first = this.#queue[0]!;
      const part = first.subarray(0, chunk.length - filled);
      chunk.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(part.length);
    }
    this.#queued -= chunk.length;
    this.#travelling -= chunk.length;
    return chunk;
  }
}
