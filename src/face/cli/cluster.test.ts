// The verbs of members, over real sockets to a service that answers as it is told to.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { OperationError } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { NativeServer, serveNative } from '../../engine/native/index.ts';
import type { Listener } from '../../engine/ports.ts';
import type { MemberListRow, MemberStatus } from '../../engine/service.ts';
import { nodeClock } from '../../node/clock.ts';
import { nodeNetwork } from '../../node/tcp.ts';
import { FakeMember, SharedState, silent } from '../../../test/scenario/native/fake-cluster.ts';
import { clusterCommands } from './cluster.ts';
import { kvCommands } from './kv.ts';

const running: { readonly server: NativeServer; readonly listener: Listener }[] = [];

async function serve(member: FakeMember): Promise<string> {
  const server = new NativeServer(member, { clock: nodeClock, logger: silent });
  const listener = await nodeNetwork.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    serveNative(connection, server, { clock: nodeClock, logger: silent, cluster: 4711, member: member.id });
  });
  running.push({ server, listener });
  return `127.0.0.1:${listener.address.port}`;
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const { server, listener } of running.splice(0)) {
    server.close();
    await listener.close();
  }
});

/** What the verb prints. */
async function said(...words: string[]): Promise<string> {
  const out: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(Buffer.from(text).toString()) > 0);
  const command = [...clusterCommands(), ...kvCommands()].find((each) => each.name() === words[0])!;
  await command.parseAsync(words.slice(1), { from: 'user' });
  vi.restoreAllMocks();
  return out.join('');
}

/** One that lists whom it is told to list. */
class Listing extends FakeMember {
  rows: readonly MemberListRow[] = [];

  override members(): readonly MemberListRow[] {
    return this.rows;
  }
}

describe('member list', () => {
  it('says unstarted of a place that nobody has taken, and started once its member answers there', async () => {
    const shared = new SharedState(nodeClock);
    const first = new Listing(1, '', shared);
    const endpoint = await serve(first);
    const newcomer = await serve(new FakeMember(9, '', shared));
    const voter = { id: 1, name: 'a', address: endpoint, learner: false };
    const joining = (address: string): MemberListRow => ({ id: 9, name: 'd', address, learner: true, joining: true });
    // Port 1 is nobody's; and at a's address answers somebody, but not who is meant.
    for (const [address, status] of [['127.0.0.1:1', 'unstarted'], [endpoint, 'unstarted'], [newcomer, 'started']] as const) {
      first.rows = [voter, joining(address)];
      expect((await said('member', 'list', '--endpoints', endpoint)).split('\n')).toEqual([
        `${formatId(1)}, started, a, http://${endpoint}, http://${endpoint}, false`,
        `${formatId(9)}, ${status}, d, http://${address}, http://${address}, true`,
        '',
      ]);
    }
  });

  it('asks nobody whether a voter has started: it has, or it would not vote', async () => {
    const first = new Listing(1, '', new SharedState(nodeClock));
    const endpoint = await serve(first);
    first.rows = [{ id: 2, name: 'dead', address: '127.0.0.1:1', learner: false }];
    expect(await said('member', 'list', '--endpoints', endpoint)).toContain('started, dead');
  });
});

