// The labs' Raft harness: it hands commands to one member's Raft, as if it were the leader, and looks at what every
// member applied.

import { expect } from 'vitest';
import { EntryKind } from '../../src/core/raft/index.ts';
import { LabCluster } from './lab-cluster.ts';
import type { LabOptions } from './lab-cluster.ts';
import { encodeCommand, labMachines } from './lab-machine.ts';
import type { LabMachine } from './lab-machine.ts';

export interface Started {
  /** Among commands, from 1. */
  readonly index: number;
  readonly term: number;
}

/** Refs of the replica's own proposals count up from 1: nobody waits for the answers to ours. */
const foreignRef = 2 ** 50;

export class LabRaft extends LabCluster {
  /** What each member has applied in its present life, or had in its last. */
  readonly applied: (readonly number[])[];
  readonly #violations: string[] = [];
  /** The longest list that anybody applied: all others must be beginnings of it. */
  readonly #longest: number[] = [];
  commands = 0;
  bytesProposed = 0;

  constructor(members: number, options: Omit<LabOptions, 'machines'> = {}) {
    super(members, { ...options, machines: (at) => labMachines((values) => this.#watch(at, values)) });
    this.applied = this.names.map(() => []);
  }

  static async begin(members: number, options: Omit<LabOptions, 'machines'> = {}): Promise<LabRaft> {
    const lab = new LabRaft(members, options);
    await lab.startAll();
    return lab;
  }

  #watch(at: number, values: readonly number[]): void {
    this.applied[at] = values;
    const index = values.length - 1;
    if (values.length <= this.#longest.length) {
      if (this.#longest[index] !== values[index]) this.#violations.push(`${this.names[at]} applied ${values[index]} at ${index + 1}, another ${this.#longest[index]}`);
    } else this.#longest.push(values[index]!);
  }

  override crash(at: number): void {
    this.applied[at] = [...this.applied[at]!];
    super.crash(at);
  }

  override async start(at: number): Promise<void> {
    await super.start(at);
    this.applied[at] = [];
  }

  override end(...args: Parameters<LabCluster['end']>): void {
    expect(this.#violations).toEqual([]);
    super.end(...args);
  }

  /** Every member connected again; dead ones started. */
  async restoreAll(): Promise<void> {
    for (const at of this.names.keys()) {
      if (this.lives[at] === undefined) await this.start(at);
      this.connect(at);
    }
  }

  /** If the member believes that it leads: the command is in its log now. */
  async propose(at: number, value: number, padding = 0): Promise<Started | undefined> {
    const [started] = await this.proposeAll(at, [value], padding);
    return started;
  }

  /** In one turn, as concurrent callers would. */
  async proposeAll(at: number, values: readonly number[], padding = 0): Promise<readonly (Started | undefined)[]> {
    const replica = this.replica(at);
    if (replica === undefined || !replica.raft.isLeader) return values.map(() => undefined);
    const payloads = values.map((value) => encodeCommand(value, padding));
    for (const data of payloads) {
      this.bytesProposed += data.length;
      replica.enqueue({ type: 'propose', ref: foreignRef + this.commands++, data });
    }
    await this.clock.settle();
    const { log } = replica.raft.state;
    let index = (replica.machine as LabMachine).values.length;
    const found = new Map<Uint8Array, Started>();
    for (const entry of log.entries.slice(Math.max(0, replica.machine.appliedIndex - log.offset))) {
      if (entry.kind !== EntryKind.batch) continue;
      found.set(entry.data, { index: ++index, term: entry.term });
    }
    return payloads.map((data) => found.get(data));
  }

  /** How many applied something at the index; that nobody applied something else there is watched all the time. */
  committed(index: number): { readonly count: number; readonly value: number | undefined } {
    const values = this.applied.map((each) => each[index - 1]).filter((value) => value !== undefined);
    // Asked thousands of times: an expectation that holds is not free.
    if (values.some((value) => value !== values[0])) expect.fail(`one command at one index: ${values} at ${index}`);
    return { count: values.length, value: values[0] };
  }

  /** Agreement on one command, by whoever leads, within ten seconds. */
  async one(value: number, expected: number, retry: boolean, padding = 0): Promise<number> {
    const end = this.clock.now() + 10_000;
    for (let at = 0; this.clock.now() < end; ) {
      let started: Started | undefined;
      for (let tries = 0; tries < this.names.length && started === undefined; tries++) {
        at = (at + 1) % this.names.length;
        if (this.connected[at]!) started = await this.propose(at, value, padding);
      }
      const patience = this.clock.now() + 2000;
      while (started !== undefined && this.clock.now() < patience) {
        const { count, value: found } = this.committed(started.index);
        if (count > 0 && count >= expected && found === value) return started.index;
        await this.sleep(20);
      }
      if (started !== undefined && !retry) break;
      await this.sleep(50);
    }
    throw new Error(`no agreement on ${value} by ${expected}\n${this.logged.slice(-40).join('\n')}`);
  }

  /** What was committed at the index once `n` have it; undefined when the term has moved on. */
  async wait(index: number, n: number, startTerm: number): Promise<number | undefined> {
    for (let iteration = 0, ms = 10; iteration < 30; iteration++) {
      if (this.committed(index).count >= n) break;
      await this.sleep(ms);
      if (ms < 1000) ms *= 2;
      if (this.names.some((_, at) => (this.replica(at)?.raft.state.term ?? 0) > startTerm)) return undefined;
    }
    const { count, value } = this.committed(index);
    if (count < n) throw new Error(`only ${count} of ${n} have ${index}\n${this.logged.slice(-40).join('\n')}`);
    return value;
  }

  #leaders(): Map<number, number[]> {
    const leaders = new Map<number, number[]>();
    for (const [at, isConnected] of this.connected.entries()) {
      const raft = this.replica(at)?.raft;
      if (isConnected && raft?.isLeader) leaders.set(raft.state.term, [...(leaders.get(raft.state.term) ?? []), at]);
    }
    for (const [term, those] of leaders) expect(those, `leaders of term ${term}`).toHaveLength(1);
    return leaders;
  }

  async oneLeader(): Promise<number> {
    for (let tries = 0; tries < 10; tries++) {
      await this.sleep(450 + this.below(100));
      const leaders = this.#leaders();
      if (leaders.size > 0) return leaders.get(Math.max(...leaders.keys()))![0]!;
    }
    throw new Error(`nobody leads\n${this.logged.slice(-40).join('\n')}`);
  }

  noLeader(): void {
    expect([...this.#leaders().values()].flat()).toEqual([]);
  }

  /** The one term that all who are connected agree on. */
  terms(): number {
    const terms = new Set(this.names.flatMap((_, at) => (this.connected[at]! ? [this.replica(at)!.raft.state.term] : [])));
    expect(terms.size, 'one term').toBe(1);
    return [...terms][0]!;
  }

  isLeader(at: number): boolean {
    return this.replica(at)?.raft.isLeader === true;
  }
}
