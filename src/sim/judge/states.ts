// What members made of their logs.

import type { LogIndex, Term } from '../../core/raft/index.ts';
import { isWitness } from './checker.ts';
import type { Checker, Sight } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import type { Ledger } from './ledger.ts';

/** equalStates, and noFalseAlarm of who says that states differ. */
export class States implements Checker {
  readonly #ledger: Ledger;
  /** By machine. */
  readonly #applied: LogIndex[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  met({ machine }: Sight): void {
    this.#applied[machine.at] = -1;
  }

  looked({ machine, replica }: Sight): void {
    const { appliedIndex, appliedTerm } = replica.machine;
    this.#checkState(machine.at, machine.name, appliedIndex, appliedTerm, () => (isWitness(machine) ? undefined : replica.machine.digest()));
    if (replica.digestMismatches > 0) throw new BrokenClaim('noFalseAlarm', `${machine.name} says that its state differs from the leader’s, and it does not`);
  }

  #checkState(at: number, name: string, applied: LogIndex, term: Term, digest: () => string | undefined): void {
    const before = this.#applied[at]!;
    if (applied === before) return;
    if (applied < before) throw new BrokenClaim('equalStates', `${name} went back from ${before} to ${applied}`);
    if (applied > this.#ledger.commitIndex) throw new BrokenClaim('committedStays', `${name} applied ${applied}, which nobody committed`);
    this.#applied[at] = applied;
    if (applied > 0 && term !== this.#ledger.at(applied)!.term) throw new BrokenClaim('equalStates', `${name} calls what it applied at ${applied} of term ${term}, and it is of ${this.#ledger.at(applied)!.term}`);
    const own = applied === 0 ? undefined : digest();
    if (own !== undefined && own !== this.#ledger.digestAt(applied)) throw new BrokenClaim('equalStates', `${name} has ${own} at ${applied}, and the log makes ${this.#ledger.digestAt(applied)}`);
  }
}
