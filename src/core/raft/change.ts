// What a change of membership makes of a configuration, or why it must not: pure functions, so that every small
// configuration can be tried. Who may propose one, and when, is membership.ts.
//
//   one voter differs    {1,2,3} ──────────────────────────→ {1,2,3,4}     majorities of both share a member (thesis §4.1)
//   more than one        {1,2,3} → {1,4,5} and {1,2,3} → {1,4,5}           in between both must agree (Raft §6)

import { fail } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { Reader, Writer } from '../wire/index.ts';
import type { Configuration, MemberId, MemberInfo } from './entry.ts';

export type Change =
  /** `addJoining`: a learner that the leader's member promotes once it has caught up. `witness`: it stores no payload. */
  | { readonly type: 'addVoter' | 'addLearner' | 'addJoining'; readonly member: MemberInfo; readonly witness: boolean }
  | { readonly type: 'promote' | 'remove'; readonly id: MemberId }
  | { readonly type: 'update'; readonly id: MemberId; readonly address: string };

export type ChangeRefusal =
  | 'noLeader' | 'notReady' | 'inProgress' | 'exists' | 'unknown' | 'removed' | 'notLearner' | 'behind' | 'quorum' | 'tooMany' | 'empty';

/** Why a change is refused, as a code. */
export const refusalCodes: Readonly<Record<ChangeRefusal, ErrorCode>> = {
  noLeader: 'NO_LEADER',
  /** The leader has not committed an entry of its own term yet. */
  notReady: 'NO_LEADER',
  inProgress: 'CHANGE_IN_PROGRESS',
  exists: 'MEMBER_EXISTS',
  unknown: 'MEMBER_UNKNOWN',
  removed: 'MEMBER_REMOVED',
  notLearner: 'NOT_A_LEARNER',
  behind: 'LEARNER_BEHIND',
  quorum: 'QUORUM_AT_RISK',
  tooMany: 'TOO_LARGE',
  empty: 'BAD_REQUEST',
};

export const membersMax: number = 64;
/** Ids that were members once, newest last. More are forgotten: whoever comes back after that many gets no word. */
const removedMax = 1024;

/** The configuration after `changes`, as if nobody had to agree to it; or what is wrong with them. */
export function changed(before: Configuration, changes: readonly Change[]): Configuration | ChangeRefusal {
  if (changes.length === 0) return 'empty';
  let after: Configuration = before;
  for (const change of changes) {
    const next = applied(after, change);
    if (typeof next === 'string') return next;
    after = next;
  }
  if (after.members.length > membersMax || after.voters.length + after.learners.length > membersMax) return 'tooMany';
  // Somebody must be able to lead.
  if (after.voters.every((id) => after.witnesses.includes(id))) return 'quorum';
  return after;
}

function applied(before: Configuration, change: Change): Configuration | ChangeRefusal {
  switch (change.type) {
    case 'addVoter':
    case 'addLearner':
    case 'addJoining':
      return added(before, change);
    case 'promote': {
      const { id } = change;
      if (!isMember(before, id)) return 'unknown';
      if (!before.learners.includes(id)) return 'notLearner';
      return { ...before, voters: [...before.voters, id], ...without(before, 'learners', id), ...without(before, 'joining', id) };
    }
    case 'remove': {
      const { id } = change;
      if (!isMember(before, id)) return before.removed?.includes(id) === true ? 'removed' : 'unknown';
      const members = before.members.filter((member) => member.id !== id);
      const removed = [...(before.removed ?? []), id].slice(-removedMax);
      return {
        ...before, members, removed,
        ...without(before, 'voters', id), ...without(before, 'learners', id), ...without(before, 'witnesses', id), ...without(before, 'joining', id),
      };
    }
    case 'update': {
      const { id, address } = change;
      if (!isMember(before, id)) return 'unknown';
      if (before.members.some((member) => member.id !== id && member.address === address)) return 'exists';
      return { ...before, members: before.members.map((member) => (member.id === id ? { ...member, address } : member)) };
    }
  }
}