describe('-o fields', () => {
  it('is a line a field, as etcdctl prints them, and not the simple form', async () => {
    const first = new Listing(1, '', new SharedState(nodeClock));
    const endpoint = await serve(first);
    first.rows = [{ id: 1, name: 'a', address: endpoint, learner: false }];
    const fields = async (...words: string[]): Promise<string> => said(...words, '--endpoints', endpoint, '-o', 'fields');
    expect(await fields('member', 'list')).toBe(
      `"ID" : 1\n"Name" : "a"\n"PeerURL" : "http://${endpoint}"\n"ClientURL" : "http://${endpoint}"\n"IsLearner" : false\n"Role" : "voter"\n"Status" : "started"\n\n`,
    );
    expect(await fields('endpoint', 'status')).toMatch(/^"ClusterID" : \d+\n"MemberID" : 1\n[^]*"RaftIndex" : \d+\n[^]*"Errors" : \[\]\n[^]*"Endpoint" : "127[^"]*"\n\n$/);
    expect(await fields('endpoint', 'health')).toMatch(/^"Endpoint" : "127[^"]*"\n"Health" : true\n"Took" : "[\d.]+ms"\n"Error" : ""\n\n$/);
    expect(await fields('endpoint', 'hashkv')).toMatch(/^"Endpoint" : "127[^"]*"\n"Hash" : \d+\n/);
    expect(await fields('put', 'k', 'v')).toMatch(/^"Revision" : \d+\n$/);
    expect(await fields('put', 'k', 'w', '--prev-kv')).toMatch(/^"Revision" : \d+\n"Key" : "k"\n[^]*"Value" : "v"\n"Lease" : 0\n$/);
    expect(await fields('del', 'k')).toMatch(/^"Revision" : \d+\n"Deleted" : 1\n$/);
    expect(await fields('compaction', '3')).toMatch(/^"Revision" : \d+\n$/);
  });
});

describe('endpoint health', () => {
  /** It knows the leader, and serves nobody. */
  class Refusing extends FakeMember {
    isWitness = false;

    override read(): Promise<never> {
      this.reads++;
      return Promise.reject(new OperationError({ code: 'NOT_LEADER', leader: this.shared.leaderAddress! }));
    }

    override status(): MemberStatus {
      return { ...super.status(), ...(this.isWitness ? { witness: true } : {}) };
    }
  }

  async function twoMembers(): Promise<{ readonly leader: FakeMember; readonly other: Refusing; readonly health: () => Promise<unknown> }> {
    const shared = new SharedState(nodeClock);
    const leader = new FakeMember(1, '', shared);
    shared.leaderAddress = await serve(leader);
    const other = new Refusing(2, '', shared);
    const endpoint = await serve(other);
    return { leader, other, health: async () => JSON.parse(await said('endpoint', 'health', '--endpoints', endpoint, '--command-timeout', '1500ms', '-o', 'json')) as unknown };
  }

  it('is of the member that was asked: what the leader would answer in its place is not heard', async () => {
    const { leader, other, health } = await twoMembers();
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    expect(await health()).toEqual([expect.objectContaining({ health: false, error: expect.stringContaining('NOT_LEADER') as unknown })]);
    expect([process.exitCode, leader.reads]).toEqual([1, 0]);
    expect(other.reads).toBeGreaterThan(0);
    process.exitCode = 0;
  });

  it('of a witness is that it follows a leader: it serves nobody when it is well, too', async () => {
    const { leader, other, health } = await twoMembers();
    other.isWitness = true;
    expect(await health()).toEqual([expect.objectContaining({ health: true })]);
    leader.shared.leader = 0;
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    expect(await health()).toEqual([expect.objectContaining({ health: false, error: expect.stringContaining('NO_LEADER') as unknown })]);
    expect([leader.reads, other.reads]).toEqual([0, 0]);
    process.exitCode = 0;
  });
});

describe('numbers', () => {
  it.each([
    [['endpoint', 'hashkv', '--rev=abc']],
    [['get', 'k', '--rev=1.5']],
    [['get', 'k', '--limit=']],
    [['compaction', 'abc']],
    [['put', 'k', 'v', '--command-timeout', 'soon']],
  ])('%j is a wrong command line, which is not sent anywhere', async (words) => {
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const commands = [...clusterCommands(), ...kvCommands()];
    for (const each of commands.flatMap((command) => [command, ...command.commands])) each.exitOverride();
    const command = commands.find((each) => each.name() === words[0])!;
    await expect(command.parseAsync([...words.slice(1), '--endpoints', '127.0.0.1:1'], { from: 'user' })).rejects.toMatchObject({ code: 'commander.invalidArgument' });
  });
});
