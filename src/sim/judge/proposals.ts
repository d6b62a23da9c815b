// What members propose.

import { decodeBatch } from '../../core/kv/index.ts';
import { crc32c } from '../../core/wire/index.ts';
import type { Checker, Sight, Tell } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import { listenToSteps } from './steps.ts';

/** proposedOnce: a command may come into a log as often as a client asked for it. Refused it did not; lost it may have. */
export class Proposals implements Checker {
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  met({ machine, replica }: Sight): void {
    const left = new Map<string, number>();
    const waiting = new Map<number, readonly string[]>();
    const propose = replica.propose.bind(replica);
    replica.propose = (command, deadline): Promise<Uint8Array> => {
      const key = keyOf(command);
      left.set(key, (left.get(key) ?? 0) + 1);
      return propose(command, deadline);
    };
    listenToSteps(replica.raft, (input) => {
      if (input.type !== 'propose') return;
      const keys = decodeBatch(input.data).commands.map(keyOf);
      waiting.set(input.ref, keys);
      for (const key of keys) {
        const asked = left.get(key);
        // Unknown: asked for before anybody listened.
        if (asked === 0) this.#tell(new BrokenClaim('proposedOnce', `${machine.name} proposes a command again that may be in a log`));
        else if (asked !== undefined) left.set(key, asked - 1);
      }
    }, ({ proposals }) => {
      for (const { ref, outcome } of proposals) {
        if (outcome === 'noLeader' || outcome === 'overloaded') for (const key of waiting.get(ref) ?? []) left.set(key, (left.get(key) ?? 0) + 1);
        waiting.delete(ref);
      }
    });
  }
}

function keyOf(command: Uint8Array): string {
  return `${command.length} ${crc32c(command)}`;
}
