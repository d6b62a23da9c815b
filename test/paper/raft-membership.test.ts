// Changes of membership: Raft §6, the thesis' chapter 4, and the correction of July 2015.

import { describe, expect, it } from 'vitest';
import { EntryKind, configurationOf, decodeConfiguration, encodeConfiguration } from '../../src/core/raft/index.ts';
import type { Change, Configuration, Entry, MemberId, Ready } from '../../src/core/raft/index.ts';
import { RaftRig, entries } from '../support/raft-rig.ts';
import { RaftWorld } from '../support/raft-world.ts';

const of = (...voters: MemberId[]): Configuration => ({ voters, outgoing: [], learners: [], witnesses: [], members: [] });
const entryOf = (index: number, term: number, configuration: Configuration): Entry => ({ index, term, kind: EntryKind.configuration, data: encodeConfiguration(configuration) });
const add = (id: MemberId, type: 'addVoter' | 'addLearner' = 'addVoter'): Change => ({ type, member: { id, name: `n${id}`, address: `n${id}:1` }, witness: false });
const remove = (id: MemberId): Change => ({ type: 'remove', id });

function change(rig: RaftRig, changes: readonly Change[], joint = false): Ready {
  return rig.step({ type: 'change', ref: 9, changes, joint });
}

/** Leader 1, everybody heard, its first entry committed. */
function leading(voters: readonly MemberId[], learners: readonly MemberId[] = []): RaftRig {
  return new RaftRig({ voters, learners }).established();
}

describe('thesis §4.1 “we allow only one server to be added or removed at a time”', () => {
  it('one voter is one step: the new configuration rules its leader at once', () => {
    const rig = leading([1, 2, 3]);
    expect(change(rig, [add(4)]).changes).toEqual([{ ref: 9, outcome: 'appended', index: 2, term: 1 }]);
    expect(configurationOf(rig.state)).toMatchObject({ voters: [1, 2, 3, 4], outgoing: [] });
    rig.sync();
    rig.accepts(2, 2);
    expect(rig.state.log.committed).toBe(1);
    rig.accepts(3, 2);
    expect(rig.state.log.committed).toBe(2);
  });

  it('a second change waits until the first is committed', () => {
    const rig = leading([1, 2, 3]);
    change(rig, [remove(3)]);
    expect(change(rig, [add(4)]).changes).toEqual([{ ref: 9, outcome: 'refused', reason: 'inProgress' }]);
    rig.sync();
    rig.accepts(2, 2);
    expect(change(rig, [add(4)]).changes[0]).toMatchObject({ outcome: 'appended' });
  });
});

describe('raft-dev, July 2015: “a leader may not append a new configuration entry until it has committed an entry from its current term”', () => {
  it('a leader that has just been elected refuses', () => {
    const rig = new RaftRig({ voters: [1, 2, 3] }).lead();
    expect(change(rig, [add(4)]).changes).toEqual([{ ref: 9, outcome: 'refused', reason: 'notReady' }]);
    rig.accepts(2, 1);
    expect(change(rig, [add(4), { type: 'remove', id: 4 }]).changes[0]).toMatchObject({ outcome: 'appended' });
  });

  it('the history that lost a committed entry cannot happen: {1,2,3,4}, 1 adds 5 unseen, 2 removes 1, 1 comes back', () => {
    const world = new RaftWorld({ seed: 1, voters: 4, diskLatencyMax: 0, raft: { electionTicks: 10 } });
    const run = (units: number): void => {
      for (let unit = 0; unit < units; unit++) world.advance();
    };
    run(40);
    const first = world.leader!;
    const [a, b, c] = world.nodes.filter((node) => node !== first) as [typeof first, typeof first, typeof first];
    const fifth = world.grow();
    // The first leader appends {1,2,3,4,5} and reaches the fifth alone.
    for (const other of [a, b, c]) for (const [from, to] of [[first, other], [other, first], [fifth, other], [other, fifth]] as const) world.network.cut(from.id, to.id);
    world.change(first, [{ type: 'addVoter', member: { id: fifth.id, name: 'n5', address: 'n5:1' }, witness: false }]);
    run(6);
    expect(configurationOf(fifth.raft!.state).voters).toContain(fifth.id);
    // The others elect one of theirs. Before the correction it could remove a member at once, {three of four} by two
    // of three; now it first commits an entry of its own, by three of four, and whoever holds that refuses the first.
    run(60);
    const second = world.leader!;
    expect([a, b, c]).toContain(second);
    const another = [a, b, c].find((node) => node !== second)!;
    world.change(second, [remove(first.id)]);
    run(20);
    world.propose(second, 8);
    run(20);
    const { commitIndex } = world.claims;
    // Back: the first, the fifth and one more would be three of {1,2,3,4,5}.
    world.crash(second, 0);
    world.network.heal();
    for (const node of [first, fifth, another]) world.give(node, { type: 'campaign' });
    run(120);
    expect(world.claims.commitIndex).toBeGreaterThanOrEqual(commitIndex);
    expect(world.leader?.id).not.toBe(first.id);
    expect(world.leader?.id).not.toBe(fifth.id);
  });
});

