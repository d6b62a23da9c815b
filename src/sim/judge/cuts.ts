// Where logs are cut (law 2).

import type { Term } from '../../core/raft/index.ts';
import type { Checker, Sight, Tell } from './checker.ts';
import { BrokenClaim } from './claim.ts';

/** conflictsOnly: by what the member writes, in order. A cut takes away what the same write puts back in another term, and nothing else. */
export class Cuts implements Checker {
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  met({ machine, life, raft }: Sight): void {
    const { round } = life.member!;
    const submit = round.submit.bind(round);
    const terms: (Term | undefined)[] = [];
    for (const { index, term } of raft.state.log.entries) terms[index] = term;
    round.submit = (writes, durable, lost): void => {
      for (const [at, write] of writes.entries()) {
        if (write.type === 'cut') {
          const after = writes.slice(at + 1).find(({ type }) => type === 'entries');
          const first = after?.type === 'entries' ? after.entries[0] : undefined;
          if (first?.index !== write.from || first.term === terms[write.from]) {
            this.#tell(new BrokenClaim('conflictsOnly', `${machine.name} cuts entry ${write.from} of term ${terms[write.from]} ${first === undefined ? 'for nothing' : `for ${first.index} of term ${first.term}`}`));
          }
          terms.length = Math.min(terms.length, write.from);
        }
        if (write.type === 'entries') for (const { index, term } of write.entries) terms[index] = term;
      }
      submit(writes, durable, lost);
    };
  }
}
