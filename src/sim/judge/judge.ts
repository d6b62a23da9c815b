// The judge: tells the checkers what it sees of every member between two events, and of every message.

import { Role } from '../../core/raft/index.ts';
import type { MemberId, Message } from '../../core/raft/index.ts';
import type { Coverage } from '../coverage.ts';
import type { Life, Machine, World } from '../world.ts';
import type { Checker, Sight, Stand } from './checker.ts';
import type { BrokenClaim } from './claim.ts';
import { Commitment } from './commitment.ts';
import { Cuts } from './cuts.ts';
import { Elections } from './elections.ts';
import { Leases } from './leases.ts';
import { Ledger } from './ledger.ts';
import { Logs } from './logs.ts';
import { Membership } from './membership.ts';
import { Progress } from './progress.ts';
import { Promises } from './promises.ts';
import { Proposals } from './proposals.ts';
import { Quorums } from './quorums.ts';
import { Sightings } from './sightings.ts';
import { States } from './states.ts';
import { Ticks } from './ticks.ts';
import { Votes } from './votes.ts';

export class Judge {
  /** What is committed, and what comes of it. */
  readonly ledger: Ledger;
  readonly #world: World;
  readonly #elections: Elections;
  readonly #promises: Promises;
  readonly #checkers: readonly Checker[];
  readonly #roster = new Map<number, MemberId>();
  readonly #lives: (Life | undefined)[] = [];
  readonly #stands: Stand[] = [];
  #broken: unknown;

  constructor(world: World, coverage: Coverage) {
    const tell = (broken: BrokenClaim): void => void (this.#broken ??= broken);
    this.#world = world;
    this.ledger = new Ledger(coverage);
    this.#promises = new Promises(this.ledger);
    const votes = new Votes(this.#promises, tell);
    const logs = new Logs(coverage);
    this.#elections = new Elections(world, this.#roster, votes, coverage);
    this.#checkers = [
      new Sightings(coverage),
      votes,
      this.#promises,
      new Cuts(tell),
      new Ticks(tell),
      new Quorums(tell),
      new Proposals(tell),
      logs,
      new Membership(this.ledger),
      this.#elections,
      new Commitment(world, this.#roster, this.ledger, logs, this.#promises),
      new Progress(),
      new Leases(world, this.#roster, this.#elections),
      new States(this.ledger),
    ];
  }

  get leaderChanges(): number {
    return this.#elections.leaderChanges;
  }

  /** Listens to what a member sends. */
  opened(machine: Machine, life: Life): void {
    const member = life.member!;
    const send = member.send.bind(member);
    member.send = (group, message): void => {
      // The member must not be told: what is thrown here would look like a fault of its own.
      try {
        if (!life.incarnation.isDead) this.#leaves(machine, life, message);
      } catch (error) {
        this.#broken ??= error;
      }
      send(group, message);
    };
  }

  /** The disk is gone, and with it what it promised: the member must not come back as it was. */
  lostDisk(at: number): void {
    this.#promises.lostDisk(at);
  }

  /** Called between events. */
  look(): void {
    if (this.#broken !== undefined) throw this.#broken;
    for (const machine of this.#world.machines) {
      const { life } = machine;
      const replica = life?.member?.replica(1);
      if (life === undefined || replica === undefined) continue;
      const sight = { machine, life, replica, raft: replica.raft };
      if (this.#lives[machine.at] !== life) this.#meet(sight);
      this.#compare(sight, this.#stands[machine.at]!);
      for (const checker of this.#checkers) checker.looked?.(sight);
    }
  }

  #meet(sight: Sight): void {
    const { machine, life, raft } = sight;
    const { id, log } = raft.state;
    this.#roster.set(machine.at, id);
    this.#lives[machine.at] = life;
    this.#stands[machine.at] = { term: 0, role: Role.follower, lead: 0, committed: log.offset, offset: log.offset, last: log.offset, lastTerm: log.offsetTerm, configurations: [] };
    for (const checker of this.#checkers) checker.met?.(sight);
  }

  #compare(sight: Sight, before: Stand): void {
    const { state, lastIndex: last } = sight.raft;
    const { term, role, lead, log } = state;
    const lastTerm = log.entries.at(-1)?.term ?? log.offsetTerm;
    const isOtherLog = last !== before.last || lastTerm !== before.lastTerm || log.offset !== before.offset;
    const isOtherRole = term !== before.term || role !== before.role || lead !== before.lead;
    const hasCommitted = log.committed !== before.committed;
    if (!isOtherLog && !isOtherRole && !hasCommitted) return;
    if (isOtherLog) for (const checker of this.#checkers) checker.logChanged?.(sight, before);
    if (isOtherRole) for (const checker of this.#checkers) checker.roleChanged?.(sight, before);
    if (hasCommitted) for (const checker of this.#checkers) checker.commitMoved?.(sight, before);
    this.#stands[sight.machine.at] = { term, role, lead, committed: log.committed, offset: log.offset, last, lastTerm, configurations: [...state.configurations] };
  }

  #leaves(machine: Machine, life: Life, message: Message): void {
    const replica = life.member!.replica(1);
    if (replica === undefined) return;
    const { raft } = replica;
    this.#roster.set(machine.at, raft.state.id);
    const sight = { machine, life, replica, raft };
    // What it decided in this turn is known before anybody hears of it: the member may die in saying so.
    if (this.#lives[machine.at] !== life) this.#meet(sight);
    this.#compare(sight, this.#stands[machine.at]!);
    for (const checker of this.#checkers) checker.sends?.(sight, message);
  }
}
