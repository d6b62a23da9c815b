// Majorities, single and joint. Pure functions of a configuration and what is known of its members.

import type { Configuration, LogIndex, MemberId } from './entry.ts';

export type VoteOutcome = 'won' | 'lost' | 'pending';

/** The voters of both halves, each once. */
export function allVoters(configuration: Configuration): readonly MemberId[] {
  return [...new Set([...configuration.voters, ...configuration.outgoing])];
}

/** Everybody who receives entries. */
export function allMembers(configuration: Configuration): readonly MemberId[] {
  return [...new Set([...configuration.voters, ...configuration.outgoing, ...configuration.learners])];
}

export function isVoter(configuration: Configuration, id: MemberId): boolean {
  return configuration.voters.includes(id) || configuration.outgoing.includes(id);
}

/** It votes, and its log knows the terms; payloads and a state it has none. */
export function isWitness({ witnesses }: Configuration, id: MemberId): boolean {
  return witnesses.includes(id);
}

/** The largest index that a majority of `voters` holds; an empty half does not restrain the other. */
function majorityIndex(voters: readonly MemberId[], match: (id: MemberId) => LogIndex): LogIndex {
  if (voters.length === 0) return Number.MAX_SAFE_INTEGER;
  const sorted = voters.map(match).toSorted((a, b) => b - a);
  return sorted[voters.length >> 1]!;
}

/** The largest index that both halves hold by majority (Raft §6: agreement needs separate majorities). */
export function quorumIndex(configuration: Configuration, match: (id: MemberId) => LogIndex): LogIndex {
  return Math.min(majorityIndex(configuration.voters, match), majorityIndex(configuration.outgoing, match));
}

function majorityVote(voters: readonly MemberId[], votes: ReadonlyMap<MemberId, boolean>): VoteOutcome {
  if (voters.length === 0) return 'won';
  const needed = (voters.length >> 1) + 1;
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}

/** Won when both halves are won, lost as soon as either cannot be won any more. */
export function quorumVote(configuration: Configuration, votes: ReadonlyMap<MemberId, boolean>): VoteOutcome {
  const halves = [majorityVote(configuration.voters, votes), majorityVote(configuration.outgoing, votes)];
  if (halves.includes('lost')) return 'lost';
  return halves.includes('pending') ? 'pending' : 'won';
}

/** Do these members alone form a quorum? */
export function isQuorum(configuration: Configuration, members: ReadonlySet<MemberId>): boolean {
  const votes = new Map(allVoters(configuration).map((id) => [id, members.has(id)] as const));
  return allVoters(configuration).length > 0 && quorumVote(configuration, votes) === 'won';
}
