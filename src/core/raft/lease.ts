// Reads without asking anybody (thesis §6.4.1), for those who trust their clocks. Whoever answers a heartbeat
// promises to elect nobody else for a while; until the promises of a quorum run out no other leader can have
// committed anything. The leader counts from the moment before it sent the heartbeat, the promise from when it came.
//
//   leader     stamp ──heartbeat──╮            reads until stamp + loyaltyMs / (1 + driftMax)
//   follower                      ╰─ promise ──────────────────── loyaltyMs, on its own clock ──→ may vote
//
// The core has no clock: a leader's tick says what time it is there, and a follower's promise is counted in ticks,
// which come late but never early, however its clock may jump. So the bound is on rates: while the leader's clock
// counts one second, no other's may count more than 1 + driftMax.

import type { MemberId } from './entry.ts';
import { termAt } from './log.ts';
import type { Message } from './message.ts';
import { quorumIndex } from './quorum.ts';
import { Role, configurationOf } from './state.ts';
import type { RaftOptions, RaftState } from './state.ts';

/** Has this member promised somebody, perhaps in an earlier life, to elect nobody else? */
export function isBound(state: RaftState, options: RaftOptions): boolean {
  return options.lease !== undefined && state.loyalTicks < options.electionTicks;
}

/** A leader's: the promise in an answer to a heartbeat of ours. */
export function notePromise(state: RaftState, options: RaftOptions, message: Message & { type: 'heartbeatReply' }): void {
  const progress = state.progress.get(message.from);
  if (progress === undefined || options.lease === undefined || message.stamp === 0 || message.loyaltyMs === 0) return;
  progress.promisedUntil = Math.max(progress.promisedUntil, message.stamp + message.loyaltyMs / (1 + options.lease.driftMax));
}

/**
 * Until when, on this member's clock, nobody else leads; 0: it cannot say. Counted by the newest configuration: a
 * quorum of it meets every quorum that could elect somebody, of it or of its neighbours.
 */
export function leaseUntil(state: RaftState, options: RaftOptions): number {
  // Whoever was told to campaign may do so at any time, and nobody is loyal to us then.
  // A member that only keeps old promises reads by none: it was not told how much clocks may differ.
  if (options.lease === undefined || options.lease.loyaltyMs === 0 || state.role !== Role.leader || state.hasHandedOver) return 0;
  // Until an entry of the own term is committed a leader does not know what is (Raft §8).
  if (termAt(state.log, state.log.committed) !== state.term) return 0;
  const promise = (id: MemberId): number => (id === state.id ? Number.MAX_SAFE_INTEGER : (state.progress.get(id)?.promisedUntil ?? 0));
  return quorumIndex(configurationOf(state), promise);
}
