// When snapshots are taken, how much of the log stays, and what becomes of those who are far behind.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { SimCluster } from '../support/sim-cluster.ts';
import type { Life } from '../support/sim-cluster.ts';

const put = (cluster: SimCluster, life: Life, key: string, bytes: number): Promise<unknown> =>
  cluster.settle(cluster.write(life, { type: 'put', key: utf8(key), value: new Uint8Array(bytes) }));
const logOf = (life: Life) => life.member.replica(1)!.raft.state.log;
const sent = (cluster: SimCluster): number => cluster.logged.filter((line) => line.includes('sends a snapshot')).length;
const taken = (cluster: SimCluster): number => cluster.logged.filter((line) => line.includes('took a snapshot')).length;

describe('snapshots', () => {
  it('count: taken after so many entries, however small', async () => {
    const cluster = new SimCluster(1, { replica: { snapshotLogEntries: 20, tailBytes: 0 } });
    await cluster.startAll();
    for (let n = 0; n < 50; n++) await put(cluster, cluster.leader()!, `k${n}`, 1);
    await cluster.clock.advance(500);
    expect(taken(cluster)).toBeGreaterThanOrEqual(6);
    expect(taken(cluster)).toBeLessThanOrEqual(9);
    for (const life of cluster.lives) expect(logOf(life!).entries.length).toBeLessThanOrEqual(20);
  });

  it('follower: slow: the log waits for it, and it needs no snapshot', async () => {
    const cluster = new SimCluster(2, { replica: { snapshotLogBytes: 16 << 10, tailBytes: 1 << 10, followerTailBytes: 256 << 10 } });
    await cluster.startAll();
    const leader = cluster.leader()!;
    const slow = cluster.lives.find((life) => life !== leader)!;
    // It hears its leader and answers, but each sync takes its time.
    const { faults } = cluster.disks[cluster.indexOf(slow)]!;
    faults.syncDelayMs = 700;
    for (let n = 0; n < 12; n++) await put(cluster, leader, `k${n}`, 8 << 10);
    await cluster.clock.advance(500);
    expect(taken(cluster)).toBeGreaterThan(0);
    faults.syncDelayMs = 0;
    await cluster.until(() => slow.member.replica(1)!.machine.appliedIndex === leader.member.replica(1)!.machine.appliedIndex, 5000, 'the slow one catches up');
    expect(sent(cluster)).toBe(0);
  });

  it('follower: far behind: writes that overtake its snapshot do not send it another', async () => {
    const cluster = new SimCluster(3, { replica: { snapshotLogEntries: 5, tailBytes: 1 << 10, followerTailBytes: 128 << 10, snapshotBytesPerSecond: 200_000 } });
    await cluster.startAll();
    const behind = cluster.lives.findIndex((life) => life !== cluster.leader());
    cluster.crash(behind);
    for (let n = 0; n < 12; n++) await put(cluster, cluster.leader()!, `old ${n}`, 20_000);
    await cluster.clock.advance(3000);
    const leader = cluster.leader()!;
    // The state takes more than a second to write and as long to send, and one is written all the time.
    let life: Life | undefined;
    let before = 0;
    for (let n = 0; n < 60; n++) {
      await put(cluster, leader, 'hot', 4 << 10);
      await cluster.clock.advance(60);
      if (n === 15) life = await cluster.start(behind);
      if (before === 0 && sent(cluster) > 0) before = taken(cluster);
    }
    expect(taken(cluster)).toBeGreaterThan(before);
    const applied = (of: Life): number => of.member.replica(1)!.machine.appliedIndex;
    await cluster.until(() => life!.started && applied(life!) === applied(leader), 10_000, 'it catches up');
    expect(sent(cluster)).toBe(1);
  });

  it.each([1, 2, 3, 4, 5, 6])('follower: power lost just when another snapshot has taken the place of its own: it starts again (seed %i)', async (seed) => {
    const cluster = new SimCluster(seed, { replica: { snapshotLogEntries: 10, tailBytes: 0, followerTailBytes: 0 } });
    await cluster.startAll();
    const at = cluster.lives.findIndex((life) => life !== cluster.leader());
    for (let n = 0; n < 25; n++) await put(cluster, cluster.leader()!, `k${n}`, 10);
    await cluster.clock.advance(300);
    cluster.crash(at);
    for (let n = 0; n < 25; n++) await put(cluster, cluster.leader()!, `k${n}`, 10);
    await cluster.clock.advance(300);
    const life = await cluster.start(at);
    await cluster.until(() => life.started, 5000, 'it runs');
    // What its log says of the new one is on its way for a while; of the directory all may be stored at any time.
    const disk = cluster.disks[at]!;
    disk.faults.syncDelayMs = 300;
    await cluster.until(() => life.member.replica(1)!.machine.appliedIndex >= 50, 5000, 'it has the new state');
    expect(sent(cluster)).toBe(1);
    disk.faults.syncDelayMs = 0;
    await cluster.settle(disk.syncDirectory('snapshots'));
    cluster.crash(at);
    const next = await cluster.start(at);
    await cluster.until(() => next.failure !== undefined || next.started, 5000, 'it is started again');
    expect(next.failure).toBeUndefined();
  });
});
