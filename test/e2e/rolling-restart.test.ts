// Every member in turn is told to go and started again, and those who use the cluster do not notice.

import { afterAll, expect, it, vi } from 'vitest';
import { connect } from '../../src/face/client.ts';
import { Load, agreed, leaderOf } from './support/dev-cluster.ts';
import { ServeCluster } from './support/members.ts';
import { cleanUp } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000 });
afterAll(cleanUp);

it('a rolling restart under load: no client error, nothing lost', async () => {
  const cluster = await ServeCluster.start();
  await using client = await connect({ endpoints: cluster.endpoints, timeoutMs: 10_000 });
  await leaderOf(client, cluster.endpoints);
  const load = new Load(client, 'rolling/', 8);
  await load.nextAck();
  for (let at = 0; at < 3; at++) {
    const member = cluster.members[at]!;
    member.kill('SIGTERM');
    expect([await member.end(), member.err]).toEqual([{ code: 0, signal: null }, '']);
    cluster.run(at);
    await agreed(client, cluster.endpoints.slice(at, at + 1));
    await leaderOf(client, cluster.endpoints);
    await load.nextAck();
  }
  await load.stop();
  expect(load.errors).toEqual([]);
  await agreed(client, cluster.endpoints);
  expect(await load.lost(client)).toEqual([]);
  console.info(`through three restarts a write waited ${load.worstGapMs.toFixed(0)} ms at most`);
});
