// The log, from a leader to its followers: pipelined appends, conflicts, commitment.

import { assert } from '../assert.ts';
import { emptyBytes } from '../bytes.ts';
import { decodeConfiguration } from './configuration.ts';
import { EntryKind } from './entry.ts';
import type { Entry, LogIndex, MemberId } from './entry.ts';
import { notePromise } from './lease.ts';
import { cutSuffix, entryAt, entryBytes, lastIndex, lastIndexNotAbove, slice, termAt } from './log.ts';
import type { Message } from './message.ts';
import { advance, becomeProbe, becomeReplicate, becomeSnapshot, reject, sent } from './progress.ts';
import type { Progress } from './progress.ts';
import { isWitness, quorumIndex } from './quorum.ts';
import { beginRound, noteRound } from './read-index.ts';
import { Role, configurationAt, configurationOf, newElectionTimeout, trackMembers } from './state.ts';
import type { RaftOptions, RaftState } from './state.ts';
import { maybeFinishTransfer } from './transfer.ts';
import { send, sendDurably, termIsDurable } from './turn.ts';
import type { Turn } from './turn.ts';

/** Appends one entry of the own term. */
export function appendOwn(turn: Turn, kind: EntryKind, data: Uint8Array): Entry {
  const { state } = turn;
  const entry: Entry = { index: lastIndex(state.log) + 1, term: state.term, kind, data };
  push(turn, entry);
  state.uncommittedBytes += entryBytes(entry);
  turn.broadcast = true;
  return entry;
}

function push(turn: Turn, entry: Entry): void {
  const { state } = turn;
  assert(entry.index === lastIndex(state.log) + 1, 'a log has no gaps');
  state.log.entries.push(entry);
  if (entry.kind !== EntryKind.configuration) return;
  state.configurations.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
  if (state.role === Role.leader) trackMembers(state, entry.index);
}

/** Invariant: called only where an entry at `from` conflicts in term with one that a leader sent (law 2). */
function cut(turn: Turn, from: LogIndex): void {
  const { state } = turn;
  if (from <= state.log.handed) turn.cutFrom = Math.min(turn.cutFrom ?? from, from);
  cutSuffix(state.log, from);
  while (state.configurations.length > 1 && state.configurations.at(-1)!.index >= from) state.configurations.pop();
}

export function broadcastAppend(turn: Turn): void {
  const { log, progress: members } = turn.state;
  for (const [id, progress] of members) {
    sendAppends(turn, id, progress);
    // Nothing new to carry it, but the commit moved: who waits at a follower should not wait for a heartbeat.
    if (progress.mode === 'replicate' && progress.toldCommit < log.committed) sendEmptyAppend(turn, id, progress);
  }
}

function isPaused(turn: Turn, progress: Progress): boolean {
  if (progress.mode === 'snapshot') return true;
  if (progress.mode === 'probe') return progress.paused;
  return isFull(turn.options, progress);
}

/** As much is on its way to this member as may be: nothing new is sent to it before it answers. */
export function isFull(options: RaftOptions, progress: Progress): boolean {
  return progress.inflight.length >= options.inflightMax || progress.inflightBytes >= options.inflightBytesMax;
}

/**
 * How far the log may go to this member. A witness refuses its vote to everybody whose log is shorter than its own. So
 * it hears only of what somebody's disk holds with its payload: ours, as long as we stay; or that of a voter who does,
 * once we are to leave. Otherwise our crash, or our going, would leave nobody whom it could elect; and what it had
 * helped to commit would be nowhere.
 */
function reachOf(state: RaftState, id: MemberId): LogIndex {
  const configuration = configurationOf(state);
  if (!isWitness(configuration, id)) return lastIndex(state.log);
  if (!isLeaving(state)) return state.log.durable;
  const others = [...state.progress].filter(([other]) => configuration.voters.includes(other) && !isWitness(configuration, other));
  return Math.max(0, ...others.map(([, { match }]) => match));
}

/** A leader that is not among those who decide next (Raft §6). */
function isLeaving(state: RaftState): boolean {
  return !configurationOf(state).voters.includes(state.id);
}

/** Sends what this member lacks, as far as its window allows. */
export function sendAppends(turn: Turn, id: MemberId, progress: Progress): void {
  while (!isPaused(turn, progress) && progress.next <= reachOf(turn.state, id)) {
    if (!sendAppend(turn, id, progress)) return;
  }
}

