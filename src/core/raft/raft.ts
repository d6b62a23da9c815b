// Raft (Ongaro & Ousterhout 2014; Ongaro's thesis) as a function of inputs: no clock, no I/O, no waiting. A turn's
// inputs go in at once, one Ready comes out; see ready.ts for what to do with it and in which order.

import { assert, unreachable } from '../assert.ts';
import type { Configuration, Entry, LogIndex, MemberId } from './entry.ts';
import {
  becomeFollower, campaign, checkQuorum, countOwnVote, isElectable, isLoyal, onLost, onVoteReply, onVoteRequest, preCampaign, tickFollower,
} from './election.ts';
import { broadcastHeartbeat } from './heartbeat.ts';
import { dropPrefix, entryAt, lastIndex, termAt } from './log.ts';
import { leaseUntil } from './lease.ts';
import { isCaughtUp, isRemoved, onChange, onChangeReply, proposeChange, settleConfiguration, tickForwardedChanges } from './membership.ts';
import type { Message } from './message.ts';
import { becomeProbe } from './progress.ts';
import { onPropose, onProposeReply, propose, tickForwardedProposals } from './proposals.ts';
import { addReader, beginRound, forwardReads, onReadIndex, onReadIndexReply, retryRounds, tickForwardedReads } from './read-index.ts';
import { isWitness } from './quorum.ts';
import type { Input, Ready } from './ready.ts';
import {
  broadcastAppend, hearLeader, isFull, maybeCommit, onAppend, onAppendReply, onHeartbeat, onHeartbeatReply,
} from './replication.ts';
import { onSnapshot, onSnapshotSent, tickSnapshots } from './snapshot.ts';
import { Role, configurationOf, initialState } from './state.ts';
import type { RaftOptions, RaftState, Restored } from './state.ts';
import { beginTransfer, tickTransfer } from './transfer.ts';
import { finish, loseChanges, newTurn, send } from './turn.ts';
import type { Turn } from './turn.ts';

export class Raft {
  readonly state: RaftState;
  options: RaftOptions;

  constructor(options: RaftOptions, restored: Restored) {
    this.options = options;
    this.state = initialState(options, restored);
  }

  step(inputs: readonly Input[]): Ready {
    const turn = newTurn(this.state, this.options);
    const refs: number[] = [];
    for (const input of inputs) {
      if (input.type === 'read') refs.push(input.ref);
      else take(turn, input);
    }
    read(turn, refs);
    if (this.state.role === Role.leader) settleConfiguration(turn);
    if (this.state.role === Role.leader) {
      beginRound(turn);
      if (turn.broadcast) broadcastAppend(turn);
    }
    return finish(turn);
  }

  /** What was promised in an earlier life has run out, and nothing is promised in this one: nothing is left to be kept. */
  forgetPromises(): void {
    assert(this.options.lease === undefined || this.options.lease.loyaltyMs === 0, 'a promise is kept until it has run out');
    this.options = { ...this.options, lease: undefined };
  }

  get isLeader(): boolean {
    return this.state.role === Role.leader;
  }

  /** The newest configuration in the log, committed or not: the one that rules. */
  get configuration(): Configuration {
    return configurationOf(this.state);
  }

  /** Until when, on this member's clock, nobody else leads: what it reads and then finds to be earlier is linearizable. */
  get leaseUntil(): number {
    return leaseUntil(this.state, this.options);
  }

  /** A leader's word on whether the next entry goes to the member as soon as there is one. */
  isStreaming(member: MemberId): boolean {
    const progress = this.state.progress.get(member);
    return this.isLeader && progress?.mode === 'replicate' && !isFull(this.options, progress);
  }

  /** A leader's word on whether a member holds what is committed, or nearly. */
  isCaughtUp(member: MemberId): boolean {
    return isCaughtUp(this.state, member);
  }

