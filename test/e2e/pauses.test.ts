// A pause of the event loop is not a death: no election follows from it.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/face/client.ts';
import type { Client } from '../../src/face/index.ts';
import { Load, agreed, leaderOf, statuses } from './support/dev-cluster.ts';
import { ServeCluster } from './support/members.ts';
import { cleanUp, eventually, sleep } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe('a pause of one second', () => {
  let cluster: ServeCluster;
  let client: Client;
  beforeAll(async () => {
    const preload = new URL('support/preload-block.mjs', import.meta.url).href;
    cluster = await ServeCluster.start({ NODE_OPTIONS: `--import ${preload}`, THOLE_BLOCK_IN: 'timer,io,check' });
    client = await connect({ endpoints: cluster.endpoints, timeoutMs: 15_000 });
    await leaderOf(client, cluster.endpoints);
    await agreed(client, cluster.endpoints);
  });
  afterAll(async () => {
    await client.close();
    await cleanUp();
  });

  for (const who of ['leader', 'follower']) {
    // In the order of THOLE_BLOCK_IN.
    for (const where of ['a timer', 'an I/O callback', 'a check callback']) {
      it(`of the ${who} in ${where} causes no election`, async () => {
        const before = await leaderOf(client, cluster.endpoints);
        const at = cluster.endpoints.findIndex((_, each) => (`n${each + 1}` === before.name) === (who === 'leader'));
        const member = cluster.members[at]!;
        const said = member.err.length;
        const load = new Load(client, 'pause/', 2);
        await load.nextAck();
        member.kill('SIGUSR2');
        await eventually('the pause', () => (member.err.slice(said).includes('blocked') ? true : undefined), 5000);
        // An election that the pause set off would be over by now.
        await sleep(700);
        await load.stop();
        expect(load.errors).toEqual([]);
        const after = await statuses(client, cluster.endpoints);
        expect(after.map((status) => [status?.term, status?.leader])).toEqual(cluster.endpoints.map(() => [before.term, before.leader]));
      });
    }
  }
});
