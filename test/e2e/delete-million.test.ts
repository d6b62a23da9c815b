// Very many keys deleted by one request, while others write: nobody is elected for it. A fifth of a million by
// default, the million with THOLE_LONG=1.

import { afterAll, expect, it, vi } from 'vitest';
import { connect } from '../../src/face/client.ts';
import { Load, agreed, leaderOf, statuses } from './support/dev-cluster.ts';
import { ServeCluster } from './support/members.ts';
import { cleanUp, thole } from './support/processes.ts';

const long = process.env['THOLE_LONG'] === '1';
const keys = long ? 1_000_000 : 200_000;
const perTxn = 128;
const fillers = 16;

vi.setConfig({ testTimeout: long ? 600_000 : 90_000 });
afterAll(cleanUp);

it(`deleting ${keys} keys under load causes no election`, async () => {
  const cluster = await ServeCluster.start();
  const endpoints = cluster.endpoints.join(',');
  await using client = await connect({ endpoints, timeoutMs: 60_000 });
  await leaderOf(client, cluster.endpoints);
  let next = 0;
  const fill = async (): Promise<void> => {
    while (next < keys) {
      const first = next;
      next += perTxn;
      const count = Math.min(perTxn, keys - first);
      await client.kv.txn({ success: Array.from({ length: count }, (_, at) => ({ type: 'put', key: `million/${first + at}`, value: 'v' })) });
    }
  };
  await Promise.all(Array.from({ length: fillers }, fill));
  expect((await client.kv.range('million/', { prefix: true, countOnly: true })).count).toBe(keys);
  const before = await leaderOf(client, cluster.endpoints);
  const load = new Load(client, 'calm/', 4);
  await load.nextAck();
  load.worstGapMs = 0;
  const said = await thole(['del', '--prefix', 'million/', '--endpoints', endpoints, '--command-timeout', '60s']);
  expect([said.code, said.out, said.err]).toEqual([0, `${keys}\n`, '']);
  await load.nextAck(30_000);
  await load.stop();
  expect(load.errors).toEqual([]);
  await agreed(client, cluster.endpoints, 60_000);
  const after = await statuses(client, cluster.endpoints);
  expect(after.map((status) => [status?.term, status?.leader])).toEqual(cluster.endpoints.map(() => [before.term, before.leader]));
});
