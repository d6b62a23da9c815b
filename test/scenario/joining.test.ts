// Whoever joins asks for its place, and is told of none that could still be taken back.

import { describe, expect, it } from 'vitest';
import { SimCluster } from '../support/sim-cluster.ts';

describe('joining', () => {
  it('membership: joining: a place that a cut-off leader made is told by nobody (found by seed 4100)', async () => {
    const cluster = new SimCluster(1);
    await cluster.startAll();
    const deposed = cluster.leader()!;
    const [name] = cluster.names.filter((_, at) => at === cluster.indexOf(deposed));
    for (const other of cluster.names) {
      cluster.network.partition(name!, other);
      cluster.network.partition(other, name!);
    }
    const added = deposed.service.changeMembership({ type: 'add', name: 'n4', address: 'n4:1', as: 'voter' }, { deadlineMs: 1000 });
    let outcome = '';
    added.then(() => (outcome = 'added'), (error: { code: string }) => (outcome = error.code));
    await cluster.clock.advance(50);
    // It has it in its log, and says so to whoever asks what it has.
    expect(deposed.service.members().map((member) => member.name)).toContain('n4');
    let answer: unknown;
    deposed.service.agreedMembers({ deadlineMs: 2000 }).then((members) => (answer = members), (error: { code: string }) => (answer = error.code));
    await cluster.until(() => cluster.lives.some((life) => life !== deposed && life!.member.replica(1)!.raft.isLeader), 10_000, 'another leader');
    await cluster.until(() => answer !== undefined, 5000, 'an answer');
    expect(answer).toBe('NO_LEADER');
    cluster.network.heal();
    const members = await cluster.settle(deposed.service.agreedMembers({ deadlineMs: 5000 }));
    expect(members.map((member) => member.name)).toEqual(['n1', 'n2', 'n3']);
    expect(outcome).not.toBe('added');
  });
});
