// What the Raft paper (Ongaro & Ousterhout 2014) and the thesis (Ongaro 2014) say of elections, sentence by sentence.

import { describe, expect, it } from 'vitest';
import { RaftRig, entries } from '../support/raft-rig.ts';
import { RaftWorld } from '../support/raft-world.ts';

function elected(world: RaftWorld, units = 200): RaftWorld {
  for (let unit = 0; unit < units && !world.nodes.every(({ raft }) => raft?.state.lead === world.leader?.id); unit++) world.advance();
  return world;
}

const request = { type: 'vote', lastIndex: 0, lastTerm: 0, transfer: false } as const;

describe('§5.1', () => {
  it('“If a candidate or leader discovers that its term is out of date, it immediately reverts to follower state.”', () => {
    const rig = new RaftRig().established();
    rig.receive(3, { type: 'appendReply', index: 0, rejected: true, hintIndex: 0, hintTerm: 0 }, 9);
    expect(rig.state).toMatchObject({ role: 'follower', term: 9, lead: 0, vote: 0 });
  });

  it('“If a server receives a request with a stale term number, it rejects the request.”', () => {
    const rig = new RaftRig({ term: 5 });
    rig.append(2, 0, 0, entries(1, 3), 0, 3);
    rig.receive(2, request, 4);
    rig.receive(2, { ...request, type: 'preVote' }, 4);
    expect(rig.sent).toMatchObject([
      { type: 'appendReply', rejected: true, term: 5 }, { type: 'voteReply', granted: false, term: 5 }, { type: 'preVoteReply', granted: false, term: 5 },
    ]);
    expect(rig.terms).toEqual([]);
  });
});

describe('§5.2', () => {
  it('“Each server will vote for at most one candidate in a given term, on a first-come-first-served basis”', () => {
    const rig = new RaftRig();
    rig.receive(2, request, 3);
    rig.receive(3, request, 3);
    rig.receive(2, request, 3);
    rig.sync();
    expect(rig.take('voteReply').map(({ to, granted }) => [to, granted])).toEqual([[2, true], [3, false], [2, true]]);
  });

  it('… and not one more after a restart', () => {
    const rig = new RaftRig({ term: 3, vote: 2 });
    rig.receive(3, request, 3);
    expect(rig.take('voteReply')).toMatchObject([{ granted: false }]);
  });

  it('“A candidate wins an election if it receives votes from a majority of the servers in the full cluster for the same term.”', () => {
    const rig = new RaftRig({ voters: [1, 2, 3, 4, 5] });
    rig.step({ type: 'campaign' });
    for (const from of [2, 3]) rig.receive(from, { type: 'preVoteReply', granted: true }, 1);
    rig.sync();
    rig.receive(2, { type: 'voteReply', granted: true }, 1);
    rig.receive(2, { type: 'voteReply', granted: true }, 1);
    rig.receive(6, { type: 'voteReply', granted: true }, 1);
    expect(rig.state.role).toBe('candidate');
    rig.receive(4, { type: 'voteReply', granted: true }, 1);
    expect(rig.state.role).toBe('leader');
  });

  it('“If the leader’s term (included in its RPC) is at least as large as the candidate’s current term, then the candidate recognizes the leader as legitimate and returns to follower state.”', () => {
    const rig = new RaftRig({ voters: [1, 2, 3] });
    rig.step({ type: 'campaign' });
    rig.receive(2, { type: 'preVoteReply', granted: true }, 1);
    expect(rig.state).toMatchObject({ role: 'candidate', term: 1 });
    rig.append(3, 0, 0, [], 0, 1);
    expect(rig.state).toMatchObject({ role: 'follower', lead: 3, vote: 1 });
  });

  it('“Raft uses randomized election timeouts to ensure that split votes are rare”', () => {
    const timeouts = new Set(Array.from({ length: 40 }, (_, index) => {
      const world = new RaftWorld({ seed: index, voters: 1 });
      return world.nodes[0]!.raft!.state.electionTimeout;
    }));
    expect(timeouts.size).toBeGreaterThan(5);
  });

  it('a split vote ends: two candidates of one term, and a leader soon after', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const world = new RaftWorld({ seed, voters: 4, raft: { electionTicks: 10 } });
      for (const node of world.nodes) world.give(node, { type: 'campaign' });
      elected(world, 120);
      expect(world.leader, `seed ${seed}`).toBeDefined();
    }
  });

  it('disks slower than the election timeout delay an election, they do not prevent it', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new RaftWorld({ seed, voters: 3, diskLatencyMax: 25, raft: { electionTicks: 12 } });
      elected(world, 600);
      expect(world.leader, `seed ${seed}`).toBeDefined();
    }
  });
});

