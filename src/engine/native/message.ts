// What clients and members say to each other inside frames, version 1. docs/reference/native-protocol.md is this
// file for people; test/golden/format/native-v1.json has its bytes.

import { fail } from '../../core/errors.ts';
import { Role, membersMax } from '../../core/raft/index.ts';
import { Reader, Writer } from '../../core/wire/index.ts';
import type { HashKvResult, MemberListRow, MemberStatus, MembershipChange, MembershipResult, ReadOptions } from '../service.ts';

/** The types of frames. Requests are below 128, what a member sends is above. */
export const ClientFrame = {
  /** An encoded Command, to be proposed. */
  propose: 1,
  /** An encoded range or read-only txn. */
  read: 2,
  /** The answer to this stream is not awaited any more. Not answered itself. */
  cancel: 3,
  status: 4,
  members: 5,
  hashKv: 6,
  moveLeader: 7,
  ping: 8,
  changeMembership: 9,
  /** The answer to the stream's request. */
  answer: 128,
  /** Why there is none: an encoded Failure. */
  failure: 129,
  /** Not asked for, stream 0: who leads, at the start and when it changes. */
  leader: 130,
} as const;

/** Bytes of one frame that a client may send: the largest request and what is around it. */
export const clientFrameBytesMax: number = (2 << 20) + 4096;
/** Bytes of one answer. More is refused with TOO_LARGE: ask for less at a time. */
export const answerBytesMax: number = 64 << 20;

const consistencies = ['linearizable', 'bounded', 'local', 'lease'] as const;
const deadlineMsMax = 0xffff_ffff;

function toU32(value: number): number {
  return Math.min(deadlineMsMax, Math.max(0, Math.ceil(value)));
}

/** deadline u32 ms · command */
export function encodeProposeHead(deadlineMs: number): Uint8Array {
  return new Writer(4).u32(toU32(deadlineMs)).finish();
}

export function decodePropose(body: Uint8Array): { readonly deadlineMs: number; readonly command: Uint8Array } {
  if (body.length < 4) fail('BAD_REQUEST', { detail: 'a proposal without a deadline' });
  const deadlineMs = (body[0]! | (body[1]! << 8) | (body[2]! << 16) | (body[3]! << 24)) >>> 0;
  return { deadlineMs, command: body.subarray(4) };
}

export type ReadHead = Omit<ReadOptions, 'signal' | 'admit'>;

/** deadline u32 ms · consistency u8 · max age u32 ms (2³²−1: none) · min revision u53 · request */
export function encodeReadHead(head: ReadHead): Uint8Array {
  const writer = new Writer(17).u32(toU32(head.deadlineMs)).u8(consistencies.indexOf(head.consistency));
  return writer.u32(head.maxAgeMs === undefined ? deadlineMsMax : toU32(Math.min(head.maxAgeMs, deadlineMsMax - 1))).u53(head.minRevision ?? 0).finish();
}

export function decodeRead(body: Uint8Array): { readonly head: ReadHead; readonly request: Uint8Array } {
  const reader = new Reader(body);
  const deadlineMs = reader.u32();
  const consistency = consistencies[reader.u8()] ?? fail('UNSUPPORTED', { detail: 'a read of unknown consistency' });
  const maxAgeMs = reader.u32();
  const minRevision = reader.u53();
  const head: ReadHead = {
    deadlineMs, consistency,
    ...(maxAgeMs === deadlineMsMax ? {} : { maxAgeMs }), ...(minRevision === 0 ? {} : { minRevision }),
  };
  return { head, request: reader.raw(reader.remaining) };
}

/** Revisions, targets: one number. */
export function encodeNumber(value: number): Uint8Array {
  return new Writer(8).u53(value).finish();
}

export function decodeNumber(body: Uint8Array): number {
  return new Reader(body).u53();
}

export interface LeaderNotice {
  /** 0: nobody is known to lead. */
  readonly leader: number;
  readonly term: number;
  readonly address: string;
}

export function encodeLeader(notice: LeaderNotice): Uint8Array {
  return new Writer(64).u53(notice.leader).u53(notice.term).string(notice.address).finish();
}

export function decodeLeader(body: Uint8Array): LeaderNotice {
  const reader = new Reader(body);
  return { leader: reader.u53(), term: reader.u53(), address: reader.string() };
}

const roles = [Role.follower, Role.preCandidate, Role.candidate, Role.leader] as const;
const durabilities = ['fsync', 'os'] as const;

/** Later versions add fields at the end. */
export function encodeStatus(status: MemberStatus): Uint8Array {
  const writer = new Writer(512).u53(status.cluster).u53(status.member).string(status.name).string(status.version);
  writer.u53(status.leader).string(status.leaderName).string(status.leaderAddress).u8(roles.indexOf(status.role)).u53(status.term);
  writer.u53(status.lastIndex).u53(status.commitIndex).u53(status.appliedIndex).u53(status.revision).u53(status.compactRevision);
  writer.u53(status.dbBytes).u53(status.keys).string(status.digest).u8(durabilities.indexOf(status.durability));
  writer.u32(status.formatVersion).u32(status.protocolVersion).u53(status.uptimeMs).u32(status.errors.length);
  for (const error of status.errors) writer.string(error);
  const flags = (status.learner === true ? 1 : 0) | (status.witness === true ? 2 : 0);
  if (status.clusterVersion !== 0 || flags !== 0) writer.u32(status.clusterVersion);
  if (flags !== 0) writer.u8(flags);
  return writer.finish();
}

