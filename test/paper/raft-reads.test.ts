// Linearizable reads (§8, thesis §6.4), what is handed to a leader and may be lost on the way, and snapshots (§7).

import { describe, expect, it } from 'vitest';
import { RaftRig, entries, marker } from '../support/raft-rig.ts';

const heartbeatOf = (rig: RaftRig) => rig.take('heartbeat').filter(({ to }) => to === 2).at(-1)!;

describe('§8, thesis §6.4 (ReadIndex)', () => {
  it('“a leader must have the latest information on which entries are committed … it needs to commit an entry from its term”', () => {
    const rig = new RaftRig({ log: [1, 1], commit: 1, term: 1 }).lead();
    expect(rig.step({ type: 'read', ref: 1 }).reads).toEqual([]);
    rig.receive(2, { type: 'heartbeatReply', round: 99, stamp: 0, loyaltyMs: 0 });
    expect(rig.state.rounds).toEqual([]);
    rig.accepts(2, 3);
    const { round } = heartbeatOf(rig);
    expect(rig.receive(2, { type: 'heartbeatReply', round, stamp: 0, loyaltyMs: 0 }).reads).toEqual([{ ref: 1, index: 3 }]);
  });

  it('“the leader needs to make sure it has not been superseded”: a majority answers a heartbeat sent after the read came', () => {
    const rig = new RaftRig({ voters: [1, 2, 3, 4, 5] }).established();
    rig.step({ type: 'read', ref: 1 });
    const { round } = heartbeatOf(rig);
    expect(rig.receive(2, { type: 'heartbeatReply', round: round - 1, stamp: 0, loyaltyMs: 0 }).reads).toEqual([]);
    expect(rig.receive(3, { type: 'heartbeatReply', round: round - 1, stamp: 0, loyaltyMs: 0 }).reads).toEqual([]);
    expect(rig.receive(2, { type: 'heartbeatReply', round, stamp: 0, loyaltyMs: 0 }).reads).toEqual([]);
    expect(rig.receive(2, { type: 'heartbeatReply', round, stamp: 0, loyaltyMs: 0 }).reads).toEqual([]);
    expect(rig.receive(3, { type: 'heartbeatReply', round, stamp: 0, loyaltyMs: 0 }).reads).toEqual([{ ref: 1, index: 1 }]);
  });

  it('an echo from before a pause confirms only what was asked before it', () => {
    const rig = new RaftRig().established();
    rig.step({ type: 'read', ref: 1 });
    const old = heartbeatOf(rig).round;
    rig.propose(5);
    rig.sync();
    rig.accepts(2, 2);
    rig.step({ type: 'read', ref: 2 });
    expect(rig.receive(3, { type: 'heartbeatReply', round: old, stamp: 0, loyaltyMs: 0 }).reads).toEqual([{ ref: 1, index: 1 }]);
    expect(rig.state.rounds).toHaveLength(1);
  });

  it('a learner’s echo does not confirm', () => {
    const rig = new RaftRig({ learners: [4, 5] }).established();
    rig.step({ type: 'read', ref: 1 });
    const { round } = heartbeatOf(rig);
    expect([4, 5].flatMap((from) => rig.receive(from, { type: 'heartbeatReply', round, stamp: 0, loyaltyMs: 0 }).reads)).toEqual([]);
  });

  it('a later echo confirms earlier rounds, and reads of one turn share a round', () => {
    const rig = new RaftRig().established();
    rig.step({ type: 'read', ref: 1 }, { type: 'read', ref: 2 });
    rig.step({ type: 'read', ref: 3 });
    const { round } = heartbeatOf(rig);
    expect(round).toBe(2);
    expect(rig.receive(2, { type: 'heartbeatReply', round, stamp: 0, loyaltyMs: 0 }).reads.map(({ ref }) => ref)).toEqual([1, 2, 3]);
  });

  it('a lost round is asked again with the next heartbeat, under a fresh id; without readers nothing is', () => {
    const rig = new RaftRig().established();
    rig.step({ type: 'read', ref: 1 });
    const first = heartbeatOf(rig).round;
    rig.ticks(2);
    const second = heartbeatOf(rig).round;
    expect(second).toBeGreaterThan(first);
    rig.ticks(2);
    rig.receive(2, { type: 'heartbeatReply', round: second, stamp: 0, loyaltyMs: 0 });
    expect(rig.state.rounds).toEqual([]);
    rig.ticks(2);
    expect(heartbeatOf(rig).round).toBe(0);
  });

  it('a leader that steps down refuses its reads, its own and those of others', () => {
    const rig = new RaftRig({ log: [1], term: 1 }).lead();
    rig.step({ type: 'read', ref: 1 });
    rig.receive(3, { type: 'readIndex', id: 9 });
    const ready = rig.append(2, 0, 0, [], 0, 7);
    expect(ready.reads).toEqual([{ ref: 1, index: undefined }]);
    expect(rig.take('readIndexReply')).toMatchObject([{ to: 3, id: 9, index: 0 }]);
  });

  it('without a leader a read is refused at once', () => {
    expect(new RaftRig().step({ type: 'read', ref: 1 }).reads).toEqual([{ ref: 1, index: undefined }]);
  });
});

