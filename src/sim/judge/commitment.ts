// What becomes committed, and stays so (law 3).

import { Role } from '../../core/raft/index.ts';
import type { LogIndex, MemberId } from '../../core/raft/index.ts';
import type { World } from '../world.ts';
import { isWitness } from './checker.ts';
import type { Checker, Roster, Sight, Stand } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import { printOf } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { Logs } from './logs.ts';
import type { Promises } from './promises.ts';
import { isMajority } from './majority.ts';

/** committedStays, ownTerm, majority, leaderCompleteness. */
export class Commitment implements Checker {
  readonly #world: World;
  readonly #roster: Roster;
  readonly #ledger: Ledger;
  readonly #logs: Logs;
  readonly #promises: Promises;

  constructor(world: World, roster: Roster, ledger: Ledger, logs: Logs, promises: Promises) {
    this.#world = world;
    this.#roster = roster;
    this.#ledger = ledger;
    this.#logs = logs;
    this.#promises = promises;
  }

  roleChanged({ machine, raft }: Sight, before: Stand): void {
    const { role, term, log } = raft.state;
    if (role !== Role.leader || (before.role === Role.leader && before.term === term)) return;
    for (let index = Math.max(1, log.offset); index <= this.#ledger.commitIndex; index++) {
      const committed = this.#ledger.at(index)!;
      if (committed.in < term && raft.termAt(index) !== committed.term) {
        throw new BrokenClaim('leaderCompleteness', `${machine.name}, elected in term ${term}, has ${raft.termAt(index) ?? 'nothing'} at ${index}, where ${committed.term} is committed`);
      }
    }
  }

  commitMoved(sight: Sight, before: Stand): void {
    const { machine, raft } = sight;
    const { log, role, term } = raft.state;
    if (log.committed < before.committed) throw new BrokenClaim('committedStays', `the commit index of ${machine.name} went from ${before.committed} to ${log.committed}`);
    for (let index = Math.max(before.committed, log.offset) + 1; index <= log.committed; index++) {
      const entry = log.entries[index - log.offset - 1]!;
      const known = this.#ledger.at(index);
      if (known === undefined) {
        // Whoever committed it may have died in saying so to a witness, who cannot tell what it is.
        const whole = isWitness(machine) ? this.#logs.whole(entry) : entry;
        if (whole === undefined) throw new BrokenClaim('majority', `${machine.name}, a witness, commits ${index}, which nobody has`);
        this.#ledger.commit(whole, term);
      } else if (known.term !== entry.term || (!isWitness(machine) && known.print !== printOf(entry))) {
        throw new BrokenClaim('committedStays', `at ${index} term ${known.term} is committed, and ${machine.name} commits term ${entry.term}`);
      }
    }
    if (role === Role.leader && log.committed > log.offset) this.#checkCounted(sight, before.last);
  }

  /** @param lastBefore where its log ended when it was last looked at */
  #checkCounted({ machine, raft }: Sight, lastBefore: LogIndex): void {
    const { log, term, configurations } = raft.state;
    const { committed } = log;
    const its = raft.termAt(committed)!;
    if (its !== term) throw new BrokenClaim('ownTerm', `${machine.name} of term ${term} commits ${committed}, which is of term ${its}`);
    this.#promises.saidEntry(machine.at, Math.min(committed, log.durable), raft);
    const holders = new Set<MemberId>();
    for (const [at, id] of this.#roster) if (this.#promises.holds(at, committed, its)) holders.add(id);
    // The one that rules, or, where it came in the same turn, the one before it.
    const ruled = configurations.some(({ configuration }, at) => (at === configurations.length - 1 || configurations[at + 1]!.index > lastBefore) && isMajority(configuration, holders));
    if (!ruled) throw new BrokenClaim('majority', `${machine.name} commits ${committed} of term ${its}, promised by ${holders.size} of ${this.#world.machines.length}`);
  }
}
