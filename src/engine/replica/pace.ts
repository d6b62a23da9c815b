// When a leader makes its next entry: not while the last one is still on its way to the disk. The disk could not take
// it sooner, and what comes meanwhile shares one entry, one append to each follower and one sync there, instead of
// having its own. Nothing waits that could go on: with an idle disk a command leaves in the turn it came in.

/** A disk that takes longer than this is waited for no longer: followers with better ones can commit without it. */
export const paceMsMax = 5;

export class Pace {
  #writing = 0;
  #until = 0;

  /** Entries were given to the disk. */
  began(nowMs: number): void {
    this.#writing++;
    this.#until = nowMs + paceMsMax;
  }

  /** They are durable. */
  ended(): void {
    this.#writing--;
  }

  /** How long the next entry should wait, unless the disk is done before; 0: not at all. */
  waitMs(nowMs: number): number {
    return this.#writing === 0 ? 0 : Math.max(0, this.#until - nowMs);
  }
}
