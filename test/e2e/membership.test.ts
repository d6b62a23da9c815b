// Members come and go while the cluster serves: real processes, by the commands an operator has.

import { afterEach, expect, it, vi } from 'vitest';
import { connect } from '../../src/face/client.ts';
import type { Client } from '../../src/face/index.ts';
import { Load, agreed, leaderOf, statuses } from './support/dev-cluster.ts';
import { ServeCluster } from './support/members.ts';
import { Running, cleanUp, eventually, freePorts, main, sleep, thole } from './support/processes.ts';
import type { Said } from './support/processes.ts';

vi.setConfig({ testTimeout: 90_000 });
afterEach(cleanUp);

/** A cluster that grows. */
class Growing {
  readonly founders: ServeCluster;
  readonly running = new Map<string, Running>();
  readonly places = new Map<string, string>();

  private constructor(founders: ServeCluster) {
    this.founders = founders;
    founders.endpoints.forEach((endpoint, at) => {
      this.places.set(`n${at + 1}`, endpoint);
      this.running.set(`n${at + 1}`, founders.members[at]!);
    });
  }

  static async start(): Promise<Growing> {
    return new Growing(await ServeCluster.start());
  }

  get endpoints(): readonly string[] {
    return [...this.running.keys()].map((name) => this.places.get(name)!);
  }

  member(...words: string[]): Promise<Said> {
    return thole(['member', ...words, '--endpoints', this.endpoints.join(','), '--command-timeout', '10s']);
  }

  async roles(client: Client): Promise<Readonly<Record<string, string>>> {
    return Object.fromEntries((await client.members()).map(({ name, learner, joining, witness }) => [name, joining === true ? 'joining' : learner ? 'learner' : witness === true ? 'witness' : 'voter']));
  }

  async add(name: string, ...flags: string[]): Promise<void> {
    const address = `127.0.0.1:${await freePorts(1)}`;
    this.places.set(name, address);
    const said = await this.member('add', name, address, ...flags);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toMatch(/^Member [0-9a-f]+ added\n$/);
    this.run(name);
  }

  /** `life`: another directory. */
  run(name: string, life = ''): Running {
    const words = [
      'serve', '--join', '--name', name, '--data-dir', `${this.founders.dataDir}/${name}${life}`, '--listen', this.places.get(name)!,
      '--initial-cluster', this.founders.initialCluster, '--initial-cluster-token', this.founders.token, '--log-level', 'warn',
    ];
    const member = new Running(process.execPath, [main, ...words]);
    this.running.set(name, member);
    return member;
  }

  async becomes(client: Client, name: string, role: string): Promise<void> {
    await eventually(`${name} as ${role}`, async () => ((await this.roles(client))[name] === role ? true : undefined), 30_000);
  }

  gone(name: string): Running {
    const member = this.running.get(name)!;
    this.running.delete(name);
    return member;
  }
}

it('grows from three to five under load, loses its leader and a dead member by command, and nothing that was acknowledged', async () => {
  const cluster = await Growing.start();
  await using client = await connect({ endpoints: cluster.endpoints, timeoutMs: 15_000 });
  await leaderOf(client, cluster.endpoints);
  const load = new Load(client, 'grow/', 4);
  await load.nextAck();

  for (const name of ['n4', 'n5']) {
    await cluster.add(name);
    await cluster.becomes(client, name, 'voter');
    await load.nextAck();
  }
  expect(await cluster.roles(client)).toEqual({ n1: 'voter', n2: 'voter', n3: 'voter', n4: 'voter', n5: 'voter' });

  // The leader itself: it hands over, and its process ends by its own code.
  const leader = await leaderOf(client, cluster.endpoints);
  expect(await cluster.member('remove', leader.name)).toMatchObject({ code: 0, err: '' });
  const removed = cluster.gone(leader.name);
  expect(await removed.end()).toEqual({ code: 24, signal: null });
  expect(removed.err).toContain('MEMBER_REMOVED');
  await load.nextAck();

  // A dead one, which hears of it when it comes back.
  const next = await leaderOf(client, cluster.endpoints);
  const victim = [...cluster.running.keys()].find((name) => name !== next.name && name > 'n3')!;
  cluster.running.get(victim)!.kill('SIGKILL');
  await cluster.running.get(victim)!.end();
  cluster.gone(victim);
  expect(await cluster.member('remove', victim)).toMatchObject({ code: 0, err: '' });
  await load.nextAck();
  const back = cluster.run(victim);
  expect(await back.end()).toEqual({ code: 24, signal: null });
  cluster.gone(victim);

  await load.stop();
  expect(load.errors).toEqual([]);
  await agreed(client, cluster.endpoints);
  expect(await load.lost(client)).toEqual([]);
  expect(Object.keys(await cluster.roles(client)).toSorted()).toEqual([...cluster.running.keys()].toSorted());
});