describe('§6 “joint consensus”', () => {
  it('“log entries are replicated to all servers in both configurations”', () => {
    const rig = leading([1, 2, 3], [4, 5]);
    for (const id of [4, 5]) rig.accepts(id, 1);
    change(rig, [{ type: 'promote', id: 4 }, { type: 'promote', id: 5 }, remove(2), remove(3)]);
    expect([...rig.state.progress.keys()].toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5]);
  });

  it('“agreement (for elections and entry commitment) requires separate majorities from both the old and new configurations”', () => {
    const rig = leading([1, 2, 3], [4, 5]);
    for (const id of [4, 5]) rig.accepts(id, 1);
    change(rig, [{ type: 'promote', id: 4 }, { type: 'promote', id: 5 }, remove(2), remove(3)]);
    rig.sync();
    // 1, 4 and 5 are three of five, and all of the new ones.
    rig.accepts(4, 2);
    rig.accepts(5, 2);
    expect(rig.state.log.committed).toBe(1);
    rig.accepts(2, 2);
    expect(rig.state.log.committed).toBe(2);
  });

  it('an election in a joint configuration is lost with either half', () => {
    const rig = new RaftRig({ voters: [1, 4, 5], outgoing: [1, 2, 3] });
    rig.step({ type: 'campaign' });
    for (const from of [4, 5]) rig.receive(from, { type: 'preVoteReply', granted: true }, 1);
    expect(rig.state.role).toBe('pre-candidate');
    for (const from of [2, 3]) rig.receive(from, { type: 'preVoteReply', granted: false }, 1);
    expect(rig.state.role).toBe('follower');
  });

  it('“once C-old,new has been committed … it is now safe for the leader to create a log entry describing C-new”: it does so by itself', () => {
    const rig = leading([1, 2, 3]);
    change(rig, [remove(3)], true);
    rig.sync();
    const ready = rig.accepts(2, 2);
    expect(ready.commitIndex).toBe(2);
    expect(ready.persist!.entries.map(({ kind, data }) => [kind, decodeConfiguration(data).outgoing])).toEqual([[EntryKind.configuration, []]]);
    expect(configurationOf(rig.state)).toMatchObject({ voters: [1, 2], outgoing: [], removed: [3] });
  });

  it('a leader elected in a joint configuration leaves it, once an entry of its own term is committed', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2, 3] });
    rig.append(2, 1, 1, [entryOf(2, 1, { ...of(1, 2), outgoing: [1, 2, 3] })]);
    rig.sync();
    rig.lead();
    expect(configurationOf(rig.state).outgoing).toEqual([1, 2, 3]);
    rig.accepts(2, 3);
    expect(configurationOf(rig.state)).toMatchObject({ voters: [1, 2], outgoing: [] });
    expect(rig.raft.lastIndex).toBe(4);
  });
});

