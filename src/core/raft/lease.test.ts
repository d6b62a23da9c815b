import { describe, expect, it } from 'vitest';
import { RaftRig, entries } from '../../../test/support/raft-rig.ts';
import type { RigOptions } from '../../../test/support/raft-rig.ts';
import type { MemberId } from './entry.ts';

const raft = { electionTicks: 10, lease: { loyaltyMs: 400, driftMax: 0.25 } };
const leased = (options: RigOptions = {}): RaftRig => new RaftRig({ ...options, raft });

/** So long after its start that it is bound by nothing. */
function awake(options: RigOptions = {}): RaftRig {
  const rig = leased(options);
  rig.ticks(10);
  rig.sent = [];
  return rig;
}

/** Leader of term 1 whose clock says 1000, and who has just asked everybody. */
function asking(options: RigOptions = {}): RaftRig {
  const rig = awake(options).established();
  rig.step({ type: 'tick', now: 1000 });
  rig.step({ type: 'tick', now: 1000 });
  return rig;
}

function promises(rig: RaftRig, from: MemberId, loyaltyMs = 400): void {
  const { stamp } = rig.sent.filter((message) => message.type === 'heartbeat' && message.to === from).at(-1) as { stamp: number };
  rig.receive(from, { type: 'heartbeatReply', round: 0, stamp, loyaltyMs });
}

describe('thesis §6.4.1: a lease', () => {
  it('runs from before the heartbeat left, for as long as a quorum promised, less the drift', () => {
    const rig = asking();
    expect(rig.raft.leaseUntil).toBe(0);
    promises(rig, 2);
    expect(rig.raft.leaseUntil).toBe(1000 + 400 / 1.25);
  });

  it('is as long as the shortest promise that it needs; whoever promises nothing does not count', () => {
    const rig = asking({ voters: [1, 2, 3, 4, 5] });
    promises(rig, 2, 400);
    promises(rig, 3, 0);
    expect(rig.raft.leaseUntil).toBe(0);
    promises(rig, 4, 100);
    expect(rig.raft.leaseUntil).toBe(1000 + 100 / 1.25);
  });

  it('is nobody’s who has committed nothing in its term: it does not know what is committed', () => {
    const rig = awake().lead();
    rig.step({ type: 'tick', now: 1000 });
    rig.step({ type: 'tick', now: 1000 });
    promises(rig, 2);
    expect(rig.raft.leaseUntil).toBe(0);
    rig.accepts(2, 1);
    expect(rig.raft.leaseUntil).toBeGreaterThan(0);
  });

  it('is nobody’s who only keeps the promises of an earlier life: how much clocks may differ it was not told', () => {
    const rig = new RaftRig({ raft: { electionTicks: 10, lease: { loyaltyMs: 0, driftMax: 0 } } });
    rig.ticks(10);
    rig.established();
    rig.step({ type: 'tick', now: 1000 });
    rig.step({ type: 'tick', now: 1000 });
    rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 1000, loyaltyMs: 400 });
    expect(rig.raft.leaseUntil).toBe(0);
  });

  it('binds nobody who was only kept by an earlier life’s promises, once they have run out: a lost leader is forgotten at once', () => {
    const rig = new RaftRig({ term: 1, raft: { electionTicks: 10, lease: { loyaltyMs: 0, driftMax: 0 } } });
    const forgets = (): boolean => {
      rig.append(2, 0, 0, entries(1, 1));
      rig.sync();
      rig.step({ type: 'lost', member: 2 });
      rig.sent = [];
      rig.receive(3, { type: 'preVote', lastIndex: 1, lastTerm: 1, transfer: false }, 2);
      rig.sync();
      return rig.sent.some((message) => message.type === 'preVoteReply' && message.granted);
    };
    expect(forgets()).toBe(false);
    rig.ticks(1);
    rig.raft.forgetPromises();
    expect(forgets()).toBe(true);
  });

  it('is over for the whole term once somebody was told to campaign, also if nothing came of it', () => {
    const rig = asking();
    promises(rig, 2);
    rig.step({ type: 'transfer', member: 2 });
    expect(rig.raft.leaseUntil).toBe(0);
    for (let tick = 0; tick < 12; tick++) rig.step({ type: 'tick', now: 2000 + tick }, { type: 'receive', message: { from: 3, to: 1, term: 1, type: 'heartbeatReply', round: 0, stamp: 2000, loyaltyMs: 400 } });
    expect(rig.state).toMatchObject({ role: 'leader', transferee: 0 });
    expect(rig.raft.leaseUntil).toBe(0);
  });

  it('is counted by the newest configuration: the promises of a few do not bind the many who came', () => {
    const rig = asking({ voters: [1, 2, 3] });
    promises(rig, 2);
    const add = (id: MemberId) => ({ type: 'addVoter', member: { id, name: `n${id}`, address: `n${id}:1` }, witness: false }) as const;
    rig.step({ type: 'change', ref: 1, changes: [add(4)] });
    expect(rig.raft.leaseUntil).toBe(0);
    promises(rig, 3);
    expect(rig.raft.leaseUntil).toBeGreaterThan(0);
  });

  it('is without end where nobody else could be elected', () => {
    expect(awake({ voters: [1] }).established().raft.leaseUntil).toBeGreaterThan(1e12);
  });
});