it('a member that lost its data is replaced: refused as it was, taken under a new id', async () => {
  const cluster = await Growing.start();
  await using client = await connect({ endpoints: cluster.endpoints, timeoutMs: 15_000 });
  const leader = await leaderOf(client, cluster.endpoints);
  await client.kv.put('a', '1');
  const lost = ['n1', 'n2', 'n3'].find((name) => name !== leader.name)!;
  cluster.running.get(lost)!.kill('SIGKILL');
  await cluster.running.get(lost)!.end();

  const forgetful = cluster.run(lost, '-new');
  expect(await forgetful.end()).toEqual({ code: 20, signal: null });
  cluster.gone(lost);

  expect(await cluster.member('remove', lost)).toMatchObject({ code: 0, err: '' });
  const before = (await client.members()).map(({ id }) => id);
  await cluster.add(lost);
  // Its old directory is there, with the old identity: that one was removed.
  expect(await cluster.running.get(lost)!.end()).toEqual({ code: 24, signal: null });
  cluster.run(lost, '-new');
  await cluster.becomes(client, lost, 'voter');
  expect((await client.members()).filter(({ id }) => !before.includes(id))).toMatchObject([{ name: lost }]);
  await agreed(client, cluster.endpoints);
});

it('a leader killed in the middle of a joint change leaves a cluster that goes on: changed or not, never between; all restart as they are', async () => {
  const cluster = await Growing.start();
  await using client = await connect({ endpoints: cluster.endpoints, timeoutMs: 15_000 });
  const leader = await leaderOf(client, cluster.endpoints);
  await cluster.add('n4', '--learner');
  await cluster.add('n5', '--learner');
  await agreed(client, cluster.endpoints);
  expect(await cluster.roles(client)).toMatchObject({ n4: 'learner', n5: 'learner' });
  await expect(client.changeMembership({ type: 'promote', id: leader.member })).rejects.toMatchObject({ code: 'NOT_A_LEARNER' });
  await expect(client.changeMembership({ type: 'add', name: 'n4', address: '127.0.0.1:1', as: 'voter' })).rejects.toMatchObject({ code: 'MEMBER_EXISTS' });
  expect(await cluster.member('remove', 'n4', 'nobody')).toMatchObject({ code: 1, err: expect.stringContaining('MEMBER_UNKNOWN') });

  // Its followers stand still: the joint configuration is in its log, on its way to them, and committed by nobody.
  const followers = ['n1', 'n2', 'n3'].filter((name) => name !== leader.name).map((name) => cluster.running.get(name)!);
  for (const follower of followers) follower.kill('SIGSTOP');
  const promoted = thole(['member', 'promote', 'n4', 'n5', '--endpoints', leader.leaderAddress, '--command-timeout', '10s']);
  // Any entry would make its log longer than what is committed; what it has of the members is the newest configuration.
  await using leaders = await connect({ endpoints: [leader.leaderAddress], timeoutMs: 15_000 });
  await eventually('the joint configuration in its log', async () => ((await leaders.members()).find(({ name }) => name === 'n4')?.learner === false ? true : undefined), 10_000);
  cluster.running.get(leader.name)!.kill('SIGKILL');
  for (const follower of followers) follower.kill('SIGCONT');
  await promoted;
  await client.kv.put('after', 'the leader');
  const roles = await cluster.roles(client);
  expect(roles['n4']).toBe(roles['n5']);
  if (roles['n4'] === 'learner') expect(await cluster.member('promote', 'n4', 'n5')).toMatchObject({ code: 0, err: '' });
  cluster.run(leader.name);

  // One moves; then all restart, and find each other by what the configuration says.
  cluster.running.get('n4')!.kill('SIGTERM');
  expect(await cluster.running.get('n4')!.end()).toMatchObject({ code: 0 });
  cluster.places.set('n4', `127.0.0.1:${await freePorts(1)}`);
  expect(await cluster.member('update', 'n4', cluster.places.get('n4')!)).toMatchObject({ code: 0 });
  for (const member of cluster.running.values()) member.kill('SIGKILL');
  for (const name of [...cluster.running.keys()]) {
    await cluster.running.get(name)!.end();
    cluster.run(name);
  }
  await agreed(client, cluster.endpoints);
  await client.kv.put('after', 'the restart');
  expect(await cluster.roles(client)).toEqual({ n1: 'voter', n2: 'voter', n3: 'voter', n4: 'voter', n5: 'voter' });
  expect((await client.members()).find(({ name }) => name === 'n4')?.address).toBe(cluster.places.get('n4'));
});

