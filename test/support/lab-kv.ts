// The labs' KV harness: members that serve real clients over the labs' network, and the labs' generic test.

import { expect } from 'vitest';
import { Client } from '../../src/engine/client/index.ts';
import { KvMachine, kvMachines } from '../../src/engine/replica/kv-machine.ts';
import type { MachineFactory } from '../../src/engine/replica/state-machine.ts';
import { Kv, KvRestore } from '../../src/core/kv/index.ts';
import { Checker, kv as kvModel } from '../../src/core/linear/index.ts';
import type { KvInput, KvOutput, Operation } from '../../src/core/linear/index.ts';
import { text } from '../../src/core/bytes.ts';
import { nextUint32 } from '../../src/core/random.ts';
import { electionTimeoutMs, LabCluster } from './lab-cluster.ts';
import type { LabOptions } from './lab-cluster.ts';
import type { LabLimit } from './lab-table.ts';

/** The labs' bound on the log is absolute; the product lets the log grow with the state, which it is told is none here. */
class BoundedKvMachine extends KvMachine {
  override get bytes(): number {
    return 0;
  }
}

const boundedMachines: MachineFactory = {
  ...kvMachines,
  empty: () => new BoundedKvMachine(new Kv()),
  restore: () => {
    const restore = new KvRestore();
    return { add: (block) => restore.add(block), finish: () => new BoundedKvMachine(restore.finish()) };
  },
};

/** The labs' maxraftstate, and the bound that its first edition sets on the log. */
export const maxRaftState = 1000;
export const logBytesMax: number = 2 * maxRaftState;

export interface LabKvOptions extends Omit<LabOptions, 'machines'> {
  /** Snapshots as soon as the log is longer than {@link maxRaftState} allows. */
  readonly snapshots?: boolean;
}

/** What a clerk does between two calls: a processor takes no time here, and an endless loop would be one. */
const thinkMs = 50;

export class LabKv extends LabCluster {
  ops = 0;
  #clients = 0;
  readonly history: Operation<KvInput, KvOutput>[] = [];

  constructor(members: number, options: LabKvOptions) {
    // Half of the bound: the other half is for what is appended while a snapshot is on its way to the disk.
    const bounded = { snapshotLogBytes: maxRaftState / 2, tailBytes: 0 };
    super(members, {
      ...options,
      ...(options.snapshots === true ? { replica: bounded, segmentBytes: 4096 } : {}),
      machines: () => (options.snapshots === true ? boundedMachines : kvMachines),
    });
  }

  static async begin(members: number, options: LabKvOptions = {}): Promise<LabKv> {
    const lab = new LabKv(members, options);
    await lab.startAll();
    return lab;
  }

  /** A client that reaches only these members. */
  clerk(reaches: readonly number[] = [...this.names.keys()]): Clerk {
    const name = `c${++this.#clients}`;
    const clerk = new Clerk(this, name);
    clerk.reach(reaches);
    return clerk;
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }

  /** Members see whom they share a side with. */
  partition(...sides: readonly (readonly number[])[]): void {
    const sideOf = (at: number): number => sides.findIndex((side) => side.includes(at));
    for (const a of this.names.keys()) for (const b of this.names.keys()) if (a < b) this.network.enable(this.names[a]!, this.names[b]!, sideOf(a) === sideOf(b));
  }

  connectAll(): void {
    this.partition([...this.names.keys()]);
  }

  leader(): number {
    return this.names.findIndex((_, at) => this.replica(at)?.raft.isLeader);
  }

  /** Of the longest log: bytes of records that recovery would read. */
  get logBytes(): number {
    return Math.max(...this.lives.map((life) => life?.member.log?.bytes(1) ?? 0));
  }

  /** Of the largest snapshot file on any disk. */
  get snapshotBytes(): number {
    const files = this.disks.flatMap((disk) => [...disk.contents()].filter(([path]) => path.startsWith('snapshots/')));
    return Math.max(0, ...files.map(([, bytes]) => bytes.length));
  }

  /** Is the history one that a single copy could have had? */
  checkHistory(): void {
    const checker = new Checker(kvModel(), this.history);
    let verdict: string | undefined;
    for (let steps = 0; verdict === undefined && steps < 2000; steps++) verdict = checker.step(10_000);
    expect(verdict).toBe('ok');
  }
}

export class Clerk {
  readonly name: string;
  readonly client: Client;
  readonly #lab: LabKv;

  constructor(lab: LabKv, name: string) {
    this.#lab = lab;
    this.name = name;
    this.client = new Client(
      { endpoints: lab.names.map((each) => `${each}:1`), timeoutMs: 110_000, attemptTimeoutMs: 500 },
      { clock: lab.clock, random: { uint32: () => nextUint32(lab.random) }, network: lab.network.of(name), logger: { log: () => undefined } },
    );
  }

  reach(members: readonly number[]): void {
    for (const [at, name] of this.#lab.names.entries()) this.#lab.network.enable(this.name, name, members.includes(at));
  }

  async put(key: string, value: string): Promise<void> {
    await this.#recorded({ f: 'put', key, value }, () => this.client.kv.put(key, value).then(() => null));
  }

  async append(key: string, value: string): Promise<void> {
    await this.#recorded({ f: 'append', key, value }, () => this.client.kv.append(key, value).then(() => null));
  }

  /** '' for a key that is not there. */
  async get(key: string): Promise<string> {
    const value = await this.#recorded({ f: 'get', key }, () => this.client.kv.get(key).then(({ kv }) => (kv === undefined ? null : text(kv.value))));
    return value ?? '';
  }

  async #recorded(input: KvInput, call: () => Promise<string | null>): Promise<string | null> {
    const called = this.#lab.clock.now();
    const answer = await call();
    this.#lab.ops++;
    this.#lab.history.push({ client: this.name, input, output: answer, call: called, return: this.#lab.clock.now() });
    return answer;
  }
}

