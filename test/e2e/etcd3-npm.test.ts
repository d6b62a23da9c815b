// The npm package `etcd3`, as Node programs that know etcd use it: keys, ranges, transactions.

import { Etcd3, GRPCInvalidArgumentError } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cleanUp, eventually } from './support/processes.ts';
import { ServeCluster } from './support/members.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(cleanUp);

describe('npm etcd3', () => {
  let cluster: ServeCluster;
  let client: Etcd3;

  beforeAll(async () => {
    cluster = await ServeCluster.start();
    client = new Etcd3({ hosts: cluster.endpoints.map((each) => `http://${each}`) });
    await eventually('a first write', () => client.put('first').value('x').then(() => true, () => undefined));
    await client.delete().key('first').exec();
  });
  afterAll(() => client.close());

  it('puts, gets, counts and deletes', async () => {
    await client.put('foo').value('bar');
    expect(await client.get('foo').string()).toBe('bar');
    expect(await client.get('foo').number()).toBeNaN();
    expect(await client.get('nothing')).toBeNull();
    await client.put('number').value(42);
    expect(await client.get('number').number()).toBe(42);
    const binary = Buffer.from([0, 255, 128, 1]);
    await client.put('binary').value(binary);
    expect(await client.get('binary').buffer()).toEqual(binary);
    for (const at of [1, 2, 3]) await client.put(`p/${at}`).value(String(at * at));
    expect(await client.getAll().prefix('p/').strings()).toEqual({ 'p/1': '1', 'p/2': '4', 'p/3': '9' });
    expect(await client.getAll().prefix('p/').sort('Key', 'Descend').limit(2).keys()).toEqual(['p/3', 'p/2']);
    expect(await client.getAll().prefix('p/').count()).toBe(3);
    expect((await client.delete().prefix('p/')).deleted).toBe('3');
    const before = await client.put('foo').value('baz').getPrevious();
    expect(before.value.toString()).toBe('bar');
    const { header, kvs } = await client.get('foo').exec();
    expect(header.cluster_id).not.toBe('0');
    expect(kvs[0]).toMatchObject({ version: '2', lease: '0' });
    expect(await client.get('foo').revision(Number(kvs[0]!.mod_revision) - 1).string()).toBe('bar');
  });

  it('compares, and does one or the other', async () => {
    await client.put('t').value('1');
    const swap = (from: string, to: string) => client.if('t', 'Value', '==', from).then(client.put('t').value(to)).else(client.get('t')).commit();
    expect((await swap('1', '2')).succeeded).toBe(true);
    const failed = await swap('1', '3');
    expect(failed.succeeded).toBe(false);
    expect(failed.responses[0]?.response_range?.kvs[0]?.value.toString()).toBe('2');
    const create = () => client.if('created', 'Create', '==', 0).then(client.put('created').value('x')).commit();
    expect((await create()).succeeded).toBe(true);
    expect((await create()).succeeded).toBe(false);
  });

  it('retries its software transactions until nobody came between', async () => {
    await client.put('counter').value(0);
    const add = () => client.stm({ retries: 50 }).transact(async (tx) => {
      const value = (await tx.get('counter').number()) ?? 0;
      await tx.put('counter').value(value + 1);
    });
    await Promise.all(Array.from({ length: 8 }, add));
    expect(await client.get('counter').number()).toBe(8);
  });

  it('knows a refusal by its own name', async () => {
    await expect(client.put('').value('x')).rejects.toBeInstanceOf(GRPCInvalidArgumentError);
  });

  it('reads on when a member is killed', async () => {
    await client.put('kept').value('yes');
    cluster.members[0]!.kill('SIGKILL');
    await cluster.members[0]!.end();
    const value = await eventually('a read', () => client.get('kept').string().then((text) => text ?? undefined, () => undefined));
    expect(value).toBe('yes');
    await eventually('a write', () => client.put('after').value('x').then(() => true, () => undefined));
    expect(await client.get('after').string()).toBe('x');
  });
});
