// What members have their logs store, entry by entry: what was asked for, what of it is durable, and what of that they have
// promised and are held to, until a write of theirs takes it away for a conflict.

import type { LogWrite } from '../../engine/log/index.ts';
import type { LogIndex, Term } from '../../core/raft/index.ts';
import { machinesMax } from '../world.ts';
import type { Sight } from './checker.ts';

/** By index; with holes where a snapshot stands for the entries. */
type Terms = (Term | undefined)[];

export class Stored {
  /** By machine: as it will be once all is written that was submitted; and as it is. */
  readonly #asked: Terms[] = Array.from({ length: machinesMax }, () => []);
  readonly #durable: Terms[] = Array.from({ length: machinesMax }, () => []);
  /** By machine: what it promised. It outlives the process. */
  readonly #owed: Terms[] = Array.from({ length: machinesMax }, () => []);

  /** A process that begins: what it has read is durable. From here on it is listened to. */
  met({ machine: { at }, life, raft }: Sight): void {
    const { log } = raft.state;
    const terms: Terms = [];
    terms[log.offset] = log.offsetTerm;
    for (const { index, term } of log.entries) terms[index] = term;
    this.#asked[at] = terms;
    const durableTerms = [...terms];
    this.#durable[at] = durableTerms;
    const { round } = life.member!;
    const submit = round.submit.bind(round);
    round.submit = (writes, durable, lost): void => {
      for (const write of writes) this.#ask(at, write);
      submit(writes, () => {
        for (const write of writes) apply(durableTerms, write);
        durable();
      }, lost);
    };
  }

  /** The term of the entry that is durable at `index`. Undefined: none is, or a snapshot stands for it. */
  durableAt(at: number, index: LogIndex): Term | undefined {
    return this.#durable[at]![index];
  }

  /** It promised all up to `index`: what of that is durable and about to stay it must have from now on. */
  owe(at: number, index: LogIndex): void {
    const [asked, durable, owed] = [this.#asked[at]!, this.#durable[at]!, this.#owed[at]!];
    let from = index;
    while (from > 0 && (asked[from] === undefined || asked[from] !== durable[from])) from--;
    // Equal terms at an index mean that all before is equal (Log Matching).
    for (; from > 0 && asked[from] !== undefined && owed[from] !== asked[from]; from--) owed[from] = asked[from];
  }

  /** The first entry that it promised and does not have. */
  missing({ machine: { at }, raft }: Sight): { readonly index: LogIndex; readonly term: Term } | undefined {
    const owed = this.#owed[at]!;
    for (let index = Math.max(1, raft.state.log.offset); index < owed.length; index++) {
      const term = owed[index];
      if (term !== undefined && raft.termAt(index) !== term) return { index, term };
    }
    return undefined;
  }

  lostDisk(at: number): void {
    this.#owed[at] = [];
  }

  /** The cut may reach the disk before anybody hears that it has: from here on nobody is held to what it takes. */
  #ask(at: number, write: LogWrite): void {
    const [asked, owed] = [this.#asked[at]!, this.#owed[at]!];
    if (write.type === 'cut') owed.length = Math.min(owed.length, write.from);
    // A snapshot replaces a log that lacks its entry, or has another one in that place. One that agrees takes nothing away.
    if (write.type === 'snapshot' && write.reset && asked[write.marker.index] !== write.marker.term) owed.length = Math.min(owed.length, write.marker.index);
    apply(asked, write);
  }
}

function apply(terms: Terms, write: LogWrite): void {
  if (write.type === 'entries') for (const { index, term } of write.entries) terms[index] = term;
  if (write.type === 'cut') terms.length = Math.min(terms.length, write.from);
  if (write.type === 'snapshot' && write.reset) {
    terms.length = 0;
    terms[write.marker.index] = write.marker.term;
  }
}
