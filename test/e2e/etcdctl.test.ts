// etcd's own command line, Debian's 3.4, against three members: before, while and after the leader is killed.

import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Running, cleanUp, eventually, freePorts, main, tempDir } from './support/processes.ts';
import type { Said } from './support/processes.ts';
import { ServeCluster } from './support/members.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(cleanUp);

const isThere = spawnSync('etcdctl', ['version'], { env: { ...process.env, ETCDCTL_API: '3' } }).status === 0;
if (!isThere) console.warn('etcdctl is not installed (Debian: etcd-client): what it sees of a member is NOT tested');

interface Header {
  readonly header: { readonly revision: number; readonly cluster_id: number; readonly member_id: number; readonly raft_term: number };
}
interface StatusRow {
  readonly Endpoint: string;
  readonly Status: { readonly header: { readonly member_id: number }; readonly version: string; readonly leader: number; readonly raftAppliedIndex: number };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe.skipIf(!isThere)('etcdctl', () => {
  let cluster: ServeCluster;
  let endpoints: readonly string[];

  async function etcdctl(words: readonly string[], input?: string, to: readonly string[] = endpoints): Promise<Said> {
    const verb = new Running('etcdctl', [`--endpoints=${to.join(',')}`, '--command-timeout=5s', ...words], { ETCDCTL_API: '3' }, input === undefined ? 'ignore' : 'pipe');
    if (input !== undefined) verb.child.stdin?.end(input);
    try {
      const ended = await verb.end();
      return { ...ended, out: verb.out, err: verb.err };
    } finally {
      verb.kill();
    }
  }
  const ok = async (words: readonly string[], input?: string): Promise<string> => {
    const said = await etcdctl(words, input);
    expect([words, said.code, said.err]).toEqual([words, 0, '']);
    return said.out;
  };
  const okJson = async <T>(words: readonly string[]): Promise<T> => JSON.parse(await ok([...words, '-w', 'json'])) as T;
  const refused = async (words: readonly string[], input?: string): Promise<string> => {
    const said = await etcdctl(words, input);
    expect([words, said.code === 0]).toEqual([words, false]);
    return said.err;
  };

  beforeAll(async () => {
    cluster = await ServeCluster.start();
    endpoints = cluster.endpoints;
    await eventually('a first write', async () => ((await etcdctl(['put', 'first', 'x'])).code === 0 ? true : undefined));
  });

  it('put and get, with their flags', async () => {
    expect(await ok(['put', 'a', '1'])).toBe('OK\n');
    expect(await ok(['put', 'a', '2', '--prev-kv'])).toBe('OK\na\n1\n');
    expect(await ok(['put', 'a', '--ignore-value'])).toBe('OK\n');
    expect(await ok(['get', 'a'])).toBe('a\n2\n');
    await ok(['put', 'ab', 'x']);
    await ok(['put', 'b', 'y']);
    expect(await ok(['get', '--prefix', 'a'])).toBe('a\n2\nab\nx\n');
    expect(await ok(['get', '--prefix', 'a', '--keys-only'])).toBe('a\n\nab\n\n');
    expect(await ok(['get', 'a', '--print-value-only'])).toBe('2\n');
    expect(await ok(['get', '--from-key', 'ab', '--print-value-only'])).toBe('x\ny\nx\n');
    expect(await ok(['get', 'a', 'b'])).toBe('a\n2\nab\nx\n');
    expect(await ok(['get', '--prefix', '', '--limit', '2', '--keys-only'])).toBe('a\n\nab\n\n');
    expect(await ok(['get', '--prefix', 'a', '--order', 'DESCEND', '--sort-by', 'KEY', '--keys-only'])).toBe('ab\n\na\n\n');
    expect(await ok(['get', '--prefix', '', '--order', 'ASCEND', '--sort-by', 'VERSION', '--keys-only', '--limit', '3'])).toBe('ab\n\nb\n\nfirst\n\n');
    expect(await ok(['get', 'a', '--consistency', 's'])).toMatch(/^(a\n\d\n)?$/);
    expect(await ok(['get', 'nothing'])).toBe('');
    const limited = await okJson<Header & { kvs: unknown[]; count: number; more: boolean }>(['get', '--prefix', '', '--limit', '1']);
    expect(limited).toMatchObject({ count: 4, more: true, kvs: [{ key: base64('a'), value: base64('2'), version: 3 }] });
    const { revision } = limited.header;
    await ok(['put', 'a', 'newer']);
    expect(await ok(['get', 'a', '--rev', String(revision)])).toBe('a\n2\n');
    expect(await ok(['get', 'a', '-w', 'fields'])).toMatch(/"Key" : "a"\n"CreateRevision" : \d+\n"ModRevision" : \d+\n"Version" : 4\n"Value" : "newer"\n"Lease" : 0\n"More" : false\n"Count" : 1/);
    expect(await refused(['get', 'a', '--rev', '100000'])).toContain('etcdserver: mvcc: required revision is a future revision');
    expect(await refused(['put', 'absent', '--ignore-value'])).toContain('etcdserver: key not found');
    expect(await refused(['put', '', 'x'])).toContain('etcdserver: key is not provided');
    expect(await refused(['put', 'a', 'x', '--lease', '7'])).toContain('etcdserver: requested lease not found');
  });

  it('del, txn and compaction', async () => {
    await ok(['put', 'd/1', 'x']);
    await ok(['put', 'd/2', 'y']);
    expect(await ok(['del', 'd/1', '--prev-kv'])).toBe('1\nd/1\nx\n');
    expect(await ok(['del', '--prefix', 'd/'])).toBe('1\n');
    expect(await ok(['del', 'd/1'])).toBe('0\n');
    await ok(['put', 't', '1']);
    const text = 'value("t") = "1"\nversion("t") > "0"\n\nput t 2\nget t\ndel none\n\nget t\n\n';
    expect(await ok(['txn'], text)).toBe('SUCCESS\n\nOK\n\nt\n2\n\n0\n');
    expect(await ok(['txn'], text)).toBe('FAILURE\n\nt\n2\n');
    expect(await ok(['txn'], 'create("fresh") = "0"\n\nput fresh 1\n\n\n')).toBe('SUCCESS\n\nOK\n');
    expect(await ok(['txn'], 'mod("fresh") < "0"\n\nput fresh 2\n\nget fresh\n\n')).toBe('FAILURE\n\nfresh\n1\n');
    expect(await refused(['txn'], '\nput same 1\nput same 2\n\n\n')).toContain('etcdserver: duplicate key given in txn request');
    const { revision } = (await okJson<Header>(['put', 't', '3'])).header;
    expect(await ok(['compaction', String(revision), '--physical'])).toBe(`compacted revision ${revision}\n`);
    expect(await refused(['get', 't', '--rev', '2'])).toContain('etcdserver: mvcc: required revision has been compacted');
    expect(await refused(['compaction', '2'])).toContain('etcdserver: mvcc: required revision has been compacted');
    expect(await refused(['compaction', '100000'])).toContain('etcdserver: mvcc: required revision is a future revision');
  });

  it('endpoint status, health and hashkv, member list', async () => {
    const rows = await okJson<StatusRow[]>(['endpoint', 'status']);
    expect(rows.map(({ Endpoint }) => Endpoint)).toEqual(endpoints);
    expect(new Set(rows.map(({ Status }) => Status.leader)).size).toBe(1);
    expect(new Set(rows.map(({ Status }) => Status.header.member_id)).size).toBe(3);
    expect(rows.every(({ Status }) => Status.version === '3.4.23')).toBe(true);
    expect(await ok(['endpoint', 'status', '-w', 'table'])).toContain('| IS LEADER |');
    expect(await ok(['endpoint', 'status'])).toContain(`${endpoints[0]}, `);
    // A health check's success is told on stderr.
    const health = await etcdctl(['endpoint', 'health']);
    expect([health.code, `${health.out}${health.err}`.match(/is healthy/g)?.length]).toEqual([0, 3]);
    await eventually('the same hash everywhere', async () => {
      const hashes = await okJson<{ HashKV: { hash: number } }[]>(['endpoint', 'hashkv']);
      return hashes.length === 3 && new Set(hashes.map(({ HashKV }) => HashKV.hash)).size === 1 ? true : undefined;
    });
    const { members } = await okJson<{ members: { name: string; clientURLs: string[] }[] }>(['member', 'list']);
    expect(members.map(({ name }) => name).toSorted()).toEqual(['n1', 'n2', 'n3']);
    expect(members.flatMap(({ clientURLs }) => clientURLs).toSorted()).toEqual(endpoints.map((each) => `http://${each}`));
    expect(await ok(['member', 'list', '-w', 'table'])).toContain('CLIENT ADDRS');
  });

  it('is told what is not offered yet, by name', async () => {
    expect(await refused(['lease', 'grant', '10'])).toContain('thole: etcdserverpb.Lease/LeaseGrant is not offered yet');
    expect(await refused(['user', 'add', 'x:y'])).toContain('thole: etcdserverpb.Auth/UserAdd is not offered yet');
  });

  it('changes who belongs to the cluster, in etcd’s words', async () => {
    interface Members {
      readonly members: readonly { readonly ID: number; readonly peerURLs: string[]; readonly isLearner?: boolean }[];
    }
    const url = `http://127.0.0.1:${await freePorts(1)}`;
    const rows = async (): Promise<Members['members']> => (await okJson<Members>(['member', 'list'])).members;
    const others = '7';
    expect(await ok(['member', 'add', 'n4', `--peer-urls=${url}`, '--learner'])).toMatch(/^Member +[0-9a-f]+ added to cluster +[0-9a-f]+\n\nETCD_NAME="n4"\nETCD_INITIAL_CLUSTER="[^"]*n4=http:/);
    const added = (await rows()).find(({ peerURLs }) => peerURLs[0] === url)!;
    expect([added.isLearner, (await rows()).length]).toEqual([true, 4]);
    const id = BigInt(added.ID).toString(16);
    expect(await ok(['member', 'list'])).toContain(`${id}, started, ${url.slice(7)}, ${url}, ${url}, true\n`);
    expect(await refused(['member', 'add', 'n5', `--peer-urls=${url}`])).toContain('etcdserver: Peer URLs already exists');
    expect(await refused(['member', 'add', 'n5', '--peer-urls=https://127.0.0.1:1'])).toContain('etcdserver: given member URLs are invalid');
    // It was never started, so that there is nothing it has caught up with.
    expect(await refused(['member', 'promote', id])).toContain('etcdserver: can only promote a learner member which is in sync with leader');
    expect(await refused(['member', 'promote', others])).toContain('etcdserver: member not found');
    const voter = (await rows()).find(({ isLearner }) => isLearner !== true)!;
    expect(await refused(['member', 'promote', BigInt(voter.ID).toString(16)])).toContain('etcdserver: can only promote a learner member');
    const moved = `http://127.0.0.1:${await freePorts(1)}`;
    expect(await ok(['member', 'update', id, `--peer-urls=${moved}`])).toMatch(/^Member +[0-9a-f]+ updated in cluster/);
    expect((await rows()).find(({ ID }) => ID === added.ID)?.peerURLs).toEqual([moved]);
    expect(await refused(['member', 'update', id, `--peer-urls=${voter.peerURLs[0]}`])).toContain('etcdserver: Peer URLs already exists');
    expect(await refused(['member', 'update', others, `--peer-urls=${url}`])).toContain('etcdserver: member not found');
    // It is started under the name it was given, its first address, and promoted as soon as it holds what the others do.
    const [name, address] = [url.slice(7), moved.slice(7)];
    const joiner = new Running(process.execPath, [
      main, 'serve', '--join', '--name', name, '--data-dir', tempDir(), '--listen', address, '--initial-cluster', cluster.initialCluster, '--initial-cluster-token', cluster.token, '--log-level', 'error',
    ]);
    await eventually(`its promotion; it said ${joiner.err}`, async () => ((await etcdctl(['member', 'promote', id])).code === 0 ? true : undefined));
    expect((await rows()).find(({ ID }) => ID === added.ID)?.isLearner).toBe(undefined);
    expect((await etcdctl(['get', 'a', '--print-value-only'], undefined, [address])).out).toBe((await etcdctl(['get', 'a', '--print-value-only'])).out);
    const [status] = JSON.parse((await etcdctl(['endpoint', 'status', '-w', 'json'], undefined, [moved])).out) as StatusRow[];
    expect(status!.Status.header.member_id).toBe(added.ID);
    expect(await ok(['member', 'remove', id])).toMatch(/^Member +[0-9a-f]+ removed from cluster/);
    expect((await joiner.end()).code).toBe(24);
    expect((await rows()).length).toBe(3);
    for (const gone of [id, others]) expect(await refused(['member', 'remove', gone])).toContain('etcdserver: member not found');
  });

  it('moves the leadership', async () => {
    const hex = (value: number): string => BigInt(value).toString(16);
    const [first] = await okJson<StatusRow[]>(['endpoint', 'status']);
    const { members } = await okJson<{ members: readonly { readonly ID: number }[] }>(['member', 'list']);
    const target = members.find(({ ID }) => ID !== first!.Status.leader)!.ID;
    expect(await refused(['move-leader', '7'])).toContain('etcdserver: bad leader transferee');
    expect(await ok(['move-leader', hex(target)])).toBe(`Leadership transferred from ${hex(first!.Status.leader)} to ${hex(target)}\n`);
    await eventually('everybody follows', async () => {
      const rows = await okJson<StatusRow[]>(['endpoint', 'status']);
      return rows.every(({ Status }) => Status.leader === target) ? true : undefined;
    });
  });

  it('refuses what is too large in etcd’s words', async () => {
    expect(await refused(['put', 'large'], 'x'.repeat(1_600_000))).toContain('etcdserver: request is too large');
    expect(await refused(['put', 'huge'], 'x'.repeat(2_200_000))).toMatch(/larger than max/);
  });

  it('works on while and after the leader is killed', async () => {
    const rows = await okJson<StatusRow[]>(['endpoint', 'status']);
    const leader = rows.findIndex(({ Status }) => Status.header.member_id === Status.leader);
    const written: string[] = [];
    let over = false;
    const writer = (async () => {
      for (let at = 0; !over; at++) {
        const key = `kill/${String(at).padStart(4, '0')}`;
        if ((await etcdctl(['put', key, 'x'])).code === 0) written.push(key);
      }
    })();
    await eventually('writes before', () => (written.length >= 3 ? true : undefined));
    const before = written.length;
    cluster.members[leader]!.kill('SIGKILL');
    await cluster.members[leader]!.end();
    await eventually('writes after', () => (written.length >= before + 4 ? true : undefined), 40_000);
    over = true;
    await writer;
    const rest = endpoints.filter((_, at) => at !== leader);
    const got = await etcdctl(['get', '--prefix', 'kill/', '--keys-only'], undefined, rest);
    expect(got.code).toBe(0);
    expect(written.filter((key) => !got.out.split('\n').includes(key))).toEqual([]);
    const health = await etcdctl(['endpoint', 'health']);
    expect([health.code === 0, `${health.out}${health.err}`.match(/is healthy/g)?.length]).toEqual([false, 2]);
    cluster.run(leader);
    await eventually('all three healthy', async () => ((await etcdctl(['endpoint', 'health'])).code === 0 ? true : undefined));
    const hashes = await eventually('the same state everywhere', async () => {
      const said = await etcdctl(['endpoint', 'hashkv', '-w', 'json']);
      if (said.code !== 0) return undefined;
      const values = (JSON.parse(said.out) as { HashKV: { hash: number } }[]).map(({ HashKV }) => HashKV.hash);
      return values.length === 3 && new Set(values).size === 1 ? values : undefined;
    });
    expect(hashes.length).toBe(3);
  });

  it('leaves no member waiting when it is told to stop', async () => {
    await cluster.stop();
    expect(cluster.members.map(({ over }) => over?.code)).toEqual([0, 0, 0]);
  });
});