/** One append, empty if there is nothing new; false if what it must begin with is compacted. */
function sendAppend(turn: Turn, id: MemberId, progress: Progress): boolean {
  const { state } = turn;
  const prevTerm = termAt(state.log, progress.next - 1);
  if (prevTerm === undefined) {
    wantSnapshot(turn, id, progress);
    return false;
  }
  const prevIndex = progress.next - 1;
  const entries = entriesFor(turn, id, progress.next);
  send(turn, id, { type: 'append', prevIndex, prevTerm, entries, commit: state.log.committed });
  progress.toldCommit = state.log.committed;
  // Not thought lost before its answer had a heartbeat's time. Under a steady load a gap shows by a rejection anyway.
  progress.moving = true;
  if (progress.mode === 'probe') progress.paused = true;
  else if (entries.length > 0) sent(progress, entries.at(-1)!.index, entries.reduce((sum, entry) => sum + entryBytes(entry), 0));
  return true;
}

function entriesFor({ state, options }: Turn, id: MemberId, from: LogIndex): readonly Entry[] {
  const reach = reachOf(state, id);
  if (from > reach) return [];
  const entries = slice(state.log, from, options.appendBytesMax);
  return isWitness(configurationOf(state), id) ? entries.filter(({ index }) => index <= reach).map(bare) : entries;
}

/** Index, term and kind; of a batch no more, while configurations are for everybody. */
function bare(entry: Entry): Entry {
  return entry.kind === EntryKind.batch ? { ...entry, data: emptyBytes } : entry;
}

/** What it must begin with is compacted. A witness has no state that would have to travel: the marker says it all. */
function wantSnapshot(turn: Turn, id: MemberId, progress: Progress): void {
  const { state } = turn;
  becomeSnapshot(progress);
  if (!isWitness(configurationOf(state), id)) {
    turn.snapshotsWanted.push(id);
    return;
  }
  // Of what lies before the oldest configuration that is known, nobody can say which one ruled.
  const index = Math.max(state.log.offset, state.configurations[0]!.index);
  const term = termAt(state.log, index)!;
  send(turn, id, { type: 'snapshot', marker: { index, term, configuration: configurationAt(state, index), producer: state.id, id: 0 } });
  progress.snapshotBackoff = turn.options.electionTicks;
}

/** A follower's half of Raft §5.3. */
export function onAppend(turn: Turn, message: Message & { type: 'append' }): void {
  const { state } = turn;
  const { log } = state;
  const { prevIndex, prevTerm, entries } = message;
  if (prevIndex < log.committed) {
    // It begins below what is committed: up to there both logs are equal (Log Matching), so only say how far.
    if (prevIndex + entries.length <= log.committed) return acknowledge(turn, message.from, log.committed);
  } else if (termAt(log, prevIndex) !== prevTerm) {
    const hintIndex = lastIndexNotAbove(log, prevIndex, prevTerm);
    const hintTerm = termAt(log, hintIndex) ?? 0;
    return send(turn, message.from, { type: 'appendReply', index: prevIndex, rejected: true, hintIndex, hintTerm });
  }
  for (const entry of entries) {
    if (entry.index <= log.committed) continue;
    const term = termAt(log, entry.index);
    if (term === entry.term) continue;
    // Only a differing term is a conflict. A delayed, shorter or doubled append finds its entries here and cuts nothing.
    if (term !== undefined) cut(turn, entry.index);
    push(turn, entry);
  }
  const matched = prevIndex + entries.length;
  // Not beyond what this very append proved equal to the leader's log: what lies behind it may be an old leader's.
  commitTo(turn, Math.min(message.commit, matched));
  acknowledge(turn, message.from, matched);
}

export function acknowledge(turn: Turn, to: MemberId, index: LogIndex): void {
  sendDurably(turn, to, { type: 'appendReply', index, rejected: false, hintIndex: 0, hintTerm: 0 });
}

/** Never backwards (law 3). */
export function commitTo(turn: Turn, index: LogIndex): void {
  const { log } = turn.state;
  if (index <= log.committed) return;
  assert(index <= lastIndex(log), 'only what is in the log is committed');
  log.committed = index;
}