it('two members with data and a witness go on without either of the two', async () => {
  const cluster = await Growing.start();
  await using client = await connect({ endpoints: cluster.endpoints, timeoutMs: 15_000 });
  await leaderOf(client, cluster.endpoints);
  await cluster.add('w', '--witness');
  await cluster.becomes(client, 'w', 'witness');
  // While nobody writes it has applied what the leader has, and holds no state that could differ from the leader's.
  await sleep(1000);
  expect(await client.status(cluster.places.get('w')!)).toMatchObject({ witness: true, errors: [] });
  expect(await (await fetch(`http://${cluster.places.get('w')!}/metrics`)).text()).toContain('thole_digest_mismatch_total 0\n');
  expect(await cluster.member('remove', 'n3')).toMatchObject({ code: 0, err: '' });
  await cluster.gone('n3').end();
  const load = new Load(client, 'two/', 4);
  await load.nextAck();

  // One of the two dies: the other leads, with the witness, and says whose disk alone it is on.
  const survivors = ['n1', 'n2'].map((name) => cluster.places.get(name)!);
  for (const victim of ['n1', 'n2']) {
    cluster.running.get(victim)!.kill('SIGKILL');
    await cluster.running.get(victim)!.end();
    await load.nextAck();
    const alone = await eventually('a leader that knows it is alone', async () => {
      const found = (await statuses(client, survivors)).find((status) => status?.role === 'leader');
      return found?.errors.some((error) => error.includes('of this member alone')) === true ? found : undefined;
    });
    expect(alone.name).not.toBe(victim);
    cluster.run(victim);
    await agreed(client, survivors);
  }

  // The witness dies and comes back; it has nothing to read, and sends whoever asks it to the leader.
  cluster.running.get('w')!.kill('SIGKILL');
  await cluster.running.get('w')!.end();
  await load.nextAck();
  cluster.run('w');
  const witness = cluster.places.get('w')!;
  await eventually('the witness', async () => ((await client.status(witness).catch(() => undefined))?.leader ? true : undefined));
  expect(await client.status(witness)).toMatchObject({ witness: true, keys: 0, errors: [] });
  expect(await thole(['get', 'two/0/0', '--consistency', 's', '--endpoints', witness])).toMatchObject({ code: 0, out: expect.stringContaining('two/0/0') });
  await load.stop();
  expect(load.errors).toEqual([]);
  expect(await load.lost(client)).toEqual([]);
});
