import { describe, expect, it } from 'vitest';
import { Snapshotter } from './snapshotter.ts';
import type { SnapshotterHost } from './snapshotter.ts';

describe('a snapshot', () => {
  it('is not begun in the middle of an entry, whoever asks', () => {
    const pinned: boolean[] = [];
    const replica = {
      isInEntry: true,
      raft: { state: { configurations: [{ index: 0, configuration: {} }] } },
      machine: { bytes: 0, appliedIndex: 9, appliedTerm: 1, snapshot: () => {
        pinned.push(replica.isInEntry);
        throw new Error('pinned');
      } },
    };
    const host = {
      ports: { clock: { now: () => 0, after: () => () => undefined }, random: { uint32: () => 1 } },
      logger: { log: () => undefined },
      identity: { witness: false, member: 1 },
      replicaOptions: { snapshotLogBytes: 0, snapshotLogEntries: 1, tailBytes: 0 },
      log: { bytes: () => 1 << 20 },
      replica: () => replica,
    } as unknown as SnapshotterHost;
    const snapshotter = new Snapshotter(host, 1, {} as never, 's');
    snapshotter.applied();
    expect(pinned).toEqual([]);
    replica.isInEntry = false;
    snapshotter.applied();
    expect(pinned).toEqual([false]);
  });
});
