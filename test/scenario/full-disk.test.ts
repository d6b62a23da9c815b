// A disk without space, while the log has some left of its own; and one whose sync fails.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { SimCluster } from '../support/sim-cluster.ts';

describe('full disk', () => {
  it('snapshots: full disk: one that cannot be taken is tried again in a while, not in a loop (found by seed 7073)', async () => {
    const cluster = new SimCluster(1, { segmentBytes: 256 << 10, replica: { snapshotLogBytes: 32 << 10, tailBytes: 1 << 10 } });
    await cluster.startAll();
    const leader = cluster.leader()!;
    const { faults } = cluster.disks[cluster.indexOf(leader)]!;
    const put = async (n: number): Promise<void> => void (await cluster.settle(cluster.write(leader, { type: 'put', key: utf8(`k${n}`), value: new Uint8Array(1000) })));
    for (let n = 0; n < 20; n++) await put(n);
    faults.spaceLeftBytes = 0;
    for (let n = 20; n < 60; n++) await put(n);
    const failed = (): number => cluster.logged.filter((line) => line.includes('a snapshot could not be taken')).length;
    expect(failed()).toBeGreaterThan(0);
    const before = failed();
    await cluster.clock.advance(5000);
    expect(failed() - before).toBeLessThanOrEqual(6);
    expect(leader.failure).toBeUndefined();
    // And once there is space it is taken, without anybody's writing.
    faults.spaceLeftBytes = Infinity;
    const taken = (): boolean => cluster.logged.some((line) => line.includes(`${cluster.names[cluster.indexOf(leader)]} `) && line.includes('took a snapshot'));
    await cluster.until(taken, 3000, 'a snapshot');
  });
});

describe('failed disk', () => {
  it('close: a member whose log failed beneath a snapshot can be closed, and its directory taken again', async () => {
    const cluster = new SimCluster(1, { members: 1, replica: { snapshotLogEntries: 20, tailBytes: 0 } });
    await cluster.startAll();
    const life = cluster.leader()!;
    const disk = cluster.disks[0]!;
    let isNamed = false;
    disk.observe = (kind, path) => {
      // The snapshot's file is whole; its marker is the next that the log must hold.
      if (kind !== 'rename' || !path.endsWith('.snap')) return;
      isNamed = true;
      disk.faults.syncsUntilFailure = 1;
    };
    for (let n = 0; n < 40 && !isNamed; n++) await cluster.settle(cluster.write(life, { type: 'put', key: utf8(`k${n}`), value: new Uint8Array(10) })).catch(() => undefined);
    await cluster.until(() => life.failure !== undefined, 3000, 'the failure');
    expect(isNamed).toBe(true);
    let closed = false;
    void life.member.close().then(() => {
      closed = true;
    });
    await cluster.until(() => closed, 3000, 'the end of close()');
    life.alive = false;
    cluster.network.kill('n1');
    const heir = await cluster.start(0);
    await cluster.until(() => heir.started, 3000, 'the next life');
    expect(heir.failure).toBeUndefined();
  });
});