export function onAppendReply(turn: Turn, message: Message & { type: 'appendReply' }): void {
  const { state } = turn;
  const progress = state.progress.get(message.from);
  if (progress === undefined) return;
  progress.active = true;
  progress.refused = false;
  progress.moving = true;
  if (message.rejected) {
    // Of the follower's terms at and before the hint, skip those that ours cannot share: one answer per term, not per entry.
    const hint = message.hintTerm > 0 ? lastIndexNotAbove(state.log, message.hintIndex, message.hintTerm) : message.hintIndex;
    if (reject(progress, message.index, hint)) probe(turn, message.from, progress);
    return;
  }
  if (message.index > lastIndex(state.log)) return;
  const news = advance(progress, message.index);
  if (progress.mode === 'probe' && (news || progress.match >= message.index)) becomeReplicate(progress);
  else if (progress.mode === 'snapshot' && news) {
    // The log may have been compacted beyond the snapshot that just arrived: then the next one is needed.
    if (progress.match >= state.log.offset) becomeReplicate(progress);
    else wantSnapshot(turn, message.from, progress);
  }
  if (news) {
    maybeCommit(turn);
    if (isLeaving(state)) turn.broadcast = true;
  }
  sendAppends(turn, message.from, progress);
  if (news) maybeFinishTransfer(turn, message.from, progress);
}

function probe(turn: Turn, id: MemberId, progress: Progress): void {
  if (!isPaused(turn, progress)) sendAppend(turn, id, progress);
}

/** Commits what a quorum holds durably, the leader counting itself by its own disk. */
export function maybeCommit(turn: Turn): boolean {
  const { state } = turn;
  const { log } = state;
  const index = quorumIndex(configurationOf(state), (id) => (id === state.id ? log.durable : (state.progress.get(id)?.match ?? 0)));
  if (index <= log.committed) return false;
  // A new leader may not count replicas for entries of earlier terms (Raft §5.4.2, Figure 8): a later leader could
  // still overwrite them. Committing one entry of our own term commits the prefix.
  if (termAt(log, index) !== state.term) return false;
  for (let at = log.committed + 1; at <= index; at++) {
    const entry = entryAt(log, at)!;
    if (entry.term === state.term) state.uncommittedBytes -= entryBytes(entry);
  }
  commitTo(turn, index);
  turn.broadcast = true;
  if (state.waiting.length > 0) beginRound(turn);
  return true;
}

export function onHeartbeat(turn: Turn, message: Message & { type: 'heartbeat' }): void {
  const { state } = turn;
  commitTo(turn, Math.min(message.commit, lastIndex(state.log)));
  if (message.digestIndex > 0) turn.digests.push({ index: message.digestIndex, digest: message.digest });
  const loyaltyMs = message.stamp === 0 ? 0 : (turn.options.lease?.loyaltyMs ?? 0);
  const body = { type: 'heartbeatReply', round: message.round, stamp: message.stamp, loyaltyMs } as const;
  if (termIsDurable(state)) send(turn, message.from, body);
  else sendDurably(turn, message.from, body);
}

export function onHeartbeatReply(turn: Turn, message: Message & { type: 'heartbeatReply' }): void {
  const { state } = turn;
  const progress = state.progress.get(message.from);
  if (progress === undefined) return;
  progress.active = true;
  progress.refused = false;
  noteRound(turn, message.from, message.round);
  notePromise(state, turn.options, message);
  // Told to take over, perhaps, and the message lost: a second one finds it in a later term and does nothing.
  maybeFinishTransfer(turn, message.from, progress);
  if (progress.mode === 'snapshot' || progress.match >= lastIndex(state.log)) return;
  // What was sent may be lost, once nothing moved from one heartbeat to the next (the disk there may only be slower
  // than the heartbeat): probe again; in replicate, an empty append behind the last one shows any gap.
  const stalled = !progress.moving;
  progress.moving = false;
  if (progress.mode === 'replicate') {
    if (stalled) sendEmptyAppend(turn, message.from, progress);
  } else if (stalled || !progress.paused) sendAppend(turn, message.from, progress);
}

function sendEmptyAppend(turn: Turn, id: MemberId, progress: Progress): void {
  const { state } = turn;
  const prevTerm = termAt(state.log, progress.next - 1);
  if (prevTerm === undefined) return becomeProbe(progress);
  send(turn, id, { type: 'append', prevIndex: progress.next - 1, prevTerm, entries: [], commit: state.log.committed });
  progress.toldCommit = state.log.committed;
}

/** A leader was heard: whoever speaks in the current term with its voice leads it. */
export function hearLeader(turn: Turn, from: MemberId): void {
  const { state } = turn;
  assert(state.role !== Role.leader, 'there is at most one leader in a term (Election Safety, Raft §5.2)');
  state.loyalTicks = 0;
  state.leaderlessTerms = 0;
  if (state.lead === from && state.role === Role.follower) state.electionElapsed = 0;
  else newElectionTimeout(state, turn.options);
}