describe('§6 “the cluster leader may not be part of the new configuration”', () => {
  it('“the leader steps down once it has committed the C-new log entry”, and “it does not count itself in majorities”', () => {
    const rig = leading([1, 2, 3]);
    change(rig, [remove(1)]);
    rig.sync();
    rig.accepts(2, 2);
    // Itself and 2 would be two of three.
    expect(rig.state).toMatchObject({ role: 'leader', log: { committed: 1 } });
    rig.accepts(3, 2);
    expect(rig.state).toMatchObject({ role: 'follower', lead: 0, log: { committed: 2 } });
    expect(rig.raft.isRemoved).toBe(true);
  });

  it('it tells one that knows everything to take over', () => {
    const rig = leading([1, 2, 3]);
    change(rig, [remove(1)]);
    rig.sync();
    rig.sent = [];
    rig.accepts(2, 2);
    rig.accepts(3, 2);
    expect(rig.take('timeoutNow')).toHaveLength(1);
  });

  it('what is proposed until then is taken, and committed by the others', () => {
    const rig = leading([1, 2, 3]);
    change(rig, [remove(1)]);
    rig.propose(8);
    rig.sync();
    for (const from of [2, 3]) rig.accepts(from, 3);
    expect(rig.state.log.committed).toBe(3);
  });
});

describe('thesis §4.2.2 “a server that is not part of its own latest configuration should still start new elections”', () => {
  it('as long as its removal is not known to be committed; its own vote does not count', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2, 3], commit: 1 });
    rig.append(2, 1, 1, [entryOf(2, 1, of(2, 3))], 1);
    rig.sync();
    rig.step({ type: 'campaign' });
    expect(rig.state.role).toBe('pre-candidate');
    rig.receive(2, { type: 'preVoteReply', granted: true }, 2);
    expect(rig.state.role).toBe('pre-candidate');
    rig.receive(3, { type: 'preVoteReply', granted: true }, 2);
    expect(rig.state.role).toBe('candidate');
  });

  it('not once it is', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2, 3], commit: 1 });
    rig.append(2, 1, 1, [entryOf(2, 1, of(2, 3))], 2);
    rig.sync();
    rig.step({ type: 'campaign' });
    expect(rig.state.role).toBe('follower');
  });
});

describe('§6 “removed servers … can disrupt the cluster”', () => {
  it('“servers disregard RequestVote RPCs when they believe a current leader exists”', () => {
    const rig = new RaftRig({ log: [1], voters: [1, 2] });
    rig.append(2, 1, 1, []);
    rig.sync();
    rig.sent = [];
    rig.receive(3, { type: 'preVote', lastIndex: 9, lastTerm: 9, transfer: false }, 7);
    rig.receive(3, { type: 'vote', lastIndex: 9, lastTerm: 9, transfer: false }, 7);
    rig.sync();
    expect(rig.sent).toEqual([]);
    expect(rig.state.term).toBe(1);
  });
});

describe('thesis §4.2.1 “new servers … non-voting members”', () => {
  it('“the leader replicates log entries to it, but it is not yet counted towards majorities for voting or commitment purposes”', () => {
    const rig = leading([1, 2, 3], [4]);
    rig.propose(8);
    rig.sync();
    rig.accepts(4, 2);
    expect(rig.take('append').some(({ to }) => to === 4)).toBe(true);
    expect(rig.state.log.committed).toBe(1);
  });

  it('it does not campaign', () => {
    const rig = new RaftRig({ id: 4, voters: [1, 2, 3], learners: [4] });
    rig.ticks(200);
    expect(rig.state).toMatchObject({ role: 'follower', term: 0 });
  });

  it('it grants votes: whoever asks may count it under a newer configuration than its own', () => {
    const rig = new RaftRig({ id: 4, voters: [1, 2, 3], learners: [4] });
    rig.receive(1, { type: 'vote', lastIndex: 0, lastTerm: 0, transfer: false }, 1);
    rig.sync();
    expect(rig.take('voteReply')).toMatchObject([{ granted: true }]);
  });

  it('is promoted when it holds what is committed, not before', () => {
    const rig = leading([1, 2, 3]);
    change(rig, [add(4, 'addLearner')]);
    rig.sync();
    rig.accepts(2, 2);
    expect(change(rig, [{ type: 'promote', id: 4 }]).changes).toEqual([{ ref: 9, outcome: 'refused', reason: 'behind' }]);
    rig.receive(4, { type: 'appendReply', index: 1, rejected: true, hintIndex: 0, hintTerm: 0 });
    rig.accepts(4, 2);
    expect(change(rig, [{ type: 'promote', id: 4 }]).changes[0]).toMatchObject({ outcome: 'appended' });
  });

  it('leadership is not given to it', () => {
    const rig = leading([1, 2, 3], [4]);
    rig.step({ type: 'transfer', member: 4 });
    expect(rig.state.transferee).toBe(0);
  });
});

