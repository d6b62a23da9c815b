// The laws that earlier systems broke (docs/internals/raft.md), those that concern the core, by number.

import { describe, expect, it } from 'vitest';
import { RaftRig, entries, entry, marker, persistedOf } from '../support/raft-rig.ts';

const conflicting = (from: number, term: number, index: number) => ({
  type: 'receive' as const,
  message: { from, to: 1, term, type: 'append' as const, prevIndex: index - 1, prevTerm: 1, entries: entries(index, term), commit: 0 },
});

describe('law 1: nothing is sent or counted that promises what is not yet durable', () => {
  it('a candidate asks for votes, and counts its own, only once its own is durable', () => {
    const rig = new RaftRig({ voters: [1, 2] });
    rig.step({ type: 'campaign' });
    rig.receive(2, { type: 'preVoteReply', granted: true }, 1);
    expect(rig.state.role).toBe('candidate');
    expect(rig.take('vote')).toEqual([]);
    rig.receive(2, { type: 'voteReply', granted: true });
    expect(rig.state.role).toBe('candidate');
    rig.sync();
    expect(rig.take('vote')).toHaveLength(1);
    expect(rig.state.role).toBe('leader');
  });

  it('a granted vote leaves after its persist, and names the durable vote', () => {
    const rig = new RaftRig();
    const ready = rig.receive(2, { type: 'vote', lastIndex: 0, lastTerm: 0, transfer: false }, 4);
    expect(ready.persist?.hardState).toMatchObject({ term: 4, vote: 2 });
    expect(ready.messages).toEqual([]);
    expect(ready.messagesAfterPersist).toMatchObject([{ type: 'voteReply', granted: true, term: 4 }]);
  });

  it('entries are acknowledged after their persist, even those that another append brought before', () => {
    const rig = new RaftRig();
    expect(rig.append(2, 0, 0, entries(1, 1, 1), 0, 1).messagesAfterPersist).toMatchObject([{ type: 'appendReply', index: 2 }]);
    const again = rig.append(2, 0, 0, entries(1, 1, 1), 0, 1);
    expect(again.persist).toBeUndefined();
    expect(again.messages).toEqual([]);
    expect(rig.take('appendReply')).toEqual([]);
    rig.sync();
    expect(rig.take('appendReply')).toHaveLength(2);
  });

  it('a leader sends before its own disk, but counts itself only after', () => {
    const rig = new RaftRig().established();
    const { messages, persist } = rig.propose(10);
    const index = persist!.entries[0]!.index;
    expect(messages.filter(({ type }) => type === 'append')).toHaveLength(2);
    const five = new RaftRig({ voters: [1, 2, 3, 4, 5] }).established();
    five.propose(10);
    five.accepts(2, index);
    five.accepts(3, index);
    expect(five.state.log.committed).toBe(index - 1);
    five.sync();
    expect(five.state.log.committed).toBe(index);
  });

  it('a heartbeat is echoed in a term only once that term is durable', () => {
    const rig = new RaftRig();
    const ready = rig.receive(2, { type: 'heartbeat', commit: 0, round: 3, digestIndex: 0, digest: '', stamp: 0 }, 5);
    expect(ready.messages).toEqual([]);
    expect(ready.messagesAfterPersist).toMatchObject([{ type: 'heartbeatReply', round: 3, stamp: 0, loyaltyMs: 0 }]);
    rig.sync();
    expect(rig.receive(2, { type: 'heartbeat', commit: 0, round: 4, digestIndex: 0, digest: '', stamp: 0 }, 5).messages).toMatchObject([{ type: 'heartbeatReply' }]);
  });
});

