// The client against members that share a KV: what it promises its callers, whatever happens to connections,
// leaders and answers.

import { describe, expect, it } from 'vitest';
import { OperationError } from '../../../src/core/errors.ts';
import { text } from '../../../src/core/bytes.ts';
import { FakeCluster, rejection } from './fake-cluster.ts';

describe('client: without faults', () => {
  it('puts, gets, ranges, appends, deletes, compares and compacts', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    const { kv } = client;
    const put = await fake.settled(kv.put('a', '1'));
    expect(put.revision).toBe(2);
    await fake.settled(kv.put(new Uint8Array([0x62]), '2'));
    const got = await fake.settled(kv.get('a'));
    expect([got.revision, text(got.kv!.value), got.kv!.version]).toEqual([3, '1', 1]);
    expect((await fake.settled(kv.get('zz'))).kv).toBeUndefined();
    const range = await fake.settled(kv.range('', { prefix: true, limit: 1 }));
    expect([range.count, range.more, range.kvs.length]).toEqual([2, true, 1]);
    expect((await fake.settled(kv.append('a', '23'))).length).toBe(3);
    const txn = await fake.settled(kv.txn({
      compare: [{ target: 'value', key: 'a', result: 'equal', value: '123' }],
      success: [{ type: 'put', key: 'c', value: 'yes' }, { type: 'range', key: 'c' }],
      failure: [{ type: 'put', key: 'c', value: 'no' }],
    }));
    expect(txn.succeeded).toBe(true);
    const reading = await fake.settled(kv.txn({ success: [{ type: 'range', key: 'c' }] }));
    expect(reading.responses[0]).toMatchObject({ type: 'range', count: 1 });
    const deleted = await fake.settled(kv.delete('', { prefix: true, prevKv: true }));
    expect([deleted.deleted, deleted.prevKvs.length]).toEqual([3, 3]);
    await fake.settled(kv.compact(deleted.revision));
    expect(await rejection(fake.settled(kv.get('a', { revision: 2 })))).toMatchObject({ code: 'COMPACTED' });
    await fake.settled(client.close());
  });

  it('asks another who the members are when one is starting and knows of none', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    for (const each of fake.members) each.members = () => [];
    await expect(fake.settled(client.members({ timeoutMs: 500 }))).rejects.toMatchObject({ failure: { code: 'NO_LEADER' } });
    const asked = fake.settled(client.members());
    Reflect.deleteProperty(fake.members.at(2)!, 'members');
    expect(await asked).toHaveLength(3);
    await fake.settled(client.close());
  });

  it('answers for members', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    expect(await fake.settled(client.status('n2:2379'))).toMatchObject({ member: 2, name: 'n2', leader: 1, role: 'follower', durability: 'fsync', errors: [] });
    expect(await fake.settled(client.members())).toHaveLength(3);
    expect(await fake.settled(client.hashKv('n3:2379'))).toMatchObject({ hash: 7, revision: 1 });
    await fake.settled(client.moveLeader(2));
    expect(fake.shared.leader).toBe(2);
    await fake.until(() => client.leader.id === 2);
    await fake.settled(client.close());
  });

  it('sends writes and linearizable reads to the leader, others in turn', async () => {
    const fake = await FakeCluster.start();
    fake.lead(2);
    const client = await fake.connect();
    await fake.until(() => client.leader.id === 2);
    await fake.clock.advance(50);
    for (let i = 0; i < 9; i++) {
      await fake.settled(client.kv.put('k', `${i}`));
      await fake.settled(client.kv.get('k'));
    }
    expect(fake.members.map(({ reads }) => reads)).toEqual([0, 9, 0]);
    expect(fake.members.map(({ proposals }) => proposals)).toEqual([0, 10, 0]);
    for (let i = 0; i < 9; i++) await fake.settled(client.kv.get('k', { consistency: 'local' }));
    expect(fake.members.map(({ reads }) => reads)).toEqual([3, 12, 3]);
    fake.lead(3);
    await fake.until(() => client.leader.id === 3);
    await fake.settled(client.kv.put('k', 'new'));
    expect(fake.members.at(2)!.proposals).toBe(1);
    await fake.settled(client.close());
  });

  it('finds the leader beyond the endpoints it was given', async () => {
    const fake = await FakeCluster.start();
    fake.lead(3);
    const client = await fake.connect({ endpoints: 'n1:2379' });
    await fake.clock.advance(100);
    await fake.settled(client.kv.put('k', 'v'));
    expect(fake.members.at(2)!.proposals).toBe(2);
    await fake.settled(client.close());
  });

  it('a leader said to be where no client gets in is tried now and then, not in a circle', async () => {
    const fake = await FakeCluster.start();
    fake.lead(9);
    const client = await fake.connect();
    await fake.clock.advance(20_000);
    const tries = fake.dials.filter((address) => address === 'n9:2379').length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(30);
    await fake.settled(client.close());
  });

  it('whoever has closed dials nobody, also if the leader was reached under another name than its own', async () => {
    const fake = await FakeCluster.start();
    fake.shared.leaderAddress = 'inside:1';
    const client = await fake.connect({ endpoints: ['n1:2379'] });
    await fake.until(() => client.leader.id === 1);
    await fake.settled(client.kv.put('k', '1'));
    await fake.settled(client.close());
    const before = fake.dials.length;
    await fake.clock.advance(20_000);
    expect(fake.dials.slice(before)).toEqual([]);
  });

  it('opens its session with the first write, touches it when idle, closes it at the end', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect({ sessionTtlMs: 9000 });
    await fake.settled(client.kv.get('k'));
    expect(fake.shared.kv.size.sessions).toBe(0);
    await fake.settled(client.kv.put('k', 'v'));
    expect(fake.shared.kv.size.sessions).toBe(1);
    const { commands } = fake.shared;
    await fake.clock.advance(60_000);
    expect(fake.shared.commands - commands).toBeGreaterThan(15);
    expect(fake.shared.kv.expiredSessions(fake.clock.wallNow())).toEqual([]);
    await fake.settled(client.close());
    expect(fake.shared.kv.size.sessions).toBe(0);
    expect(await rejection(client.kv.put('k', 'v'))).toMatchObject({ code: 'CLOSED' });
  });
});

