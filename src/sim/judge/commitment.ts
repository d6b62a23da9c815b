// What becomes committed, and stays so (law 3).

import { Role } from '../../core/raft/index.ts';
import type { LogIndex, MemberId, Term } from '../../core/raft/index.ts';
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
    let isNews = false;
    for (let index = Math.max(before.committed, log.offset) + 1; index <= log.committed; index++) {
      const entry = log.entries[index - log.offset - 1]!;
      const known = this.#ledger.at(index);
      if (known === undefined) {
        // Whoever committed it may have died in saying so to a witness, who cannot tell what it is.
        const whole = isWitness(machine) ? this.#logs.whole(entry) : entry;
        if (whole === undefined) throw new BrokenClaim('majority', `${machine.name}, a witness, commits ${index}, which nobody has`);
        this.#ledger.commit(whole, term);
        // Founders begin with the same first entry, and nobody has to count it.
        isNews = index > 1;
      } else if (known.term !== entry.term || (!isWitness(machine) && known.print !== printOf(entry))) {
        throw new BrokenClaim('committedStays', `at ${index} term ${known.term} is committed, and ${machine.name} commits term ${entry.term}`);
      }
    }
    if (role === Role.leader && log.committed > log.offset) this.#checkCounted(sight, before.last);
    else if (isNews) this.#checkHeld(sight, before);
  }

  /** @param lastBefore where its log ended when it was last looked at */
  #checkCounted({ machine, raft }: Sight, lastBefore: LogIndex): void {
    const { log, term, configurations } = raft.state;
    const { committed } = log;
    const its = raft.termAt(committed)!;
    if (its !== term) throw new BrokenClaim('ownTerm', `${machine.name} of term ${term} commits ${committed}, which is of term ${its}`);
    this.#promises.saidEntry(machine.at, Math.min(committed, log.durable), raft);
    const holders = this.#holders(committed, its);
    // The one that rules, or, where it came in the same turn, the one before it.
    const ruled = configurations.some(({ configuration }, at) => (at === configurations.length - 1 || configurations[at + 1]!.index > lastBefore) && isMajority(configuration, holders));
    if (!ruled) throw new BrokenClaim('majority', `${machine.name} commits ${committed} of term ${its}, promised by ${holders.size} of ${this.#world.machines.length}`);
  }

  /**
   * A leader is looked at before what it sends leaves. So nobody hears of a commit before it is known, and who does not lead
   * has news only if it stepped down, or died, as it had counted. Under which configuration nobody can tell any more; it may
   * even be one that the next leader's first entries have cut in the same turn.
   */
  #checkHeld({ machine, raft }: Sight, before: Stand): void {
    const { log: { committed, durable }, configurations } = raft.state;
    const its = raft.termAt(committed)!;
    this.#promises.saidEntry(machine.at, Math.min(committed, durable), raft);
    const holders = this.#holders(committed, its);
    if (![...configurations, ...before.configurations].some(({ configuration }) => isMajority(configuration, holders))) {
      throw new BrokenClaim('majority', `${machine.name}, which does not lead, commits ${committed} of term ${its}, promised by ${holders.size} of ${this.#world.machines.length}`);
    }
  }

  #holders(index: LogIndex, term: Term): ReadonlySet<MemberId> {
    return new Set([...this.#roster].filter(([at]) => this.#promises.holds(at, index, term)).map(([, id]) => id));
  }
}
