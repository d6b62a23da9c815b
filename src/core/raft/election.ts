// Who leads: pre-vote (thesis §9.6), vote (§5.2, §5.4.1), loyalty to a leader that is heard (thesis §4.2.3), and
// stepping down when no quorum answers (check-quorum, thesis §6.2).

import { assert } from '../assert.ts';
import { nextBelow } from '../random.ts';
import { EntryKind } from './entry.ts';
import type { MemberId, Term } from './entry.ts';
import { isBound } from './lease.ts';
import { isUpToDate, lastIndex, lastTerm } from './log.ts';
import type { Message } from './message.ts';
import { allVoters, isQuorum, isVoter, quorumVote } from './quorum.ts';
import { broadcastHeartbeat } from './heartbeat.ts';
import { abandonReads } from './read-index.ts';
import { appendOwn, broadcastAppend } from './replication.ts';
import { Role, configurationOf, newElectionTimeout, trackMembers } from './state.ts';
import type { RaftState } from './state.ts';
import { send, sendDurably } from './turn.ts';
import type { Turn } from './turn.ts';

/** Follows in `term`; a new term forgets the vote. */
export function becomeFollower(turn: Turn, term: Term, lead: MemberId): void {
  const { state } = turn;
  const changed = state.role !== Role.follower || state.lead !== lead || state.term !== term;
  if (term !== state.term) {
    assert(term > state.term, 'terms never go back');
    state.term = term;
    state.vote = 0;
    state.leaderlessTerms++;
  }
  if (changed) abandonReads(turn);
  state.role = Role.follower;
  state.lead = lead;
  state.votes.clear();
  state.progress.clear();
  state.transferee = 0;
  state.uncommittedBytes = 0;
  newElectionTimeout(state, turn.options);
}

/**
 * Can this member be elected? Learners and witnesses cannot, nor one that was removed. But as long as it does not know
 * its removal to be committed it may be the only one who can win (thesis §4.2.2): of {1,2} the leader 2 appends its own
 * removal and fails; 1, whose log is shorter, needs 2's vote under the old configuration and does not get it.
 */
export function isElectable({ id, configurations, log }: RaftState): boolean {
  const committed = Math.max(0, configurations.findLastIndex(({ index }) => index <= log.committed));
  const ruling = configurations.slice(committed);
  return ruling.some(({ configuration }) => isVoter(configuration, id) && !configuration.witnesses.includes(id));
}

export function preCampaign(turn: Turn): void {
  const { state, options } = turn;
  abandonReads(turn);
  // Somebody may be reading on the strength of a promise: to vote for oneself would break it, too.
  if (isBound(state, options)) return newElectionTimeout(state, options);
  state.role = Role.preCandidate;
  state.lead = 0;
  newElectionTimeout(state, turn.options);
  // A pre-vote changes no term and promises nothing, so the own one counts at once.
  state.votes = new Map([[state.id, true]]);
  if (quorumVote(configurationOf(state), state.votes) === 'won') return campaign(turn, false);
  const body = { type: 'preVote', lastIndex: lastIndex(state.log), lastTerm: lastTerm(state.log), transfer: false } as const;
  for (const id of allVoters(configurationOf(state))) if (id !== state.id) send(turn, id, body, state.term + 1);
}

/** The own vote counts, and the others are asked, only once it is durable: a forgotten vote is a second vote. */
export function campaign(turn: Turn, transfer: boolean): void {
  const { state } = turn;
  abandonReads(turn);
  state.role = Role.candidate;
  state.lead = 0;
  state.term++;
  state.leaderlessTerms++;
  state.vote = state.id;
  state.votes = new Map();
  newElectionTimeout(state, turn.options);
  const body = { type: 'vote', lastIndex: lastIndex(state.log), lastTerm: lastTerm(state.log), transfer } as const;
  for (const id of allVoters(configurationOf(state))) if (id !== state.id) sendDurably(turn, id, body);
}

/** Called when a persist came back: perhaps it held the own vote. */
export function countOwnVote(turn: Turn): void {
  const { state } = turn;
  if (state.role !== Role.candidate || state.votes.has(state.id) || state.vote !== state.id) return;
  if (state.handedHardState.term !== state.term || state.persistedSeq < state.voteSeq) return;
  state.votes.set(state.id, true);
  // The others are asked from now on; what the own disk took is not their delay.
  newElectionTimeout(state, turn.options);
  decide(turn);
}

function decide(turn: Turn): void {
  const { state } = turn;
  const outcome = quorumVote(configurationOf(state), state.votes);
  if (outcome === 'lost') becomeFollower(turn, state.term, 0);
  if (outcome !== 'won') return;
  if (state.role === Role.preCandidate) campaign(turn, false);
  else becomeLeader(turn);
}

