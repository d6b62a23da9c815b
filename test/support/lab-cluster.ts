// Whole members over the labs' network, in virtual time: what the lab scenarios of Raft and of the KV share.

import { acceptHello, NativeServer } from '../../src/engine/native/index.ts';
import { Member } from '../../src/engine/member/member.ts';
import type { MemberOptions } from '../../src/engine/member/options.ts';
import { KvService } from '../../src/engine/member/service.ts';
import type { Replica } from '../../src/engine/replica/replica.ts';
import type { MachineFactory } from '../../src/engine/replica/state-machine.ts';
import type { Clock, Ports } from '../../src/engine/ports.ts';
import { nextBelow, nextUint32, seedRandom } from '../../src/core/random.ts';
import type { RandomState } from '../../src/core/random.ts';
import { drainNode } from '../../src/face/sim.ts';
import { VirtualClock } from '../../src/sim/clock.ts';
import { SimDisk } from '../../src/sim/disk.ts';
import { LabNetwork } from '../../src/sim/lab-network.ts';
import { labRow } from './lab-table.ts';
import type { LabLimit } from './lab-table.ts';

/** The labs' RaftElectionTimeout: by then somebody leads, if anybody can. */
export const electionTimeoutMs = 1000;

export interface LabLife {
  readonly member: Member;
  readonly server: NativeServer;
  alive: boolean;
  failure: unknown;
}

export interface LabOptions {
  readonly seed?: number;
  readonly unreliable?: boolean;
  readonly replica?: MemberOptions['replica'];
  readonly segmentBytes?: number;
  readonly machines: (at: number) => MachineFactory;
}

export class LabCluster {
  readonly clock: VirtualClock = new VirtualClock(undefined, drainNode);
  readonly network: LabNetwork;
  readonly random: RandomState;
  readonly names: readonly string[];
  readonly disks: SimDisk[];
  readonly lives: (LabLife | undefined)[];
  readonly connected: boolean[];
  readonly logged: string[] = [];
  readonly #options: LabOptions;
  #startedAt = 0;
  #realStart = performance.now();
  #rpcsBefore = 0;
  #bytesBefore = 0;

  constructor(members: number, options: LabOptions) {
    this.#options = options;
    const seed = options.seed ?? 1;
    this.random = seedRandom(seed);
    this.network = new LabNetwork(this.clock, seed);
    this.network.reliable = options.unreliable !== true;
    this.network.longDelays = true;
    this.names = Array.from({ length: members }, (_, at) => `n${at + 1}`);
    this.disks = this.names.map(() => new SimDisk(this.clock, this.#entropy()));
    this.lives = this.names.map(() => undefined);
    this.connected = this.names.map(() => true);
  }

  #entropy(): { uint32(): number } {
    return { uint32: () => nextUint32(this.random) };
  }

  below(bound: number): number {
    return nextBelow(this.random, bound);
  }

  sleep(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Everybody is born, which takes a greeting; the labs' clock and counters begin behind it. */
  async startAll(): Promise<void> {
    for (const at of this.names.keys()) await this.start(at);
    for (let turns = 0; !this.names.every((_, at) => this.replica(at) !== undefined); turns++) {
      if (turns > 2000) throw new Error(`nobody was born\n${this.logged.join('\n')}`);
      await this.clock.advance(5);
    }
    this.#startedAt = this.clock.now();
    this.#rpcsBefore = this.network.rpcs;
    this.#bytesBefore = this.network.bytes;
  }

  async start(at: number): Promise<void> {
    if (this.lives[at] !== undefined) this.crash(at);
    const name = this.names[at]!;
    let life: LabLife | undefined;
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
    this.network.revive(name);
    const opening = Member.open(ports, {
      name,
      cluster: { token: 'labs', members: this.names.map((each) => ({ name: each, address: `${each}:1` })) },
      version: 'test',
      // Heartbeats ten times a second, as the labs ask; an election well within their second.
      replica: { tickMs: 20, electionTicks: 20, heartbeatTicks: 5, snapshotBytesPerSecond: 1e12, ...this.#options.replica },
      segmentBytes: this.#options.segmentBytes ?? 64 << 10,
    }, this.#options.machines(at));
    const member = await this.settle(opening);
    const server = new NativeServer(new KvService(member), { clock, logger: ports.logger });
    member.onLeadChanged = () => server.announceLeader();
    const born: LabLife = { member, server, alive: true, failure: undefined };
    life = born;
    this.lives[at] = born;
    const failed = (failure: unknown): void => {
      born.failure = failure;
    };
    void member.failed.then(failed);
    const { cluster, member: id } = member.identity;
    void this.network.of(name).listen({ host: name, port: 1 }, (connection) => {
      acceptHello(connection, { clock, logger: ports.logger, cluster, member: id }, (accepted, hello, rest) => {
        if (hello.purpose === 'client') server.serve(accepted, rest);
        else member.acceptPeer(accepted, hello, rest);
      });
    });
    member.start().catch(failed);
  }

  /** As the labs' crash, and worse: what was not synced is gone, too. */
  crash(at: number): void {
    const life = this.lives[at];
    if (life === undefined) return;
    life.alive = false;
    this.lives[at] = undefined;
    this.disks[at] = this.disks[at]!.crash(this.#entropy());
    this.network.kill(this.names[at]!);
  }

  connect(at: number): void {
    this.connected[at] = true;
    for (const [other, name] of this.names.entries()) if (other !== at && this.connected[other]!) this.network.enable(this.names[at]!, name, true);
  }

  disconnect(at: number): void {
    this.connected[at] = false;
    for (const [other, name] of this.names.entries()) if (other !== at) this.network.enable(this.names[at]!, name, false);
  }

  replica(at: number): Replica | undefined {
    return this.lives[at]?.member.replica(1);
  }

  rpcs(): number {
    return this.network.rpcs - this.#rpcsBefore;
  }

  bytes(): number {
    return this.network.bytes - this.#bytesBefore;
  }

  /** Waits for it while time passes. */
  async settle<T>(promise: Promise<T>, ms = 120_000): Promise<T> {
    let done = false;
    const marked = promise.finally(() => {
      done = true;
    });
    marked.catch(() => undefined);
    const end = this.clock.now() + ms;
    while (!done && this.clock.now() < end) await this.clock.advance(1);
    if (!done) throw new Error(`not over in ${ms} ms\n${this.logged.slice(-30).join('\n')}`);
    return marked;
  }

  /** The scenario is over: nobody failed, and the labs' 120 s were not used up. */
  end(name: string, ops: number, limits: readonly LabLimit[] = []): void {
    for (const life of this.lives) if (life?.failure !== undefined) throw new Error(`a member failed: ${String((life.failure as Error).stack)}\n${this.logged.slice(-30).join('\n')}`);
    const seconds = (this.clock.now() - this.#startedAt) / 1000;
    const all: LabLimit[] = [{ what: 's', is: seconds, most: 120 }, ...limits];
    for (const { what, is, most } of all) if (!(is <= most)) throw new Error(`${name}: ${is} ${what}, at most ${most} are allowed`);
    labRow({ name, seconds, peers: this.names.length, rpcs: this.rpcs(), bytes: this.bytes(), ops, limits, realMs: performance.now() - this.#realStart });
  }
}
