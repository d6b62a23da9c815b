// What the Raft paper and the thesis say of compaction (§7, thesis chapter 5), of starting anew, and of what is said
// twice (§5.5). The store’s half of it, what is in a snapshot, is in test/contract/state-machine.test.ts.

import { describe, expect, it } from 'vitest';
import { EntryKind, Raft, configurationAt, configurationOf, defaultRaftOptions, encodeConfiguration } from '../../src/core/raft/index.ts';
import type { Configuration, Entry, MemberId } from '../../src/core/raft/index.ts';
import { RaftRig, entries, marker } from '../support/raft-rig.ts';

const of = (...voters: MemberId[]): Configuration => ({ voters, outgoing: [], learners: [], witnesses: [], members: [] });
const configurationEntry = (index: number, term: number, configuration: Configuration): Entry => ({ index, term, kind: EntryKind.configuration, data: encodeConfiguration(configuration) });

describe('§7 “Each server takes snapshots independently, covering just the committed entries in its log”', () => {
  it.each([['a follower', (rig: RaftRig) => rig], ['a leader', (rig: RaftRig) => rig.lead()], ['a candidate', (rig: RaftRig) => {
    rig.step({ type: 'campaign' });
    return rig;
  }]])('%s compacts when it likes, and says nothing of it to anybody', (_, become) => {
    const rig = become(new RaftRig({ log: [1, 1, 1], commit: 2 }));
    rig.sent = [];
    const ready = rig.step({ type: 'compact', index: 2 });
    expect(rig.state.log).toMatchObject({ offset: 2, offsetTerm: 1 });
    expect([ready.messages, ready.messagesAfterPersist, ready.persist]).toEqual([[], [], undefined]);
  });

  it('not what is not committed, whatever it is told', () => {
    const rig = new RaftRig({ log: [1, 1, 1], commit: 1 });
    rig.step({ type: 'compact', index: 99 });
    expect(rig.state.log).toMatchObject({ offset: 1, committed: 1 });
    expect(rig.terms).toEqual([1, 1]);
  });

  it('twice, or less than before, changes nothing', () => {
    const rig = new RaftRig({ log: [1, 1, 1], commit: 3 });
    rig.step({ type: 'compact', index: 2 }, { type: 'compact', index: 2 }, { type: 'compact', index: 1 });
    expect(rig.state.log).toMatchObject({ offset: 2, offsetTerm: 1, committed: 3 });
  });
});

describe('§7 (last included index and term) “These are preserved to support the AppendEntries consistency check for the first log entry following the snapshot”', () => {
  it('a leader’s first append behind its snapshot names them', () => {
    const rig = new RaftRig({ log: [3], offset: 10, offsetTerm: 2 }).lead();
    rig.receive(2, { type: 'appendReply', index: 11, rejected: true, hintIndex: 10, hintTerm: 2 });
    expect(rig.take('append').filter(({ to }) => to === 2).at(-1)).toMatchObject({ prevIndex: 10, prevTerm: 2, entries: [{ index: 11 }, { index: 12 }] });
  });

  it('a follower checks by them: the right term fits, another does not', () => {
    const rig = new RaftRig({ offset: 10, offsetTerm: 2, term: 3 });
    rig.append(2, 10, 2, entries(11, 3));
    rig.sync();
    expect(rig.take('appendReply')).toMatchObject([{ rejected: false, index: 11 }]);
    const other = new RaftRig({ log: [2], offset: 10, offsetTerm: 2, term: 3 });
    other.append(2, 11, 3, entries(12, 3));
    expect(other.take('appendReply')).toMatchObject([{ rejected: true, index: 11 }]);
  });

  it('an election compares by them, when nothing else is left of the log', () => {
    const asked = (lastIndex: number, lastTerm: number): boolean | undefined => {
      const rig = new RaftRig({ offset: 10, offsetTerm: 2 });
      rig.receive(2, { type: 'preVote', lastIndex, lastTerm, transfer: false }, 3);
      return rig.take('preVoteReply')[0]?.granted;
    };
    expect([asked(10, 2), asked(9, 2), asked(11, 1), asked(1, 3)]).toEqual([true, false, false, true]);
  });
});