export function decodeStatus(body: Uint8Array): MemberStatus {
  const reader = new Reader(body);
  const status: MemberStatus = {
    cluster: reader.u53(), member: reader.u53(), name: reader.string(), version: reader.string(),
    leader: reader.u53(), leaderName: reader.string(), leaderAddress: reader.string(),
    role: roles[reader.u8()] ?? Role.follower, term: reader.u53(),
    lastIndex: reader.u53(), commitIndex: reader.u53(), appliedIndex: reader.u53(), revision: reader.u53(), compactRevision: reader.u53(),
    dbBytes: reader.u53(), keys: reader.u53(), digest: reader.string(), durability: durabilities[reader.u8()] ?? 'fsync',
    formatVersion: reader.u32(), protocolVersion: reader.u32(), uptimeMs: reader.u53(), errors: decodeStrings(reader),
    clusterVersion: reader.remaining >= 4 ? reader.u32() : 0,
  };
  const flags = reader.remaining > 0 ? reader.u8() : 0;
  return { ...status, ...(flags & 1 ? { learner: true } : {}), ...(flags & 2 ? { witness: true } : {}) };
}

/** Each takes its length at least: an impossible count fails on its first missing byte. */
function decodeStrings(reader: Reader): string[] {
  const strings: string[] = [];
  for (let left = reader.u32(); left > 0; left--) strings.push(reader.string());
  return strings;
}

export function encodeDeadline(deadlineMs: number): Uint8Array {
  return new Writer(4).u32(toU32(deadlineMs)).finish();
}

export function decodeDeadline(body: Uint8Array): number {
  return Math.min(new Reader(body).u32(), deadlineMsMax);
}

export function encodeMembers(members: readonly MemberListRow[]): Uint8Array {
  const writer = new Writer(256).u32(members.length);
  for (const { id, name, address, learner, witness, joining } of members) {
    writer.u53(id).string(name).string(address).u8((learner ? 1 : 0) | (witness === true ? 2 : 0) | (joining === true ? 4 : 0));
  }
  return writer.finish();
}

export function decodeMembers(body: Uint8Array): MemberListRow[] {
  return membersFrom(new Reader(body));
}

function membersFrom(reader: Reader): MemberListRow[] {
  const members: MemberListRow[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const [id, name, address, flags] = [reader.u53(), reader.string(), reader.string(), reader.u8()];
    members.push({ id, name, address, learner: (flags & 1) !== 0, ...(flags & 2 ? { witness: true } : {}), ...(flags & 4 ? { joining: true } : {}) });
  }
  return members;
}

const changeTypes = ['add', 'promote', 'remove', 'update'] as const;
const joinKinds = ['voter', 'learner', 'witness'] as const;

/** deadline u32 ms · type u8 · id u53 (add: 0) · name · address · kind u8 · further ids: count u32, u53 each; nothing if none */
export function encodeMembershipChange(deadlineMs: number, change: MembershipChange): Uint8Array {
  const writer = new Writer(128).u32(toU32(deadlineMs)).u8(changeTypes.indexOf(change.type)).u53(change.type === 'add' ? 0 : change.id);
  writer.string(change.type === 'add' ? change.name : '').string('address' in change ? change.address : '');
  writer.u8(change.type === 'add' ? joinKinds.indexOf(change.as) : 0);
  const also = 'also' in change ? change.also : [];
  if (also.length > 0) writer.u32(also.length);
  for (const id of also) writer.u53(id);
  return writer.finish();
}

export function decodeMembershipChange(body: Uint8Array): { readonly deadlineMs: number; readonly change: MembershipChange } {
  const reader = new Reader(body);
  const deadlineMs = reader.u32();
  const type = changeTypes[reader.u8()] ?? fail('UNSUPPORTED', { detail: 'an unknown change of membership' });
  const [id, name, address, kind] = [reader.u53(), reader.string(), reader.string(), reader.u8()];
  const as = joinKinds[kind] ?? fail('UNSUPPORTED', { detail: 'an unknown kind of member' });
  if (type === 'add') return { deadlineMs, change: { type, name, address, as } };
  if (type === 'update') return { deadlineMs, change: { type, id, address } };
  const count = reader.remaining > 0 ? reader.u32() : 0;
  if (count >= membersMax) fail('TOO_LARGE', { detail: `${count + 1} changes of membership at once` });
  const also = Array.from({ length: count }, () => reader.u53());
  return { deadlineMs, change: { type, id, ...(also.length > 0 ? { also } : {}) } };
}

export function encodeMembershipResult(result: MembershipResult): Uint8Array {
  return new Writer(256).u53(result.id).raw(encodeMembers(result.members)).finish();
}

export function decodeMembershipResult(body: Uint8Array): MembershipResult {
  const reader = new Reader(body);
  return { id: reader.u53(), members: membersFrom(reader) };
}

export function encodeHashKv(result: HashKvResult): Uint8Array {
  return new Writer(64).u32(result.hash).u53(result.compactRevision).u53(result.revision).string(result.digest).u53(result.index).finish();
}

export function decodeHashKv(body: Uint8Array): HashKvResult {
  const reader = new Reader(body);
  return { hash: reader.u32(), compactRevision: reader.u53(), revision: reader.u53(), digest: reader.string(), index: reader.u53() };
}