const following = (): RaftRig => {
  const rig = new RaftRig({ term: 2 });
  rig.append(2, 0, 0, [], 0, 2);
  rig.sync();
  rig.sent = [];
  return rig;
};

describe('what a follower hands to its leader', () => {
  it('reads of a turn are one question; it is asked again while no answer comes, and an answer to the first serves', () => {
    const rig = following();
    rig.step({ type: 'read', ref: 1 }, { type: 'read', ref: 2 });
    const [first] = rig.take('readIndex');
    for (let tick = 0; tick < 20; tick++) {
      rig.ticks(1);
      rig.append(2, 0, 0, []);
    }
    // The road to the leader and back is longer than the patience: still the answer is good.
    expect(rig.take('readIndex')).toHaveLength(2);
    expect(rig.receive(2, { type: 'readIndexReply', id: first!.id, index: 5 }).reads).toEqual([{ ref: 1, index: 5 }, { ref: 2, index: 5 }]);
    expect(rig.receive(2, { type: 'readIndexReply', id: first!.id, index: 5 }).reads).toEqual([]);
    expect(rig.state.forwardedReads.size).toBe(0);
  });

  it('a proposal without an answer for an election timeout is lost, though the leader is heard', () => {
    const rig = following();
    rig.propose(4, 7);
    let lost: unknown[] = [];
    for (let tick = 0; tick < 12; tick++) {
      lost = [...lost, ...rig.step({ type: 'tick' }).proposals];
      rig.append(2, 0, 0, []);
    }
    expect(lost).toEqual([{ ref: 7, outcome: 'lost' }]);
    expect(rig.state.forwardedProposals.size).toBe(0);
  });

  it('an answer to a question of an earlier life is nobody’s', () => {
    const lives = [1, 2, 3].map((life) => new RaftRig({ term: 2, life }).state.nextForward);
    expect(new Set(lives).size).toBe(3);
    expect(Math.min(...lives.flatMap((a, i) => lives.slice(i + 1).map((b) => Math.abs(a - b))))).toBeGreaterThan(1 << 20);
  });

  it('a broken connection to the leader: proposals are lost, reads are asked again', () => {
    const rig = following();
    rig.propose(4, 7);
    rig.step({ type: 'read', ref: 8 });
    const ready = rig.step({ type: 'unreachable', member: 2 });
    expect(ready.proposals).toEqual([{ ref: 7, outcome: 'lost' }]);
    expect(ready.reads).toEqual([]);
    expect(rig.state.forwardedReads.size).toBe(1);
  });

  it('a leader that is gone: both are given up, and a campaign follows within ticks', () => {
    const rig = following();
    rig.propose(4, 7);
    rig.step({ type: 'read', ref: 8 });
    const ready = rig.step({ type: 'lost', member: 2 });
    expect(ready.proposals).toEqual([{ ref: 7, outcome: 'lost' }]);
    expect(ready.reads).toEqual([{ ref: 8, index: undefined }]);
    rig.ticks(3);
    expect(rig.state.role).toBe('pre-candidate');
  });

  it('another member that is gone is no reason to campaign', () => {
    const rig = following();
    rig.step({ type: 'lost', member: 3 });
    rig.ticks(3);
    expect(rig.state).toMatchObject({ role: 'follower', lead: 2 });
  });
});

