// What a newcomer sees: one command, three processes, the verbs, and members that may be killed.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DevCluster, Load, agreed, leaderOf } from './support/dev-cluster.ts';
import { Running, alive, cleanUp, eventually, freePorts, main, root } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(cleanUp);

interface StatusRow {
  readonly Endpoint: string;
  readonly Status: { readonly digest: string; readonly raftAppliedIndex: number; readonly name: string; readonly durability: string; readonly formatVersion: number; readonly protocolVersion: number; readonly clusterVersion: number };
}

describe('thole dev', () => {
  let cluster: DevCluster;
  beforeAll(async () => {
    cluster = await DevCluster.start();
  });

  const ok = async (words: readonly string[], input?: string): Promise<string> => {
    const said = await cluster.verb(words, input);
    expect([words, said.code, said.err]).toEqual([words, 0, '']);
    return said.out;
  };
  const okJson = async (words: readonly string[], input?: string): Promise<unknown> => JSON.parse(await ok([...words, '-o', 'json'], input));

  it('is ready and names its members', () => {
    expect(cluster.starts.map(({ name, endpoint, dataDir }) => [name, endpoint, dataDir])).toEqual(
      cluster.endpoints.map((endpoint, at) => [`n${at + 1}`, endpoint, `${cluster.dataDir}/n${at + 1}`]),
    );
    expect(cluster.starts.every(({ pid }) => alive(pid))).toBe(true);
    expect(new Set(cluster.starts.map(({ pid }) => pid)).size).toBe(3);
  });

  it('put, get, get --prefix, del', async () => {
    expect(await ok(['get', 'nothing'])).toBe('');
    expect(await ok(['put', 'a', '1'])).toBe('OK\n');
    expect(await ok(['get', 'a'])).toBe('a\n1\n');
    expect(await okJson(['put', 'a', '2', '--prev-kv'])).toMatchObject({ header: { revision: 3 }, prev_kv: { key: 'YQ==', value: 'MQ==', version: 1 } });
    expect(await ok(['put', 'ab'], 'from stdin')).toBe('OK\n');
    expect(await ok(['get', '--prefix', 'a'])).toBe('a\n2\nab\nfrom stdin\n');
    expect(await okJson(['get', '--prefix', 'a', '--keys-only'])).toMatchObject({ count: 2, kvs: [{ key: 'YQ==' }, { key: 'YWI=' }] });
    expect(await okJson(['get', 'a', '--rev', '2'])).toMatchObject({ count: 1, kvs: [{ value: 'MQ==', mod_revision: 2 }] });
    expect(await okJson(['get', 'nothing'])).toMatchObject({ count: 0 });
    expect(await ok(['del', 'ab'])).toBe('1\n');
    expect(await okJson(['del', 'ab'])).toMatchObject({ deleted: 0 });
    expect(await ok(['get', 'a', '-o', 'table'])).toContain('| a ');
  });

  it('txn', async () => {
    const text = 'value("a") = "2"\n\nput a 3\nget a\n\nput a 4\n';
    expect(await ok(['txn'], text)).toBe('SUCCESS\n\nOK\n\na\n3\n');
    expect(await okJson(['txn'], text)).toMatchObject({ succeeded: false, responses: [{ response_put: {} }] });
    const bad = await cluster.verb(['txn'], 'nonsense\n\n');
    expect(bad.code).toBe(1);
    expect(bad.err).toContain('BAD_REQUEST: line 1');
  });

  it('compaction and its alias', async () => {
    const { header } = (await okJson(['put', 'a', '5'])) as { header: { revision: number } };
    expect(await ok(['compaction', String(header.revision - 1)])).toBe(`compacted revision ${header.revision - 1}\n`);
    expect(await okJson(['compact', String(header.revision)])).toMatchObject({ header: {} });
    const old = await cluster.verb(['get', 'a', '--rev', '2']);
    expect(old.code).toBe(1);
    expect(old.err).toMatch(/^Error: COMPACTED\b/);
    const again = await cluster.verb(['compact', '1']);
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/^Error: COMPACTED\b/)]);
  });

  it('every status says how durable a write is, and which versions of format, protocol and cluster there are', async () => {
    const rows = await eventually('every member understands version 2', async () => {
      const all = (await okJson(['endpoint', 'status'])) as StatusRow[];
      return all.length === 3 && all.every(({ Status }) => Status.clusterVersion === 2) ? all : undefined;
    }, 20_000, 200);
    expect(rows.map(({ Status: { durability, formatVersion, protocolVersion } }) => ({ durability, formatVersion, protocolVersion }))).toEqual(
      rows.map(() => ({ durability: 'fsync', formatVersion: 1, protocolVersion: 1 })),
    );
    const lines = (await ok(['endpoint', 'status', '-o', 'table'])).trim().split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    expect(lines[1]!.slice(-5, -1)).toEqual(['DURABILITY', 'FORMAT', 'PROTOCOL', 'CLUSTER']);
    for (const line of lines.slice(3, 6)) expect(line.slice(-5, -1)).toEqual(['fsync', '1', '1', '2']);
    expect((await ok(['endpoint', 'status'])).trim().split('\n').map((line) => line.split(', ').slice(-4))).toEqual(rows.map(() => ['fsync', '1', '1', '2']));
    for (const endpoint of cluster.endpoints) {
      const metrics = await (await fetch(`http://${endpoint}/metrics`)).text();
      for (const line of ['thole_durability_fsync 1', 'thole_format_version 1', 'thole_protocol_version 1', 'thole_cluster_version 2']) expect(metrics.split('\n')).toContain(line);
      expect(await (await fetch(`http://${endpoint}/version`)).json()).toMatchObject({ etcdserver: '3.4.23', etcdcluster: '3.4.0', clusterVersion: 2 });
    }
  });

  it('member list and endpoint status, health, hashkv', async () => {
    const members = (await okJson(['member', 'list'])) as { members: { name: string; clientURLs: string[] }[] };
    expect(members.members.map(({ name }) => name).toSorted()).toEqual(['n1', 'n2', 'n3']);
    expect((await ok(['member', 'list'])).trim().split('\n').length).toBe(3);
    expect((await ok(['endpoint', 'status'])).trim().split('\n').map((line) => line.split(', ')[0])).toEqual(cluster.endpoints);
    const rows = (await okJson(['endpoint', 'status'])) as StatusRow[];
    expect(rows.map((row) => row.Endpoint)).toEqual(cluster.endpoints);
    expect(new Set(rows.map((row) => row.Status.digest)).size).toBe(1);
    expect((await ok(['endpoint', 'health'])).match(/ is healthy: /g)?.length).toBe(3);
    expect(await okJson(['endpoint', 'health'])).toMatchObject([{ health: true }, { health: true }, { health: true }]);
    expect((await ok(['endpoint', 'hashkv'])).trim().split('\n').length).toBe(3);
    const hashes = (await okJson(['endpoint', 'hashkv'])) as { HashKV: { hash: number } }[];
    expect(new Set(hashes.map(({ HashKV }) => HashKV.hash)).size).toBe(1);
    expect(await ok(['endpoint', 'status', '--cluster', '-o', 'table'])).toContain('| ENDPOINT ');
  });

  it('a member joins by the lines of the README, and hears of a token that is not the cluster’s', async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const address = `127.0.0.1:${await freePorts(1)}`;
    const words = (line: RegExp): readonly string[] =>
      line.exec(readme)![1]!.replace('127.0.0.1:2500', address).replace('127.0.0.1:2379', cluster.endpoints[0]!).replace('.thole/', `${cluster.dataDir}/`).split(' ');
    await ok(words(/^npx thole (member add d \S+)/m));
    const serve = words(/^npx thole (serve --join .*)$/m);

    const stranger = new Running(process.execPath, [main, ...serve, '--initial-cluster-token', 'another']);
    expect(await stranger.end()).toEqual({ code: 10, signal: null });
    expect(stranger.err).toContain('--initial-cluster-token');

    const member = new Running(process.execPath, [main, ...serve]);
    await eventually('a fourth voter', async () => {
      const { members } = (await okJson(['member', 'list'])) as { members: { name: string; role: string }[] };
      return members.some(({ name, role }) => name === 'd' && role === 'voter') ? true : undefined;
    }, 30_000, 200);
    await ok(['member', 'remove', 'd']);
    expect(await member.end()).toEqual({ code: 24, signal: null });
  });

  it('a leader killed under load: writes go on, it returns after two seconds and catches up', async () => {
    await using client = await cluster.connect();
    const { name } = await leaderOf(client, cluster.endpoints);
    const load = new Load(client, 'load/');
    await load.nextAck();
    const killed = performance.now();
    cluster.kill(name);
    await load.nextAck();
    await eventually('its return', () => (cluster.starts.filter((start) => start.name === name).length === 2 ? true : undefined), 10_000, 5);
    expect(performance.now() - killed).toBeGreaterThan(1900);
    await load.nextAck();
    await load.stop();
    expect(load.errors).toEqual([]);
    await agreed(client, cluster.endpoints);
    const rows = (await okJson(['endpoint', 'status'])) as StatusRow[];
    expect(new Set(rows.map((row) => row.Status.digest)).size).toBe(1);
    expect(await load.lost(client)).toEqual([]);
    expect(cluster.events).toContainEqual({ event: 'exit', name, code: null, signal: 'SIGKILL' });
  });

  it('all three killed at once: everything is there afterwards', async () => {
    await using client = await cluster.connect(20_000);
    const load = new Load(client, 'all/');
    await load.nextAck();
    for (const pid of cluster.pids.values()) process.kill(pid, 'SIGKILL');
    await load.nextAck(20_000);
    await load.stop();
    expect(load.errors).toEqual([]);
    await agreed(client, cluster.endpoints);
    expect(await load.lost(client)).toEqual([]);
  });

  it('SIGTERM stops all; a second start finds the data', async () => {
    expect(await cluster.stop()).toEqual({ code: 0, signal: null });
    await cluster.nobodyLeft(0);
    const exits = cluster.events.filter((event) => event.event === 'exit').slice(-3);
    expect(exits.map(({ name, code }) => `${name} ${String(code)}`).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['n1 0', 'n2 0', 'n3 0']);
    const { basePort, dataDir } = cluster;
    cluster = await DevCluster.start({ basePort, dataDir });
    expect(await ok(['get', 'a'])).toBe('a\n5\n');
  });

  it('SIGKILL of dev itself leaves nobody behind', async () => {
    cluster.process.kill('SIGKILL');
    await cluster.process.end();
    await cluster.nobodyLeft();
  });
});
