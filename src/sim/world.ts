// Whole members, as production runs them, over the doubles: each a process that can die, pause and start again, on a
// machine with a disk of its own, in one network and one time.

import { OperationError } from '../core/errors.ts';
import { nextUint32, seedRandom } from '../core/random.ts';
import { crc32c } from '../core/wire/index.ts';
import { Client } from '../engine/client/index.ts';
import { Member } from '../engine/member/member.ts';
import type { MemberOptions, Place } from '../engine/member/options.ts';
import { KvService } from '../engine/member/service.ts';
import { NativeServer, acceptHello } from '../engine/native/index.ts';
import type { MemberId } from '../core/raft/index.ts';
import type { LogLevel, Ports, Random } from '../engine/ports.ts';
import type { KvMachine } from '../engine/replica/kv-machine.ts';
import { kvMachines } from '../engine/replica/kv-machine.ts';
import type { Replica } from '../engine/replica/replica.ts';
import { VirtualClock } from './clock.ts';
import type { Drain } from './clock.ts';
import { SimDisk } from './disk.ts';
import type { CrashReport, DiskCall } from './disk.ts';
import { Incarnation } from './incarnation.ts';
import { LabWorldNetwork } from './labs-preset.ts';
import { SimNetwork } from './network.ts';
import type { LinkConditions, SimNetworkOptions, WorldNetwork } from './network.ts';
import type { LabConditions } from './schedule.ts';
import { Trace } from './trace.ts';

/** One process. */
export interface Life {
  readonly at: number;
  readonly incarnation: Incarnation;
  readonly number: number;
  member: Member | undefined;
  service: KvService | undefined;
  started: boolean;
}

/** One machine and what runs on it. */
export interface Machine {
  readonly at: number;
  readonly name: string;
  disk: SimDisk;
  life: Life | undefined;
  lives: number;
  /** One of those with which the cluster began; the others were added to it. */
  readonly founder: boolean;
  /** Of the member that runs here, or ran. */
  id: MemberId | undefined;
  /** Why the last process stopped by itself. */
  failure: OperationError | undefined;
}

export interface WorldOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly replica?: MemberOptions['replica'];
  readonly segmentBytes?: number;
  readonly durability?: 'fsync' | 'os';
  readonly delayMs?: readonly [number, number];
  readonly windowBytes?: number;
  /** The labs' network instead. */
  readonly labs?: LabConditions | undefined;
  readonly diskDelayMs?: number;
  readonly syncDelayMs?: number;
  readonly drain?: Drain | undefined;
  readonly trace?: Trace | undefined;
  /** Told of every line that a member or a client logs. */
  readonly logged?: (who: string, level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>) => void;
  /** A process stopped by itself. */
  readonly stopped?: (machine: Machine, failure: OperationError) => void;
  /** A member exists, and has not started yet. */
  readonly opened?: (machine: Machine, life: Life) => void;
}

/** Founders, and all that ever join. */
export const machinesMax = 32;
const sweepMs = 1000;
const placeMs = 5000;

export class World {
  readonly clock: VirtualClock;
  readonly network: WorldNetwork;
  readonly trace: Trace;
  /** Grows with those who join. */
  readonly machines: readonly Machine[] = [];
  readonly clients: Client[] = [];
  readonly losses: CrashReport = { torn: 0, lost: 0, lostEntries: 0 };
  /** Called before every call of a disk or of a connection of a member's. */
  onPortCall: (machine: Machine, call?: DiskCall) => void = () => undefined;
  readonly #options: WorldOptions;
  readonly #kinds = new Map<string, Map<string, string>>();

  constructor(options: WorldOptions) {
    const { seed, nodes = 3 } = options;
    this.#options = options;
    this.trace = options.trace ?? new Trace();
    this.clock = new VirtualClock(undefined, options.drain);
    const observe: NonNullable<SimNetworkOptions['observe']> = (kind, from, to, bytes) => this.trace.event(this.clock.now(), to, this.#kindOf(kind, from), bytes === undefined ? 0 : crc32c(bytes));
    const { labs, delayMs = [0, 2], windowBytes = 256 << 10 } = options;
    this.network = labs === undefined ? new SimNetwork(this.clock, seed, { delayMs, windowBytes, observe }) : new LabWorldNetwork(this.clock, seed, labs, observe);
    for (let at = 0; at < nodes; at++) this.#build(true);
  }

  /** One machine more, on which nothing runs yet. */
  build(): Machine {
    return this.#build(false);
  }

  /** The same string every time: it is looked up for every delivery. */
  #kindOf(kind: string, from: string): string {
    let ofHost = this.#kinds.get(from);
    if (ofHost === undefined) this.#kinds.set(from, (ofHost = new Map()));
    let found = ofHost.get(kind);
    if (found === undefined) ofHost.set(kind, (found = `${kind} ${from}`));
    return found;
  }

