// The one renderer of the core's words, for logs, golden scripts and pages.

import { unreachable } from '../assert.ts';
import type { Change } from './change.ts';
import type { Configuration, Entry, MemberId } from './entry.ts';
import type { Message } from './message.ts';
import type { Input } from './ready.ts';
import { configurationOf } from './state.ts';
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
