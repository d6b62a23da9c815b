// What members said to be durable, and are held to (law 1).

import type { LogIndex, Message, Raft, Term } from '../../core/raft/index.ts';
import { machinesMax } from '../world.ts';
import type { Checker, Sight, Stand } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import type { Ledger } from './ledger.ts';
import { Stored } from './stored.ts';

interface Promised {
  readonly index: LogIndex;
  readonly term: Term;
}

const promisesKept = 64;

/** saidDurably of entries, durable, termsRise. */
export class Promises implements Checker {
  readonly #ledger: Ledger;
  readonly #stored = new Stored();
  /** By machine: what it said, or counted, to be durable; and the highest term it said. */
  readonly #promised: Promised[][] = Array.from({ length: machinesMax }, () => []);
  readonly #term: Term[] = Array.from({ length: machinesMax }, () => 0);
  /** By machine: what it promised before it lost its disk. It was counted on then, and cannot be held to it now. */
  readonly #forgotten: Promised[][] = Array.from({ length: machinesMax }, () => []);

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  lostDisk(at: number): void {
    this.#forgotten[at] = this.#promised[at]!;
    this.#stored.lostDisk(at);
    this.#promised[at] = [];
    this.#term[at] = 0;
  }

  /** The highest that a machine said. */
  termOf(at: number): Term {
    return this.#term[at]!;
  }

  saidTerm(at: number, term: Term): void {
    this.#term[at] = Math.max(this.#term[at]!, term);
  }

  /** Did it promise the entry, or one behind it? */
  holds(at: number, index: LogIndex, term: Term): boolean {
    return [...this.#promised[at]!, ...this.#forgotten[at]!].some((each) => each.index >= index && each.term >= term);
  }

  saidEntry(at: number, index: LogIndex, raft: Raft): void {
    const term = raft.termAt(index);
    if (term === undefined || term === 0) return;
    this.#stored.owe(at, index);
    const kept = this.#promised[at]!;
    const newest = kept.at(-1);
    if (newest?.index === index && newest.term === term) return;
    // One promise about an index replaces those about it and above: they were cut.
    if (newest !== undefined && newest.index >= index && raft.termAt(newest.index) === newest.term) return;
    kept.push({ index, term });
    if (kept.length > promisesKept) kept.shift();
  }

  met(sight: Sight): void {
    this.#checkKept(sight);
    this.#stored.met(sight);
  }

  #checkKept(sight: Sight): void {
    const { machine: { at, name }, raft } = sight;
    const { term, log } = raft.state;
    if (term < this.#term[at]!) throw new BrokenClaim('termsRise', `${name} came back in term ${term}, and had said ${this.#term[at]}`);
    // Whether it is committed does not matter: by this promise it may be, also when the member is gone.
    const missing = this.#stored.missing(sight);
    if (missing !== undefined) throw new BrokenClaim('durable', `${name} promised entry ${missing.index} of term ${missing.term}, and came back with ${has(raft, missing.index)}`);
    const kept = this.#promised[at]!.findLast((each) => this.#ledger.at(each.index)?.term === each.term);
    if (kept === undefined) return;
    if (raft.lastIndex < kept.index) {
      throw new BrokenClaim('durable', `${name} promised entry ${kept.index} of term ${kept.term}, which is committed, and came back with ${raft.lastIndex}`);
    }
    for (let index = Math.max(1, log.offset); index <= kept.index; index++) {
      const committed = this.#ledger.at(index)!;
      if (raft.termAt(index) !== committed.term) {
        throw new BrokenClaim('durable', `${name} promised entry ${index} of term ${committed.term}, and came back with one of term ${raft.termAt(index)}`);
      }
    }
  }

  roleChanged({ machine, raft: { state } }: Sight, before: Stand): void {
    if (state.term < before.term) throw new BrokenClaim('termsRise', `${machine.name} went from ${before.term} to ${state.term}`);
  }

  sends({ machine: { at, name }, life, raft }: Sight, message: Message): void {
    if (message.type !== 'appendReply' || message.rejected) return;
    const { hardState, lastIndex } = life.member!.log!.state(1);
    if (hardState.term < message.term) throw new BrokenClaim('saidDurably', `${name} answers in term ${message.term}`);
    if (hardState.term === message.term && lastIndex < message.index) throw new BrokenClaim('saidDurably', `${name} acknowledges ${message.index}, and its log ends at ${lastIndex}`);
    // An old suffix may be as long as what comes in its place: which entry is durable there, its term says.
    const { term } = raft.state;
    const acknowledged = raft.termAt(message.index);
    if (term === message.term && acknowledged !== undefined && message.index > raft.state.log.offset && this.#stored.durableAt(at, message.index) !== acknowledged) {
      throw new BrokenClaim('saidDurably', `${name} acknowledges ${message.index} of term ${acknowledged}, and its disk has ${this.#stored.durableAt(at, message.index) ?? 'none'} there`);
    }
    this.saidTerm(at, message.term);
    this.saidEntry(at, message.index, raft);
  }
}

function has(raft: Raft, index: LogIndex): string {
  return index > raft.lastIndex ? `a log that ends at ${raft.lastIndex}` : `one of term ${raft.termAt(index)}`;
}