  #build(founder: boolean): Machine {
    const { seed, diskDelayMs = 0, syncDelayMs = 0 } = this.#options;
    const at = this.machines.length;
    const disk = new SimDisk(this.clock, entropy(seed, `disk ${at}`));
    Object.assign(disk.faults, { delayMs: diskDelayMs, syncDelayMs });
    const machine: Machine = { at, name: `n${at + 1}`, disk, life: undefined, lives: 0, founder, id: undefined, failure: undefined };
    (this.machines as Machine[]).push(machine);
    return machine;
  }

  /** Begins a process; it goes on starting while time passes. */
  start(at: number): Life {
    const machine = this.machines[at]!;
    if (machine.life !== undefined) return machine.life;
    const incarnation = new Incarnation(this.clock);
    const life: Life = { at, incarnation, number: ++machine.lives, member: undefined, service: undefined, started: false };
    machine.life = life;
    machine.failure = undefined;
    this.network.revive(machine.name);
    machine.disk = machine.disk.exit(incarnation.clock);
    machine.disk.observe = (kind, path, bytes) => {
      let digest = 0;
      for (const part of bytes) digest = crc32c(part, digest);
      this.trace.event(this.clock.now(), machine.name, `${kind} ${path}`, digest);
      this.onPortCall(machine, kind);
    };
    this.note(machine.name, 'start');
    void this.#boot(machine, life);
    return life;
  }

  /** The process dies here and now, without a word. With `power` the machine does, and its disk forgets what was not synced. */
  crash(at: number, how: 'exit' | 'power' = 'power'): void {
    const machine = this.machines[at]!;
    machine.life?.incarnation.kill();
    machine.life = undefined;
    this.network.kill(machine.name);
    machine.disk = how === 'power' ? machine.disk.crash(entropy(this.#options.seed, `power ${at} ${machine.lives}`), this.losses) : machine.disk.exit();
    this.note(machine.name, how);
  }

  /** As `crash`, and what the disk held is gone. */
  loseDisk(at: number): void {
    this.crash(at);
    const machine = this.machines[at]!;
    const { faults } = machine.disk;
    machine.disk = new SimDisk(this.clock, entropy(this.#options.seed, `new disk ${at} ${machine.lives}`));
    Object.assign(machine.disk.faults, faults);
    this.note(machine.name, 'lost disk');
  }

  link(from: number, to: number, conditions: LinkConditions | undefined): void {
    this.network.link(this.machines[from]!.name, this.machines[to]!.name, conditions);
  }

  /** A client of the cluster, on a machine of its own that never fails. */
  connect(name: string, timeoutMs: number): Client {
    const client = new Client(
      { endpoints: this.#founders().map((machine) => `${machine.name}:1`), name, timeoutMs },
      { clock: this.clock, random: entropy(this.#options.seed, `client ${name}`), network: this.network.of(name), logger: this.#logger(name) },
    );
    this.clients.push(client);
    return client;
  }

  #founders(): readonly Machine[] {
    return this.machines.filter(({ founder }) => founder);
  }

  /** Asks the cluster for the place that was made for this machine, as `thole serve --join` does. */
  async #placeOf({ name }: Machine, { incarnation, number, at }: Life): Promise<Place> {
    const { clock } = incarnation;
    const endpoints = this.machines.filter((machine) => machine.name !== name).map((machine) => `${machine.name}:1`);
    const random = entropy(this.#options.seed, `place ${at} ${number}`);
    const client = new Client({ endpoints, name, timeoutMs: placeMs }, { clock, random, network: this.network.of(name, incarnation.gate), logger: this.#logger(name) });
    try {
      const members = await client.agreedMembers();
      const found = members.find((member) => member.name === name);
      if (found === undefined) throw new OperationError({ code: 'INVALID_CONFIG', detail: `the cluster has no member "${name}" yet` });
      return { id: found.id, learner: found.learner, witness: found.witness === true, members };
    } finally {
      await client.close();
    }
  }

  replicaOf(machine: Machine): Replica | undefined {
    return machine.life?.member?.replica(1);
  }

  /** The leader of the newest term. */
  leader(): Machine | undefined {
    let best: Machine | undefined;
    for (const machine of this.machines) {
      const raft = machine.life?.started === true ? this.replicaOf(machine)?.raft : undefined;
      if (raft?.isLeader === true && raft.state.term > (best === undefined ? 0 : this.replicaOf(best)!.raft.state.term)) best = machine;
    }
    return best;
  }

  kvOf(machine: Machine): KvMachine['kv'] | undefined {
    return (this.replicaOf(machine)?.machine as KvMachine | undefined)?.kv;
  }

  /** Something worth a line of the trace, and a part of its hash. */
  note(who: string, kind: string, detail?: unknown): void {
    this.trace.event(this.clock.now(), who, kind, 0, detail);
  }

  /** Lets time pass until the condition holds: true; or until `ms` have passed. */
  async until(condition: () => boolean, ms: number): Promise<boolean> {
    const outcome = await this.clock.until(condition, this.clock.now() + ms);
    if (outcome === 'dry') throw new Error('nothing is pending in virtual time, and yet the run waits: for something only the real world could settle');
    return outcome === 'reached';
  }

  async #boot(machine: Machine, life: Life): Promise<void> {
    const { incarnation } = life;
    const { clock } = incarnation;
    try {
      const { seed, segmentBytes = 64 << 10, durability = 'fsync' } = this.#options;
      const logger = this.#logger(machine.name, life);
      const network = this.#watched(machine, incarnation);
      const ports: Ports = { clock, random: entropy(seed, `life ${machine.at} ${life.number}`), disk: machine.disk, network, logger };
      const member = await Member.open(ports, {
        name: machine.name,
        cluster: { token: 'sim', members: this.#founders().map(({ name }) => ({ name, address: `${name}:1` })) },
        ...(machine.founder ? {} : { join: () => this.#placeOf(machine, life) }),
        version: 'sim',
        durability,
        segmentBytes,
        replica: { snapshotBytesPerSecond: 1e9, ...this.#options.replica },
      }, kvMachines);
      const service = new KvService(member);
      const native = new NativeServer(service, { clock, logger });
      machine.id = member.identity.member;
      life.member = member;
      life.service = service;
      member.onLeadChanged = () => native.announceLeader();
      this.#options.opened?.(machine, life);
      void member.failed.then((failure) => this.#stopped(machine, life, failure));
      const { cluster, member: id } = member.identity;
      await network.listen({ host: machine.name, port: 1 }, (connection) =>
        acceptHello(connection, { clock, logger, cluster, member: id }, (accepted, hello, rest) => {
          if (hello.purpose === 'client') native.serve(accepted, rest);
          else member.acceptPeer(accepted, hello, rest);
        }),
      );
      await member.start();
      life.started = true;
      this.note(machine.name, 'started');
      const sweep = (): void => {
        service.keepHouse();
        clock.after(sweepMs, sweep);
      };
      clock.after(sweepMs, sweep);
    } catch (error) {
      this.#stopped(machine, life, error instanceof OperationError ? error : new OperationError({ code: 'INTERNAL', detail: String((error as Error).stack ?? error) }, { cause: error }));
    }
  }

  /** The process ends itself, as `thole serve` would. */
  #stopped(machine: Machine, life: Life, failure: OperationError): void {
    if (machine.life !== life) return;
    this.crash(machine.at, 'exit');
    machine.failure = failure;
    this.note(machine.name, `stopped ${failure.code}`, failure.message);
    this.#options.stopped?.(machine, failure);
  }

  /** The network of a process, whose every write is a place to die. */
  #watched(machine: Machine, incarnation: Incarnation): Ports['network'] {
    const network = this.network.of(machine.name, incarnation.gate);
    return {
      listen: (address, onConnection) => network.listen(address, onConnection),
      dial: (address, options) => {
        this.onPortCall(machine);
        // Who has just died dials nobody, and never hears that it has not.
        return incarnation.isDead ? new Promise(() => undefined) : network.dial(address, options);
      },
    };
  }

  #logger(who: string, life?: Life): Ports['logger'] {
    return {
      log: (level, message, facts = {}) => {
        if (life?.incarnation.isDead === true) return;
        this.trace.event(this.clock.now(), who, `log ${message}`, 0, facts);
        this.#options.logged?.(who, level, message, facts);
      },
    };
  }
}

/** A generator of its own for every purpose, so that one more roll here does not change what is rolled there. */
export function entropy(seed: number, purpose: string): Random {
  let mixed = seed;
  for (let at = 0; at < purpose.length; at++) mixed = (Math.imul(mixed, 0x01000193) ^ purpose.charCodeAt(at)) | 0;
  const state = seedRandom(mixed >>> 0);
  return { uint32: () => nextUint32(state) };
}
