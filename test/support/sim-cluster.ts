// Whole members, as production runs them, over the doubles: virtual time, disks that forget, a network that fails.

import { acceptHello } from '../../src/engine/native/index.ts';
import { Member } from '../../src/engine/member/member.ts';
import type { MemberOptions } from '../../src/engine/member/options.ts';
import { KvService } from '../../src/engine/member/service.ts';
import { kvMachines } from '../../src/engine/replica/kv-machine.ts';
import type { KvMachine } from '../../src/engine/replica/kv-machine.ts';
import type { Clock, Ports } from '../../src/engine/ports.ts';
import { OperationError } from '../../src/core/errors.ts';
import { decodeReadResult, decodeReply, encodeCommand, encodeRequest } from '../../src/core/kv/index.ts';
import type { Reply, WriteRequest } from '../../src/core/kv/index.ts';
import { nextUint32, seedRandom } from '../../src/core/random.ts';
import type { RandomState } from '../../src/core/random.ts';
import { text, utf8 } from '../../src/core/bytes.ts';
import { drainNode } from '../../src/face/sim.ts';
import { VirtualClock } from '../../src/sim/clock.ts';
import { SimDisk } from '../../src/sim/disk.ts';
import { SimNetwork } from '../../src/sim/network.ts';

/** One life of a member: what it set in motion ends with it. */
export interface Life {
  readonly member: Member;
  readonly service: KvService;
  alive: boolean;
  /** Why it did not start, or had to stop. */
  failure: OperationError | undefined;
  started: boolean;
}

export interface SimClusterOptions {
  readonly members?: number;
  /** Machines beside the founders', for those who join. */
  readonly joiners?: number;
  readonly replica?: MemberOptions['replica'];
  readonly segmentBytes?: number;
  readonly durability?: 'fsync' | 'os';
}

export class SimCluster {
  readonly clock: VirtualClock = new VirtualClock(undefined, drainNode);
  readonly network: SimNetwork;
  readonly random: RandomState;
  readonly names: readonly string[];
  readonly founders: readonly string[];
  readonly disks: SimDisk[];
  readonly lives: (Life | undefined)[];
  readonly logged: string[] = [];
  readonly #options: SimClusterOptions;
  /** Of members that start from now on. */
  replica: MemberOptions['replica'];