  /** A leader's word: nobody else holds, or is about to hold, the payload of what was last committed. */
  get isSingleCopy(): boolean {
    const { state } = this;
    const configuration = configurationOf(state);
    if (state.role !== Role.leader || configuration.witnesses.length === 0) return false;
    return [...state.progress].every(([id, progress]) => isWitness(configuration, id) || !(progress.match >= state.log.committed || isCaughtUp(state, id)));
  }

  /** This member was removed, and knows that it is committed: it is to stop. */
  get isRemoved(): boolean {
    return isRemoved(this.state);
  }

  /** Committed entries from … to, while they fit in `bytesMax`; at least one. */
  committedEntries(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    const { log } = this.state;
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= Math.min(to, log.committed); index++) {
      const entry = entryAt(log, index);
      if (entry === undefined || (entries.length > 0 && bytes + entry.data.length > bytesMax)) break;
      bytes += entry.data.length;
      entries.push(entry);
    }
    return entries;
  }

  termAt(index: LogIndex): number | undefined {
    return termAt(this.state.log, index);
  }

  get lastIndex(): LogIndex {
    return lastIndex(this.state.log);
  }
}

function take(turn: Turn, input: Exclude<Input, { type: 'read' }>): void {
  const { state } = turn;
  switch (input.type) {
    case 'tick':
      state.now = Math.max(state.now, input.now ?? 0);
      return tick(turn);
    case 'receive':
      return receive(turn, input.message);
    case 'propose':
      return propose(turn, input.ref, input.data);
    case 'change':
      return proposeChange(turn, input.ref, input.changes, input.joint === true);
    case 'persisted':
      return onPersisted(turn, input.seq, input.index, input.term);
    case 'applied':
      state.applied = Math.max(state.applied, input.index);
      if (input.digest !== '') [state.digestIndex, state.digest] = [input.index, input.digest];
      return undefined;
    case 'campaign':
      if (state.role !== Role.leader && isElectable(state)) preCampaign(turn);
      return undefined;
    case 'lost':
      return onLost(turn, input.member);
    case 'unreachable':
      return onUnreachable(turn, input.member);
    case 'snapshotSent':
      return onSnapshotSent(turn, input.member, input.ok);
    case 'compact':
      return compact(turn, input.index);
    case 'transfer':
      if (state.role === Role.leader) beginTransfer(turn, input.member);
      return undefined;
    default:
      return unreachable(input);
  }
}

function read(turn: Turn, refs: number[]): void {
  const { state } = turn;
  if (refs.length === 0) return;
  if (state.role === Role.leader) for (const ref of refs) addReader(turn, { ref });
  else if (state.lead !== 0) forwardReads(turn, refs);
  else for (const ref of refs) turn.reads.push({ ref, index: undefined });
}

function tick(turn: Turn): void {
  const { state, options } = turn;
  if (state.role !== Role.leader) {
    tickForwardedReads(turn);
    tickForwardedProposals(turn);
    tickForwardedChanges(turn);
    return tickFollower(turn);
  }
  if (++state.electionElapsed >= options.electionTicks) {
    state.electionElapsed = 0;
    checkQuorum(turn);
    if ((state.role as Role) !== Role.leader) return;
  }
  tickTransfer(turn);
  tickSnapshots(turn);
  if (++state.heartbeatElapsed < options.heartbeatTicks) return;
  state.heartbeatElapsed = 0;
  if (!retryRounds(turn)) broadcastHeartbeat(turn);
}

function onPersisted(turn: Turn, seq: number, index: LogIndex, term: number): void {
  const { state } = turn;
  const { log } = state;
  state.persistedSeq = Math.max(state.persistedSeq, seq);
  // A persist older than the newest cut may speak of an entry that was voided and written again since, and that
  // second writing is not durable yet: same (index, term), but the disk may still lose it.
  if (index > log.durable && seq >= state.cutSeq && termAt(log, index) === term) {
    log.durable = index;
    if (state.role === Role.leader) {
      maybeCommit(turn);
      // Witnesses waited for this.
      if (configurationOf(state).witnesses.length > 0) turn.broadcast = true;
    }
  }
  countOwnVote(turn);
}