/** A leader whose log begins at 11, and a follower that holds nothing. */
const behind = (): RaftRig => {
  const rig = new RaftRig({ log: [2, 2], offset: 10, offsetTerm: 2 }).lead();
  rig.receive(2, { type: 'appendReply', index: 12, rejected: true, hintIndex: 0, hintTerm: 0 });
  return rig;
};

describe('§7 (snapshots)', () => {
  it('“the leader must occasionally send snapshots to followers that lag behind”: once its next entry is compacted, and nothing else meanwhile', () => {
    const rig = new RaftRig({ log: [2, 2], offset: 10, offsetTerm: 2 }).lead();
    const ready = rig.receive(2, { type: 'appendReply', index: 12, rejected: true, hintIndex: 0, hintTerm: 0 });
    expect(ready.snapshotsWanted).toEqual([2]);
    rig.sent = [];
    rig.propose(5);
    rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(rig.take('append').filter(({ to }) => to === 2)).toEqual([]);
  });

  it('its acknowledgement leads back to appends', () => {
    const rig = behind();
    rig.step({ type: 'snapshotSent', member: 2, ok: true });
    rig.accepts(2, 11);
    expect(rig.state.progress.get(2)).toMatchObject({ mode: 'replicate', match: 11, snapshotBackoff: 0 });
    expect(rig.take('append').filter(({ to }) => to === 2).at(-1)).toMatchObject({ prevIndex: 11 });
  });

  it('a log compacted beyond it meanwhile asks for the next', () => {
    const rig = new RaftRig({ log: [2, 2, 2], offset: 10, offsetTerm: 2, commit: 13 }).lead();
    rig.receive(2, { type: 'appendReply', index: 13, rejected: true, hintIndex: 0, hintTerm: 0 });
    rig.step({ type: 'compact', index: 13 });
    expect(rig.accepts(2, 11).snapshotsWanted).toEqual([2]);
  });

  it.each([['failed', false, 4], ['sent, but never acknowledged', true, 10]])('one that %s is tried again', (_, ok, ticks) => {
    const rig = behind();
    rig.step({ type: 'snapshotSent', member: 2, ok });
    rig.ticks(ticks);
    expect(rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 }).snapshotsWanted).toEqual([2]);
  });

  it('a leader deposed in the step that wanted it sends none: another may lead the term it would speak in', () => {
    const rig = new RaftRig({ log: [2, 2], offset: 10, offsetTerm: 2 }).lead();
    const message = { from: 2, to: 1, term: rig.state.term };
    const ready = rig.step(
      { type: 'receive', message: { ...message, type: 'appendReply', index: 12, rejected: true, hintIndex: 0, hintTerm: 0 } },
      { type: 'receive', message: { ...message, term: 20, type: 'append', prevIndex: 10, prevTerm: 2, entries: [], commit: 0 } },
    );
    expect(ready.snapshotsWanted).toEqual([]);
  });

  it('the configuration comes with it', () => {
    const rig = new RaftRig();
    rig.append(2, 0, 0, entries(1, 1), 0, 1);
    rig.receive(2, { type: 'snapshot', marker: marker(9, 1, [1, 2]) }, 1);
    expect(rig.state.configurations).toMatchObject([{ index: 9, configuration: { voters: [1, 2] } }]);
  });

  it('a question that is asked again before a round could begin is answered once: it may be asked for as long as nothing commits', () => {
    const rig = new RaftRig().lead();
    rig.receive(3, { type: 'readIndex', id: 9 });
    rig.receive(3, { type: 'readIndex', id: 9 });
    rig.receive(2, { type: 'readIndex', id: 9 });
    expect(rig.state.waiting).toEqual([{ from: 3, id: 9 }, { from: 2, id: 9 }]);
  });
});