describe('§7 “the snapshot also includes the latest configuration in the log as of last included index”', () => {
  it('that one, and not one that was appended since', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2, 3] });
    rig.append(2, 1, 1, [configurationEntry(2, 1, of(1, 2)), ...entries(3, 1), configurationEntry(4, 1, of(1, 2, 4))], 4);
    expect([1, 2, 3, 4].map((index) => configurationAt(rig.state, index).voters)).toEqual([[1, 2, 3], [1, 2], [1, 2], [1, 2, 4]]);
  });

  it('it rules whoever starts from the snapshot, and entries behind it rule over it', () => {
    const restored = { hardState: { term: 2, vote: 0, commit: 5 }, marker: marker(5, 1, [1, 2]), configuration: of(1, 2), offset: 5, offsetTerm: 1, applied: 5 };
    const options = { ...defaultRaftOptions, id: 1, seed: 1 };
    expect(configurationOf(new Raft(options, { ...restored, entries: [] }).state).voters).toEqual([1, 2]);
    expect(configurationOf(new Raft(options, { ...restored, entries: [configurationEntry(6, 2, of(1, 2, 3))] }).state).voters).toEqual([1, 2, 3]);
  });
});

describe('§7 (InstallSnapshot)', () => {
  it('“the follower discards its entire log; it is all superseded by the snapshot”', () => {
    const rig = new RaftRig({ log: [1, 1, 1, 1], commit: 1 });
    const ready = rig.receive(2, { type: 'snapshot', marker: marker(3, 2) }, 2);
    expect(ready.restore).toMatchObject({ index: 3, term: 2 });
    expect(rig.state.log).toMatchObject({ offset: 3, offsetTerm: 2, entries: [], committed: 3 });
  });

  it('“log entries covered by the snapshot are deleted but entries following the snapshot are still valid and must be retained”', () => {
    const rig = new RaftRig({ log: [1, 1, 1, 1], commit: 1 });
    const ready = rig.receive(2, { type: 'snapshot', marker: marker(3, 1) }, 2);
    // A prefix of what is here: it is committed, the member’s own compaction deletes it, and nothing is replaced.
    expect([ready.restore, ready.commitIndex]).toEqual([undefined, 3]);
    rig.step({ type: 'compact', index: 3 });
    expect(rig.state.log).toMatchObject({ offset: 3, committed: 3 });
    expect(rig.terms).toEqual([1]);
  });

  it('its acknowledgement leaves when it is durable, and names its last index', () => {
    const rig = new RaftRig();
    const ready = rig.receive(2, { type: 'snapshot', marker: marker(9, 2) }, 2);
    expect(rig.take('appendReply')).toEqual([]);
    expect(ready.messagesAfterPersist).toMatchObject([{ type: 'appendReply', to: 2, index: 9, rejected: false }]);
    rig.sync();
    expect(rig.take('appendReply')).toHaveLength(1);
  });

  it('“reply immediately if term < currentTerm”: a deposed leader’s snapshot installs nothing', () => {
    const rig = new RaftRig({ log: [1], term: 4 });
    const ready = rig.receive(2, { type: 'snapshot', marker: marker(9, 3) }, 3);
    expect([ready.restore, rig.terms]).toEqual([undefined, [1]]);
    expect(rig.take('appendReply')).toMatchObject([{ rejected: true, term: 4 }]);
  });
});

describe('§5.5 “Raft RPCs are idempotent”', () => {
  it('“if a follower receives an AppendEntries request that includes log entries already present in its log, it ignores those entries in the new request”', () => {
    const rig = new RaftRig();
    rig.append(2, 0, 0, entries(1, 1, 1), 1, 1);
    rig.sync();
    const before = structuredClone(rig.state.log);
    const again = rig.append(2, 0, 0, entries(1, 1, 1), 1, 1);
    expect(again.persist).toBeUndefined();
    expect(rig.state.log).toEqual(before);
    const more = rig.append(2, 0, 0, entries(1, 1, 1, 1), 1, 1);
    expect(more.persist?.entries.map(({ index }) => index)).toEqual([3]);
  });

  it.each(['voteReply', 'preVoteReply'] as const)('a %s that comes twice is one', (type) => {
    const rig = new RaftRig({ voters: [1, 2, 3, 4, 5] });
    rig.step({ type: 'campaign' });
    if (type === 'voteReply') {
      for (const from of [2, 3]) rig.receive(from, { type: 'preVoteReply', granted: true }, 1);
      rig.sync();
    }
    const { role } = rig.state;
    for (let times = 0; times < 3; times++) rig.receive(4, { type, granted: true }, 1);
    expect(rig.state.role).toBe(role);
  });

  it('acknowledgements that come twice, or late, count once', () => {
    const rig = new RaftRig({ voters: [1, 2, 3, 4, 5] }).established();
    rig.propose(8);
    rig.sync();
    for (let times = 0; times < 4; times++) rig.accepts(2, 2);
    expect(rig.state.log.committed).toBe(1);
    rig.accepts(3, 2);
    expect(rig.state.log.committed).toBe(2);
  });
});

