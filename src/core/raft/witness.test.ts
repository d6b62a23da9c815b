import { describe, expect, it } from 'vitest';
import { RaftRig, marker } from '../../../test/support/raft-rig.ts';
import { EntryKind } from './entry.ts';

/** Leader 1 with data, 2 with data, 3 the witness; everybody holds the first entry. */
const established = (): RaftRig => new RaftRig({ voters: [1, 2, 3], witnesses: [3] }).established();

describe('a witness', () => {
  it('is told index, term and kind of a batch, and nothing of it; not before the leader’s own disk holds it', () => {
    const rig = established();
    rig.propose(100);
    expect(rig.take('append').filter(({ entries }) => entries.length > 0).map(({ to }) => to)).toEqual([2]);
    rig.sync();
    const [told] = rig.take('append').filter(({ to, entries }) => to === 3 && entries.length > 0);
    expect(told!.entries).toEqual([{ index: 2, term: 1, kind: EntryKind.batch, data: new Uint8Array(0) }]);
  });

  it('is told whole configurations: it must know whose votes count', () => {
    const rig = established();
    rig.step({ type: 'change', ref: 1, changes: [{ type: 'remove', id: 2 }] });
    rig.sync();
    const [told] = rig.take('append').filter(({ to, entries }) => to === 3 && entries.length > 0);
    expect(told!.entries[0]!.data.length).toBeGreaterThan(0);
  });

  it('counts for what is committed, and for reads', () => {
    const rig = established();
    rig.propose(10);
    rig.sync();
    rig.accepts(3, 2);
    expect(rig.state.log.committed).toBe(2);
    rig.step({ type: 'read', ref: 4 });
    const { round } = rig.take('heartbeat').at(-1)!;
    expect(rig.receive(3, { type: 'heartbeatReply', round, stamp: 0, loyaltyMs: 0 }).reads).toEqual([{ ref: 4, index: 2 }]);
  });

  it('says nothing of a copy elsewhere: what leader and witness committed is on one disk, until another has it', () => {
    const rig = new RaftRig({ voters: [1, 2, 3], witnesses: [3] }).lead();
    rig.accepts(3, 1);
    expect(rig.raft.isSingleCopy).toBe(true);
    rig.accepts(2, 1);
    expect(rig.raft.isSingleCopy).toBe(false);
  });

  it('votes, and refuses whoever lacks what it knows of', () => {
    const rig = new RaftRig({ id: 3, voters: [1, 2, 3], witnesses: [3], log: [1, 1] });
    rig.receive(2, { type: 'vote', lastIndex: 1, lastTerm: 1, transfer: false }, 2);
    rig.sync();
    expect(rig.take('voteReply')).toMatchObject([{ granted: false }]);
    rig.receive(1, { type: 'vote', lastIndex: 2, lastTerm: 1, transfer: false }, 3);
    rig.sync();
    expect(rig.take('voteReply')).toMatchObject([{ granted: true }]);
  });

  it.each(['timeout', 'campaign', 'timeoutNow'] as const)('never leads: %s', (what) => {
    const rig = new RaftRig({ id: 3, voters: [1, 2, 3], witnesses: [3], log: [1] });
    rig.append(1, 1, 1, []);
    if (what === 'timeout') rig.ticks(40);
    else if (what === 'campaign') rig.step({ type: 'campaign' });
    else rig.receive(1, { type: 'timeoutNow' });
    expect(rig.state.role).toBe('follower');
    expect(rig.take('vote', 'preVote')).toEqual([]);
  });

  it('is not handed leadership', () => {
    const rig = established();
    rig.step({ type: 'transfer', member: 3 });
    expect(rig.state.transferee).toBe(0);
  });

  it('that lacks what is compacted is sent the marker alone, again while it does not answer', () => {
    const rig = new RaftRig({ voters: [1, 2, 3], witnesses: [3], log: [2, 2], offset: 10, offsetTerm: 2 }).lead();
    const ready = rig.receive(3, { type: 'appendReply', index: 12, rejected: true, hintIndex: 0, hintTerm: 0 });
    expect(ready.snapshotsWanted).toEqual([]);
    expect(rig.take('snapshot')).toMatchObject([{ to: 3, marker: { index: 10, term: 2, configuration: { witnesses: [3] } } }]);
    rig.ticks(9);
    rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    rig.ticks(1);
    rig.receive(3, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(rig.take('snapshot')).toHaveLength(1);
    rig.accepts(3, 10);
    expect(rig.state.progress.get(3)).toMatchObject({ mode: 'replicate', match: 10 });
  });
});

describe('a leader that came back with a snapshot and the log before it', () => {
  it('sends a witness the marker of the snapshot: of what lies before, nobody knows which configuration ruled', () => {
    const now = { voters: [1, 2, 3], witnesses: [3] };
    const at12 = { ...marker(12, 2), configuration: { ...marker(12, 2).configuration, ...now } };
    const rig = new RaftRig({ ...now, log: [2, 2, 2], offset: 10, offsetTerm: 2, marker: at12, applied: 12 }).lead();
    rig.receive(3, { type: 'appendReply', index: 13, rejected: true, hintIndex: 0, hintTerm: 0 });
    expect(rig.take('snapshot')).toMatchObject([{ to: 3, marker: { index: 12, term: 2, configuration: { witnesses: [3] } } }]);
  });
});

describe('a leader that leaves behind witnesses', () => {
  it('tells them of no more than what somebody who stays holds: otherwise what they committed would leave with it', () => {
    const rig = new RaftRig({ voters: [1, 2, 3, 4], witnesses: [3, 4] }).established();
    rig.step({ type: 'change', ref: 1, changes: [{ type: 'remove', id: 1 }] });
    rig.sync();
    expect(rig.take('append').filter(({ to, entries }) => to > 2 && entries.length > 0)).toEqual([]);
    rig.accepts(2, 2);
    expect(rig.take('append').filter(({ to, entries }) => to > 2 && entries.length > 0)).toHaveLength(2);
  });

  it('stays if nobody with data is heard who could lead', () => {
    const rig = new RaftRig({ voters: [1, 2, 3, 4, 5], witnesses: [3, 4, 5] }).established();
    for (let check = 0; check < 3; check++) {
      for (const from of [3, 4, 5]) rig.receive(from, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
      rig.ticks(10);
    }
    expect(rig.step({ type: 'change', ref: 1, changes: [{ type: 'remove', id: 1 }] }).changes).toEqual([{ ref: 1, outcome: 'refused', reason: 'quorum' }]);
  });
});
