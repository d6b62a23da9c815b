// What members of protocol 1 say to each other, as released: a rolling restart mixes builds, so every later one reads
// these bytes, and one that still speaks protocol 1 writes them.

import { describe, expect, it } from 'vitest';
import { EntryKind, decodeConfiguration, encodeConfiguration } from '../../../src/core/raft/index.ts';
import type { Body, Configuration, Message, SnapshotMarker } from '../../../src/core/raft/index.ts';
import { PeerFrame, decodeBirthAnswer, decodeNumber, decodeOffer, encodeBirthAnswer, encodeNumber, encodeOffer } from '../../../src/engine/peers/frames.ts';
import { decodeMessage, encodeMessage } from '../../../src/engine/peers/message-codec.ts';
import { FrameReader, encodeFrame } from '../../../src/core/wire/index.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { GoldenBytes, written } from '../../support/golden-bytes.ts';

const biggest = 2 ** 53 - 1;
const plain: Configuration = { voters: [1, biggest], outgoing: [3], learners: [4], witnesses: [3], members: [{ id: 1, name: 'n1', address: '127.0.0.1:2379' }, { id: biggest, name: 'ä', address: '[::1]:1' }] };
const grown: Configuration = { ...plain, joining: [4], removed: [8, 9] };
const marker: SnapshotMarker = { index: 900, term: 6, producer: biggest, id: 0xffff_ffff, configuration: grown };
const info = { id: 7, name: 'n7', address: 'h:7' };

const bodies: Readonly<Record<string, Body>> = {
  'pre-vote': { type: 'preVote', lastIndex: 5, lastTerm: 2, transfer: false },
  'vote, as the leader asked': { type: 'vote', lastIndex: biggest, lastTerm: 2, transfer: true },
  'pre-vote granted': { type: 'preVoteReply', granted: true },
  'vote refused': { type: 'voteReply', granted: false },
  'append of nothing': { type: 'append', prevIndex: 9, prevTerm: 2, entries: [], commit: 8 },
  'append of every kind': {
    type: 'append', prevIndex: 9, prevTerm: 2, commit: 8,
    entries: [
      { index: 10, term: 3, kind: EntryKind.noop, data: new Uint8Array(0) },
      { index: 11, term: 3, kind: EntryKind.batch, data: utf8('batch') },
      { index: 12, term: 4, kind: EntryKind.configuration, data: encodeConfiguration(plain) },
    ],
  },
  'append accepted': { type: 'appendReply', index: 12, rejected: false, hintIndex: 0, hintTerm: 0 },
  'append that does not fit': { type: 'appendReply', index: 9, rejected: true, hintIndex: 4, hintTerm: 1 },
  heartbeat: { type: 'heartbeat', commit: 12, round: 3, digestIndex: 11, digest: '0123456789abcdef', stamp: 0 },
  'heartbeat echoed': { type: 'heartbeatReply', round: 3, stamp: 0, loyaltyMs: 0 },
  'read index': { type: 'readIndex', id: biggest },
  'read index answered': { type: 'readIndexReply', id: biggest, index: 12 },
  proposal: { type: 'propose', id: 5, data: utf8('batch') },
  'proposal appended': { type: 'proposeReply', id: 5, outcome: 'appended', index: 13, entryTerm: 4 },
  'proposal to one who does not lead': { type: 'proposeReply', id: 5, outcome: 'notLeader', index: 0, entryTerm: 0 },
  'proposal refused': { type: 'proposeReply', id: 5, outcome: 'overloaded', index: 0, entryTerm: 0 },
  'timeout now': { type: 'timeoutNow' },
  snapshot: { type: 'snapshot', marker },
  'change of every kind': {
    type: 'change', id: 6, joint: true,
    changes: [
      { type: 'addVoter', member: info, witness: true }, { type: 'addLearner', member: info, witness: false }, { type: 'addJoining', member: info, witness: false },
      { type: 'promote', id: 4 }, { type: 'remove', id: 3 }, { type: 'update', id: 1, address: 'h:8' },
    ],
  },
  'change appended': { type: 'changeReply', id: 6, refused: undefined, index: 14, entryTerm: 4 },
  'change refused, no leader': { type: 'changeReply', id: 6, refused: 'noLeader', index: 0, entryTerm: 0 },
  'change refused, empty': { type: 'changeReply', id: 6, refused: 'empty', index: 0, entryTerm: 0 },
};

const message = (body: Body): Message => ({ from: 1, to: biggest, term: 0x1_0000_0001, ...body });
const group = 0xffff_fffe;
const offer = { group, from: 1, term: 6, bytes: 123_456, marker };
const birth = { birth: biggest, hasRun: true };

const cases = {
  ...Object.fromEntries(Object.entries(bodies).map(([name, body]) => [name, encodeMessage(group, message(body))])),
  'configuration of the first builds': encodeConfiguration(plain),
  'configuration with who is joining and who was removed': encodeConfiguration(grown),
  'offer of a snapshot': encodeOffer(offer),
  'answer about a birth': encodeBirthAnswer(birth),
  number: encodeNumber(biggest),
  ping: encodeFrame(PeerFrame.ping, 0, encodeNumber(biggest)),
  pong: encodeFrame(PeerFrame.pong, 0, encodeNumber(biggest)),
};
const golden = new GoldenBytes('peers-v1', import.meta.url, cases);

describe('what members say, version 1', () => {
  it('is written as it always was', () => {
    expect(written(cases)).toEqual(golden.lines);
  });

  it.each(Object.entries(bodies))('%s: is read', (name, body) => {
    expect(decodeMessage(golden.bytes(name))).toEqual({ group, message: message(body) });
  });

  it('configurations, offers and answers are read', () => {
    expect(decodeConfiguration(golden.bytes('configuration of the first builds'))).toEqual(plain);
    expect(decodeConfiguration(golden.bytes('configuration with who is joining and who was removed'))).toEqual(grown);
    expect(decodeOffer(golden.bytes('offer of a snapshot'))).toEqual(offer);
    expect(decodeBirthAnswer(golden.bytes('answer about a birth'))).toEqual(birth);
    expect(decodeNumber(golden.bytes('number'))).toBe(biggest);
  });

  it.each([['ping', 10], ['pong', 12]] as const)('%s: is a frame of type %i with its number', (name, type) => {
    const [frame, ...more] = new FrameReader(1 << 10).push(golden.bytes(name));
    expect(more).toEqual([]);
    expect({ ...frame, body: decodeNumber(frame!.body) }).toEqual({ type, stream: 0, body: biggest });
  });

  it('a message of a type that is not known yet is passed over, not refused', () => {
    const unknown = golden.bytes('timeout now');
    unknown[4] = 200;
    expect(decodeMessage(unknown)).toBeUndefined();
  });

  it('names every stored case, and stores every named one', () => {
    expect(Object.keys(golden.lines)).toEqual(Object.keys(cases));
  });
});