export function tokenOf(client: number, n: number): string {
  return `x ${client} ${n} y`;
}

/** Every append of the client's is there, once, in order. */
export function expectAppends(value: string, client: number, count: number): void {
  let last = -1;
  for (let n = 0; n < count; n++) {
    const token = tokenOf(client, n);
    const at = value.indexOf(token);
    if (at < 0) expect.fail(`${token} is not there`);
    if (value.includes(token, at + 1)) expect.fail(`${token} is there twice`);
    if (at <= last) expect.fail(`${token} is out of order`);
    last = at;
  }
}

export interface GenericOptions {
  readonly clients: number;
  readonly members?: number;
  readonly unreliable?: boolean;
  readonly crash?: boolean;
  readonly partitions?: boolean;
  readonly snapshots?: boolean;
  /** Any client any key, and the whole history judged; otherwise a key each, and appends counted. */
  readonly linearizable?: boolean;
}

/** Three rounds of five seconds. */
export async function genericTest(name: string, options: GenericOptions): Promise<void> {
  const { clients, members = 5, unreliable = false, crash = false, partitions = false, snapshots = false, linearizable = false } = options;
  const lab = await LabKv.begin(members, { unreliable, snapshots });
  const clerks = Array.from({ length: clients }, () => lab.clerk());
  const keeper = lab.clerk();
  const all = [...lab.names.keys()];
  let isOver = false;
  let largestLog = 0;
  let worstLog = 0;
  const counts = clerks.map(() => 0);

  const stories = async (client: number): Promise<void> => {
    const clerk = clerks[client]!;
    const key = `${client}`;
    let last = '';
    let n = 0;
    if (!linearizable) await clerk.put(key, last);
    while (!isOver) {
      await lab.pause(clients < 15 ? thinkMs : 2 * thinkMs);
      const any = `${lab.below(clients)}`;
      const dice = lab.below(1000);
      if (linearizable) {
        if (dice < 500) await clerk.append(any, tokenOf(client, n++));
        else if (dice < 600) await clerk.put(any, tokenOf(client, n++));
        else await clerk.get(any);
      } else if (dice < 500) {
        await clerk.append(key, tokenOf(client, n));
        last += tokenOf(client, n++);
      } else expect(await clerk.get(key), `what client ${client} wrote`).toBe(last);
    }
    counts[client] = n;
  };
  const partitioner = async (): Promise<void> => {
    while (!isOver) {
      const side = all.map(() => lab.below(2));
      lab.partition(all.filter((at) => side[at] === 0), all.filter((at) => side[at] === 1));
      await lab.pause(electionTimeoutMs + lab.below(200));
    }
  };
  // The labs' KV keeps no history; ours does until it is told to forget, so somebody tells it, as operators do.
  const compactor = async (): Promise<void> => {
    while (!isOver) {
      await lab.pause(250);
      worstLog = Math.max(worstLog, lab.logBytes);
      const { revision } = await keeper.client.kv.get('0');
      await keeper.client.kv.compact(revision).catch((error: unknown) => expect(error).toMatchObject({ code: 'COMPACTED' }));
    }
  };

  for (let round = 0; round < 3; round++) {
    isOver = false;
    const tellers = Promise.all(clerks.map((_, client) => stories(client)));
    const compacting = compactor();
    tellers.catch(() => undefined);
    compacting.catch(() => undefined);
    let partitioning: Promise<void> | undefined;
    if (partitions) {
      await lab.sleep(1000);
      partitioning = partitioner();
    }
    await lab.sleep(5000);
    isOver = true;
    if (partitioning !== undefined) {
      await lab.settle(partitioning);
      lab.connectAll();
      await lab.sleep(electionTimeoutMs);
    }
    if (crash) {
      for (const at of all) lab.crash(at);
      await lab.sleep(electionTimeoutMs);
      for (const at of all) await lab.start(at);
    }
    await lab.settle(Promise.all([tellers, compacting]));
    if (!linearizable) {
      for (const client of clerks.keys()) {
        const value = await lab.settle(clerks[client]!.get(`${client}`));
        expectAppends(value, client, counts[client]!);
        expect(value).toBe(Array.from({ length: counts[client]! }, (_, n) => tokenOf(client, n)).join(''));
      }
    }
    if (snapshots) largestLog = Math.max(largestLog, lab.logBytes);
  }
  if (linearizable) lab.checkHistory();
  const limits: LabLimit[] = snapshots ? [
    { what: 'bytes of log after a round', is: largestLog, most: logBytesMax },
    { what: 'in it', is: worstLog, most: 8 * maxRaftState },
  ] : [];
  expect(lab.ops).toBeGreaterThan(clients * 10);
  if (snapshots) expect(lab.snapshotBytes, 'snapshots were taken').toBeGreaterThan(0);
  lab.end(name, lab.ops, limits);
}
