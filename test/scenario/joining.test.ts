// Whoever joins may lose power at any moment of its birth, and still becomes a member under the id it was given.

import { describe, expect, it } from 'vitest';
import { OperationError } from '../../src/core/errors.ts';
import type { Place } from '../../src/engine/member/options.ts';
import type { MemberListRow } from '../../src/engine/service.ts';
import { SimCluster } from '../support/sim-cluster.ts';

/** The disk call, counted from when its listener is there, at which the power goes; beyond the last, it does not. */
const moments = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 20, 24, 32, 40, 60, Infinity];

describe('joining', () => {
  it('joiner: power lost at every step of its birth: the next life takes the same place', { timeout: 60_000 }, async () => {
    const cluster = new SimCluster(1, { joiners: moments.length });
    await cluster.startAll();
    const rowOf = (name: string): MemberListRow | undefined => cluster.leader()?.service.members().find((row) => row.name === name);
    const endedBefore: string[] = [];
    for (const [turn, moment] of moments.entries()) {
      const at = 3 + turn;
      const name = cluster.names[at]!;
      const as = turn % 3 === 2 ? 'witness' : 'voter';
      const added = await cluster.settle(cluster.leader()!.service.changeMembership({ type: 'add', name, address: `${name}:1`, as }, { deadlineMs: 5000 }));
      const place = (): Promise<Place> => {
        const row = rowOf(name)!;
        return Promise.resolve({ id: row.id, learner: row.learner, witness: row.witness === true, members: cluster.leader()!.service.members() });
      };
      const first = await cluster.start(at, { join: place });
      let calls = 0;
      cluster.disks[at]!.observe = () => {
        if (++calls === moment) cluster.crash(at);
      };
      await cluster.clock.advance(400);
      if (cluster.lives[at] !== first) {
        endedBefore.push(name);
        await cluster.clock.advance(50);
        await cluster.start(at, { join: place });
      }
      await cluster.until(() => rowOf(name)?.learner === false, 20_000, `${name}, cut short at call ${moment}, becomes a ${as}`);
      expect(cluster.lives[at]!.failure).toBeUndefined();
      expect(rowOf(name)).toMatchObject({ id: added.id, ...(as === 'witness' ? { witness: true } : {}) });
      await cluster.settle(cluster.leader()!.service.changeMembership({ type: 'remove', id: added.id }, { deadlineMs: 5000 }));
      await cluster.until(() => cluster.lives[at]!.failure?.code === 'MEMBER_REMOVED', 5000, `${name} learns that it was removed`);
      cluster.crash(at);
    }
    // It was cut short in most of them, and not in the last.
    expect(endedBefore.length).toBeGreaterThan(10);
    expect(endedBefore).not.toContain(cluster.names.at(-1));
  });

  it('told of members that have left meanwhile: it asks again, and does not wait for them for ever', async () => {
    const cluster = new SimCluster(2, { joiners: 1 });
    await cluster.startAll();
    const name = cluster.names[3]!;
    const added = await cluster.settle(cluster.leader()!.service.changeMembership({ type: 'add', name, address: `${name}:1`, as: 'voter' }, { deadlineMs: 5000 }));
    const left = [1, 2, 3, 4].map((nth) => ({ id: 0xbeef + nth, name: `left${nth}`, address: `left${nth}:1` }));
    let asked = 0;
    const join = (): Promise<Place> => {
      const members = cluster.leader()!.service.members();
      return Promise.resolve({ id: added.id, learner: true, witness: false, members: asked++ === 0 ? [...members, ...left] : members });
    };
    await cluster.start(3, { join });
    await cluster.until(() => cluster.leader()?.service.members().find((row) => row.name === name)?.learner === false, 20_000, `${name} becomes a voter`);
    expect(asked).toBe(2);
  });

  it('its place is gone when it asks again: it was removed', async () => {
    const cluster = new SimCluster(3, { joiners: 1 });
    await cluster.startAll();
    const left = [1, 2, 3, 4].map((nth) => ({ id: 0xbeef + nth, name: `left${nth}`, address: `left${nth}:1` }));
    let asked = 0;
    const join = (): Promise<Place> =>
      asked++ === 0
        ? Promise.resolve({ id: 0xbeef, learner: true, witness: false, members: left })
        : Promise.reject(new OperationError({ code: 'INVALID_CONFIG', detail: 'the cluster has no such member' }));
    const life = await cluster.start(3, { join });
    await cluster.until(() => life.failure?.code === 'MEMBER_REMOVED', 20_000, 'it says that it was removed');
  });
});

describe('a member whose address is wrong', () => {
  it('leads on: who is heard is not gone because nobody listens where it is said to be', async () => {
    const cluster = new SimCluster(4);
    await cluster.startAll();
    const leader = cluster.leader()!;
    const { member: id, term } = leader.service.status();
    await cluster.settle(leader.service.changeMembership({ type: 'update', id, address: 'nowhere:1' }, { deadlineMs: 5000 }));
    // The links to where it was are gone; where it is said to be, nobody has ever listened.
    await cluster.clock.advance(30_000);
    expect(cluster.leader()?.service.status()).toMatchObject({ member: id, term });
  });

  it('counts as heard in a change that needs it, whenever its port refused last', async () => {
    for (let moment = 0; moment < 20; moment++) {
      const cluster = new SimCluster(moment);
      await cluster.startAll();
      const leader = cluster.leader()!;
      const [misplaced, dead] = leader.service.members().filter((row) => row.id !== leader.service.status().member);
      await cluster.settle(leader.service.changeMembership({ type: 'update', id: misplaced!.id, address: 'nowhere:1' }, { deadlineMs: 5000 }));
      cluster.crash(cluster.names.indexOf(dead!.name));
      await cluster.clock.advance(5000 + 50 * moment);
      await cluster.settle(leader.service.changeMembership({ type: 'remove', id: dead!.id }, { deadlineMs: 5000 }));
    }
  });
});

describe('a member that is asked to remove itself', () => {
  it('hears that it is done, and names who is left, also whoever asks it again before it stops', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const cluster = new SimCluster(seed);
      await cluster.startAll();
      const follower = cluster.lives.find((life) => life !== cluster.leader())!;
      const { member: id } = follower.service.status();
      const asked = [0, 1, 2].map(() => follower.service.changeMembership({ type: 'remove', id }, { deadlineMs: 5000 }));
      for (const { members } of await cluster.settle(Promise.all(asked))) {
        expect(members).toHaveLength(2);
        expect(members.map((row) => row.id)).not.toContain(id);
      }
      await cluster.until(() => follower.failure?.code === 'MEMBER_REMOVED', 5000, 'it stops');
    }
  });
});
