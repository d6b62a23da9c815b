// Linearizable reads without writing (thesis §6.4): remember the commit index, have a quorum confirm that this is
// still the leader, then serve once that index is applied. Reads of a turn share a round; rounds out share their
// confirmations: an echo of a later round confirms every earlier one, since it was sent after them.

import type { LogIndex, MemberId } from './entry.ts';
import { termAt } from './log.ts';
import type { Message } from './message.ts';
import { isQuorum } from './quorum.ts';
import { broadcastHeartbeat } from './heartbeat.ts';
import { Role, configurationOf } from './state.ts';
import type { Reader } from './state.ts';
import { loseChanges, send } from './turn.ts';
import type { Turn } from './turn.ts';

/** A read from here or from another member, at the leader. It joins the next round. */
export function addReader(turn: Turn, reader: Reader): void {
  turn.state.waiting.push(reader);
}

/** Before the first commit of its own term a leader does not know what is committed (Raft §8). */
function knowsCommit(turn: Turn): boolean {
  const { state } = turn;
  return termAt(state.log, state.log.committed) === state.term;
}

/** One round for all reads that wait. Called at the end of a turn and whenever a commit may have unblocked them. */
export function beginRound(turn: Turn): void {
  const { state } = turn;
  if (state.role !== Role.leader || state.waiting.length === 0 || !knowsCommit(turn)) return;
  startRound(turn, state.waiting.splice(0));
}

function startRound(turn: Turn, readers: Reader[]): void {
  const { state } = turn;
  const id = state.nextRound++;
  state.rounds.push({ id, index: state.log.committed, readers, acks: [] });
  if (isQuorum(configurationOf(state), new Set([state.id]))) return noteRound(turn, state.id, id);
  broadcastHeartbeat(turn);
}

/** With each heartbeat a fresh id: an echo of an older one, delayed by a pause, must not confirm a newer read. */
export function retryRounds(turn: Turn): boolean {
  const { state } = turn;
  if (!state.rounds.some(({ readers }) => readers.length > 0)) return false;
  startRound(turn, []);
  return true;
}

export function noteRound(turn: Turn, from: MemberId, id: number): void {
  const { state } = turn;
  let confirmed = -1;
  for (const [position, round] of state.rounds.entries()) {
    if (round.id > id) break;
    if (!round.acks.includes(from)) round.acks.push(from);
    if (isQuorum(configurationOf(state), new Set([state.id, ...round.acks]))) confirmed = position;
  }
  if (confirmed < 0) return;
  for (const round of state.rounds.splice(0, confirmed + 1)) {
    for (const reader of round.readers) answer(turn, reader, round.index);
  }
  // Rounds of retries have nobody of their own: without a reader before them they wait for nothing.
  if (!state.rounds.some(({ readers }) => readers.length > 0)) state.rounds = [];
}

function answer(turn: Turn, reader: Reader, index: LogIndex | undefined): void {
  if ('ref' in reader) turn.reads.push({ ref: reader.ref, index });
  else send(turn, reader.from, { type: 'readIndexReply', id: reader.id, index: index ?? 0 });
}

/** A follower asks the leader, once for all reads of a turn. */
export function forwardReads(turn: Turn, refs: readonly number[]): void {
  const { state } = turn;
  const id = state.nextForward++;
  state.forwardedReads.set(id, { refs, age: 0 });
  send(turn, state.lead, { type: 'readIndex', id });
}

export function onReadIndex(turn: Turn, message: Message & { type: 'readIndex' }): void {
  const { from, id } = message;
  // Asked again before the first question went into a round: one answer serves both.
  if (turn.state.waiting.some((reader) => 'from' in reader && reader.from === from && reader.id === id)) return;
  if (turn.state.role === Role.leader) addReader(turn, { from, id });
  else send(turn, message.from, { type: 'readIndexReply', id: message.id, index: 0 });
}

export function onReadIndexReply(turn: Turn, message: Message & { type: 'readIndexReply' }): void {
  const { state } = turn;
  const forwarded = state.forwardedReads.get(message.id);
  if (forwarded === undefined) return;
  state.forwardedReads.delete(message.id);
  for (const ref of forwarded.refs) turn.reads.push({ ref, index: message.index === 0 ? undefined : message.index });
}

/**
 * The question or its answer may be lost: ask again. Under the same id, so that a slow answer to the first question
 * still serves: on a long road every answer may be older than the patience here. It is safe, for the index in any
 * answer was the leader's after the id was first sent, and so after its reads were asked; the ids that must be fresh
 * are those of the leader's rounds.
 */
export function tickForwardedReads(turn: Turn): void {
  const { state, options } = turn;
  for (const [id, forwarded] of state.forwardedReads) {
    if (++forwarded.age % (options.heartbeatTicks * 4) !== 0) continue;
    if (state.lead !== 0) {
      send(turn, state.lead, { type: 'readIndex', id });
      continue;
    }
    state.forwardedReads.delete(id);
    for (const ref of forwarded.refs) turn.reads.push({ ref, index: undefined });
  }
}

/** The leader changed, or we are not it any more: nobody will confirm these; nor say what became of proposals. */
export function abandonReads(turn: Turn): void {
  const { state } = turn;
  for (const round of state.rounds) for (const reader of round.readers) answer(turn, reader, undefined);
  for (const reader of state.waiting) answer(turn, reader, undefined);
  for (const { refs } of state.forwardedReads.values()) for (const ref of refs) turn.reads.push({ ref, index: undefined });
  for (const { ref } of state.forwardedProposals.values()) turn.proposals.push({ ref, outcome: 'lost' });
  state.rounds = [];
  state.waiting = [];
  state.forwardedReads.clear();
  state.forwardedProposals.clear();
  loseChanges(turn);
}