describe('§5.3', () => {
  it('“This also commits all preceding entries in the leader’s log, including entries created by previous leaders.”', () => {
    const rig = new RaftRig({ log: [1, 1, 2], commit: 0 }).lead();
    for (const index of [1, 2, 3]) rig.accepts(2, index);
    expect(rig.state.log.committed).toBe(0);
    rig.accepts(2, 4);
    expect(rig.state.log.committed).toBe(4);
  });

  it('“The leader keeps track of the highest index it knows to be committed, and it includes that index in future AppendEntries RPCs (including heartbeats) so that the other servers eventually find out.”', () => {
    const rig = new RaftRig().established();
    rig.propose(8);
    rig.sync();
    rig.accepts(2, 2);
    expect(rig.take('append').at(-1)).toMatchObject({ commit: 2 });
    rig.accepts(3, 2);
    rig.ticks(2);
    expect(rig.take('heartbeat').map(({ commit }) => commit)).toEqual([2, 2]);
  });

  it('a heartbeat tells nobody of more than he is known to hold', () => {
    const rig = new RaftRig().established();
    rig.propose(8);
    rig.sync();
    rig.accepts(2, 2);
    rig.ticks(2);
    expect(rig.take('heartbeat').map(({ to, commit }) => [to, commit])).toEqual([[2, 2], [3, 1]]);
  });
});

describe('§8 “each leader commit a blank no-op entry into the log at the start of its term”', () => {
  it('whoever is elected appends one, and one only', () => {
    const rig = new RaftRig({ log: [1, 1] });
    rig.lead();
    expect(rig.state.log.entries.slice(2)).toMatchObject([{ index: 3, term: 2, kind: EntryKind.noop, data: new Uint8Array(0) }]);
    rig.ticks(5);
    expect(rig.raft.lastIndex).toBe(3);
  });
});

describe('thesis §4.1 “it is the caller’s configuration that is used in reaching consensus”', () => {
  it('“a server accepts AppendEntries requests from a leader that is not part of the server’s latest configuration”', () => {
    const rig = new RaftRig({ voters: [1, 2, 3] });
    rig.append(9, 0, 0, entries(1, 4), 0, 4);
    rig.sync();
    expect(rig.state).toMatchObject({ role: 'follower', lead: 9, term: 4 });
    expect(rig.take('appendReply')).toMatchObject([{ to: 9, rejected: false, index: 1 }]);
  });

  it('“a server also grants its vote to a candidate that is not part of the server’s latest configuration (if the candidate has a sufficiently up-to-date log and a current term)”', () => {
    const vote = (lastIndex: number, term: number): boolean | undefined => {
      const rig = new RaftRig({ log: [1], term: 3, voters: [1, 2, 3] });
      rig.receive(9, { type: 'vote', lastIndex, lastTerm: 1, transfer: false }, term);
      rig.sync();
      return rig.take('voteReply')[0]?.granted;
    };
    expect([vote(1, 4), vote(0, 4), vote(1, 2)]).toEqual([true, false, false]);
  });

  it('a vote it did not ask for is not counted: of a stranger, of a learner', () => {
    const rig = new RaftRig({ voters: [1, 2, 3], learners: [4] });
    rig.step({ type: 'campaign' });
    rig.receive(2, { type: 'preVoteReply', granted: true }, 1);
    rig.sync();
    for (const from of [4, 9]) rig.receive(from, { type: 'voteReply', granted: true });
    expect(rig.state.role).toBe('candidate');
  });
});

describe('§5.6 “broadcastTime ≪ electionTimeout ≪ MTBF”', () => {
  it('by default a leader is heard many times before anybody would campaign, and every timeout differs', () => {
    expect(defaultRaftOptions.electionTicks).toBeGreaterThanOrEqual(10 * defaultRaftOptions.heartbeatTicks);
    const timeouts = Array.from({ length: 200 }, (_, life) => {
      const rig = new RaftRig({ life, raft: { electionTicks: defaultRaftOptions.electionTicks } });
      rig.append(2, 0, 0, [], 0, 1);
      return rig.state.electionTimeout;
    });
    expect(Math.min(...timeouts)).toBeGreaterThanOrEqual(defaultRaftOptions.electionTicks);
    expect(new Set(timeouts).size).toBeGreaterThan(10);
  });
});
