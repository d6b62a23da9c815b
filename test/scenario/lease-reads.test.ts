// Reads by lease: without asking anybody, for as long as nobody else can lead, and not a moment longer.

import { describe, expect, it } from 'vitest';
import { text, utf8 } from '../../src/core/bytes.ts';
import { decodeReadResult, encodeRequest } from '../../src/core/kv/index.ts';
import { SimCluster } from '../support/sim-cluster.ts';
import type { Life } from '../support/sim-cluster.ts';

const leaseDriftMax = 0.1;

function read(life: Life): Promise<string> {
  return life.service.read(encodeRequest({ type: 'range', key: utf8('k') }), { consistency: 'lease', deadlineMs: 10_000 }).then((bytes) => {
    const result = decodeReadResult(bytes);
    return 'response' in result && result.response.type === 'range' ? text(result.response.kvs[0]?.value ?? utf8('nothing')) : 'a failure';
  });
}

function cutOff(cluster: SimCluster, life: Life): void {
  const name = cluster.names[cluster.indexOf(life)]!;
  for (const other of cluster.names) {
    if (other === name) continue;
    cluster.network.partition(name, other);
    cluster.network.partition(other, name);
  }
}

const put = (cluster: SimCluster, life: Life, value: string): Promise<unknown> => cluster.settle(cluster.write(life, { type: 'put', key: utf8('k'), value: utf8(value) }));

async function begun(seed: number): Promise<{ readonly cluster: SimCluster; readonly first: Life }> {
  const cluster = new SimCluster(seed, { replica: { leaseDriftMax } });
  await cluster.startAll();
  const first = cluster.leader()!;
  await put(cluster, first, 'old');
  await cluster.clock.advance(500);
  return { cluster, first };
}

describe('reads by lease', () => {
  it.each([1, 2, 3])('leader: cut off: answers while nobody else can lead, and never beside another (seed %i)', async (seed) => {
    const { cluster, first } = await begun(seed);
    cutOff(cluster, first);
    const answers: string[] = [];
    let answeredLast = 0;
    let second: Life | undefined;
    const cut = cluster.clock.now();
    for (let ms = 0; ms < 6000; ms++) {
      read(first).then((answer) => {
        answers.push(answer);
        answeredLast = cluster.clock.now();
        expect(second, 'nobody else leads yet').toBeUndefined();
      }, () => undefined);
      await cluster.clock.advance(1);
      second = cluster.lives.find((life) => life !== first && life?.member.replica(1)?.raft.isLeader === true);
      if (second !== undefined) break;
    }
    expect(second).toBeDefined();
    expect(new Set(answers)).toEqual(new Set(['old']));
    // It went on for most of the election timeout, and had stopped well before somebody else led.
    expect(answeredLast - cut).toBeGreaterThan(1000);
    expect(cluster.clock.now() - answeredLast).toBeGreaterThan(50);
    await put(cluster, second!, 'new');
    expect(await cluster.settle(read(second!))).toBe('new');
  });

  it('leader: paused between reading and answering: the lease is looked at afterwards, and what was read is thrown away', async () => {
    const { cluster, first } = await begun(4);
    const { raft } = first.member.replica(1)!;
    const valid = raft.leaseUntil;
    expect(valid).toBeGreaterThan(cluster.clock.now());
    let looks = 0;
    Object.defineProperty(raft, 'leaseUntil', { get: () => (looks++ === 0 ? valid : 0) });
    cutOff(cluster, first);
    let outcome = 'waits';
    read(first).then((answer) => (outcome = answer), () => undefined);
    await cluster.clock.advance(200);
    expect(looks).toBe(2);
    expect(outcome).toBe('waits');
  });

  it('leader: without the setting: a read by lease asks the others, as any linearizable one does', async () => {
    const cluster = new SimCluster(5);
    await cluster.startAll();
    const first = cluster.leader()!;
    await put(cluster, first, 'old');
    expect(await cluster.settle(read(first))).toBe('old');
    cutOff(cluster, first);
    let outcome = 'waits';
    read(first).then((answer) => (outcome = answer), () => undefined);
    await cluster.clock.advance(300);
    expect(outcome).toBe('waits');
  });

  it('follower: asks its leader: a lease is the leader’s', async () => {
    const { cluster, first } = await begun(6);
    const follower = cluster.lives.find((life) => life !== undefined && life !== first)!;
    expect(await cluster.settle(read(follower))).toBe('old');
  });

  it('followers: restarted without the setting: what they promised before they still keep', async () => {
    const { cluster, first } = await begun(7);
    cutOff(cluster, first);
    const others = [0, 1, 2].filter((at) => cluster.lives[at] !== first);
    for (const at of others) cluster.crash(at);
    cluster.replica = {};
    for (const at of others) await cluster.start(at);
    const until = first.member.replica(1)!.raft.leaseUntil;
    await cluster.until(() => others.some((at) => cluster.lives[at]!.member.replica(1)?.raft.isLeader === true), 20_000, 'another leader');
    expect(cluster.clock.now()).toBeGreaterThan(until);
    // Forgotten in time: the next life is bound by nothing.
    await cluster.clock.advance(5000);
    expect(await cluster.settle(cluster.disks[others[0]!]!.list(''))).not.toContain('promises');
  });
});
