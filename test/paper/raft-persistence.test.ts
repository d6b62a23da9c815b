// Persisting takes its time, and the core goes on meanwhile (thesis §10.2.1: “The leader may even commit an entry
// before it has been written to its own disk, if a majority of followers have written it to their disks”). Every legal
// order of writing, telling, sending and losing power, in worlds small enough to be searched whole; larger ones by lot.

import { describe, expect, it, vi } from 'vitest';
import { nextBelow, seedRandom } from '../../src/core/random.ts';
import type { Input, Persist, Ready } from '../../src/core/raft/index.ts';
import { RaftDisk } from '../support/raft-disk.ts';
import { Explorer, explore } from '../support/raft-explorer.ts';
import type { Bounds } from '../support/raft-explorer.ts';
import { RaftRig, entry, marker, persistedOf } from '../support/raft-rig.ts';

// Seconds on an idle machine; nothing here is about time.
vi.setConfig({ testTimeout: 60_000 });

describe('persisting in every legal order: whole small worlds', () => {
  it.each<[string, Bounds, number, number]>([
    ['two members, a leader, an entry', { voters: [1, 2], campaigns: { 1: 1 }, proposals: 1, crashes: {} }, 1, 2],
    ['two members, one of which loses its power', { voters: [1, 2], campaigns: { 1: 1 }, proposals: 1, crashes: { 2: 1 } }, 1, 2],
    ['two members, and their leader loses its power', { voters: [1, 2], campaigns: { 1: 2 }, proposals: 0, crashes: { 1: 1 } }, 2, 2],
    ['two members, both of which campaign', { voters: [1, 2], campaigns: { 1: 1, 2: 1 }, proposals: 0, crashes: { 2: 1 } }, 2, 2],
    ['three members, a leader', { voters: [1, 2, 3], campaigns: { 1: 1 }, proposals: 0, crashes: {} }, 1, 1],
  ])('%s', { timeout: 120_000 }, (_, bounds, leaders, committed) => {
    const found = explore(new Explorer(bounds), 100_000);
    // The claims are the explorer's; here, that it went everywhere, and that there was something to see.
    expect(found).toMatchObject({ isCut: false, elected: leaders, committed });
    expect(found.worlds).toBeGreaterThan(500);
  });
});