/** Follows 2, in term 1, and has just promised to elect nobody else. */
function promised(): RaftRig {
  const rig = leased({ log: [1] });
  rig.ticks(20);
  rig.sent = [];
  rig.append(2, 1, 1, []);
  rig.receive(2, { type: 'heartbeat', commit: 0, round: 0, digestIndex: 0, digest: '', stamp: 500 });
  rig.sync();
  return rig;
}

const asked = (rig: RaftRig, term: number, transfer = false): readonly boolean[] => {
  rig.receive(3, { type: 'vote', lastIndex: 9, lastTerm: 1, transfer }, term);
  rig.sync();
  return rig.take('voteReply').map(({ granted }) => granted);
};

describe('whoever promised', () => {
  it('says so, with the stamp that it was asked with', () => {
    expect(promised().take('heartbeatReply')).toMatchObject([{ stamp: 500, loyaltyMs: 400 }]);
    const without = new RaftRig({ log: [1] });
    without.receive(2, { type: 'heartbeat', commit: 0, round: 0, digestIndex: 0, digest: '', stamp: 500 });
    expect(without.take('heartbeatReply')).toMatchObject([{ loyaltyMs: 0 }]);
  });

  it('votes for nobody, though the leader’s port refuses, until its ticks have run out', () => {
    const rig = promised();
    rig.step({ type: 'lost', member: 2 });
    rig.ticks(9);
    expect(asked(rig, 7)).toEqual([]);
    expect(rig.state).toMatchObject({ role: 'follower', term: 1 });
    rig.ticks(1);
    expect(asked(rig, 7)).toEqual([true]);
  });

  it('nor for itself', () => {
    const rig = promised();
    // A stray word of a later term: nobody leads it here, and patience is short.
    rig.receive(3, { type: 'appendReply', index: 0, rejected: true, hintIndex: 0, hintTerm: 0 }, 3);
    rig.sync();
    for (let tick = 0; tick < 9; tick++) rig.ticks(1);
    expect(rig.take('preVote', 'vote')).toEqual([]);
    rig.ticks(20);
    expect(rig.take('preVote').length).toBeGreaterThan(0);
  });

  it('nor for somebody who asks in the term it is in', () => {
    const rig = promised();
    rig.receive(3, { type: 'appendReply', index: 0, rejected: true, hintIndex: 0, hintTerm: 0 }, 3);
    expect(asked(rig, 3)).toEqual([false]);
    expect(asked(rig, 3, true)).toEqual([true]);
  });

  it('keeps it in its next life', () => {
    const rig = leased({ log: [1], term: 1 });
    expect(asked(rig, 2)).toEqual([]);
    rig.ticks(10);
    expect(asked(rig, 2)).toEqual([true]);
    expect(asked(new RaftRig({ log: [1], term: 1 }), 2)).toEqual([true]);
  });

  it('votes for whom its leader told to campaign: that one reads by no lease any more', () => {
    expect(asked(promised(), 2, true)).toEqual([true]);
  });

  it('follows the next leader', () => {
    const rig = promised();
    rig.append(3, 1, 1, entries(2, 4), 0, 4);
    expect(rig.state).toMatchObject({ lead: 3, term: 4 });
  });
});
