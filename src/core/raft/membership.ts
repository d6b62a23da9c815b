// A change of membership on its way: checked and appended by the leader, handed to it by everybody else; a joint
// configuration left again once it is committed; a leader that removed itself gone once that is.

import { encodeConfiguration } from './configuration.ts';
import { changed, isOneStep, joined, left } from './change.ts';
import type { Change, ChangeRefusal } from './change.ts';
import { becomeFollower } from './election.ts';
import { EntryKind } from './entry.ts';
import type { Configuration, Entry, MemberId } from './entry.ts';
import { termAt } from './log.ts';
import type { Message } from './message.ts';
import { isQuorum, isVoter, isWitness } from './quorum.ts';
import { appendOwn, broadcastAppend } from './replication.ts';
import { Role, configurationOf } from './state.ts';
import type { RaftState } from './state.ts';
import { send } from './turn.ts';
import type { Turn } from './turn.ts';

/** Entries a learner may lack and still be called caught up: what the window of appends holds. */
const behindMax = 256;

export function proposeChange(turn: Turn, ref: number, changes: readonly Change[], joint: boolean): void {
  const { state } = turn;
  if (state.role !== Role.leader && state.lead !== 0) {
    const id = state.nextForward++;
    state.forwardedChanges.set(id, { ref, age: 0 });
    return send(turn, state.lead, { type: 'change', id, changes, joint });
  }
  const outcome = append(turn, changes, joint);
  turn.changes.push(typeof outcome === 'string' ? { ref, outcome: 'refused', reason: outcome } : { ref, outcome: 'appended', index: outcome.index, term: outcome.term });
}

export function onChange(turn: Turn, message: Message & { type: 'change' }): void {
  const { id } = message;
  const outcome = append(turn, message.changes, message.joint);
  if (typeof outcome === 'string') send(turn, message.from, { type: 'changeReply', id, refused: outcome, index: 0, entryTerm: 0 });
  else send(turn, message.from, { type: 'changeReply', id, refused: undefined, index: outcome.index, entryTerm: outcome.term });
}

export function onChangeReply(turn: Turn, message: Message & { type: 'changeReply' }): void {
  const forwarded = turn.state.forwardedChanges.get(message.id);
  if (forwarded === undefined) return;
  const { ref } = forwarded;
  turn.state.forwardedChanges.delete(message.id);
  if (message.refused !== undefined) turn.changes.push({ ref, outcome: 'refused', reason: message.refused });
  else turn.changes.push({ ref, outcome: 'appended', index: message.index, term: message.entryTerm });
}

export function tickForwardedChanges(turn: Turn): void {
  const { state, options } = turn;
  for (const [id, forwarded] of state.forwardedChanges) {
    if (++forwarded.age < options.electionTicks) continue;
    state.forwardedChanges.delete(id);
    turn.changes.push({ ref: forwarded.ref, outcome: 'lost' });
  }
}

function append(turn: Turn, changes: readonly Change[], joint: boolean): Entry | ChangeRefusal {
  const { state } = turn;
  if (state.role !== Role.leader || state.transferee !== 0) return 'noLeader';
  const before = configurationOf(state);
  // One at a time: two changes under way, each one step from what is committed, may be two steps from each other.
  if (before.outgoing.length > 0 || state.configurations.at(-1)!.index > state.log.committed) return 'inProgress';
  // Nor before an entry of the own term is committed (Ongaro, raft-dev, July 2015): a change of an earlier leader,
  // uncommitted and unknown here, may still be in somebody's log, and its majorities need not meet those of this one.
  if (termAt(state.log, state.log.committed) !== state.term) return 'notReady';
  const after = changed(before, changes);
  if (typeof after === 'string') return after;
  const refused = refusal(state, before, after, changes);
  if (refused !== undefined) return refused;
  return appendConfiguration(turn, isOneStep(before, after) && !joint ? after : joined(before, after));
}

function appendConfiguration(turn: Turn, configuration: Configuration): Entry {
  return appendOwn(turn, EntryKind.configuration, encodeConfiguration(configuration));
}

/** What is possible and still not wise: it would stop the group, perhaps for good. */
function refusal(state: RaftState, before: Configuration, after: Configuration, changes: readonly Change[]): ChangeRefusal | undefined {
  for (const change of changes) {
    if (change.type !== 'promote') continue;
    if (!isCaughtUp(state, change.id)) return 'behind';
  }
  if (isOneStep(before, after) && sameVoters(before, after)) return undefined;
  // Who is newly added as a voter is not there yet, and must not be needed.
  const heard = new Set<MemberId>([state.id]);
  for (const [id, { active, wasActive, refused }] of state.progress) if ((active || wasActive) && !refused) heard.add(id);
  const canLead = after.voters.some((id) => heard.has(id) && !isWitness(after, id));
  return canLead && isQuorum({ ...after, outgoing: [] }, heard) ? undefined : 'quorum';
}

/** It is there, and what it still lacks of what is committed is on its way. */
export function isCaughtUp(state: RaftState, id: MemberId): boolean {
  const progress = state.progress.get(id);
  if (progress === undefined || !(progress.active || progress.wasActive)) return false;
  return progress.mode === 'replicate' && progress.match + behindMax >= state.log.committed;
}

function sameVoters(before: Configuration, after: Configuration): boolean {
  return before.voters.length === after.voters.length && before.voters.every((id) => after.voters.includes(id));
}

/** Called at the end of a leader's step: its newest configuration may be committed since. */
export function settleConfiguration(turn: Turn): void {
  const { state } = turn;
  const { index, configuration } = state.configurations.at(-1)!;
  if (index > state.log.committed) return;
  // Whoever leads now: the joint entry may be an earlier leader's, committed by an entry of ours behind it.
  if (configuration.outgoing.length > 0) appendConfiguration(turn, left(configuration));
  else if (!isVoter(configuration, state.id)) leave(turn, configuration);
}

/**
 * Raft §6: a leader that is not part of the new configuration manages it until it is committed, not counting itself,
 * and then steps down. It says so: the one that knows most campaigns at once; should that fail, an election timeout
 * decides as ever.
 */
function leave(turn: Turn, configuration: Configuration): void {
  const { state } = turn;
  broadcastAppend(turn);
  const heirs = [...state.progress].filter(([id]) => configuration.voters.includes(id) && !isWitness(configuration, id));
  const [heir] = heirs.toSorted(([, a], [, b]) => b.match - a.match)[0] ?? [];
  if (heir !== undefined) send(turn, heir, { type: 'timeoutNow' });
  becomeFollower(turn, state.term, 0);
}

/** The newest committed configuration does not name this member, and did so once: it has nothing to do here any more. */
export function isRemoved(state: RaftState): boolean {
  const committed = state.configurations.findLast(({ index }) => index <= state.log.committed);
  return committed?.configuration.removed?.includes(state.id) === true;
}
