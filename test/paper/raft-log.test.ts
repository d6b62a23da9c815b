// What the Raft paper says of the log and of commitment (§5.3, §5.4.2), and what this leader does beyond it: hints
// that skip a term, windows in count and bytes, a limit on what is not committed.

import { describe, expect, it } from 'vitest';
import type { MemberId, Message } from '../../src/core/raft/index.ts';
import { RaftRig, entries, entry } from '../support/raft-rig.ts';

/** Carries messages between two rigs until neither has more to say; how many appends the leader sent. */
function converse(leader: RaftRig, follower: RaftRig): number {
  let appends = 0;
  for (let turn = 0; turn < 10_000; turn++) {
    const out = leader.sent.filter(({ to }) => to === follower.state.id);
    leader.sent = [];
    if (out.length === 0) return appends;
    appends += out.filter(({ type }) => type === 'append').length;
    follower.step(...out.map((message: Message) => ({ type: 'receive' as const, message })));
    follower.sync();
    leader.step(...follower.sent.splice(0).map((message) => ({ type: 'receive' as const, message })));
  }
  throw new Error('they never agree');
}

describe('§5.3', () => {
  it('“If the follower does not find an entry in its log with the same index and term, then it refuses the new entries.”', () => {
    const rig = new RaftRig({ log: [1, 1, 2] });
    rig.append(2, 5, 2, entries(6, 2));
    rig.append(2, 3, 1, entries(4, 2));
    expect(rig.sent).toMatchObject([{ type: 'appendReply', rejected: true, index: 5 }, { type: 'appendReply', rejected: true, index: 3 }]);
    expect(rig.terms).toEqual([1, 1, 2]);
  });

  it('“conflicting entries in follower logs will be overwritten with entries from the leader’s log”', () => {
    const rig = new RaftRig({ log: [1, 1, 2, 2], term: 3 });
    const ready = rig.append(2, 2, 1, entries(3, 3));
    expect(rig.terms).toEqual([1, 1, 3]);
    expect(ready.persist).toMatchObject({ cutFrom: 3, entries: [{ index: 3, term: 3 }] });
  });

  it('“A leader never overwrites or deletes entries in its own log” (Leader Append-Only)', () => {
    const rig = new RaftRig({ log: [1, 2, 2] }).lead();
    const before = rig.terms;
    for (const hint of [0, 1, 2]) rig.receive(2, { type: 'appendReply', index: 3, rejected: true, hintIndex: hint, hintTerm: 1 });
    rig.propose(4);
    expect(rig.terms.slice(0, before.length)).toEqual(before);
  });

  it('“the protocol can be optimized to reduce the number of rejected AppendEntries RPCs”: one rejection for each term, not for each entry', () => {
    const long = Array.from({ length: 2000 }, () => 2);
    const leader = new RaftRig({ log: [1, ...Array.from({ length: 2000 }, () => 3)], term: 4 }).lead();
    for (const _ of [1, 2]) leader.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    const follower = new RaftRig({ id: 2, log: [1, ...long], term: leader.state.term });
    expect(converse(leader, follower)).toBeLessThanOrEqual(5);
    expect(follower.terms).toEqual(leader.terms);
  });

  it('… and many short terms on both sides take a round trip for each that differs, no more', () => {
    const [odd, even] = [0, 1].map((parity) => Array.from({ length: 300 }, (_, index) => 2 + 2 * Math.floor(index / 10) + parity));
    const leader = new RaftRig({ log: odd!, term: 100 }).lead();
    for (const _ of [1, 2]) leader.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    const follower = new RaftRig({ id: 2, log: even!, term: leader.state.term });
    expect(converse(leader, follower)).toBeLessThanOrEqual(35);
    expect(follower.terms).toEqual(leader.terms);
  });

  it('a short log is met at its end at once', () => {
    const leader = new RaftRig({ log: Array.from({ length: 1000 }, () => 1) }).lead();
    for (const _ of [1, 2]) leader.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    const follower = new RaftRig({ id: 2, log: [1, 1], term: leader.state.term });
    expect(converse(leader, follower)).toBeLessThanOrEqual(3);
    expect(follower.raft.lastIndex).toBe(1001);
  });
});