function becomeLeader(turn: Turn): void {
  const { state } = turn;
  assert(state.role === Role.candidate, 'only a candidate is elected');
  state.role = Role.leader;
  state.lead = state.id;
  state.leaderlessTerms = 0;
  state.progress.clear();
  state.electionElapsed = 0;
  state.heartbeatElapsed = 0;
  state.hasHandedOver = false;
  state.rounds = [];
  trackMembers(state, lastIndex(state.log) + 1);
  // Until an entry of the own term commits, neither earlier entries (Raft §5.4.2) nor reads (§8) can be decided.
  appendOwn(turn, EntryKind.noop, new Uint8Array(0));
  broadcastHeartbeat(turn);
  broadcastAppend(turn);
}

/** A vote or pre-vote asked of us, in a term not below ours. */
export function onVoteRequest(turn: Turn, message: Message & { type: 'vote' | 'preVote' }): void {
  const { state } = turn;
  const upToDate = isUpToDate(state.log, message.lastIndex, message.lastTerm);
  if (message.type === 'preVote') {
    const granted = message.term > state.term && upToDate && !isRival(turn, message);
    // A grant names the term it is for; a refusal names ours, so that one who is behind learns of it.
    send(turn, message.from, { type: 'preVoteReply', granted }, granted ? message.term : state.term);
    return;
  }
  const free = state.vote === message.from || (state.vote === 0 && state.lead === 0 && (message.transfer || !isBound(state, turn.options)));
  const granted = free && upToDate && message.term === state.term;
  if (granted) {
    state.vote = message.from;
    newElectionTimeout(state, turn.options);
  }
  sendDurably(turn, message.from, { type: 'voteReply', granted });
}

/**
 * Two who lost their leader at the same moment ask at the same moment; if each encouraged the other, they would split
 * the vote. With equal logs the lower id yields: the higher refuses it. Only for a moment, because one who can reach
 * few may go on asking for ever, and must not hold up one who can reach many.
 */
function isRival(turn: Turn, message: Message & { type: 'vote' | 'preVote' }): boolean {
  const { id, role, electionElapsed, log } = turn.state;
  if (role !== Role.preCandidate || electionElapsed > 1 || message.from > id) return false;
  return message.lastIndex === lastIndex(log) && message.lastTerm === lastTerm(log);
}

export function onVoteReply(turn: Turn, message: Message & { type: 'voteReply' | 'preVoteReply' }): void {
  const { state } = turn;
  const asked = message.type === 'voteReply' ? Role.candidate : Role.preCandidate;
  const term = message.type === 'preVoteReply' && message.granted ? state.term + 1 : state.term;
  if (state.role !== asked || message.term !== term || state.votes.has(message.from)) return;
  state.votes.set(message.from, message.granted);
  decide(turn);
}

/** Thesis §4.2.3: a server that hears a leader within the minimum election timeout does not help to depose it. */
export function isLoyal(turn: Turn): boolean {
  const { state, options } = turn;
  if (state.role === Role.leader) return true;
  return isBound(state, options) || (state.lead !== 0 && state.loyalTicks < options.electionTicks);
}

/** The leader's process is gone (its port refuses): wait a moment, so that not everybody asks at once, then ask. */
export function onLost(turn: Turn, member: MemberId): void {
  const { state, options } = turn;
  if (state.role === Role.leader) {
    // Nobody is there: what would need it is refused now, not when it has been silent for two checks of the quorum. Its next word
    // undoes this; and whether we lead on is decided as ever, by `active` alone.
    const progress = state.progress.get(member);
    if (progress !== undefined) progress.refused = true;
    return;
  }
  if (state.lead !== member) return;
  abandonReads(turn);
  state.lead = 0;
  // A port may refuse while the process lives and reads by its lease: a promise is kept.
  if (options.lease === undefined) state.loyalTicks = options.electionTicks;
  const patience = 1 + nextBelow(state.random, Math.max(1, options.electionTicks >> 3));
  state.electionElapsed = Math.max(state.electionElapsed, state.electionTimeout - patience);
}

export function tickFollower(turn: Turn): void {
  const { state } = turn;
  state.electionElapsed++;
  state.loyalTicks++;
  if (state.electionElapsed < state.electionTimeout) return;
  if (isElectable(state)) return preCampaign(turn);
  // One who cannot lead only stops believing that the silent one does: nothing more is handed to it.
  abandonReads(turn);
  state.lead = 0;
  newElectionTimeout(state, turn.options);
}

/** Once per election timeout: has a quorum answered since the last time? */
export function checkQuorum(turn: Turn): void {
  const { state } = turn;
  const active = new Set<MemberId>([state.id]);
  for (const [id, progress] of state.progress) {
    if (progress.active) active.add(id);
    progress.wasActive = progress.active;
    progress.active = false;
  }
  if (!isQuorum(configurationOf(state), active)) becomeFollower(turn, state.term, 0);
}
