// A batch on its way into the log: appended here if we lead, handed to the leader if we know it, refused otherwise.

import { EntryKind } from './entry.ts';
import type { Message } from './message.ts';
import type { ProposalOutcome } from './ready.ts';
import { appendOwn } from './replication.ts';
import { Role } from './state.ts';
import { send } from './turn.ts';
import type { Turn } from './turn.ts';

type Refusal = Exclude<ProposalOutcome['outcome'], 'appended' | 'lost'>;

function refusal(turn: Turn, data: Uint8Array): Refusal | undefined {
  const { state, options } = turn;
  if (state.role !== Role.leader || state.transferee !== 0) return 'noLeader';
  // One batch always fits, or a batch above the limit could never be proposed.
  if (state.uncommittedBytes > 0 && state.uncommittedBytes + data.length > options.uncommittedBytesMax) return 'overloaded';
  return undefined;
}

export function propose(turn: Turn, ref: number, data: Uint8Array): void {
  const { state } = turn;
  if (state.role !== Role.leader && state.lead !== 0) {
    const id = state.nextForward++;
    state.forwardedProposals.set(id, { ref, age: 0 });
    send(turn, state.lead, { type: 'propose', id, data });
    return;
  }
  const refused = refusal(turn, data);
  if (refused !== undefined) {
    turn.proposals.push({ ref, outcome: refused });
    return;
  }
  const { index, term } = appendOwn(turn, EntryKind.batch, data);
  turn.proposals.push({ ref, outcome: 'appended', index, term });
}

export function onPropose(turn: Turn, message: Message & { type: 'propose' }): void {
  const refused = refusal(turn, message.data);
  const reply = { type: 'proposeReply', id: message.id, index: 0, entryTerm: 0 } as const;
  if (refused !== undefined) {
    const outcome = refused === 'overloaded' ? 'overloaded' : 'notLeader';
    send(turn, message.from, { ...reply, outcome });
    return;
  }
  const { index, term } = appendOwn(turn, EntryKind.batch, message.data);
  send(turn, message.from, { ...reply, outcome: 'appended', index, entryTerm: term });
}

/** No answer in an election timeout, from a leader that is still heard: the question or its answer is lost. */
export function tickForwardedProposals(turn: Turn): void {
  const { state, options } = turn;
  for (const [id, forwarded] of state.forwardedProposals) {
    if (++forwarded.age < options.electionTicks) continue;
    state.forwardedProposals.delete(id);
    turn.proposals.push({ ref: forwarded.ref, outcome: 'lost' });
  }
}

export function onProposeReply(turn: Turn, message: Message & { type: 'proposeReply' }): void {
  const forwarded = turn.state.forwardedProposals.get(message.id);
  if (forwarded === undefined) return;
  const { ref } = forwarded;
  turn.state.forwardedProposals.delete(message.id);
  if (message.outcome === 'appended') turn.proposals.push({ ref, outcome: 'appended', index: message.index, term: message.entryTerm });
  else turn.proposals.push({ ref, outcome: message.outcome === 'overloaded' ? 'overloaded' : 'noLeader' });
}
