// Links that stay broken while the members live: the group must work with what is left, and stay calm.

import { describe, expect, it } from 'vitest';
import type { MemberId } from '../../src/core/raft/index.ts';
import { RaftWorld } from '../support/raft-world.ts';

const seeds = Array.from({ length: 25 }, (_, index) => index + 1);

function led(seed: number, voters: number): RaftWorld {
  const world = new RaftWorld({ seed, voters, raft: { electionTicks: 10 } });
  for (let unit = 0; unit < 100; unit++) world.advance();
  expect(world.leader).toBeDefined();
  return world;
}

function run(world: RaftWorld, units: number): void {
  for (let unit = 0; unit < units; unit++) world.advance();
}

function commits(world: RaftWorld, units = 20): boolean {
  const { commitIndex } = world.claims;
  if (world.leader === undefined) return false;
  world.propose(world.leader, 8);
  run(world, units);
  return world.claims.commitIndex > commitIndex;
}

function others(world: RaftWorld, id: MemberId): MemberId[] {
  return world.nodes.map((node) => node.id).filter((other) => other !== id);
}

describe('raft: partial partition: a link between two of three (25 seeds)', () => {
  it.each(['leader and follower', 'two followers'])('%s: the leader that a majority hears stays, in its term', (which) => {
    for (const seed of seeds) {
      const world = led(seed, 3);
      const lead = world.leader!.id;
      const { term } = world.leader!.raft!.state;
      const [a, b] = others(world, lead) as [number, number];
      const [from, to] = which === 'two followers' ? [a, b] : [lead, b];
      world.network.cut(from, to);
      world.network.cut(to, from);
      run(world, 300);
      expect([world.leader!.id, world.leader!.raft!.state.term, commits(world)], `seed ${seed}`).toEqual([lead, term, true]);
    }
  });
});

describe('raft: partial partition: one direction (25 seeds)', () => {
  it('a leader that hears nobody steps down, and one that hears is elected', () => {
    for (const seed of seeds) {
      const world = led(seed, 3);
      const deaf = world.leader!.id;
      for (const other of others(world, deaf)) world.network.cut(other, deaf);
      run(world, 150);
      expect([world.leader?.id !== deaf, commits(world)], `seed ${seed}`).toEqual([true, true]);
    }
  });

  it('a leader that nobody hears is replaced, and steps down', () => {
    for (const seed of seeds) {
      const world = led(seed, 3);
      const dumb = world.leader!;
      for (const other of others(world, dumb.id)) world.network.cut(dumb.id, other);
      run(world, 150);
      expect([world.leader?.id !== dumb.id, dumb.raft!.state.role !== 'leader', commits(world)], `seed ${seed}`).toEqual([true, true, true]);
    }
  });

  it('a follower that hears nobody, but is heard, disturbs nobody', () => {
    for (const seed of seeds) {
      const world = led(seed, 3);
      const lead = world.leader!.id;
      const { term } = world.leader!.raft!.state;
      const deaf = others(world, lead)[0]!;
      for (const other of others(world, deaf)) world.network.cut(other, deaf);
      run(world, 300);
      expect([world.leader!.id, world.leader!.raft!.state.term, commits(world)], `seed ${seed}`).toEqual([lead, term, true]);
    }
  });
});

describe('raft: partial partition: a star (25 seeds)', () => {
  it('of five, one that sees all while the others see only it becomes the leader', () => {
    for (const seed of seeds) {
      const world = led(seed, 5);
      const centre = others(world, world.leader!.id)[seed % 4]!;
      for (const a of others(world, centre)) for (const b of others(world, centre)) if (a !== b) world.network.cut(a, b);
      run(world, 400);
      expect([world.leader?.id, commits(world)], `seed ${seed}`).toEqual([centre, true]);
    }
  });

  it('one who asks in vain for ever does not hold up the others (the lower id yields only for a moment)', () => {
    for (const seed of seeds) {
      const world = new RaftWorld({ seed, voters: 5, raft: { electionTicks: 10 } });
      world.crash(world.node(4), 0);
      world.crash(world.node(3), 0);
      // 5 reaches 1 alone; 1 and 2 need its vote.
      world.network.cut(5, 2);
      world.network.cut(2, 5);
      run(world, 400);
      expect([world.leader?.id, commits(world)], `seed ${seed}`).toEqual([1, true]);
    }
  });
});

describe('raft: partial partition: slow links (25 seeds)', () => {
  it('a read is served though every answer takes longer than the patience to ask again', () => {
    for (const seed of seeds.slice(0, 10)) {
      const world = new RaftWorld({ seed, voters: 3, raft: { electionTicks: 60, heartbeatTicks: 1 } });
      run(world, 300);
      const follower = world.nodes.find((node) => node !== world.leader)!;
      world.network.faults = { ...world.network.faults, latencyMax: 1, straggleRate: 1 };
      const read = world.read(follower);
      run(world, 60);
      expect(world.reads.has(read), `seed ${seed}`).toBe(false);
      expect(world.outcomes.refused, `seed ${seed}`).toBe(0);
    }
  });
});
