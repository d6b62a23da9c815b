// Members that share one KV in memory, so that the native protocol and the client can be tried against everything a
// cluster does to them, without consensus: leaders move, processes die, answers get lost, answers come late.

import { OperationError } from '../../../src/core/errors.ts';
import { Kv, decodeRequest, encodeBatch, encodeCommand, encodeReadResult, answerBytesOf } from '../../../src/core/kv/index.ts';
import { Role } from '../../../src/core/raft/index.ts';
import { formatAddress } from '../../../src/engine/address.ts';
import { connect } from '../../../src/engine/client/index.ts';
import type { Client, ClientOptions } from '../../../src/engine/client/index.ts';
import { NativeServer, serveNative } from '../../../src/engine/native/index.ts';
import type { NativeServerOptions } from '../../../src/engine/native/index.ts';
import type { Clock, Listener, Logger, Network, Random } from '../../../src/engine/ports.ts';
import type { HashKvResult, MemberListRow, MemberService, MemberStatus, ReadOptions, WaitOptions } from '../../../src/engine/service.ts';
import { nextUint32, seedRandom } from '../../../src/core/random.ts';
import { VirtualClock } from '../../../src/sim/clock.ts';
import { SimNetwork } from '../../../src/sim/network.ts';

export const silent: Logger = { log: () => undefined };
export const cluster = 4711;
const port = 2379;

export function seededRandom(seed: number): Random {
  const state = seedRandom(seed);
  return { uint32: () => nextUint32(state) };
}

/** What the members agree on. */
export class SharedState {
  readonly clock: Clock;
  readonly kv: Kv = new Kv();
  leader = 1;
  term = 1;
  /** Where members say the leader is, if that is not where clients reach it. */
  leaderAddress: string | undefined;
  /** How long a proposal takes. */
  commitMs = 2;
  commands = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  expire(ids: readonly number[]): void {
    this.apply(encodeCommand({ type: 'expireSessions', ids, at: this.clock.wallNow() + 1_000_000 }));
  }

  apply(command: Uint8Array): Uint8Array {
    this.commands++;
    const job = this.kv.apply(this.kv.appliedIndex + 1, this.term, encodeBatch(this.clock.wallNow(), [command]));
    while (!job.step(1000));
    return job.replies.at(0)!;
  }
}

export class FakeMember implements MemberService {
  readonly id: number;
  readonly address: string;
  readonly shared: SharedState;
  ready = true;
  /** Runs before a proposal is applied; may throw. */
  beforeApply: (() => void) | undefined;
  /** Runs after a proposal was applied; when it throws or never settles the answer is lost. */
  afterApply: (() => Promise<void> | void) | undefined;
  proposals = 0;
  reads = 0;

  constructor(id: number, address: string, shared: SharedState) {
    this.id = id;
    this.address = address;
    this.shared = shared;
  }

  async propose(command: Uint8Array, options: WaitOptions): Promise<Uint8Array> {
    this.proposals++;
    const { clock, commitMs } = this.shared;
    const end = clock.now() + options.deadlineMs;
    await new Promise<void>((resolve) => void clock.after(commitMs, resolve));
    if (this.shared.leader === 0) throw new OperationError({ code: 'NO_LEADER' });
    if (clock.now() > end) throw new OperationError({ code: 'TIMEOUT' });
    this.beforeApply?.();
    const reply = this.shared.apply(command);
    await this.afterApply?.();
    return reply;
  }

  async read(encoded: Uint8Array, options: ReadOptions): Promise<Uint8Array> {
    this.reads++;
    await new Promise<void>((resolve) => void this.shared.clock.after(1, resolve));
    if (this.shared.leader === 0) throw new OperationError({ code: 'NO_LEADER' });
    const request = decodeRequest(encoded);
    if (request.type !== 'range' && request.type !== 'txn') throw new OperationError({ code: 'BAD_REQUEST' });
    const job = this.shared.kv.read(request);
    while (!job.step(1000));
    const { result } = job;
    if (!('failure' in result)) await options.admit?.(answerBytesOf(result.response));
    return encodeReadResult(result);
  }

  status(): MemberStatus {
    const { leader, term, kv } = this.shared;
    return {
      cluster, member: this.id, name: `n${this.id}`, version: '0.1.0',
      leader, leaderName: leader === 0 ? '' : `n${leader}`, leaderAddress: leader === 0 ? '' : (this.shared.leaderAddress ?? `n${leader}:${port}`),
      role: leader === this.id ? Role.leader : Role.follower, term,
      lastIndex: kv.appliedIndex, commitIndex: kv.appliedIndex, appliedIndex: kv.appliedIndex, revision: kv.revision, compactRevision: kv.compactRevision,
      dbBytes: kv.size.bytes, keys: kv.size.keys, digest: kv.digest().digest, durability: 'fsync',
      formatVersion: 1, protocolVersion: 1, clusterVersion: 1, uptimeMs: Math.round(this.shared.clock.now()), errors: leader === 0 ? ['there is no leader'] : [],
    };
  }