  constructor(seed: number, options: SimClusterOptions = {}) {
    this.#options = options;
    this.replica = options.replica;
    this.random = seedRandom(seed);
    this.network = new SimNetwork(this.clock, seed);
    this.names = Array.from({ length: (options.members ?? 3) + (options.joiners ?? 0) }, (_, at) => `n${at + 1}`);
    this.founders = this.names.slice(0, options.members ?? 3);
    this.disks = this.names.map(() => new SimDisk(this.clock, this.#entropy()));
    this.lives = this.names.map(() => undefined);
  }

  #entropy(): { uint32(): number } {
    return { uint32: () => nextUint32(this.random) };
  }

  /** Starts a member; it goes on starting while time passes. */
  async start(at: number, its: Pick<MemberOptions, 'clusterVersionMax' | 'join'> = {}): Promise<Life> {
    const name = this.names[at]!;
    let life: Life | undefined;
    const alive = (): boolean => life === undefined || life.alive;
    const clock: Clock = {
      now: () => this.clock.now(),
      wallNow: () => this.clock.wallNow(),
      after: (ms, callback) => this.clock.after(ms, () => void (alive() && callback())),
      nextTurn: (callback) => this.clock.nextTurn(() => void (alive() && callback())),
    };
    const ports: Ports = {
      clock,
      random: this.#entropy(),
      disk: this.disks[at]!,
      network: this.network.of(name),
      logger: { log: (level, message, facts) => void (alive() && this.logged.push(`[${this.clock.now().toFixed(0)}] ${name} ${level}: ${message} ${JSON.stringify(facts ?? {})}`)) },
    };
    const member = await this.#whilePassing(
      Member.open(ports, {
        name,
        cluster: { token: 'sim', members: this.founders.map((each) => ({ name: each, address: `${each}:1` })) },
        version: 'test',
        durability: this.#options.durability ?? 'fsync',
        replica: { snapshotBytesPerSecond: 1e12, ...this.replica },
        segmentBytes: this.#options.segmentBytes ?? 64 << 10,
        ...its,
      }, kvMachines),
    );
    const born: Life = { member, service: new KvService(member), alive: true, failure: undefined, started: false };
    life = born;
    this.lives[at] = born;
    void member.failed.then((failure) => {
      born.failure = failure;
    });
    const { cluster, member: id } = member.identity;
    await this.#whilePassing(
      this.network.of(name).listen({ host: name, port: 1 }, (connection) => {
        acceptHello(connection, { clock, logger: ports.logger, cluster, member: id }, (accepted, hello, rest) => member.acceptPeer(accepted, hello, rest));
      }),
    );
    member.start().then(
      () => {
        born.started = true;
      },
      (error: unknown) => {
        born.failure = error instanceof OperationError ? error : new OperationError({ code: 'INTERNAL', detail: String((error as Error).stack) });
      },
    );
    return born;
  }

  async startAll(): Promise<void> {
    for (const at of this.founders.keys()) await this.start(at);
    await this.until(() => this.leader() !== undefined, 20_000, 'a leader');
  }

  /** Power is lost: unsynced bytes go, half-written sectors stay, connections break. */
  crash(at: number): void {
    const life = this.lives[at];
    if (life !== undefined) life.alive = false;
    this.lives[at] = undefined;
    this.disks[at] = this.disks[at]!.crash(this.#entropy());
    this.network.kill(this.names[at]!);
  }

  leader(): Life | undefined {
    return this.lives.find((life) => life?.started === true && life.failure === undefined && life.member.replica(1)?.raft.isLeader === true);
  }

  indexOf(life: Life): number {
    return this.lives.indexOf(life);
  }

  /** Lets time pass until the condition holds; fails after `ms` of virtual time. */
  async until(condition: () => boolean, ms: number, what: string): Promise<void> {
    const end = this.clock.now() + ms;
    while (!condition()) {
      if (this.clock.now() >= end) throw new Error(`not in ${ms} ms: ${what}\n${this.logged.slice(-40).join('\n')}`);
      await this.clock.advance(10);
    }
  }

  async #whilePassing<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const marked = promise.finally(() => {
      done = true;
    });
    marked.catch(() => undefined);
    for (let turns = 0; !done && turns < 60_000; turns++) await this.clock.advance(1);
    if (!done) throw new Error(`not settled in a minute of virtual time\n${this.logged.slice(-40).join('\n')}`);
    return marked;
  }

  /** A write through one life; time must pass for it to settle. */
  write(life: Life, request: WriteRequest, deadlineMs = 3000): Promise<Reply> {
    return life.service.propose(encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request }), { deadlineMs }).then(decodeReply);
  }

  append(life: Life, key: string, token: string, deadlineMs?: number): Promise<Reply> {
    return this.write(life, { type: 'append', key: utf8(key), value: utf8(token) }, deadlineMs);
  }

  /** Waits for it, letting time pass. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    return this.#whilePassing(promise);
  }

  /** What a life holds under a key, without asking anybody. */
  valueAt(life: Life, key: string): string | undefined {
    const job = (life.member.replica(1)!.machine as KvMachine).kv.read({ type: 'range', key: utf8(key) });
    while (!job.step(1e6));
    const result = job.result;
    return 'response' in result && result.response.type === 'range' && result.response.kvs[0] !== undefined ? text(result.response.kvs[0].value) : undefined;
  }

  async read(life: Life, key: string): Promise<string | undefined> {
    const bytes = await this.settle(life.service.read(encodeRequest({ type: 'range', key: utf8(key) }), { consistency: 'linearizable', deadlineMs: 5000 }));
    const result = decodeReadResult(bytes);
    return 'response' in result && result.response.type === 'range' && result.response.kvs[0] !== undefined ? text(result.response.kvs[0].value) : undefined;
  }
}