describe('§5.4.1', () => {
  it.each([
    ['a later term wins over a longer log', [1, 1, 3], 2, 4, true],
    ['a longer log does not make up for an earlier term', [1, 1, 3], 9, 2, false],
    ['of equal terms the longer log wins', [1, 1, 3], 4, 3, true],
    ['an equal log is up to date', [1, 1, 3], 3, 3, true],
    ['a shorter one is not', [1, 1, 3], 2, 3, false],
    ['an empty log is up to date with an empty one', [], 0, 0, true],
  ])('“the voter denies its vote if its own log is more up-to-date than that of the candidate”: %s', (_, log, lastIndex, lastTerm, granted) => {
    const rig = new RaftRig({ log });
    rig.receive(2, { ...request, type: 'preVote', lastIndex, lastTerm }, 8);
    rig.receive(2, { ...request, lastIndex, lastTerm }, 8);
    rig.sync();
    expect(rig.take('preVoteReply')[0]!.granted).toBe(granted);
    expect(rig.take('voteReply')[0]!.granted).toBe(granted);
  });
});

describe('thesis §9.6 (pre-vote)', () => {
  it('“a candidate only increments its term if it first learned from a majority of the cluster that they would be willing to grant the candidate their votes”', () => {
    const rig = new RaftRig({ term: 4 });
    rig.ticks(200);
    expect(rig.state).toMatchObject({ role: 'pre-candidate', term: 4 });
    expect(rig.persists).toEqual([]);
    expect(rig.take('preVote').every(({ term }) => term === 5)).toBe(true);
    rig.receive(2, { type: 'preVoteReply', granted: true }, 5);
    expect(rig.state).toMatchObject({ role: 'candidate', term: 5, vote: 1 });
  });

  it('a grant promises nothing: the term, the vote and the disk stay as they are', () => {
    const rig = new RaftRig({ term: 4 });
    const ready = rig.receive(2, { ...request, type: 'preVote' }, 5);
    expect(ready.persist).toBeUndefined();
    expect(ready.messages).toMatchObject([{ type: 'preVoteReply', granted: true, term: 5 }]);
    expect(rig.state).toMatchObject({ term: 4, vote: 0 });
  });

  it('of two who ask at the same moment with equal logs the lower id yields, for a moment', () => {
    const ask = (rig: RaftRig, from: number, lastIndex = 2) => {
      rig.receive(from, { ...request, type: 'preVote', lastIndex, lastTerm: 1 }, 2);
      return rig.take('preVoteReply').map(({ granted }) => granted);
    };
    const rig = new RaftRig({ id: 2, log: [1, 1] });
    rig.step({ type: 'campaign' });
    expect([ask(rig, 1), ask(rig, 3), ask(rig, 1, 3)]).toEqual([[false], [true], [true]]);
    rig.ticks(2);
    expect(rig.state.role).toBe('pre-candidate');
    expect(ask(rig, 1)).toEqual([true]);
  });

  it('two who are told at the same moment that their leader is gone do not split the vote', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const world = elected(new RaftWorld({ seed, voters: 3, raft: { electionTicks: 30 } }));
      const gone = world.leader!;
      const { term } = gone.raft!.state;
      for (let unit = 0; unit < 20; unit++) world.advance();
      world.crash(gone);
      for (let unit = 0; unit < 3; unit++) world.advance();
      for (const node of world.nodes) world.give(node, { type: 'lost', member: gone.id });
      for (let unit = 0; unit < 15; unit++) world.advance();
      expect(world.leader?.raft?.state.term, `seed ${seed}`).toBe(term + 1);
    }
  });

  it('a grant for an earlier campaign, or a refusal counted twice, decides nothing', () => {
    const rig = new RaftRig({ term: 4, voters: [1, 2, 3, 4, 5] });
    rig.step({ type: 'campaign' });
    rig.receive(2, { type: 'preVoteReply', granted: true }, 4);
    for (const _ of [1, 2, 3]) rig.receive(3, { type: 'preVoteReply', granted: false }, 4);
    expect(rig.state.role).toBe('pre-candidate');
  });

  it('a member that comes back from a partition does not disrupt: same leader, same term', () => {
    const world = elected(new RaftWorld({ seed: 5, voters: 3, raft: { electionTicks: 10 } }));
    const leader = world.leader!;
    const { term } = leader.raft!.state;
    const lonely = world.nodes.find((node) => node !== leader)!;
    for (const other of world.nodes) {
      world.network.cut(lonely.id, other.id);
      world.network.cut(other.id, lonely.id);
    }
    for (let unit = 0; unit < 200; unit++) world.advance();
    expect(lonely.raft!.state).toMatchObject({ role: 'pre-candidate', term });
    world.network.heal();
    for (let unit = 0; unit < 60; unit++) world.advance();
    expect(world.nodes.map(({ raft }) => [raft!.state.lead, raft!.state.term])).toEqual(world.nodes.map(() => [leader.id, term]));
  });
});

