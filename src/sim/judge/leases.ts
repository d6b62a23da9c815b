// Reads without asking anybody (core/raft/lease.ts).

import { Role } from '../../core/raft/index.ts';
import type { MemberId } from '../../core/raft/index.ts';
import type { World } from '../world.ts';
import type { Checker, Roster, Sight } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import type { Elections } from './elections.ts';
import { isMajority } from './majority.ts';

/** lease: the leader's own clock says whether it would read now; who else leads or could be elected is known at once only here (thesis §6.4.1, Raft §8). */
export class Leases implements Checker {
  readonly #world: World;
  readonly #roster: Roster;
  readonly #elections: Elections;

  constructor(world: World, roster: Roster, elections: Elections) {
    this.#world = world;
    this.#roster = roster;
    this.#elections = elections;
  }

  looked({ machine, life, raft }: Sight): void {
    const { term, role, log } = raft.state;
    if (role !== Role.leader) return;
    const left = raft.leaseUntil - life.incarnation.clock.now();
    if (left <= 0) return;
    if (raft.termAt(log.committed) !== term) throw new BrokenClaim('lease', `${machine.name} of term ${term} would read at ${log.committed}, and an earlier leader may have committed more`);
    const what = `${machine.name} of term ${term} would read for ${left.toFixed(1)} ms more`;
    if (this.#elections.newest > term) throw new BrokenClaim('lease', `${what}, and term ${this.#elections.newest} has a leader`);
    const free = this.#free(machine.at);
    if (isMajority(raft.configuration, free)) throw new BrokenClaim('lease', `${what}, and ${free.size} others may elect somebody`);
  }

  /** Those who run, and are bound by no promise. */
  #free(leader: number): ReadonlySet<MemberId> {
    const free = new Set<MemberId>();
    for (const machine of this.#world.machines) {
      const id = this.#roster.get(machine.at);
      const raft = this.#world.replicaOf(machine)?.raft;
      if (machine.at !== leader && id !== undefined && raft !== undefined && raft.state.loyalTicks >= raft.options.electionTicks) free.add(id);
    }
    return free;
  }
}
