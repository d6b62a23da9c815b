// The labs' KV tests, part B: the log stays short, and who is behind gets a snapshot.

import { expect, it, vi } from 'vitest';
import { electionTimeoutMs } from '../../support/lab-cluster.ts';
import { genericTest, LabKv, logBytesMax } from '../../support/lab-kv.ts';

vi.setConfig({ testTimeout: 120_000 });

it('kv 3B: SnapshotRPC: who was away while the log was cut catches up by a snapshot', async () => {
  const lab = await LabKv.begin(3, { snapshots: true });
  const clerk = lab.clerk();
  await lab.settle(clerk.put('a', 'A'));
  expect(await lab.settle(clerk.get('a'))).toBe('A');
  lab.partition([0, 1], [2]);
  const first = lab.clerk([0, 1]);
  for (let n = 0; n < 50; n++) await lab.settle(first.put(`${n}`, `${n}`));
  await lab.sleep(electionTimeoutMs);
  await lab.settle(first.put('b', 'B'));
  await lab.sleep(100);
  const log = lab.logBytes;
  lab.partition([0, 2], [1]);
  const second = lab.clerk([0, 2]);
  await lab.settle(second.put('c', 'C'));
  await lab.settle(second.put('d', 'D'));
  for (const [key, value] of [['a', 'A'], ['b', 'B'], ['1', '1'], ['49', '49']] as const) expect(await lab.settle(second.get(key))).toBe(value);
  expect(lab.logged.some((line) => line.includes('sends a snapshot')), 'a snapshot travelled').toBe(true);
  lab.partition([0, 1], [2]);
  const third = lab.clerk([0, 1]);
  await lab.settle(third.put('e', 'E'));
  for (const [key, value] of [['c', 'C'], ['e', 'E'], ['1', '1']] as const) expect(await lab.settle(third.get(key))).toBe(value);
  lab.end('3B SnapshotRPC', lab.ops, [{ what: 'bytes of log', is: log, most: logBytesMax }]);
});

it('kv 3B: SnapshotSize: eight hundred operations on one key leave a short log and a small snapshot', async () => {
  const lab = await LabKv.begin(3, { snapshots: true });
  const clerk = lab.clerk();
  for (let n = 0; n < 200; n++) {
    for (const value of ['0', '1']) {
      await lab.settle(clerk.put('x', value));
      expect(await lab.settle(clerk.get('x'))).toBe(value);
    }
    // Our KV remembers every value until it is told to forget; the labs' has no such memory.
    await lab.settle(clerk.client.kv.compact((await lab.settle(clerk.client.kv.get('x'))).revision));
  }
  await lab.sleep(100);
  lab.end('3B SnapshotSize', lab.ops, [
    { what: 'bytes of log', is: lab.logBytes, most: logBytesMax },
    { what: 'bytes of snapshot', is: lab.snapshotBytes, most: 500 },
  ]);
});

it('kv 3B: SnapshotRecover', () => genericTest('3B SnapshotRecover', { clients: 1, crash: true, snapshots: true }));
// The longest of all, by far: `npm run labs` runs it, `npm test` says that it was skipped.
it.skipIf(process.env['THOLE_LABS_TABLE'] === undefined)('kv 3B: SnapshotRecoverManyClients: twenty clients (npm run labs)', () => genericTest('3B SnapshotRecoverManyClients', { clients: 20, crash: true, snapshots: true }));
it('kv 3B: SnapshotUnreliable', () => genericTest('3B SnapshotUnreliable', { clients: 5, unreliable: true, snapshots: true }));
it('kv 3B: SnapshotUnreliableRecover', () => genericTest('3B SnapshotUnreliableRecover', { clients: 5, unreliable: true, crash: true, snapshots: true }));
it('kv 3B: SnapshotUnreliableRecoverConcurrentPartition', () =>
  genericTest('3B SnapshotUnreliableRecoverConcurrentPartition', { clients: 5, unreliable: true, crash: true, partitions: true, snapshots: true }));
it('kv 3B: SnapshotUnreliableRecoverConcurrentPartitionLinearizable', () =>
  genericTest('3B SnapshotUnreliableRecoverConcurrentPartitionLinearizable', {
    clients: 15, members: 7, unreliable: true, crash: true, partitions: true, snapshots: true, linearizable: true,
  }));
