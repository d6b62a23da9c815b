// The same etcdctl, the same commands in the same order, once to three members of ours and once to three of Debian's
// etcd: what is printed, what is refused and with which words must not differ, before, while and after the leader is
// killed. Revisions are compared as they are; ids, addresses, terms and sizes are everybody's own.

import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EtcdCluster, etcdIsThere } from './support/etcd-cluster.ts';
import { ServeCluster } from './support/members.ts';
import { Running, cleanUp, eventually, sleep } from './support/processes.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
afterAll(cleanUp);

const isThere = etcdIsThere && spawnSync('etcdctl', ['version'], { env: { ...process.env, ETCDCTL_API: '3' } }).status === 0;
if (!isThere) console.warn('etcd or etcdctl is not installed (Debian: etcd-server, etcd-client): the answers to etcdctl are NOT compared with etcd’s');

interface Told {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Asked {
  readonly words: readonly string[];
  readonly input?: string;
}

/** One of the two: its members, and what of an answer is only its own. */
interface Side {
  readonly name: string;
  readonly cluster: ServeCluster | EtcdCluster;
  /** Of the members alive. */
  endpoints: readonly string[];
  /** Decimal or hexadecimal id → who it is. */
  readonly names: Map<string, string>;
}

async function etcdctl(side: Side, words: readonly string[], input?: string, endpoints: readonly string[] = side.endpoints): Promise<Told> {
  const verb = new Running('etcdctl', [`--endpoints=${endpoints.join(',')}`, '--command-timeout=5s', ...words], { ETCDCTL_API: '3' }, input === undefined ? 'ignore' : 'pipe');
  if (input !== undefined) verb.child.stdin?.on('error', () => undefined).end(input);
  const { code } = await verb.ended;
  return { code, out: verb.out, err: verb.err };
}

function impersonal({ cluster, names }: Side, text: string): string {
  let said = text;
  for (const [at, endpoint] of cluster.endpoints.entries()) said = said.replaceAll(endpoint, `<member ${at + 1}>`);
  said = said.replaceAll(/http:\/\/(127\.0\.0\.1:\d+|<member \d>)/g, '<url>');
  said = said.replaceAll(/\b[0-9a-f]{12,20}\b|\b\d{12,20}\b/g, (id) => names.get(id) ?? id);
  return said
    .replaceAll(/("raft_?[tT]erm"|"RaftTerm"|"raft(?:Applied)?Index"|"Raft(?:Applied)?Index"|"dbSize(?:InUse)?"|"DBSize"|"hash"|"Hash") ?: ?\d+/g, '$1:…')
    .replaceAll(/\btook"? ?[=:] ?"?[\d.]+[µmn]?s"?/g, 'took …')
    .replaceAll(/\{"level":"warn","ts":.*?"msg":(".*?"),.*?"error":/g, '{$1 ')
    .replaceAll(/dial tcp .*?: connect: connection refused/g, 'connection refused');
}

function impersonalTold(side: Side, { code, out, err }: Told): Told {
  return { code, out: impersonal(side, out), err: impersonal(side, err) };
}

/** Forms in which a command may answer. */
const forms = ['json', 'fields', 'table', 'simple'] as const;
const inEveryForm = (...words: string[]): Asked[] => forms.map((form) => ({ words: [...words, '-w', form] }));
const plain = (...words: string[]): Asked => ({ words });
const txn = (input: string, ...words: string[]): Asked => ({ words: ['txn', ...words], input });

/** Everything that is asked of a cluster whose members are all there, and of one that lost one; `p` sets the keys of each time apart. */
function questions(p: string): readonly Asked[] {
  const k = (name: string): string => `${p}/${name}`;
  return [
    plain('get', k('a')),
    ...inEveryForm('get', k('a')),
    ...inEveryForm('put', k('a'), '1'),
    ...inEveryForm('put', k('a'), '2', '--prev-kv'),
    ...inEveryForm('put', k('new form'), '', '--prev-kv'),
    plain('put', k('b'), 'a value of "quotes", \ttabs and\nlines'),
    { words: ['put', k('stdin')], input: 'from stdin' },
    plain('put', k('c'), '--ignore-value'),
    plain('put', k('a'), '--ignore-value'),
    plain('put', k('a'), 'x', '--ignore-value'),
    plain('put', k('a'), '3', '--ignore-lease', '--prev-kv', '-w', 'json'),
    plain('put', k('none'), '3', '--ignore-lease'),
    plain('put', k('a'), '3', '--lease=1234abc'),
    plain('put', k('a'), '3', '--lease=1234abc', '--ignore-lease'),
    plain('put', '', 'x'),
    plain('get', ''),
    ...['ba', 'bb', 'bc', 'c\u00fc'].map((name) => plain('put', k(name), `value of ${name}`)),
    ...inEveryForm('get', k('a')),
    ...inEveryForm('get', '--prefix', k('b')),
    ...inEveryForm('get', '--prefix', k('b'), '--limit=2'),
    ...inEveryForm('get', '--prefix', k('b'), '--limit=2', '--keys-only'),
    plain('get', '--prefix', k('b'), '--print-value-only'),
    plain('get', '--prefix', k('b'), '--keys-only', '--print-value-only'),
    plain('get', '--prefix', k('b'), '--hex'),
    plain('get', '--prefix', k('b'), '--print-value-only', '-w', 'json'),
    plain('get', '--prefix', k('b'), '--print-value-only', '-w', 'fields'),
    plain('get', k('b'), k('bc')),
    plain('get', k('bc'), k('b')),
    plain('get', k('bb'), '--from-key', '--limit=2'),
    plain('get', k('bb'), k('bd'), '--from-key'),
    plain('get', k('bb'), '--from-key', '--prefix'),
    ...['CREATE', 'KEY', 'MODIFY', 'VALUE', 'VERSION'].flatMap((target) => [plain('get', '--prefix', k(''), `--sort-by=${target}`, '--order=DESCEND'), plain('get', '--prefix', k(''), `--sort-by=${target}`, '--limit=3', '--order=ASCEND'), plain('get', '--prefix', k(''), `--sort-by=${target}`)]),
    plain('get', '--prefix', k(''), '--sort-by=COLOUR'),
    plain('get', '--prefix', k('b'), '--consistency=s'),
    plain('get', '--prefix', k('b'), '--consistency=x'),
    ...inEveryForm('get', k('a'), '--rev=2'),
    plain('get', k('a'), '--rev=3', '-w', 'json'),
    plain('get', k('a'), '--rev=100000'),
    plain('get', k('a'), '--rev=-1'),
    plain('get', '--prefix', k('b'), '--limit=-1', '-w', 'json'),
    txn(`value("${k('a')}") = "3"\n\nput ${k('t')} yes\nget ${k('t')}\n\nput ${k('t')} no\n\n`),
    ...forms.map((form) => txn(`mod("${k('a')}") > "0"\nversion("${k('none')}") = "0"\n\nget --prefix ${k('b')}\nput ${k('t')} "in ${form}"\ndel ${k('bc')}\n\n\n`, '-w', form)),
    ...forms.map((form) => txn(`create("${k('none')}") > "0"\n\nput ${k('t')} x\n\nget ${k('t')} --keys-only\ndel ${k('gone')} --prev-kv\nput ${k('t')} again --prev-kv\n\n`, '-w', form)),
    txn(`\nput ${k('twice')} 1\nput ${k('twice')} 2\n\n\n`),
    txn(`\nput ${k('twice')} 1\ndel --prefix ${k('tw')}\n\n\n`),
    txn(`version("${k('none')}") = "0"\n\nput ${k('lease')} 1 --lease=77\n\n\n`),
    txn(`version("${k('none')}") = "0"\n\nput ${k('lease')} 1\n\nput ${k('lease')} 2 --lease=77\n\n`),
    txn(`version("${k('none')}") = "1"\n\nput ${k('lease')} 1 --lease=77\n\nget ${k('lease')}\n\n`),
    txn(`colour("${k('a')}") = "0"\n\n\n\n`),
    txn('\n\n\n'),
    txn(`\nget ${k('a')} --rev=100000\n\n\n`),
    ...inEveryForm('del', k('nothing')),
    ...forms.flatMap((form) => [plain('put', k('gone'), form), plain('del', k('gone'), '--prev-kv', '-w', form)]),
    plain('del', k('ba'), k('bc')),
    plain('del', '--prefix', k('b'), '--prev-kv'),
    plain('del', '--from-key', k('t'), '--prev-kv'),
    plain('del', ''),
    plain('put', k('large'), 'x'.repeat(5000)),
    { words: ['put', k('large')], input: 'x'.repeat(1_600_000) },
    plain('compaction', '2'),
    plain('compaction', '2'),
    plain('compaction', '0'),
    plain('compaction', '-1'),
    plain('compaction', 'x'),
    plain('compaction', '100000'),
    plain('compaction', '5', '--physical'),
    plain('get', k('a'), '--rev=1'),
    ...inEveryForm('get', '--prefix', ''),
    ...inEveryForm('get', '--prefix', '', '--keys-only', '--consistency=s'),
  ];
}

/** They answer in the same form; what fills it, and in which order, is each one's own. */
const looks: readonly Asked[] = [
  ...inEveryForm('member', 'list'),
  ...inEveryForm('endpoint', 'status'),
  ...inEveryForm('endpoint', 'health'),
  ...inEveryForm('endpoint', 'hashkv'),
  plain('endpoint', 'hashkv', '--rev=100000'),
  plain('endpoint', 'hashkv', '--rev=1'),
  // Endpoints as URLs: what asks each by itself sends them as the authority.
  ...['status', 'health', 'hashkv'].flatMap((verb) => inEveryForm('endpoint', verb, '--cluster')),
];
/** Whoever of the three was asked answered. */
const whoever = (text: string): string => text.replaceAll(/<id of n\d>/g, '<id>');
const unruly = (text: string): string =>
  text
    .replaceAll(/[+|-]{2,}/g, '+').replaceAll(/ +/g, ' ')
    .replaceAll(/\d+(\.\d+)? [kM]?B\b/g, '<size>')
    .replaceAll(/(<size>(?:,| \|)) (?:true|false)((?:,| \|) (?:true|false)(?:,| \|)) \d+(,| \|) \d+(,| \|) \d+/g, '$1 <is leader>$2 …')
    .replaceAll(/<member \d>/g, '<member>')
    .replaceAll(/(<member>|<url>)(,| \|) \d{3,}/g, '$1$2 <hash>')
    .replaceAll(/"Took" : .*|\| [\d.]+m?s \|/g, 'took')
    .replaceAll(/<id of n\d>/g, '<id>').replaceAll(/"n\d"/g, '"<name>"')
    // Members are listed by id.
    .replaceAll('},{', '}\n{').replaceAll('[{', '[\n{').replaceAll('}]', '}\n]')
    .split('\n').toSorted((one, other) => (one < other ? -1 : 1)).join('\n');

describe.skipIf(!isThere)('etcdctl cannot tell us from etcd', () => {
  let sides: readonly [Side, Side];
  beforeAll(async () => {
    const clusters = await Promise.all([ServeCluster.start(), EtcdCluster.start()]);
    sides = [
      { name: 'thole', cluster: clusters[0], endpoints: clusters[0].endpoints, names: new Map() },
      { name: 'etcd', cluster: clusters[1], endpoints: clusters[1].endpoints, names: new Map() },
    ];
    for (const side of sides) {
      const { members, header } = await eventually('who is who', async () => {
        const said = await etcdctl(side, ['member', 'list', '-w', 'json']);
        if (said.code !== 0) return undefined;
        // Ids beyond 2⁵³ are kept as they are written.
        const list = JSON.parse(said.out.replaceAll(/:(\d{12,})/g, ':"$1"')) as { members: { ID: string; name?: string }[]; header: { cluster_id: string } };
        return list.members.length === 3 && list.members.every(({ name }) => name !== undefined) ? list : undefined;
      });
      for (const [id, name] of [...members.map(({ ID, name }): [string, string] => [ID, `<id of ${name!}>`]), [header.cluster_id, '<cluster>'] as const]) side.names.set(id, name).set(BigInt(id).toString(16), name);
      await eventually('a linearizable read', async () => ((await etcdctl(side, ['get', 'x'])).code === 0 ? true : undefined));
    }
  });

  /** Both are asked at the same time, each question after the answer to the one before; every difference is told. */
  async function compare(asked: readonly Asked[], also: (text: string) => string = whoever): Promise<void> {
    const [ours, theirs] = await Promise.all(sides.map(async (side) => {
      const answers: Told[] = [];
      for (const { words, input } of asked) answers.push(impersonalTold(side, await etcdctl(side, words, input)));
      return answers;
    }));
    const seen = (answers: readonly Told[]): unknown => answers.map(({ code, out, err }, at) => ({ asked: [...asked[at]!.words, asked[at]!.input?.slice(0, 200)].join(' '), code, out: also(out), err: also(err) }));
    expect(seen(ours!)).toEqual(seen(theirs!));
  }

  it('before', async () => {
    await compare(questions('before'));
  });

  it('members, status, health, hashes', async () => {
    await compare(looks, unruly);
  });

  it('changes of membership, of members that never come', async () => {
    const gone = '7';
    /** Ids are drawn: each side's own stand in for these words. */
    const changes = (voter: string, added: string): readonly Asked[] => [
      plain('member', 'add', 'n5', '--peer-urls=https//nonsense'),
      plain('member', 'add', 'n5', '--peer-urls=http://127.0.0.1:1', '--learner'),
      plain('member', 'add'),
      plain('member', 'promote', gone),
      plain('member', 'promote', voter),
      plain('member', 'promote', added),
      plain('member', 'update', added, '--peer-urls=http://127.0.0.1:2'),
      plain('member', 'update', gone, '--peer-urls=http://127.0.0.1:3'),
      plain('member', 'remove', gone),
      plain('member', 'remove', added),
      plain('member', 'remove', added),
      plain('member', 'remove', 'nonsense'),
      ...inEveryForm('member', 'list'),
    ];
    const told = await Promise.all(sides.map(async (side) => {
      const first = await etcdctl(side, ['member', 'add', 'n4', '--peer-urls=http://127.0.0.1:1', '--learner', '-w', 'json']);
      const id = /"member":\{"ID":(\d+)/.exec(first.out)?.[1] ?? 'none';
      side.names.set(id, '<id of n4>').set(BigInt(id).toString(16), '<id of n4>');
      // Hexadecimal comes behind decimal.
      const [voter] = [...side.names].filter(([, name]) => name === '<id of n1>').at(-1)!;
      // An id of etcd's is made of URL and second: within the same it would say that the id is taken.
      await sleep(1100);
      const answers = [first];
      for (const { words } of changes(voter, BigInt(id).toString(16))) answers.push(await etcdctl(side, words));
      return answers.map((answer) => impersonalTold(side, answer));
    }));
    const shown = (answers: readonly Told[]): unknown => answers.map(({ code, out, err }) => ({ code, out: unruly(out), err: unruly(err) }));
    expect(shown(told[0]!)).toEqual(shown(told[1]!));
  });

  it('while the leader is killed', async () => {
    await Promise.all(sides.map(async (side) => {
      const said = await etcdctl(side, ['endpoint', 'status', '-w', 'json']);
      const rows = JSON.parse(said.out.replaceAll(/:(\d{12,})/g, ':"$1"')) as { Endpoint: string; Status: { header: { member_id: string }; leader: string } }[];
      const { Endpoint } = rows.find(({ Status }) => Status.header.member_id === Status.leader)!;
      const at = side.cluster.endpoints.indexOf(Endpoint);
      let written = 0;
      // Written once each, whatever became of an attempt that was not answered.
      const writer = (async () => {
        for (; written < 12; written++) {
          await eventually('a write', async () => {
            const { code } = await etcdctl(side, ['txn'], `version("while/${written}") = "0"\n\nput while/${written} x\n\nget while/${written}\n\n`);
            return code === 0 ? true : undefined;
          }, 40_000);
        }
      })();
      await eventually('writes before', () => (written >= 3 ? true : undefined));
      side.cluster.members[at]!.kill('SIGKILL');
      await writer;
      await side.cluster.members[at]!.end();
      side.endpoints = side.cluster.endpoints.filter((each) => each !== Endpoint);
    }));
    await compare([plain('get', '--prefix', 'while/', '-w', 'json'), plain('get', '--prefix', 'while/', '--rev=0', '--count-only', '-w', 'fields')]);
  });

  it('after', async () => {
    await compare(questions('after').filter(({ words }) => !['fields', 'table'].includes(words.at(-1)!)));
  });
});