describe('persisting in every legal order: by lot', () => {
  const bounds: Bounds = { voters: [1, 2, 3], campaigns: { 1: 2, 2: 2, 3: 1 }, proposals: 2, crashes: { 1: 1, 2: 1, 3: 1 } };

  it('three members, five campaigns, two entries, three losses of power', { timeout: 120_000 }, () => {
    const leaders = new Map<number, number>();
    let committed = 0;
    for (let seed = 1; seed <= 600; seed++) {
      const random = seedRandom(seed);
      const explorer = new Explorer(bounds);
      const way: string[] = [];
      let world = explorer.start;
      try {
        for (let choices = explorer.choices(world); choices.length > 0; choices = explorer.choices(world)) {
          const choice = choices[nextBelow(random, choices.length)]!;
          way.push(choice.name);
          world = choice.next();
        }
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}\n${way.join('\n')}`, { cause: error });
      }
      const terms = Object.keys(world.ghosts.leaders).length;
      leaders.set(terms, (leaders.get(terms) ?? 0) + 1);
      committed += world.ghosts.committed.length - 1;
    }
    // Worlds without a leader prove little; those with several, and with something committed, are there too.
    expect(Math.max(...leaders.keys())).toBeGreaterThanOrEqual(2);
    expect(committed).toBeGreaterThan(100);
  });
});

/** What one follower is given, in this order; what its disk does, and what it is told, comes anywhere between. */
const received = (from: number, term: number, prevIndex: number, prevTerm: number, ...terms: number[]): Input => ({
  type: 'receive',
  message: { from, to: 1, term, type: 'append', prevIndex, prevTerm, entries: terms.map((each, at) => entry(prevIndex + 1 + at, each)), commit: 0 },
});
const installed = (from: number, term: number, index: number): Input => ({ type: 'receive', message: { from, to: 1, term, type: 'snapshot', marker: marker(index, term) } });
const asked = (from: number, term: number, lastIndex: number, lastTerm: number): Input => ({ type: 'receive', message: { from, to: 1, term, type: 'vote', lastIndex, lastTerm, transfer: true } });

/** Goes down every way in which `inputs`, the disk and the telling can follow each other; says how many there were. */
function everyWay(inputs: readonly Input[], check: (final: RaftRig['state']) => void): number {
  let ways = 0;
  const go = (way: string): void => {
    const { rig, given, handed, synced, told } = walk(inputs, way);
    if (given < inputs.length) go(`${way}i`);
    if (synced < handed) go(`${way}d`);
    if (told < synced) go(`${way}t`);
    if (given < inputs.length || told < handed) return;
    ways++;
    check(rig.state);
  };
  go('');
  return ways;
}

/** One way: `i` the next input, `d` the disk is done with its oldest write, `t` the core is told of it. */
function walk(inputs: readonly Input[], way: string): { rig: RaftRig; given: number; handed: number; synced: number; told: number } {
  const rig = new RaftRig({ voters: [1, 2, 3, 4, 5] });
  const disk = new RaftDisk({ voters: [], outgoing: [], learners: [], witnesses: [], members: [] });
  const persists: Persist[] = [];
  let [given, synced, told] = [0, 0, 0];
  const after = (ready: Ready): void => {
    if (ready.persist !== undefined) persists.push(ready.persist);
    const { log } = rig.state;
    for (let index = log.offset + 1; index <= log.durable; index++) {
      if (disk.termAt(index) !== rig.raft.termAt(index)) throw new Error(`${way}: ${index} is taken for durable, and the disk has ${disk.termAt(index) ?? 'nothing'} there`);
    }
  };
  for (const step of way) {
    if (step === 'i') after(rig.raft.step([inputs[given++]!]));
    else if (step === 't') after(rig.raft.step([persistedOf(persists[told++]!)]));
    else {
      disk.submit(persists[synced++], 0, () => undefined);
      disk.sync(0);
    }
  }
  return { rig, given, handed: persists.length, synced, told };
}

describe('persisting in every legal order: one follower, whose leaders differ', () => {
  it.each<[string, readonly Input[], string]>([
    ['the same entry twice, with another between', [received(2, 1, 0, 0, 1, 1), received(3, 2, 1, 1, 2), received(4, 3, 0, 0, 1, 1), received(4, 3, 1, 1, 3, 3)], '1 3 3'],
    ['an entry of one term, cut and written again by a later leader', [received(2, 1, 0, 0, 1), received(2, 2, 1, 1, 2), received(3, 3, 1, 1, 3), received(4, 4, 1, 1, 2, 4)], '1 2 4'],
    ['a vote between two appends', [received(2, 1, 0, 0, 1, 1), asked(3, 2, 9, 1), received(3, 2, 1, 1, 2), received(3, 2, 2, 2, 2)], '1 2 2'],
    ['a snapshot over entries that are not written yet', [received(2, 1, 0, 0, 1, 1, 1), installed(3, 2, 2), received(3, 2, 2, 2, 2), received(3, 2, 3, 2, 2)], '2 2'],
    ['entries behind a snapshot, cut again', [installed(2, 1, 3), received(2, 1, 3, 1, 1, 1), received(3, 2, 4, 1, 2), received(4, 3, 3, 1, 3)], '3'],
  ])('%s: what it takes for durable is on the disk at every moment, and at the end all of it is', (_, inputs, terms) => {
    const ways = everyWay(inputs, (state) => {
      expect(state.log.entries.map(({ term }) => term).join(' ')).toBe(terms);
      expect([state.log.durable, state.persistedSeq]).toEqual([state.log.offset + state.log.entries.length, state.persistSeq]);
    });
    expect(ways).toBe(462);
  });
});
