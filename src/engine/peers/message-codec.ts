// Raft's messages as bytes, fixed-width. The first byte names the type; a type this build does not know is skipped
// by the caller (design: unknown messages are not errors between versions).

import { fail } from '../../core/errors.ts';
import { decodeChanges, decodeConfiguration, encodeChanges, encodeConfiguration, refusalCodes } from '../../core/raft/index.ts';
import type { Body, ChangeRefusal, Entry, EntryKind, GroupId, MemberId, Message, MessageType, SnapshotMarker, Term } from '../../core/raft/index.ts';
import { Reader, Writer } from '../../core/wire/index.ts';

const types: Readonly<Record<MessageType, number>> = {
  preVote: 1, vote: 2, preVoteReply: 3, voteReply: 4, append: 5, appendReply: 6, heartbeat: 7, heartbeatReply: 8,
  readIndex: 9, readIndexReply: 10, propose: 11, proposeReply: 12, timeoutNow: 13, snapshot: 14,
  change: 15, changeReply: 16,
};
const names = new Map(Object.entries(types).map(([name, type]) => [type, name as MessageType]));
/** By position; new ones at the end. */
const refusals = Object.keys(refusalCodes) as ChangeRefusal[];
const outcomes = ['appended', 'notLeader', 'overloaded'] as const;

export function encodeMarker(writer: Writer, marker: SnapshotMarker): void {
  writer.u53(marker.index).u53(marker.term).u53(marker.producer).u53(marker.id).bytes(encodeConfiguration(marker.configuration));
}

export function decodeMarker(reader: Reader): SnapshotMarker {
  const [index, term, producer, id] = [reader.u53(), reader.u53(), reader.u53(), reader.u53()];
  return { index, term, producer, id, configuration: decodeConfiguration(reader.bytes()) };
}

export function encodeMessage(group: GroupId, message: Message): Uint8Array {
  const writer = new Writer(message.type === 'append' ? 96 + message.entries.reduce((sum, entry) => sum + entry.data.length + 32, 0) : 96);
  writer.u32(group).u8(types[message.type]).u53(message.from).u53(message.to).u53(message.term);
  encodeBody(writer, message);
  return writer.finish();
}

function encodeBody(writer: Writer, body: Body): void {
  switch (body.type) {
    case 'preVote':
    case 'vote':
      writer.u53(body.lastIndex).u53(body.lastTerm).u8(body.transfer ? 1 : 0);
      break;
    case 'preVoteReply':
    case 'voteReply':
      writer.u8(body.granted ? 1 : 0);
      break;
    case 'append':
      writer.u53(body.prevIndex).u53(body.prevTerm).u53(body.commit).u32(body.entries.length);
      for (const entry of body.entries) writer.u53(entry.term).u8(entry.kind).bytes(entry.data);
      break;
    case 'appendReply':
      writer.u53(body.index).u8(body.rejected ? 1 : 0).u53(body.hintIndex).u53(body.hintTerm);
      break;
    case 'heartbeat':
      writer.u53(body.commit).u53(body.round).u53(body.digestIndex).string(body.digest);
      if (body.stamp > 0) writer.u53(body.stamp);
      break;
    case 'heartbeatReply':
      writer.u53(body.round);
      if (body.stamp > 0) writer.u53(body.stamp).u32(body.loyaltyMs);
      break;
    case 'readIndex':
      writer.u53(body.id);
      break;
    case 'readIndexReply':
      writer.u53(body.id).u53(body.index);
      break;
    case 'propose':
      writer.u53(body.id).bytes(body.data);
      break;
    case 'proposeReply':
      writer.u53(body.id).u8(outcomes.indexOf(body.outcome)).u53(body.index).u53(body.entryTerm);
      break;
    case 'snapshot':
      encodeMarker(writer, body.marker);
      break;
    case 'change':
      writer.u53(body.id).u8(body.joint ? 1 : 0).bytes(encodeChanges(body.changes));
      break;
    case 'changeReply':
      writer.u53(body.id).u8(body.refused === undefined ? 0 : refusals.indexOf(body.refused) + 1).u53(body.index).u53(body.entryTerm);
      break;
    case 'timeoutNow':
      break;
  }
}

