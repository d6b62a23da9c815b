// Who campaigns and who leads.

import { Role } from '../../core/raft/index.ts';
import type { Configuration, MemberId, Message, Raft, Term } from '../../core/raft/index.ts';
import type { Coverage } from '../coverage.ts';
import type { Machine, World } from '../world.ts';
import type { Checker, Roster, Sight, Stand } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import { isMajority } from './majority.ts';
import type { Votes } from './votes.ts';

/** oneLeader, elected, campaigns, preVotes. */
export class Elections implements Checker {
  readonly #world: World;
  readonly #roster: Roster;
  readonly #votes: Votes;
  readonly #coverage: Coverage;
  /** By term: the machine. */
  readonly #leaders = new Map<Term, number>();
  /** Terms that somebody was seen to campaign in. */
  readonly #campaigned = new Set<Term>();
  /** The highest term anybody led. */
  newest: Term = 0;
  leaderChanges = 0;

  constructor(world: World, roster: Roster, votes: Votes, coverage: Coverage) {
    this.#world = world;
    this.#roster = roster;
    this.#votes = votes;
    this.#coverage = coverage;
  }

  met({ raft: { state } }: Sight): void {
    // It wrote its own vote, and died before it could ask for others.
    if (state.vote === state.id) this.#campaigned.add(state.term);
  }

  roleChanged({ machine, raft: { state } }: Sight, before: Stand): void {
    const { role, term } = state;
    if (role === Role.leader && (before.role !== Role.leader || before.term !== term)) this.#leads(machine, state);
    if (role === Role.candidate || role === Role.leader) this.#campaigned.add(term);
    if (term > 1 && !this.#campaigned.has(term)) throw new BrokenClaim('preVotes', `${machine.name} entered term ${term}`);
  }

  #leads(machine: Machine, state: Raft['state']): void {
    const { term } = state;
    const other = this.#leaders.get(term);
    // Nor the same one twice: it would have to be elected in another term.
    if (other !== undefined) throw new BrokenClaim('oneLeader', `n${other + 1} and ${machine.name} in term ${term}`);
    this.#checkElected(machine, state);
    this.#leaders.set(term, machine.at);
    if (this.newest > 0) {
      this.leaderChanges++;
      this.#coverage.mark('the leader changed');
    }
    this.newest = Math.max(this.newest, term);
  }

  /** By the votes that were given, whoever counted them. */
  #checkElected({ name }: Machine, { id, term, configurations }: Raft['state']): void {
    const { configuration } = configurations.at(-1)!;
    const given = new Set([id]);
    for (const { at } of this.#world.machines) {
      const voter = this.#roster.get(at);
      if (voter !== undefined && this.#votes.givenBy(at, term) === id) given.add(voter);
    }
    if (!isMajority(configuration, given)) throw new BrokenClaim('elected', `${name} leads term ${term} with ${given.size} votes of ${describeVoters(configuration)}`);
    if (!mayLead(id, configurations)) throw new BrokenClaim('elected', `${name} leads term ${term}, and is ${describePart(id, configuration)}`);
  }

  sends({ machine, raft: { state } }: Sight, { type, term }: Message): void {
    if (type !== 'vote' && type !== 'preVote') return;
    // While it campaigns it follows nobody, so that its configuration is still the one that it began with.
    const isCampaigning = state.role === Role.candidate || state.role === Role.preCandidate;
    if (isCampaigning && term === (type === 'vote' ? state.term : state.term + 1) && !mayLead(state.id, state.configurations)) {
      throw new BrokenClaim('campaigns', `${machine.name} asks for votes in term ${term}, and is ${describePart(state.id, state.configurations.at(-1)!.configuration)}`);
    }
    if (type === 'vote') this.#campaigned.add(term);
  }
}

/** One that is removed may lead until it knows that it is. */
function mayLead(id: MemberId, configurations: Raft['state']['configurations']): boolean {
  return configurations.some(({ configuration: { voters, outgoing, witnesses } }) => (voters.includes(id) || outgoing.includes(id)) && !witnesses.includes(id));
}

function describePart(id: MemberId, { learners, witnesses }: Configuration): string {
  return learners.includes(id) ? 'a learner' : witnesses.includes(id) ? 'a witness' : 'no voter';
}

function describeVoters({ voters, outgoing }: Configuration): string {
  return outgoing.length === 0 ? `${voters.length}` : `${voters.length} and ${outgoing.length}`;
}