describe('thesis §4.2.3 (disruptive servers)', () => {
  it('“if a server receives a RequestVote request within the minimum election timeout of hearing from a current leader, it does not update its term or grant its vote”', () => {
    const rig = new RaftRig({ term: 2 });
    rig.append(2, 0, 0, [], 0, 2);
    rig.ticks(9);
    rig.receive(3, request, 7);
    rig.receive(3, { ...request, type: 'preVote' }, 7);
    expect(rig.state).toMatchObject({ term: 2, vote: 0, lead: 2 });
    expect(rig.take('voteReply', 'preVoteReply')).toEqual([]);
    rig.ticks(1);
    rig.receive(3, { ...request, type: 'preVote' }, 7);
    expect(rig.take('preVoteReply')).toMatchObject([{ granted: true }]);
  });

  it('a leader is loyal to itself', () => {
    const rig = new RaftRig().established();
    rig.receive(3, request, 7);
    expect(rig.state).toMatchObject({ role: 'leader', term: 1 });
  });
});

describe('thesis §6.2 (a leader steps down)', () => {
  it('“a leader in Raft steps down if an election timeout elapses without a successful round of heartbeats to a majority of its cluster”', () => {
    const rig = new RaftRig().established();
    rig.ticks(11);
    expect(rig.state.role).toBe('leader');
    rig.ticks(10);
    expect(rig.state).toMatchObject({ role: 'follower', lead: 0, term: 1 });
  });

  it('learners do not make up a majority', () => {
    const rig = new RaftRig({ learners: [4, 5, 6] }).established();
    for (let tick = 0; tick < 25; tick++) {
      rig.ticks(1);
      for (const from of [4, 5, 6]) if (rig.state.role === 'leader') rig.receive(from, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    }
    expect(rig.state.role).toBe('follower');
  });
});

describe('thesis §3.10 (leadership transfer)', () => {
  it('“The prior leader stops accepting new client requests”, brings the target up to date, and tells it to campaign', () => {
    const rig = new RaftRig().lead();
    rig.accepts(2, 1);
    rig.step({ type: 'transfer', member: 3 });
    expect(rig.take('timeoutNow')).toEqual([]);
    expect(rig.propose(5).proposals).toMatchObject([{ outcome: 'noLeader' }]);
    rig.accepts(3, 1);
    expect(rig.take('timeoutNow')).toMatchObject([{ to: 3 }]);
  });

  it('“the target … starts a new election (incrementing its term and becoming a candidate)”, and loyal members help it', () => {
    const rig = new RaftRig({ term: 2 });
    rig.append(2, 0, 0, [], 0, 2);
    rig.receive(2, { type: 'timeoutNow' });
    expect(rig.state).toMatchObject({ role: 'candidate', term: 3 });
    rig.sync();
    expect(rig.take('vote')).toMatchObject([{ transfer: true }, { transfer: true }]);
    const loyal = new RaftRig({ term: 2 });
    loyal.append(2, 0, 0, [], 0, 2);
    loyal.receive(3, { ...request, transfer: true }, 3);
    loyal.sync();
    expect(loyal.take('voteReply')).toMatchObject([{ granted: true }]);
  });

  it('“If leadership transfer does not complete after about an election timeout, the prior leader aborts the transfer”', () => {
    const rig = new RaftRig({ raft: { electionTicks: 30 } }).established();
    rig.step({ type: 'transfer', member: 3 });
    for (let tick = 0; tick < 30; tick++) {
      rig.ticks(1);
      rig.receive(2, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    }
    expect(rig.state.transferee).toBe(0);
    expect(rig.propose(5).proposals).toMatchObject([{ outcome: 'appended' }]);
  });

  it('a lost timeoutNow is said again; one from a leader of before is not obeyed; strangers, learners and oneself are no targets', () => {
    const rig = new RaftRig({ learners: [4] }).established();
    for (const member of [1, 4, 9]) rig.step({ type: 'transfer', member });
    expect(rig.state.transferee).toBe(0);
    rig.step({ type: 'transfer', member: 3 });
    rig.take('timeoutNow');
    rig.receive(3, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
    expect(rig.take('timeoutNow')).toHaveLength(1);
    const follower = new RaftRig({ term: 2 });
    follower.append(2, 0, 0, [], 0, 2);
    follower.receive(3, { type: 'timeoutNow' });
    expect(follower.state.role).toBe('follower');
  });
});

describe('§6 (configurations)', () => {
  it.each([['learner', { learners: [1], voters: [2, 3] }], ['witness', { voters: [1, 2, 3], witnesses: [1] }], ['stranger', { voters: [2, 3] }]])('a %s never campaigns', (_, options) => {
    const rig = new RaftRig({ ...options, term: 1 });
    rig.append(2, 0, 0, [], 0, 1);
    rig.step({ type: 'campaign' });
    rig.receive(2, { type: 'timeoutNow' });
    rig.ticks(100);
    // It does not believe in a silent leader for ever either: nothing more is handed to it.
    expect(rig.state).toMatchObject({ role: 'follower', term: 1, lead: 0 });
    expect(rig.sent.filter(({ type }) => type === 'vote' || type === 'preVote')).toEqual([]);
    expect(rig.propose(3).proposals).toMatchObject([{ outcome: 'noLeader' }]);
  });

  it('“Agreement (for elections and entry commitment) requires separate majorities from both the old and new configurations.”', () => {
    const rig = new RaftRig({ voters: [1, 2, 3], outgoing: [1, 4, 5] });
    rig.step({ type: 'campaign' });
    for (const from of [2, 3]) rig.receive(from, { type: 'preVoteReply', granted: true }, 1);
    expect(rig.state.role).toBe('pre-candidate');
    rig.receive(5, { type: 'preVoteReply', granted: true }, 1);
    rig.sync();
    for (const from of [4, 5]) rig.receive(from, { type: 'voteReply', granted: true }, 1);
    expect(rig.state.role).toBe('candidate');
    rig.receive(2, { type: 'voteReply', granted: true }, 1);
    rig.sync();
    expect(rig.state.role).toBe('leader');
    for (const from of [4, 5]) rig.accepts(from, 1);
    expect(rig.state.log.committed).toBe(0);
    rig.accepts(2, 1);
    expect(rig.state.log.committed).toBe(1);
  });
});
