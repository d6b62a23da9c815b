// Configurations live in the log (§6): in effect once appended, gone again when cut, kept when compacted.

import { describe, expect, it } from 'vitest';
import { EntryKind, Raft, configurationAt, configurationOf, defaultRaftOptions, encodeConfiguration } from '../../src/core/raft/index.ts';
import type { Configuration, Entry, MemberId } from '../../src/core/raft/index.ts';
import { RaftRig, entries, persistedOf } from '../support/raft-rig.ts';

const of = (...voters: MemberId[]): Configuration => ({ voters, outgoing: [], learners: [], witnesses: [], members: [] });
const change = (index: number, term: number, configuration: Configuration): Entry => ({ index, term, kind: EntryKind.configuration, data: encodeConfiguration(configuration) });

describe('§6 “a server always uses the latest configuration in its log, regardless of whether the entry is committed”', () => {
  it('an appended configuration rules at once, and a cut one no more', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2, 3] });
    rig.append(2, 1, 1, [change(2, 1, of(1, 2)), change(3, 1, of(2))]);
    expect(configurationOf(rig.state).voters).toEqual([2]);
    rig.append(3, 2, 1, entries(3, 2), 0, 2);
    expect(configurationOf(rig.state).voters).toEqual([1, 2]);
    rig.append(3, 1, 1, entries(2, 3), 0, 3);
    expect(configurationOf(rig.state).voters).toEqual([1, 2, 3]);
  });

  it('compaction forgets what no longer rules anywhere, and a snapshot is told what ruled at its index', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2, 3] });
    rig.append(2, 1, 1, [change(2, 1, of(1, 2)), ...entries(3, 1), change(4, 1, of(2))], 4);
    expect([1, 2, 3, 4].map((index) => configurationAt(rig.state, index).voters.length)).toEqual([3, 2, 2, 1]);
    rig.sync();
    rig.step({ type: 'compact', index: 3 });
    expect(rig.state.configurations.map(({ index }) => index)).toEqual([2, 4]);
    expect(configurationAt(rig.state, 3).voters).toEqual([1, 2]);
  });

  it('one that is read back at start rules as it did before', () => {
    const log = [change(1, 1, of(1)), ...entries(2, 1)];
    const restored = { hardState: { term: 1, vote: 0, commit: 0 }, marker: undefined, configuration: of(), entries: log, offset: 0, offsetTerm: 0, applied: 0 };
    const raft = new Raft({ ...defaultRaftOptions, id: 1, seed: 1 }, restored);
    const ready = raft.step([{ type: 'campaign' }]);
    raft.step([persistedOf(ready.persist!)]);
    expect(raft.isLeader).toBe(true);
  });

  it('a leader follows the members of a configuration it appended before it led', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2, 3] });
    rig.append(2, 1, 1, [change(2, 1, of(1, 2, 4))]);
    rig.sync();
    rig.lead();
    expect([...rig.state.progress.keys()]).toEqual([2, 4]);
  });
});

describe('a vote that is not durable', () => {
  it('is not counted because an earlier persist came back', () => {
    const rig = new RaftRig();
    rig.append(2, 0, 0, entries(1, 1), 0, 1);
    const [before] = rig.persists;
    rig.step({ type: 'campaign' });
    rig.receive(3, { type: 'preVoteReply', granted: true }, 2);
    rig.step(persistedOf(before!));
    expect(rig.state).toMatchObject({ role: 'candidate', term: 2 });
    expect(rig.state.votes.size).toBe(0);
    rig.persists.shift();
    rig.sync();
    expect([...rig.state.votes]).toEqual([[1, true]]);
  });
});