describe('law 2: the log is cut only on a real conflict', () => {
  it('the trap: a delayed duplicate of a shorter append does not shorten the log', () => {
    const rig = new RaftRig();
    rig.append(2, 0, 0, entries(1, 1, 1), 0, 1);
    rig.append(2, 2, 1, entries(3, 1, 1), 0, 1);
    const late = rig.append(2, 0, 0, entries(1, 1), 0, 1);
    expect(rig.terms).toEqual([1, 1, 1, 1]);
    expect(late.persist).toBeUndefined();
    rig.append(2, 1, 1, [], 0, 1);
    expect(rig.terms).toEqual([1, 1, 1, 1]);
  });

  it('the trap across a vote: [5, 6, vote, conflict at 6] cuts from 6, hands the cut on, and keeps the vote', () => {
    const rig = new RaftRig({ log: [1, 1, 1, 1], term: 1 });
    rig.append(2, 4, 1, entries(5, 1, 1));
    rig.receive(3, { type: 'vote', lastIndex: 6, lastTerm: 1, transfer: true }, 2);
    const ready = rig.append(3, 5, 1, entries(6, 2), 0, 2);
    expect(ready.persist).toMatchObject({ cutFrom: 6, entries: [{ index: 6, term: 2 }] });
    expect(rig.state).toMatchObject({ term: 2, vote: 3 });
    expect(rig.terms).toEqual([1, 1, 1, 1, 1, 2]);
  });

  it('two conflicts in one step are one cut, at the lower index', () => {
    const rig = new RaftRig({ log: [1, 1, 1, 1] });
    const { persist } = rig.step(conflicting(2, 2, 4), conflicting(3, 3, 2));
    expect(persist).toMatchObject({ cutFrom: 2, entries: [{ index: 2, term: 3 }] });
    const deeper = new RaftRig({ log: [1, 1, 1, 1] }).step(conflicting(3, 3, 2), { type: 'receive', message: { from: 2, to: 1, term: 4, type: 'append', prevIndex: 2, prevTerm: 3, entries: entries(3, 4), commit: 0 } });
    expect(deeper.persist).toMatchObject({ cutFrom: 2, entries: [{ index: 2, term: 3 }, { index: 3, term: 4 }] });
  });
});

describe('law 3: matchIndex never goes back, commitIndex never decreases', () => {
  it('old acknowledgements and rejections leave match alone', () => {
    const rig = new RaftRig().established();
    rig.propose(10);
    rig.accepts(2, 2);
    rig.accepts(2, 1);
    rig.receive(2, { type: 'appendReply', index: 1, rejected: true, hintIndex: 0, hintTerm: 0 });
    expect(rig.state.progress.get(2)).toMatchObject({ match: 2, next: 3, mode: 'replicate' });
  });

  it('a lower commit in a late message changes nothing', () => {
    const rig = new RaftRig();
    rig.append(2, 0, 0, entries(1, 1, 1), 2, 1);
    rig.append(2, 0, 0, entries(1, 1), 1, 1);
    rig.receive(2, { type: 'heartbeat', commit: 0, round: 0, digestIndex: 0, digest: '', stamp: 0 });
    expect(rig.state.log.committed).toBe(2);
  });

  it('an append below what is committed is acknowledged up to there, not up to the end of a log that may be an old leader’s', () => {
    const rig = new RaftRig({ log: [1, 1, 1], commit: 2, term: 2 });
    expect(rig.append(2, 0, 0, entries(1, 1)).messagesAfterPersist).toMatchObject([{ type: 'appendReply', index: 2, rejected: false }]);
    expect(rig.append(2, 2, 1, []).messagesAfterPersist).toMatchObject([{ type: 'appendReply', index: 2, rejected: false }]);
  });

  it('a follower commits no further than the append proved equal', () => {
    const rig = new RaftRig({ log: [1, 1, 1], term: 2 });
    rig.append(2, 1, 1, [], 3);
    expect(rig.state.log.committed).toBe(1);
    rig.receive(2, { type: 'heartbeat', commit: 0, round: 0, digestIndex: 0, digest: '', stamp: 0 });
    expect(rig.state.log.committed).toBe(1);
  });

  it('after a restart what was applied, or is in a snapshot of ours, is committed, whatever the hint says', () => {
    expect(new RaftRig({ log: [1, 1, 1], commit: 1, applied: 2 }).state.log.committed).toBe(2);
    expect(new RaftRig({ log: [1, 1, 1], commit: 1, applied: 2, marker: marker(2, 1) }).state.log.committed).toBe(2);
    expect(new RaftRig({ log: [1, 1, 1], commit: 9 }).state.log.committed).toBe(3);
  });
});