describe('client: deadlines, signals, bounds', () => {
  it('a deadline that passes is TIMEOUT, in time', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    fake.shared.commitMs = 100_000;
    const before = fake.clock.now();
    expect(await rejection(fake.settled(client.kv.put('k', 'v', { timeoutMs: 300 })))).toMatchObject({ code: 'TIMEOUT' });
    expect(fake.clock.now() - before).toBeLessThan(340);
    await fake.settled(client.close());
  });

  it('a signal gives up a write under way, a queued one, and one that never started', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    await fake.settled(client.kv.put('k', '0'));
    fake.shared.commitMs = 500;
    const controller = new AbortController();
    const under = rejection(client.kv.put('k', '1', { signal: controller.signal }));
    await fake.clock.advance(20);
    controller.abort(new Error('enough'));
    expect(await fake.settled(under)).toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } });
    expect(await rejection(client.kv.put('k', '2', { signal: controller.signal }))).toMatchObject({ code: 'ABORTED' });
    expect(await rejection(client.kv.get('k', { signal: controller.signal }))).toMatchObject({ code: 'ABORTED' });
    fake.shared.commitMs = 2;
    await fake.settled(client.kv.put('k', '3'));
    await fake.settled(client.close());
  });

  it('nobody there is UNAVAILABLE, and says who said what', async () => {
    const fake = new FakeCluster();
    const error = await rejection(fake.connect({ timeoutMs: 700 }));
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(String(error)).toContain('n1:2379 refused');
  });

  it('another cluster is CLUSTER_MISMATCH at once', async () => {
    const fake = await FakeCluster.start();
    const before = fake.clock.now();
    expect(await rejection(fake.connect({ cluster: 99 }))).toMatchObject({ code: 'CLUSTER_MISMATCH' });
    expect(fake.clock.now() - before).toBeLessThan(200);
  });

  it('nonsense is refused before it is sent', async () => {
    const fake = await FakeCluster.start();
    expect(await rejection(fake.connect({ endpoints: 'no port here' }))).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(await rejection(fake.connect({ endpoints: [] }))).toMatchObject({ code: 'INVALID_CONFIG' });
    const client = await fake.connect();
    expect(await rejection(client.kv.put('k', new Uint8Array(2 << 20)))).toMatchObject({ code: 'TOO_LARGE' });
    expect(await rejection(client.kv.range('k', { prefix: true, fromKey: true }))).toMatchObject({ code: 'BAD_REQUEST' });
    expect(await rejection(client.kv.get('k', { revision: -1 }))).toMatchObject({ code: 'BAD_REQUEST' });
    await fake.settled(client.close());
  });

  it('more than a window of writes waits in a queue, and the queue is bounded in bytes', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect({ bytesMax: 4 << 20 });
    await fake.settled(client.kv.put('k', 'v'));
    fake.shared.commitMs = 50;
    const writes = Array.from({ length: 3000 }, (_, i) => client.kv.put(`k${i}`, 'v').then(() => 'fine', (error: OperationError) => error.code));
    expect(new Set(await fake.settled(Promise.all(writes)))).toEqual(new Set(['fine']));
    const large = Array.from({ length: 20 }, () => client.kv.put('large', new Uint8Array(400_000)).then(() => 'fine', (error: OperationError) => error.code));
    const outcomes = await fake.settled(Promise.all(large));
    expect(outcomes.filter((outcome) => outcome === 'OVERLOADED').length).toBeGreaterThan(5);
    expect(outcomes.filter((outcome) => outcome === 'fine').length).toBeGreaterThan(5);
    await fake.settled(client.close());
  });

  it('closing ends what is under way with CLOSED', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    fake.shared.commitMs = 10_000;
    const write = rejection(client.kv.put('k', 'v'));
    await fake.clock.advance(10);
    await fake.settled(client.close());
    expect(await fake.settled(write)).toMatchObject({ code: 'CLOSED' });
    await fake.clock.advance(2000);
    expect(fake.network.connectionCount).toBe(0);
  });
});
