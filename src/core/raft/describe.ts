// The one renderer of the core's words, for logs, golden scripts and pages.

import { unreachable } from '../assert.ts';
import type { Change } from './change.ts';
import type { Configuration, Entry, LogIndex, MemberId, Term } from './entry.ts';
import { isRemoved } from './membership.ts';
import type { Message } from './message.ts';
import type { ChangeOutcome, Input, ProposalOutcome, Ready } from './ready.ts';
import { Role, configurationOf } from './state.ts';
import type { RaftState } from './state.ts';
import { lastIndex, lastTerm } from './log.ts';

/** `5/2` is index 5 of term 2. */
function describeEntries(entries: readonly Entry[]): string {
  if (entries.length === 0) return 'nothing';
  const last = entries.at(-1)!;
  const first = entries[0]!;
  return first === last ? `${first.index}/${first.term}` : `${first.index}/${first.term} … ${last.index}/${last.term}`;
}

function describeChange(change: Change): string {
  if ('member' in change) return `${change.type} ${change.member.id}${change.witness ? ' (witness)' : ''}`;
  return `${change.type} ${change.id}${change.type === 'update' ? ` → ${change.address}` : ''}`;
}

export function describeChanges(changes: readonly Change[]): string {
  return changes.map(describeChange).join(', ');
}

/** `1,2,3` or, joint, `1,2,4 and 1,2,3`; then whoever learns. */
export function describeConfiguration({ voters, outgoing, learners, witnesses }: Configuration): string {
  const say = (ids: readonly MemberId[]): string => ids.map((id) => `${id}${witnesses.includes(id) ? 'w' : ''}`).join(',');
  const rule = outgoing.length > 0 ? `${say(voters)} and ${say(outgoing)}` : say(voters);
  return `${rule}${learners.length > 0 ? `, learners ${say(learners)}` : ''}`;
}

export function describeMessage(message: Message): string {
  const head = `${message.from}→${message.to} term ${message.term} ${message.type}`;
  switch (message.type) {
    case 'preVote':
    case 'vote':
      return `${head}: my log ends at ${message.lastIndex}/${message.lastTerm}${message.transfer ? ', as the leader asked' : ''}`;
    case 'preVoteReply':
    case 'voteReply':
      return `${head}: ${message.granted ? 'granted' : 'refused'}`;
    case 'append':
      return `${head}: after ${message.prevIndex}/${message.prevTerm} ${describeEntries(message.entries)}, commit ${message.commit}`;
    case 'appendReply':
      return message.rejected
        ? `${head}: ${message.index} does not fit, try ${message.hintIndex}/${message.hintTerm}`
        : `${head}: holds ${message.index}`;
    case 'heartbeat':
      return `${head}: commit ${message.commit}${message.round > 0 ? `, round ${message.round}` : ''}`;
    case 'heartbeatReply':
      return `${head}${message.round > 0 ? `: round ${message.round}` : ''}`;
    case 'readIndex':
      return `${head}: read ${message.id}`;
    case 'readIndexReply':
      return `${head}: read ${message.id} ${message.index === 0 ? 'refused' : `at ${message.index}`}`;
    case 'propose':
      return `${head}: proposal ${message.id} of ${message.data.length} bytes`;
    case 'proposeReply':
      return `${head}: proposal ${message.id} ${message.outcome}${message.outcome === 'appended' ? ` at ${message.index}/${message.entryTerm}` : ''}`;
    case 'change':
      return `${head}: change ${message.id}, ${describeChanges(message.changes)}`;
    case 'changeReply':
      return `${head}: change ${message.id} ${message.refused === undefined ? `appended at ${message.index}/${message.entryTerm}` : `refused, ${message.refused}`}`;
    case 'timeoutNow':
      return head;
    case 'snapshot':
      return `${head}: up to ${message.marker.index}/${message.marker.term}`;
    default:
      return unreachable(message);
  }
}

export function describeInput(input: Input): string {
  switch (input.type) {
    case 'receive':
      return describeMessage(input.message);
    case 'propose':
      return `propose ${input.data.length} bytes`;
    case 'change':
      return describeChanges(input.changes);
    case 'persisted':
      return `persisted ${input.seq} up to ${input.index}/${input.term}`;
    case 'applied':
      return `applied ${input.index}`;
    case 'lost':
    case 'unreachable':
      return `${input.member} ${input.type}`;
    case 'snapshotSent':
      return `snapshot to ${input.member} ${input.ok ? 'sent' : 'failed'}`;
    case 'compact':
      return `compact ${input.index}`;
    case 'transfer':
      return `transfer to ${input.member}`;
    case 'tick':
    case 'campaign':
    case 'read':
      return input.type;
    default:
      return unreachable(input);
  }
}

export function describeState(state: RaftState): string {
  const { log } = state;
  return `${state.id} ${state.role} of term ${state.term}, leader ${state.lead || 'unknown'}, log (${log.offset}, ${lastIndex(log)}/${lastTerm(log)}], committed ${log.committed}, applied ${state.applied}, voters ${describeConfiguration(configurationOf(state))}`;
}

/** `2 is follower of term 3, follows 1`. */
export function describeRole({ id, role, term, lead }: Pick<RaftState, 'id' | 'role' | 'term' | 'lead'>, name: (id: MemberId) => string = String): string {
  const whom = role !== Role.follower ? '' : lead === 0 ? ', without a leader' : `, follows ${name(lead)}`;
  return `${name(id)} is ${role} of term ${term}${whom}`;
}

/** Of a state what a step may change and a story tells. */
export interface Standing {
  readonly role: Role;
  readonly term: Term;
  readonly lead: MemberId;
  readonly committed: LogIndex;
  readonly rules: string;
}

export function standingOf(state: RaftState): Standing {
  const { role, term, lead, log } = state;
  return { role, term, lead, committed: log.committed, rules: describeConfiguration(configurationOf(state)) };
}

/** What a step did, a sentence for each: to the log, to the member's standing, and for those who had asked something. */
export function describeStep(before: Standing, state: RaftState, ready: Ready): readonly string[] {
  const { id } = state;
  const now = standingOf(state);
  const { reset, cutFrom } = ready.persist ?? {};
  const said: string[] = [];
  if (reset !== undefined) said.push(`${id} replaces its log and state by the snapshot up to ${reset.index}/${reset.term}`);
  if (cutFrom !== undefined) said.push(`${id} cuts its log from ${cutFrom} on`);
  if (now.role !== before.role || now.term !== before.term || now.lead !== before.lead) said.push(describeRole(state));
  if (now.committed > before.committed) said.push(`${id} knows that ${now.committed} is committed`);
  if (now.rules !== before.rules) said.push(`${id} goes by ${now.rules || 'nobody'}`);
  if (isRemoved(state)) said.push(`${id} knows that it was removed, and stops`);
  for (const { ref, index } of ready.reads) said.push(index === undefined ? `${id} refuses read ${ref}` : `${id} serves read ${ref} once ${index} is applied`);
  for (const outcome of ready.proposals) said.push(`${id} says of proposal ${outcome.ref}: ${describeOutcome(outcome)}`);
  for (const outcome of ready.changes) said.push(`${id} says of change ${outcome.ref}: ${describeOutcome(outcome)}`);
  for (const to of ready.snapshotsWanted) said.push(`${id} sends ${to} a snapshot`);
  return said;
}

function describeOutcome(outcome: ProposalOutcome | ChangeOutcome): string {
  if (outcome.outcome === 'appended') return `appended at ${outcome.index}/${outcome.term}`;
  return outcome.outcome === 'refused' ? `refused, ${outcome.reason}` : outcome.outcome;
}