describe('a change that would stop the group', () => {
  it('is refused: who would decide is not heard from', () => {
    const rig = leading([1, 2, 3]);
    // 3 falls silent for two checks of the quorum.
    for (let check = 0; check < 2; check++) {
      rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
      rig.ticks(10);
    }
    rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(change(rig, [remove(2)]).changes).toEqual([{ ref: 9, outcome: 'refused', reason: 'quorum' }]);
    expect(change(rig, [remove(3)]).changes[0]).toMatchObject({ outcome: 'appended' });
  });

  it('is refused: the port of who would decide refuses, long before its silence is noticed', () => {
    const rig = leading([1, 2, 3]);
    for (const from of [2, 3]) rig.receive(from, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    rig.step({ type: 'lost', member: 3 });
    expect(change(rig, [remove(2)]).changes).toEqual([{ ref: 9, outcome: 'refused', reason: 'quorum' }]);
    // It is back: one word is enough.
    rig.receive(3, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(change(rig, [remove(2)]).changes[0]).toMatchObject({ outcome: 'appended' });
  });

  it('is refused: a second voter that is not there yet, beside one', () => {
    expect(change(leading([1]), [add(2)]).changes).toEqual([{ ref: 9, outcome: 'refused', reason: 'quorum' }]);
  });

  it('is refused during a transfer of leadership', () => {
    const rig = leading([1, 2, 3]);
    rig.propose(8);
    rig.step({ type: 'transfer', member: 2 });
    expect(change(rig, [remove(3)]).changes).toEqual([{ ref: 9, outcome: 'refused', reason: 'noLeader' }]);
  });
});

describe('a change asked of a follower', () => {
  it('goes to the leader, and its answer comes back', () => {
    const rig = new RaftRig({ log: [1] });
    rig.append(2, 1, 1, []);
    change(rig, [remove(3)]);
    const [asked] = rig.take('change');
    expect(asked).toMatchObject({ to: 2, changes: [remove(3)], joint: false });
    const ready = rig.receive(2, { type: 'changeReply', id: asked!.id, refused: undefined, index: 5, entryTerm: 1 });
    expect(ready.changes).toEqual([{ ref: 9, outcome: 'appended', index: 5, term: 1 }]);
  });

  it('is lost when its answer does not come: nobody knows, and it is not repeated', () => {
    const rig = new RaftRig({ log: [1] });
    rig.append(2, 1, 1, []);
    change(rig, [remove(3)]);
    const told: Ready['changes'][number][] = [];
    for (let tick = 0; tick < 12; tick++) told.push(...rig.step({ type: 'tick' }).changes);
    expect(told).toEqual([{ ref: 9, outcome: 'lost' }]);
    expect(rig.take('change')).toHaveLength(1);
  });

  it('is refused where no leader is known, and by one who does not lead', () => {
    const rig = new RaftRig();
    expect(change(rig, [remove(3)]).changes).toEqual([{ ref: 9, outcome: 'refused', reason: 'noLeader' }]);
    rig.receive(3, { type: 'change', id: 4, changes: [remove(1)], joint: false });
    expect(rig.take('changeReply')).toMatchObject([{ id: 4, refused: 'noLeader' }]);
  });
});

describe('a configuration rolls back with its entry', () => {
  it('and one that was forwarded, appended and cut leaves nothing behind', () => {
    const rig = leading([1, 2, 3]);
    change(rig, [add(4)]);
    rig.sync();
    rig.append(2, 1, 1, entries(2, 2), 1, 2);
    expect(configurationOf(rig.state).voters).toEqual([1, 2, 3]);
    expect(rig.state.progress.size).toBe(0);
  });
});