describe('law 4: suffix and prefix truncation are different', () => {
  it('compaction never asks for a cut, nor goes beyond what is committed', () => {
    const rig = new RaftRig({ log: [1, 1, 1, 1], commit: 2 });
    expect(rig.step({ type: 'compact', index: 3 }).persist).toBeUndefined();
    expect(rig.state.log).toMatchObject({ offset: 2, offsetTerm: 1, handed: 4 });
    expect(rig.terms).toEqual([1, 1]);
  });

  it('a committed entry cannot be cut', () => {
    const rig = new RaftRig({ log: [1, 1], commit: 2 });
    rig.append(2, 0, 0, entries(1, 2, 2), 0, 2);
    expect(rig.terms).toEqual([1, 1]);
  });
});

describe('law 8: a snapshot replaces, it never merges', () => {
  it('entries that the snapshot does not vouch for are gone, and their pending persists count for nothing', () => {
    const rig = new RaftRig();
    rig.append(2, 0, 0, entries(1, 1, 1, 1, 1), 0, 1);
    const [old] = rig.persists.splice(0);
    const ready = rig.receive(3, { type: 'snapshot', marker: marker(3, 2) }, 2);
    expect(ready.persist).toMatchObject({ reset: { index: 3 }, cutFrom: undefined, entries: [] });
    expect(ready.restore).toMatchObject({ index: 3, term: 2 });
    expect(rig.state.log).toMatchObject({ offset: 3, offsetTerm: 2, committed: 3, handed: 3, entries: [] });
    rig.step(persistedOf(old!));
    expect(rig.state.log.durable).toBe(3);
  });

  it('a cut and a snapshot in one step are a reset alone: there is nothing left to cut', () => {
    const rig = new RaftRig({ log: [1, 1, 1, 1] });
    const { persist } = rig.step(conflicting(2, 2, 3), { type: 'receive', message: { from: 2, to: 1, term: 2, type: 'snapshot', marker: marker(9, 2) } });
    expect(persist).toMatchObject({ reset: { index: 9 }, cutFrom: undefined, entries: [] });
  });

  it('a snapshot that the log already holds cuts nothing', () => {
    const rig = new RaftRig({ log: [1, 1, 1, 1] });
    const ready = rig.receive(2, { type: 'snapshot', marker: marker(2, 1) }, 1);
    expect(ready).toMatchObject({ persist: undefined, restore: undefined, commitIndex: 2 });
    expect(rig.terms).toEqual([1, 1, 1, 1]);
  });

  it('an old snapshot does not take the state back', () => {
    const rig = new RaftRig({ log: [1, 1, 1], commit: 3 });
    const ready = rig.receive(2, { type: 'snapshot', marker: marker(2, 1) }, 1);
    expect(ready.restore).toBeUndefined();
    expect(ready.messagesAfterPersist).toMatchObject([{ type: 'appendReply', index: 3, rejected: false }]);
  });
});

describe('a persist is believed only about what it wrote', () => {
  it('an entry cut and written again is not durable by its first writing (the same index and term, twice)', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2, 3, 4, 5] });
    rig.append(2, 1, 1, [entry(2, 2)], 0, 2);
    rig.append(3, 1, 1, [entry(2, 3)], 0, 3);
    rig.append(4, 1, 1, [entry(2, 2), entry(3, 4)], 0, 4);
    expect(rig.terms).toEqual([1, 2, 4]);
    const [first, second, third] = rig.persists;
    rig.step(persistedOf(first!));
    expect(rig.state.log.durable).toBe(1);
    rig.step(persistedOf(second!));
    expect(rig.state.log.durable).toBe(1);
    rig.step(persistedOf(third!));
    expect(rig.state.log.durable).toBe(3);
  });
});