describe('§5.4.2', () => {
  it('“Raft never commits log entries from previous terms by counting replicas” (Figure 8)', () => {
    // S1 of Figure 8 (c): elected again in term 4, its entry 2 of term 2 now on S1, S2 and S3, a majority.
    const s1 = new RaftRig({ voters: [1, 2, 3, 4, 5], log: [1, 2], term: 3 }).lead();
    expect(s1.state.term).toBe(4);
    for (const from of [2, 3]) s1.accepts(from, 2);
    expect(s1.state.log.committed).toBe(0);
    // (e): an entry of term 4 on a majority commits both.
    for (const from of [2, 3]) s1.accepts(from, 3);
    expect(s1.state.log.committed).toBe(3);
  });

  it('(d): S5, with an entry of term 3, may still be elected and overwrite entry 2', () => {
    const s2 = new RaftRig({ id: 2, voters: [1, 2, 3, 4, 5], log: [1, 2], term: 4 });
    s2.receive(5, { type: 'vote', lastIndex: 2, lastTerm: 3, transfer: false }, 5);
    s2.sync();
    expect(s2.take('voteReply')).toMatchObject([{ granted: true }]);
    s2.append(5, 1, 1, entries(2, 3), 0, 5);
    expect(s2.terms).toEqual([1, 3]);
  });

  it('answers to what was sent in an earlier term are not counted in this one', () => {
    const rig = new RaftRig({ voters: [1, 2, 3, 4, 5] }).established();
    rig.append(2, 1, 1, entries(2, 2), 0, 2);
    rig.lead();
    const { term } = rig.state;
    const last = rig.raft.lastIndex;
    for (const from of [2, 3, 4]) {
      rig.receive(from, { type: 'appendReply', index: last, rejected: false, hintIndex: 0, hintTerm: 0 }, term - 1);
      rig.receive(from, { type: 'heartbeatReply', round: 99, stamp: 0, loyaltyMs: 0 }, term - 1);
    }
    expect(rig.state.log.committed).toBe(1);
    expect([...rig.state.progress.values()].map(({ match, active }) => [match, active])).toEqual([[0, false], [0, false], [0, false], [0, false]]);
    const candidate = new RaftRig();
    candidate.step({ type: 'campaign' });
    candidate.receive(2, { type: 'preVoteReply', granted: true }, 1);
    candidate.sync();
    candidate.receive(2, { type: 'voteReply', granted: true }, 0);
    expect(candidate.state.role).toBe('candidate');
  });
});

describe('small groups', () => {
  it('one member elects itself, commits with its own disk alone, and serves reads at once', () => {
    const rig = new RaftRig({ voters: [1] }).lead();
    expect(rig.state.log.committed).toBe(1);
    rig.propose(5);
    expect(rig.state.log.committed).toBe(1);
    rig.sync();
    expect(rig.state.log.committed).toBe(2);
    expect(rig.step({ type: 'read', ref: 7 }).reads).toEqual([{ ref: 7, index: 2 }]);
    rig.ticks(100);
    expect(rig.state).toMatchObject({ role: 'leader', rounds: [] });
  });

  it('two members need both', () => {
    const rig = new RaftRig({ voters: [1, 2] }).established();
    rig.propose(5);
    rig.sync();
    expect(rig.state.log.committed).toBe(1);
    rig.accepts(2, 2);
    expect(rig.state.log.committed).toBe(2);
  });

  it('a learner receives everything and counts for nothing', () => {
    const rig = new RaftRig({ voters: [1, 2], learners: [3] }).established();
    rig.propose(5);
    rig.sync();
    rig.accepts(3, 2);
    expect(rig.take('append').map(({ to }) => to)).toContain(3);
    expect(rig.state.log.committed).toBe(1);
  });
});

const appendsTo = (rig: RaftRig, to: MemberId) => rig.take('append').filter((message) => message.to === to && message.entries.length > 0);


