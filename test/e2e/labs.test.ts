// A few of the labs' stories in real time: processes, sockets and disks instead of their doubles.

import { afterEach, expect, it, vi } from 'vitest';
import { text } from '../../src/core/bytes.ts';
import { connect } from '../../src/face/client.ts';
import type { Client } from '../../src/engine/client/index.ts';
import { expectAppends, tokenOf } from '../support/lab-kv.ts';
import { agreed, leaderOf } from './support/dev-cluster.ts';
import { ServeCluster } from './support/members.ts';
import { cleanUp, eventually, sleep } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000 });
afterEach(cleanUp);

it('InitialElection and BasicAgree: one leader in one term, and three commands at the next three revisions on everybody', async () => {
  const cluster = await ServeCluster.start();
  await using client = await connect({ endpoints: cluster.endpoints, timeoutMs: 20_000 });
  await leaderOf(client, cluster.endpoints);
  const views = async (): Promise<readonly string[]> => Promise.all(cluster.endpoints.map(async (endpoint) => {
    const { leader, term } = await client.status(endpoint);
    return `${leader} leads in ${term}`;
  }));
  // That it lasts for two seconds is for virtual time to say: a busy machine can pause a member for longer.
  const agreeOnLeader = (): Promise<void> => vi.waitFor(async () => expect(new Set(await views()).size).toBe(1), { timeout: 20_000 });
  await agreeOnLeader();

  const { revision } = await client.kv.put('k', '0');
  for (let n = 1; n <= 3; n++) expect((await client.kv.put('k', `${n}`)).revision).toBe(revision + n);
  await agreed(client, cluster.endpoints);
  for (const endpoint of cluster.endpoints) expect((await client.status(endpoint)).revision).toBe(revision + 3);
  await agreeOnLeader();
});

/** Appends and gets in turn, and says how often, until told to stop: what was written is what is read. */
async function story(client: Client, isOver: () => boolean, tell: (count: number) => void): Promise<number> {
  let written = '';
  let n = 0;
  while (!isOver()) {
    await client.kv.append('0', tokenOf(0, n));
    written += tokenOf(0, n++);
    const { kv } = await client.kv.get('0');
    expect(text(kv!.value)).toBe(written);
    tell(n);
    await sleep(5);
  }
  return n;
}

it('Basic and PersistOneClient: one client appends and reads, while everybody is killed and comes back', async () => {
  const cluster = await ServeCluster.start();
  await using client = await connect({ endpoints: cluster.endpoints, timeoutMs: 30_000 });
  await leaderOf(client, cluster.endpoints);
  let isOver = false;
  let told = 0;
  const telling = story(client, () => isOver, (count) => {
    told = count;
  });
  telling.catch(() => undefined);
  /** Half a second's worth on a machine that does nothing else; or the story's own error, if that is how it ended. */
  const more = (): Promise<unknown> => {
    const before = told;
    return Promise.race([telling, eventually('fifty more', () => (told >= before + 50 ? true : undefined), 40_000)]);
  };
  for (let round = 0; round < 2; round++) {
    await more();
    for (const member of cluster.members) member.kill('SIGKILL');
    await Promise.all(cluster.members.map((member) => member.end()));
    for (const at of cluster.members.keys()) cluster.run(at);
    await leaderOf(client, cluster.endpoints);
  }
  await more();
  isOver = true;
  const count = await telling;
  expectAppends(text((await client.kv.get('0')).kv!.value), 0, count);
  await agreed(client, cluster.endpoints);
});