function added(before: Configuration, change: Change & { readonly type: 'addVoter' | 'addLearner' | 'addJoining' }): Configuration | ChangeRefusal {
  const { member, type, witness } = change;
  if (before.removed?.includes(member.id) === true) return 'removed';
  if (member.id === 0 || isMember(before, member.id)) return 'exists';
  if (before.members.some(({ name, address }) => name === member.name || address === member.address)) return 'exists';
  const { id } = member;
  return {
    ...before,
    members: [...before.members, member],
    ...(type === 'addVoter' ? { voters: [...before.voters, id] } : { learners: [...before.learners, id] }),
    ...(type === 'addJoining' ? { joining: [...(before.joining ?? []), id] } : {}),
    ...(witness ? { witnesses: [...before.witnesses, id] } : {}),
  };
}

function without(configuration: Configuration, key: 'voters' | 'learners' | 'witnesses' | 'joining', id: MemberId): Partial<Configuration> {
  const ids = configuration[key];
  return ids === undefined || !ids.includes(id) ? {} : { [key]: ids.filter((each) => each !== id) };
}

function isMember({ voters, learners }: Configuration, id: MemberId): boolean {
  return voters.includes(id) || learners.includes(id);
}

/** Do the voters differ by one at most? Then any two majorities share a member, and no joint configuration is needed. */
export function isOneStep(before: Configuration, after: Configuration): boolean {
  const left = before.voters.filter((id) => !after.voters.includes(id)).length;
  const came = after.voters.filter((id) => !before.voters.includes(id)).length;
  return left + came <= 1;
}

/** Old and new together (Raft §6). Those who leave stay members, with address and kind, until it is left. */
export function joined(before: Configuration, after: Configuration): Configuration {
  const leaving = before.voters.filter((id) => !after.voters.includes(id));
  return {
    ...after,
    outgoing: before.voters,
    ...(after.removed === undefined ? {} : { removed: after.removed.filter((id) => !leaving.includes(id)) }),
    witnesses: [...after.witnesses, ...before.witnesses.filter((id) => leaving.includes(id) && !after.witnesses.includes(id))],
    members: [...after.members, ...before.members.filter(({ id }) => leaving.includes(id) && !after.members.some((member) => member.id === id))],
  };
}

/** What a joint configuration leads to: a function of it alone, so that whoever leads then can leave it. */
export function left(joint: Configuration): Configuration {
  const stays = (id: MemberId): boolean => joint.voters.includes(id) || joint.learners.includes(id);
  const gone = joint.outgoing.filter((id) => !stays(id));
  return {
    ...joint,
    outgoing: [],
    ...(gone.length > 0 ? { removed: [...(joint.removed ?? []), ...gone].slice(-removedMax) } : {}),
    witnesses: joint.witnesses.filter(stays),
    members: joint.members.filter(({ id }) => stays(id)),
  };
}

const types = ['addVoter', 'addLearner', 'addJoining', 'promote', 'remove', 'update'] as const;

export function encodeChanges(changes: readonly Change[]): Uint8Array {
  const writer = new Writer().u32(changes.length);
  for (const change of changes) {
    writer.u8(types.indexOf(change.type));
    if ('member' in change) writer.u53(change.member.id).string(change.member.name).string(change.member.address).u8(change.witness ? 1 : 0);
    else writer.u53(change.id).string(change.type === 'update' ? change.address : '');
  }
  return writer.finish();
}

export function decodeChanges(bytes: Uint8Array): readonly Change[] {
  const reader = new Reader(bytes);
  const count = reader.u32();
  if (count > membersMax) fail('TOO_LARGE', { detail: `${count} changes of membership at once` });
  return Array.from({ length: count }, (): Change => {
    const type = types[reader.u8()] ?? fail('UNSUPPORTED', { detail: 'an unknown change of membership' });
    const id = reader.u53();
    if (type === 'addVoter' || type === 'addLearner' || type === 'addJoining') {
      return { type, member: { id, name: reader.string(), address: reader.string() }, witness: reader.u8() === 1 };
    }
    const address = reader.string();
    return type === 'update' ? { type, id, address } : { type, id };
  });
}