function onUnreachable(turn: Turn, member: MemberId): void {
  const { state } = turn;
  const progress = state.progress.get(member);
  if (progress?.mode === 'replicate') becomeProbe(progress);
  if (member !== state.lead) return;
  // What was on its way to the leader may have arrived or not. Reads are asked again; proposals must not be.
  for (const { ref } of state.forwardedProposals.values()) turn.proposals.push({ ref, outcome: 'lost' });
  state.forwardedProposals.clear();
  loseChanges(turn);
}

function compact(turn: Turn, index: LogIndex): void {
  const { state } = turn;
  dropPrefix(state.log, Math.min(index, state.log.committed));
  while (state.configurations.length > 1 && state.configurations[1]!.index <= state.log.offset) state.configurations.shift();
}

function receive(turn: Turn, message: Message): void {
  const { state } = turn;
  if (message.term > state.term) {
    const isVote = message.type === 'vote' || message.type === 'preVote';
    if (isVote && !message.transfer && isLoyal(turn)) return;
    // A pre-vote, and the grant of ours, speak of a term that nobody is in yet.
    const hypothetical = message.type === 'preVote' || (message.type === 'preVoteReply' && message.granted);
    if (!hypothetical) becomeFollower(turn, message.term, fromLeader(message) ? message.from : 0);
  } else if (message.term < state.term) {
    return answerStale(turn, message);
  }
  if (fromLeader(message)) {
    if (state.role !== Role.leader && (state.role !== Role.follower || state.lead !== message.from)) {
      becomeFollower(turn, message.term, message.from);
    }
    hearLeader(turn, message.from);
  }
  deliver(turn, message);
}

function fromLeader(message: Message): boolean {
  return message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshot';
}

/** Someone behind us: a leader that was deposed must learn of it, a candidate too; the rest is only late. */
function answerStale(turn: Turn, message: Message): void {
  if (fromLeader(message)) {
    const hintIndex = turn.state.log.committed;
    send(turn, message.from, { type: 'appendReply', index: 0, rejected: true, hintIndex, hintTerm: 0 });
  } else if (message.type === 'preVote') {
    send(turn, message.from, { type: 'preVoteReply', granted: false });
  } else if (message.type === 'vote') {
    send(turn, message.from, { type: 'voteReply', granted: false });
  } else if (message.type === 'propose') {
    onPropose(turn, message);
  } else if (message.type === 'change') {
    onChange(turn, message);
  } else if (message.type === 'readIndex') {
    onReadIndex(turn, message);
  }
}

function deliver(turn: Turn, message: Message): void {
  const { state } = turn;
  const leads = state.role === Role.leader;
  switch (message.type) {
    case 'preVote':
    case 'vote':
      return onVoteRequest(turn, message);
    case 'preVoteReply':
    case 'voteReply':
      return onVoteReply(turn, message);
    case 'append':
      return onAppend(turn, message);
    case 'heartbeat':
      return onHeartbeat(turn, message);
    case 'snapshot':
      return onSnapshot(turn, message);
    case 'appendReply':
      return leads ? onAppendReply(turn, message) : undefined;
    case 'heartbeatReply':
      return leads ? onHeartbeatReply(turn, message) : undefined;
    case 'readIndex':
      return onReadIndex(turn, message);
    case 'readIndexReply':
      return onReadIndexReply(turn, message);
    case 'propose':
      return onPropose(turn, message);
    case 'proposeReply':
      return onProposeReply(turn, message);
    case 'change':
      return onChange(turn, message);
    case 'changeReply':
      return onChangeReply(turn, message);
    case 'timeoutNow':
      if (state.role === Role.follower && message.from === state.lead && isElectable(state)) campaign(turn, true);
      return undefined;
    default:
      return unreachable(message);
  }
}