describe('windows', () => {
  it('appends in flight are bounded in count; an answer opens the window again', () => {
    const rig = new RaftRig({ raft: { inflightMax: 3 } }).established();
    for (let count = 0; count < 6; count++) rig.propose(10);
    expect(appendsTo(rig, 2).map(({ entries: [first] }) => first!.index)).toEqual([2, 3, 4]);
    rig.accepts(2, 3);
    expect(appendsTo(rig, 2).flatMap(({ entries: sent }) => sent.map(({ index }) => index))).toEqual([5, 6, 7]);
  });

  it('and in bytes; one append always fits', () => {
    const rig = new RaftRig({ raft: { inflightBytesMax: 500 } }).established();
    rig.propose(4000);
    rig.propose(100);
    expect(appendsTo(rig, 2)).toHaveLength(1);
    rig.accepts(2, 2);
    expect(appendsTo(rig, 2)).toHaveLength(1);
  });

  it('an append carries as many entries as fit in its bytes, at least one', () => {
    const rig = new RaftRig({ raft: { appendBytesMax: 300 } }).lead();
    for (const bytes of [100, 100, 100, 1000, 10]) rig.propose(bytes);
    rig.accepts(2, 1);
    expect(appendsTo(rig, 2).map(({ entries: sent }) => sent.map(({ index }) => index))).toEqual([[2, 3], [4], [5], [6]]);
  });

  it('a full window whose appends were all lost opens again: the next heartbeat’s answer shows the gap', () => {
    const rig = new RaftRig({ raft: { inflightMax: 2 } }).established();
    for (let count = 0; count < 4; count++) rig.propose(10);
    rig.take('append');
    rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(rig.take('append')).toEqual([]);
    rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(rig.take('append').filter(({ to }) => to === 2)).toMatchObject([{ prevIndex: 3, entries: [] }]);
    rig.receive(2, { type: 'appendReply', index: 3, rejected: true, hintIndex: 1, hintTerm: 1 });
    expect(appendsTo(rig, 2)).toMatchObject([{ prevIndex: 1 }]);
  });

  it('a lost probe is sent again once two heartbeats were answered without it; a slow disk alone does not double it', () => {
    const rig = new RaftRig({ log: [1, 1] }).lead();
    rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(rig.take('append')).toEqual([]);
    rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(rig.take('append').filter(({ to }) => to === 2)).toMatchObject([{ prevIndex: 2 }]);
  });

  it('a commit that nothing new could carry is told at once', () => {
    const rig = new RaftRig().established();
    rig.propose(10);
    rig.sync();
    rig.take('append');
    rig.accepts(2, 2);
    expect(rig.take('append').map(({ to, entries: sent, commit, prevIndex }) => [to, sent.length, commit, prevIndex])).toEqual([[2, 0, 2, 2], [3, 0, 2, 2]]);
    rig.accepts(3, 2);
    expect(rig.take('append')).toEqual([]);
  });
});

describe('uncommitted payload', () => {
  it('beyond the limit a proposal is refused as overloaded; one always fits; commits make room', () => {
    const rig = new RaftRig({ raft: { uncommittedBytesMax: 1000 } }).established();
    expect(rig.propose(5000, 1).proposals).toMatchObject([{ ref: 1, outcome: 'appended' }]);
    expect(rig.propose(1, 2).proposals).toMatchObject([{ ref: 2, outcome: 'overloaded' }]);
    rig.receive(3, { type: 'propose', id: 5, data: new Uint8Array(9) });
    expect(rig.take('proposeReply')).toMatchObject([{ id: 5, outcome: 'overloaded' }]);
    rig.accepts(2, 2);
    rig.sync();
    expect(rig.state.uncommittedBytes).toBe(0);
    expect(rig.propose(1, 3).proposals).toMatchObject([{ ref: 3, outcome: 'appended' }]);
  });

  it('a deposed leader owes nothing when it is elected again', () => {
    const rig = new RaftRig({ raft: { uncommittedBytesMax: 1000 } }).established();
    rig.propose(5000);
    rig.append(2, 1, 1, [entry(2, 2)], 0, 2);
    rig.established();
    expect(rig.state.uncommittedBytes).toBe(0);
  });
});
