// Builds of different ages in one cluster: what only the newer ones know is not in the log before the older ones are gone.

import { describe, expect, it, vi } from 'vitest';
import { OperationError } from '../../../src/core/errors.ts';
import { encodeCommand } from '../../../src/core/kv/index.ts';
import { SimCluster } from '../../support/sim-cluster.ts';
import type { Life } from '../../support/sim-cluster.ts';

vi.setConfig({ testTimeout: 60_000 });

const versions = (cluster: SimCluster): (number | undefined)[] => cluster.lives.map((life) => life?.service.status().clusterVersion);

/** As `serve` does once a second, whoever leads. */
async function keepHouse(cluster: SimCluster, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    for (const life of cluster.lives) life?.service.keepHouse();
    await cluster.clock.advance(100);
  }
}

const proposeRaise = (life: Life): Promise<unknown> =>
  life.service.propose(encodeCommand({ type: 'raiseVersion', version: 2 }), { deadlineMs: 1000 }).catch((error: unknown) => (error as OperationError).code);

describe('upgrade: cluster version', () => {
  it('upgrade: rolling: raised when the last old member has become a new one, and not before (3 nodes)', async () => {
    const cluster = new SimCluster(11);
    for (const at of [0, 1, 2]) await cluster.start(at, at === 2 ? { clusterVersionMax: 1 } : {});
    await cluster.until(() => cluster.leader() !== undefined, 20_000, 'a leader');
    await keepHouse(cluster, 5000);
    expect(versions(cluster)).toEqual([1, 1, 1]);
    // Whoever asks for more is refused, wherever it asks; and nothing of it is in the log.
    const before = cluster.leader()!.service.status().lastIndex;
    expect(await Promise.all(cluster.lives.map((life) => proposeRaise(life!)))).toEqual(['UNSUPPORTED', 'UNSUPPORTED', 'UNSUPPORTED']);
    expect(cluster.leader()!.service.status().lastIndex).toBe(before);
    cluster.crash(2);
    await keepHouse(cluster, 3000);
    expect(versions(cluster).slice(0, 2), 'what is down may come back as it was').toEqual([1, 1]);
    await cluster.start(2);
    await cluster.until(() => cluster.lives[2]!.started && cluster.leader() !== undefined, 20_000, 'everybody back');
    await keepHouse(cluster, 3000);
    expect(versions(cluster)).toEqual([2, 2, 2]);
    expect(new Set(cluster.lives.map((life) => life!.service.status().digest)).size).toBe(1);
  });

  it('upgrade: birth: not raised before every member was heard from (3 nodes, one never started)', async () => {
    const cluster = new SimCluster(12);
    for (const at of [0, 1]) await cluster.start(at);
    await cluster.until(() => cluster.leader() !== undefined, 60_000, 'a leader');
    await keepHouse(cluster, 5000);
    expect(versions(cluster)).toEqual([1, 1, undefined]);
    await cluster.start(2);
    await cluster.until(() => cluster.lives[2]!.started, 60_000, 'the third');
    await keepHouse(cluster, 3000);
    expect(versions(cluster)).toEqual([2, 2, 2]);
  });

  it('upgrade: restart: the version is in the log and in the snapshot, and nobody needs to raise it again (3 nodes, power lost)', async () => {
    const cluster = new SimCluster(13, { segmentBytes: 8 << 10, replica: { snapshotLogBytes: 4 << 10, tailBytes: 1 << 10 } });
    await cluster.startAll();
    await keepHouse(cluster, 3000);
    expect(versions(cluster)).toEqual([2, 2, 2]);
    for (let n = 0; n < 60; n++) await cluster.settle(cluster.append(cluster.leader()!, 'k', 'x'.repeat(200), 5000));
    for (const at of [0, 1, 2]) cluster.crash(at);
    await cluster.startAll();
    await cluster.settle(cluster.append(cluster.leader()!, 'k', 'x', 20_000));
    await cluster.clock.advance(2000);
    expect(versions(cluster)).toEqual([2, 2, 2]);
  });
});
