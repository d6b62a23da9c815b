// What stands in the logs.

import type { Entry, LogIndex, Term } from '../../core/raft/index.ts';
import type { Coverage } from '../coverage.ts';
import type { Machine } from '../world.ts';
import { isWitness } from './checker.ts';
import type { Checker, Sight, Stand } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import { printOf } from './ledger.ts';

/** logMatching. */
export class Logs implements Checker {
  readonly #coverage: Coverage;
  /** By index and term: what the entry is, and the term of the one before it. */
  readonly #entries = new Map<number, { readonly print: number; readonly before: Term; readonly entry: Entry }>();
  /** By machine: the terms of its log, by index. */
  readonly #terms: Term[][] = [];

  constructor(coverage: Coverage) {
    this.#coverage = coverage;
  }

  /** The entry as one has it who has the payload. */
  whole(entry: Entry): Entry | undefined {
    return this.#entries.get(keyOf(entry))?.entry;
  }

  met({ machine, raft: { state } }: Sight): void {
    const terms: Term[] = [];
    terms[state.log.offset] = state.log.offsetTerm;
    this.#terms[machine.at] = terms;
  }

  logChanged({ machine, raft }: Sight, before: Stand): void {
    const { log } = raft.state;
    const terms = this.#terms[machine.at]!;
    const last = raft.lastIndex;
    if (log.offset !== before.offset) terms[log.offset] = log.offsetTerm;
    // Equal terms at an index mean that all before is equal: that was checked when it came.
    let from: LogIndex = last;
    while (from > log.offset && !(from <= before.last && terms[from] === raft.termAt(from))) from--;
    const isRestored = log.offset > before.last;
    if (from < before.last && !isRestored) this.#coverage.mark('a log was cut for a conflict');
    for (let index = from + 1; index <= last; index++) {
      const entry = log.entries[index - log.offset - 1]!;
      terms[index] = entry.term;
      this.#checkEntry(machine, entry, raft.termAt(index - 1) ?? -1);
    }
  }

  #checkEntry(machine: Machine, entry: Entry, before: Term): void {
    const key = keyOf(entry);
    const known = this.#entries.get(key);
    // A witness has no payloads: of an entry it knows where it stands.
    const print = isWitness(machine) ? known?.print : printOf(entry);
    if (known === undefined && print !== undefined) this.#entries.set(key, { print, before, entry });
    if (known !== undefined && (known.print !== print || (known.before !== before && before !== -1))) {
      throw new BrokenClaim('logMatching', `entry ${entry.index} of term ${entry.term} at ${machine.name} is another than elsewhere`);
    }
  }
}

function keyOf({ index, term }: Entry): number {
  return index * 0x10_0000 + term;
}
