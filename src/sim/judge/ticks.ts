// How members count time (design §4: a late tick counts once).

import type { Checker, Sight, Tell } from './checker.ts';
import { BrokenClaim } from './claim.ts';

/** tickOnce: by the member's own clock. A tick may follow one that was late by half of what lies between two. */
export class Ticks implements Checker {
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  met({ machine, life, replica }: Sight): void {
    const { clock } = life.incarnation;
    const { tickMs } = life.member!.replicaOptions;
    const tick = replica.tick.bind(replica);
    let last = -Infinity;
    replica.tick = (): void => {
      const now = clock.now();
      // A clock whose rate changes meanwhile makes less of it.
      if (now - last < tickMs * 0.3) this.#tell(new BrokenClaim('tickOnce', `${machine.name} counts a tick ${(now - last).toFixed(1)} ms after one before`));
      last = now;
      tick();
    };
  }
}
