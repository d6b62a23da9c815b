// A sync that fails ends the member with a code of its own, and nobody starts it again: what it holds is no longer
// known. The others go on.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { exitCodes } from '../../src/face/cli/exit.ts';
import { DevCluster, Load, agreed, leaderOf } from './support/dev-cluster.ts';
import { cleanUp, eventually, freePorts, sleep, tempDir, thole } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000 });
afterAll(cleanUp);

// Compiled here: no binary is kept in the repository. Without a C compiler the test is skipped, and the runner says so.
const directory = tempDir();
const library = join(directory, 'failing-sync.so');
const compiled = process.platform === 'linux' &&
  spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, join(import.meta.dirname, 'support/failing-sync.c'), '-ldl'], { stdio: 'inherit', timeout: 20_000 }).status === 0;

it.skipIf(!compiled)('a leader whose fdatasync fails ends with DISK_FAILED and stays away', async () => {
  const trigger = join(directory, 'trigger');
  const cluster = await DevCluster.start({ env: { LD_PRELOAD: library, THOLE_FAIL_SYNC: trigger } });
  await using client = await cluster.connect();
  const { name } = await leaderOf(client, cluster.endpoints);
  const load = new Load(client, 'sync/', 4);
  await load.nextAck();
  writeFileSync(trigger, name);
  const exit = await eventually('its end', () => cluster.events.find((event) => event.event === 'exit'));
  expect([exit, cluster.process.err]).toEqual([{ event: 'exit', name, code: exitCodes.diskFailed, signal: null }, expect.stringContaining('Error: DISK_FAILED')]);
  await eventually('why', () => (cluster.process.err.includes(`thole dev: ${name} is not restarted: its disk failed`) ? true : undefined));
  await load.nextAck();
  await sleep(2300);
  expect(cluster.starts.length).toBe(3);
  await load.stop();
  expect(load.errors).toEqual([]);
  await agreed(client, cluster.endpoints.filter((_, at) => `n${at + 1}` !== name));
  expect(await load.lost(client)).toEqual([]);
  expect((await cluster.stop()).code).toBe(0);
});

it.skipIf(!compiled)('a member whose fdatasync fails at its birth ends with DISK_FAILED', async () => {
  const trigger = join(directory, 'trigger-birth');
  writeFileSync(trigger, 'a');
  const address = `127.0.0.1:${await freePorts(1)}`;
  const said = await thole(['serve', '--name', 'a', '--data-dir', join(directory, 'a'), '--listen', address, '--initial-cluster', `a=${address}`], undefined, { LD_PRELOAD: library, THOLE_FAIL_SYNC: trigger });
  expect([said.code, said.err]).toEqual([exitCodes.diskFailed, expect.stringContaining('Error: DISK_FAILED')]);
});
