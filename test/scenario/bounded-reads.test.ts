// A bounded read is as new as was asked for, wherever it is answered and whatever its member believes.

import { describe, expect, it } from 'vitest';
import { text, utf8 } from '../../src/core/bytes.ts';
import { decodeReadResult, encodeRequest } from '../../src/core/kv/index.ts';
import { SimCluster } from '../support/sim-cluster.ts';
import type { Life } from '../support/sim-cluster.ts';

function read(life: Life, key: string, maxAgeMs: number): Promise<string> {
  return life.service.read(encodeRequest({ type: 'range', key: utf8(key) }), { consistency: 'bounded', maxAgeMs, deadlineMs: 5000 }).then((bytes) => {
    const result = decodeReadResult(bytes);
    return 'response' in result && result.response.type === 'range' ? text(result.response.kvs[0]?.value ?? utf8('nothing')) : 'a failure';
  });
}

describe('bounded reads', () => {
  it('reads: catching up: a member that waits for a snapshot does not call what it has current (found by seed 29)', async () => {
    const cluster = new SimCluster(1, { replica: { snapshotLogBytes: 32 << 10, tailBytes: 1 << 10, snapshotBytesPerSecond: 400_000 } });
    await cluster.startAll();
    const behind = cluster.lives.findIndex((life) => life !== cluster.leader());
    cluster.crash(behind);
    await cluster.settle(cluster.write(cluster.leader()!, { type: 'put', key: utf8('k'), value: utf8('old') }));
    // What it lacks is compacted: it hears heartbeats while a snapshot comes, and has applied all that it was told of.
    for (let n = 0; n < 4; n++) await cluster.settle(cluster.write(cluster.leader()!, { type: 'put', key: utf8(`big ${n}`), value: new Uint8Array(100_000) }));
    await cluster.settle(cluster.write(cluster.leader()!, { type: 'put', key: utf8('k'), value: utf8('new') }));
    await cluster.clock.advance(2000);
    const life = await cluster.start(behind);
    const answers: string[] = [];
    for (let ms = 0; ms < 800; ms++) {
      if (life.started) read(life, 'k', 1500).then((answer) => void answers.push(answer), () => undefined);
      await cluster.clock.advance(1);
    }
    await cluster.clock.advance(6000);
    expect(answers.length).toBeGreaterThan(50);
    expect(new Set(answers)).toEqual(new Set(['new']));
  });

  it('reads: deposed: who led before it was cut off answers nothing older than asked', async () => {
    const cluster = new SimCluster(2, { replica: { electionTicks: 40 } });
    await cluster.startAll();
    const deposed = cluster.leader()!;
    await cluster.settle(cluster.write(deposed, { type: 'put', key: utf8('k'), value: utf8('old') }));
    expect(await cluster.settle(read(deposed, 'k', 100))).toBe('old');
    for (const name of cluster.names) {
      cluster.network.partition(name, cluster.names[cluster.indexOf(deposed)]!);
      cluster.network.partition(cluster.names[cluster.indexOf(deposed)]!, name);
    }
    await cluster.clock.advance(90);
    // Nobody could have been elected within so short a time: it answers.
    expect(await cluster.settle(read(deposed, 'k', 100))).toBe('old');
    await cluster.clock.advance(20);
    let outcome = 'waits';
    read(deposed, 'k', 100).then((answer) => (outcome = answer), (error: Error) => (outcome = error.message));
    await cluster.clock.advance(300);
    expect(deposed.member.replica(1)!.raft.isLeader).toBe(true);
    expect(outcome).toBe('waits');
  });
});