  members(): readonly MemberListRow[] {
    return [1, 2, 3].map((id) => ({ id, name: `n${id}`, address: `n${id}:${port}`, learner: false }));
  }

  async agreedMembers(): Promise<readonly MemberListRow[]> {
    if (this.shared.leader === 0) throw new OperationError({ code: 'NO_LEADER' });
    return this.members();
  }

  hashKv(revision: number): Promise<HashKvResult> {
    const { kv } = this.shared;
    return Promise.resolve({ hash: 7, compactRevision: kv.compactRevision, revision: revision === 0 ? kv.revision : revision, digest: kv.digest().digest, index: kv.appliedIndex });
  }

  changeMembership(): Promise<never> {
    return Promise.reject(new OperationError({ code: 'UNSUPPORTED' }));
  }

  moveLeader(target: number): Promise<void> {
    if (this.shared.leader !== this.id) return Promise.reject(new OperationError({ code: 'NOT_LEADER', leader: `n${this.shared.leader}:${port}` }));
    this.shared.leader = target;
    this.shared.term++;
    return Promise.resolve();
  }
}

export class FakeCluster {
  readonly clock: VirtualClock = new VirtualClock();
  readonly network: SimNetwork;
  readonly shared: SharedState;
  readonly members: FakeMember[] = [];
  readonly servers: NativeServer[] = [];
  readonly #listeners: (Listener | undefined)[] = [];
  readonly #seed: number;
  /** Whom clients dialed, "host:port". */
  readonly dials: string[] = [];
  #clients = 0;
  readonly #serverOptions: Partial<NativeServerOptions>;

  constructor(seed = 1, size = 3, serverOptions: Partial<NativeServerOptions> = {}) {
    this.#seed = seed;
    this.#serverOptions = serverOptions;
    this.network = new SimNetwork(this.clock, seed);
    this.shared = new SharedState(this.clock);
    for (let id = 1; id <= size; id++) this.members.push(new FakeMember(id, `n${id}:${port}`, this.shared));
  }

  static async start(seed?: number, size?: number, serverOptions?: Partial<NativeServerOptions>): Promise<FakeCluster> {
    const fake = new FakeCluster(seed, size, serverOptions);
    for (const member of fake.members) await fake.up(member.id);
    return fake;
  }

  get endpoints(): string[] {
    return this.members.map(({ address }) => address);
  }

  networkOf(host: string): Network {
    return this.network.of(host);
  }

  async up(id: number): Promise<void> {
    const { clock } = this;
    const server = new NativeServer(this.members.at(id - 1)!, { ...this.#serverOptions, clock, logger: silent });
    this.servers[id - 1] = server;
    this.#listeners[id - 1] = await this.network.of(`n${id}`).listen({ host: `n${id}`, port }, (connection) => {
      serveNative(connection, server, { clock, logger: silent, cluster, member: id });
    });
  }

  /** As kill -9 does it. */
  down(id: number): void {
    this.network.kill(`n${id}`);
    this.servers.at(id - 1)!.close();
  }

  lead(id: number): void {
    this.shared.leader = id;
    this.shared.term++;
  }

  connect(options: Partial<ClientOptions> = {}): Promise<Client> {
    const host = `client${++this.#clients}`;
    const { clock } = this;
    const real = this.network.of(host);
    const network: Network = {
      listen: (address, accept) => real.listen(address, accept),
      dial: (address, given) => {
        this.dials.push(formatAddress(address));
        return real.dial(address, given);
      },
    };
    return this.settled(connect({ endpoints: this.endpoints, ...options }, { clock, random: seededRandom(this.#seed + this.#clients), network, logger: silent }));
  }

  /** Lets time pass until the promise is settled. */
  async settled<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    const state = { over: false };
    const settle = (): void => {
      state.over = true;
    };
    void promise.then(settle, settle);
    await this.until(() => state.over, limitMs);
    return promise;
  }

  async until(condition: () => boolean, limitMs = 60_000): Promise<void> {
    for (let passed = 0; !condition() && passed < limitMs; passed++) await this.clock.advance(1);
    if (!condition()) throw new Error(`not so after ${limitMs} ms of virtual time`);
  }
}

/** The error a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}