/** What an encoded message is, without reading it; undefined as below. */
export function messageTypeOf(bytes: Uint8Array): MessageType | undefined {
  return names.get(bytes[4] ?? 0);
}

/** Undefined: a type of a later version. Entries are views of `bytes`. */
export function decodeMessage(bytes: Uint8Array): { readonly group: GroupId; readonly message: Message } | undefined {
  const reader = new Reader(bytes);
  const group = reader.u32();
  const type = names.get(reader.u8());
  const [from, to, term] = [reader.u53(), reader.u53(), reader.u53()];
  if (type === undefined) return undefined;
  return { group, message: decodeTyped(reader, type, from, to, term) };
}

/** Every message is made in one piece: to spread a body behind its envelope takes ten times as long as to read both. */
function decodeTyped(reader: Reader, type: MessageType, from: MemberId, to: MemberId, term: Term): Message {
  switch (type) {
    case 'preVote':
    case 'vote':
      return { type, from, to, term, lastIndex: reader.u53(), lastTerm: reader.u53(), transfer: reader.u8() === 1 };
    case 'preVoteReply':
    case 'voteReply':
      return { type, from, to, term, granted: reader.u8() === 1 };
    case 'append':
      return decodeAppend(reader, from, to, term);
    case 'appendReply':
      return { type, from, to, term, index: reader.u53(), rejected: reader.u8() === 1, hintIndex: reader.u53(), hintTerm: reader.u53() };
    case 'heartbeat':
      return { type, from, to, term, commit: reader.u53(), round: reader.u53(), digestIndex: reader.u53(), digest: reader.string(), stamp: reader.remaining > 0 ? reader.u53() : 0 };
    case 'heartbeatReply': {
      const round = reader.u53();
      return reader.remaining > 0 ? { type, from, to, term, round, stamp: reader.u53(), loyaltyMs: reader.u32() } : { type, from, to, term, round, stamp: 0, loyaltyMs: 0 };
    }
    case 'readIndex':
      return { type, from, to, term, id: reader.u53() };
    case 'readIndexReply':
      return { type, from, to, term, id: reader.u53(), index: reader.u53() };
    case 'propose':
      return { type, from, to, term, id: reader.u53(), data: reader.bytes() };
    case 'proposeReply': {
      const id = reader.u53();
      const outcome = outcomes[reader.u8()] ?? fail('PROTOCOL', { detail: 'an unknown outcome of a proposal' });
      return { type, from, to, term, id, outcome, index: reader.u53(), entryTerm: reader.u53() };
    }
    case 'change':
      return { type, from, to, term, id: reader.u53(), joint: reader.u8() === 1, changes: decodeChanges(reader.bytes()) };
    case 'changeReply': {
      const id = reader.u53();
      const code = reader.u8();
      const refused = code === 0 ? undefined : (refusals[code - 1] ?? fail('PROTOCOL', { detail: 'an unknown refusal of a change' }));
      return { type, from, to, term, id, refused, index: reader.u53(), entryTerm: reader.u53() };
    }
    case 'timeoutNow':
      return { type, from, to, term };
    case 'snapshot':
      return { type, from, to, term, marker: decodeMarker(reader) };
  }
}

function decodeAppend(reader: Reader, from: MemberId, to: MemberId, term: Term): Message {
  const prevIndex = reader.u53();
  const prevTerm = reader.u53();
  const commit = reader.u53();
  const count = reader.u32();
  const entries: Entry[] = [];
  // Each entry takes 13 bytes at least: a count that cannot be true fails on its first missing byte.
  for (let at = 1; at <= count; at++) {
    const entryTerm = reader.u53();
    const kind = reader.u8();
    if (kind > 2) fail('UNSUPPORTED', { detail: `an entry of kind ${kind}` });
    entries.push({ index: prevIndex + at, term: entryTerm, kind: kind as EntryKind, data: reader.bytes() });
  }
  return { type: 'append', from, to, term, prevIndex, prevTerm, commit, entries };
}
