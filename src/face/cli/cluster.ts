// The verbs of members: who they are, how they are, whether they agree.

import { Command, Option } from 'commander';
import { describeFailure, fail, OperationError } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import type { Client } from '../../engine/client/index.ts';
import type { MemberListRow, MembershipChange } from '../../engine/service.ts';
import { connect, connectOnly } from '../client.ts';
import { clientCommand, endpointsOf, fields, guarded, json, outputOf, print, table, whole, withClient } from './client.ts';
import type { ClientFlags } from './client.ts';
import { exitCodes } from './exit.ts';

/** Who lists the members does not wait long for one that is not there. */
const askPlaceMs = 1000;

function memberList(): Command {
  return clientCommand('list', 'who belongs to the cluster').action(async (flags: ClientFlags) => {
    await withClient(flags, async (client) => {
      const members = await client.members();
      const statuses = await Promise.all(members.map(async (member) => ((await hasStarted(member, flags)) ? 'started' : 'unstarted')));
      const rows = members.map(({ id, name, address, learner }, at) => [formatId(id), statuses[at]!, name, `http://${address}`, `http://${address}`, String(learner)]);
      const roles = members.map((member) => roleOf(member));
      switch (outputOf(flags)) {
        case 'json':
          return print(json({
            header: {},
            members: members.map(({ id, name, address, learner }, at) => ({
              ID: id, name, peerURLs: [`http://${address}`], clientURLs: [`http://${address}`], ...(learner ? { isLearner: true } : {}), role: roles[at], status: statuses[at],
            })),
          }));
        case 'table':
          return print(table(['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER', 'ROLE'], rows.map((row, at) => [...row, roles[at]!])));
        case 'fields':
          return print(members.map(({ id, name, address, learner }, at) => `${fields({
            ID: id, Name: name, PeerURL: `http://${address}`, ClientURL: `http://${address}`, IsLearner: learner, Role: roles[at], Status: statuses[at],
          })}\n`).join('\n'));
        case 'simple':
          for (const row of rows) print(row.join(', '));
      }
    });
  });
}

/**
 * Whoever votes has run: it has caught up before. Of the others the cluster knows only that a place was made for them; whether
 * somebody has taken it is seen by asking there.
 */
async function hasStarted({ id, address, learner }: MemberListRow, flags: ClientFlags): Promise<boolean> {
  if (!learner) return true;
  try {
    await using client = await connect({ endpoints: [address], timeoutMs: Math.min(flags.commandTimeout, askPlaceMs) });
    return (await client.status(address)).member === id;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return false;
  }
}

/** What it does in the cluster; one that joins is a learner on its way. */
function roleOf({ learner, joining, witness }: MemberListRow): string {
  return joining === true ? 'joining' : learner ? 'learner' : witness === true ? 'witness' : 'voter';
}

/** By id, as `member list` prints it, or by name. */
async function find(client: Client, text: string): Promise<MemberListRow> {
  const members = await client.members();
  const found = members.find(({ id, name }) => formatId(id) === text.toLowerCase() || name === text);
  return found ?? fail('MEMBER_UNKNOWN', { detail: `there is no member "${text}"` });
}

async function findAll(client: Client, texts: readonly string[]): Promise<{ readonly id: number; readonly also: readonly number[] }> {
  const [id, ...also] = await Promise.all(texts.map(async (text) => (await find(client, text)).id));
  return { id: id!, also };
}

/** Carries out one change and says what became of the member, as etcdctl does. */
async function changeMember(flags: ClientFlags, done: string, toChange: (client: Client) => Promise<MembershipChange>): Promise<void> {
  await withClient(flags, async (client) => {
    const change = await toChange(client);
    const { id, members } = await client.changeMembership(change);
    if (outputOf(flags) === 'json') return print(json({ header: {}, member: { ID: id }, members: members.map((each) => ({ ID: each.id, name: each.name, peerURLs: [`http://${each.address}`], role: roleOf(each) })) }));
    if (outputOf(flags) === 'fields') return print([id, ...('also' in change ? change.also : [])].map((each) => fields({ ID: each })).join('\n'));
    for (const each of [id, ...('also' in change ? change.also : [])]) print(`Member ${formatId(each)} ${done}`);
  });
}

function memberAdd(): Command {
  return clientCommand('add <name> <address>', 'make a place for a member; it is started with serve --join')
    .option('--learner', 'it receives everything and does not vote, until it is promoted by hand')
    .addOption(new Option('--witness', 'it votes and keeps the log’s terms, but no data').conflicts('learner'))
    .action(async (name: string, address: string, flags: ClientFlags & { readonly learner?: boolean; readonly witness?: boolean }) => {
      const as = flags.learner === true ? 'learner' : flags.witness === true ? 'witness' : 'voter';
      await changeMember(flags, 'added', () => Promise.resolve({ type: 'add', name, address: address.replace(/^https?:\/\//, ''), as }));
    });
}

function memberRemove(): Command {
  return clientCommand('remove <members...>', 'take members out of the cluster, the leader and the dead too; several at once: all or none').action((texts: readonly string[], flags: ClientFlags) =>
    changeMember(flags, 'removed', async (client) => ({ type: 'remove', ...(await findAll(client, texts)) })),
  );
}

function memberPromote(): Command {
  return clientCommand('promote <members...>', 'let learners vote; several at once: all or none').action((texts: readonly string[], flags: ClientFlags) =>
    changeMember(flags, 'promoted', async (client) => ({ type: 'promote', ...(await findAll(client, texts)) })),
  );
}

function memberUpdate(): Command {
  return clientCommand('update <member> <address>', 'say where a member is now').action((text: string, address: string, flags: ClientFlags) =>
    changeMember(flags, 'updated', async (client) => ({ type: 'update', id: (await find(client, text)).id, address: address.replace(/^https?:\/\//, '') })),
  );
}

interface EndpointFlags extends ClientFlags {
  readonly cluster?: boolean;
}

interface Asked<T> {
  readonly endpoint: string;
  readonly tookMs: number;
  readonly value: T | undefined;
  readonly error: string | undefined;
}

/** Each endpoint by itself, all at once: one that does not answer must not hide the others. */
async function askEach<T>(flags: EndpointFlags, ask: (client: Client, endpoint: string) => Promise<T>): Promise<readonly Asked<T>[]> {
  let endpoints = endpointsOf(flags);
  if (flags.cluster === true) {
    await using client = await connect({ endpoints, timeoutMs: flags.commandTimeout });
    endpoints = (await client.members()).map(({ address }) => address);
  }
  return Promise.all(
    endpoints.map(async (endpoint) => {
      const started = performance.now();
      const done = (value: T | undefined, error: string | undefined): Asked<T> => ({ endpoint, tookMs: performance.now() - started, value, error });
      try {
        await using client = await connectOnly(endpoint, { timeoutMs: flags.commandTimeout });
        return done(await ask(client, endpoint), undefined);
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        return done(undefined, describeFailure(error.failure));
      }
    }),
  );
}

function endpointVerb(name: string, description: string, run: (flags: EndpointFlags) => Promise<void>): Command {
  return clientCommand(name, description)
    .option('--cluster', 'ask every member of the cluster')
    .action((flags: EndpointFlags) => guarded(() => run(flags)));
}

function complain(asked: readonly Asked<unknown>[]): void {
  for (const { endpoint, error } of asked) {
    if (error === undefined) continue;
    process.stderr.write(`Error: ${endpoint}: ${error}\n`);
    process.exitCode = exitCodes.failed;
  }
}

async function status(flags: EndpointFlags): Promise<void> {
  const asked = await askEach(flags, (client, endpoint) => client.status(endpoint));
  const found = asked.flatMap(({ endpoint, value }) => (value === undefined ? [] : [{ endpoint, status: value }]));
  if (outputOf(flags) === 'json') {
    print(json(found.map(({ endpoint, status: each }) => ({
      Endpoint: endpoint,
      Status: {
        header: { cluster_id: each.cluster, member_id: each.member, revision: each.revision, raft_term: each.term },
        version: each.version, dbSize: each.dbBytes, leader: each.leader, raftIndex: each.commitIndex, raftTerm: each.term,
        raftAppliedIndex: each.appliedIndex, dbSizeInUse: each.dbBytes, ...(each.errors.length > 0 ? { errors: each.errors } : {}),
        ...(each.learner === true ? { isLearner: true } : {}), ...(each.witness === true ? { isWitness: true } : {}),
        name: each.name, role: each.role, digest: each.digest, keys: each.keys, compactRevision: each.compactRevision,
        durability: each.durability, formatVersion: each.formatVersion, protocolVersion: each.protocolVersion, clusterVersion: each.clusterVersion, uptimeMs: each.uptimeMs,
      },
    }))));
    return complain(asked);
  }
  if (outputOf(flags) === 'fields') {
    for (const { endpoint, status: each } of found) {
      print(`${fields({
        ClusterID: each.cluster, MemberID: each.member, Revision: each.revision, RaftTerm: each.term, Version: each.version, DBSize: each.dbBytes, Leader: each.leader,
        IsLearner: each.learner === true, RaftIndex: each.commitIndex, RaftAppliedIndex: each.appliedIndex, Errors: each.errors,
        Name: each.name, Role: each.role, Durability: each.durability, Endpoint: endpoint,
      })}\n`);
    }
    return complain(asked);
  }
  const headings = ['ENDPOINT', 'ID', 'VERSION', 'DB SIZE', 'IS LEADER', 'IS LEARNER', 'RAFT TERM', 'RAFT INDEX', 'RAFT APPLIED INDEX', 'ERRORS', 'DURABILITY', 'FORMAT', 'PROTOCOL', 'CLUSTER'];
  const rows = found.map(({ endpoint, status: each }) => [
    endpoint, formatId(each.member), each.version, size(each.dbBytes), String(each.role === 'leader'), String(each.learner === true), String(each.term),
    String(each.commitIndex), String(each.appliedIndex), each.errors.join('; '), each.durability, String(each.formatVersion), String(each.protocolVersion), String(each.clusterVersion),
  ]);
  if (outputOf(flags) === 'table') print(table(headings, rows));
  else for (const row of rows) print(row.join(', '));
  complain(asked);
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/**
 * Healthy is who can serve a linearizable read by itself: it has a leader, and the leader a quorum. A witness serves nobody, whatever
 * it is asked: it is well when it follows somebody.
 */
async function isServing(client: Client, endpoint: string): Promise<void> {
  const { witness, leader } = await client.status(endpoint);
  if (witness !== true) await client.kv.get('health');
  else if (leader === 0) fail('NO_LEADER');
}

async function health(flags: EndpointFlags): Promise<void> {
  const asked = await askEach(flags, isServing);
  if (outputOf(flags) === 'json') {
    print(json(asked.map(({ endpoint, tookMs, error }) => ({ endpoint, health: error === undefined, took: `${tookMs.toFixed(3)}ms`, ...(error === undefined ? {} : { error }) }))));
  } else if (outputOf(flags) === 'table') {
    print(table(['ENDPOINT', 'HEALTH', 'TOOK', 'ERROR'], asked.map(({ endpoint, tookMs, error }) => [endpoint, String(error === undefined), `${tookMs.toFixed(3)}ms`, error ?? ''])));
  } else if (outputOf(flags) === 'fields') {
    for (const { endpoint, tookMs, error } of asked) print(`${fields({ Endpoint: endpoint, Health: error === undefined, Took: `${tookMs.toFixed(3)}ms`, Error: error ?? '' })}\n`);
  } else {
    for (const { endpoint, tookMs, error } of asked) {
      if (error === undefined) print(`${endpoint} is healthy: successfully committed proposal: took = ${tookMs.toFixed(3)}ms`);
      else process.stderr.write(`${endpoint} is unhealthy: failed to commit proposal: ${error}\n`);
    }
  }
  if (asked.some(({ error }) => error !== undefined)) {
    process.stderr.write('Error: unhealthy cluster\n');
    process.exitCode = exitCodes.failed;
  }
}

async function hashKv(flags: EndpointFlags & { readonly rev?: number }): Promise<void> {
  const asked = await askEach(flags, (client, endpoint) => client.hashKv(endpoint, flags.rev ?? 0));
  const found = asked.flatMap(({ endpoint, value }) => (value === undefined ? [] : [{ endpoint, ...value }]));
  if (outputOf(flags) === 'json') {
    print(json(found.map(({ endpoint, hash, compactRevision, revision, digest, index }) => ({
      Endpoint: endpoint, HashKV: { header: { revision }, hash, compact_revision: compactRevision, hash_revision: revision, digest, applied_index: index },
    }))));
  } else if (outputOf(flags) === 'table') {
    print(table(['ENDPOINT', 'HASH', 'REVISION', 'DIGEST', 'APPLIED INDEX'], found.map((each) => [each.endpoint, String(each.hash), String(each.revision), each.digest, String(each.index)])));
  } else if (outputOf(flags) === 'fields') {
    for (const each of found) print(`${fields({ Endpoint: each.endpoint, Hash: each.hash, Revision: each.revision, CompactRevision: each.compactRevision, Digest: each.digest, AppliedIndex: each.index })}\n`);
  } else for (const { endpoint, hash } of found) print(`${endpoint}, ${hash}`);
  complain(asked);
}

function moveLeader(): Command {
  return clientCommand('move-leader <memberId>', 'give leadership to another member').action(async (text: string, flags: ClientFlags) => {
    await withClient(flags, async (client) => {
      const target = await find(client, text);
      await client.moveLeader(target.id);
      print(`Leadership transferred to ${formatId(target.id)}`);
    });
  });
}

export function clusterCommands(): readonly Command[] {
  return [
    new Command('member').description('the members of the cluster').addCommand(memberList()).addCommand(memberAdd()).addCommand(memberRemove()).addCommand(memberPromote()).addCommand(memberUpdate()),
    new Command('endpoint')
      .description('members, one by one')
      .addCommand(endpointVerb('status', 'how each member is', status))
      .addCommand(endpointVerb('health', 'whether each member serves', health))
      .addCommand(endpointVerb('hashkv', 'a checksum of each member’s keys', hashKv).option('--rev <N>', 'as of this revision', whole)),
    moveLeader(),
  ];
}
