// A few members, their disks and the network between them, in one thread and one seed: the same seed is the same
// world, step by step. The engine's part (persist, then send; apply; snapshots) is played as simply as can be.

import { nextBelow, nextUint32, nextUnit, seedRandom } from '../../src/core/random.ts';
import type { RandomState } from '../../src/core/random.ts';
import { Raft, Role, allMembers, configurationAt, configurationOf, defaultRaftOptions, describeState, noConfiguration } from '../../src/core/raft/index.ts';
import type { Change, Configuration, Input, LogIndex, MemberId, Message, RaftOptions, Ready, SnapshotMarker } from '../../src/core/raft/index.ts';
import { RaftClaims } from './raft-claims.ts';
import { RaftDisk } from './raft-disk.ts';
import { RaftNetwork } from './raft-network.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly voters: number;
  readonly learners?: number;
  /** Of the voters, the last so many. */
  readonly witnesses?: number;
  readonly raft?: Partial<RaftOptions>;
  /** Units a sync takes, at most. @default 2 */
  readonly diskLatencyMax?: number;
  /** Reads by lease: clocks may differ in rate by so much, and some do. */
  readonly driftMax?: number;
  /** Entries applied in one go. @default 8 */
  readonly applyMax?: number;
}

export class WorldNode {
  readonly id: MemberId;
  readonly disk: RaftDisk;
  readonly isWitness: boolean;
  raft: Raft | undefined;
  inputs: Input[] = [];
  paused = false;
  /** Its disk takes writes and finishes none. */
  stalled = false;
  incarnation = 0;
  /** How fast its clock goes; no faster than a tick a unit. */
  rate = 1;
  /** It was removed and knows it: it never runs again. */
  gone = false;
  /** The state machine: how far it is, and a hash of everything it applied. */
  applied: LogIndex = 0;
  hash = 0;
  restoring: SnapshotMarker | undefined;
  /** Snapshot files, by marker id: the state they hold. */
  readonly files = new Map<number, number>();
  newest: SnapshotMarker | undefined;

  constructor(id: MemberId, disk: RaftDisk, isWitness: boolean) {
    this.id = id;
    this.disk = disk;
    this.isWitness = isWitness;
  }
}

interface Asked {
  readonly at: MemberId;
  readonly incarnation: number;
  readonly floor: LogIndex;
}

export class RaftWorld {
  readonly options: WorldOptions;
  readonly random: RandomState;
  readonly network: RaftNetwork;
  readonly nodes: WorldNode[];
  readonly configuration: Configuration;
  readonly claims: RaftClaims;
  now = 0;
  /** Called for each step, for scripts that tell the story. */
  onStep: ((node: WorldNode, inputs: readonly Input[], ready: Ready) => void) | undefined;
  /** The state after applying an index, the same for everybody. */
  readonly #states = new Map<LogIndex, number>();
  readonly reads = new Map<number, Asked>();
  readonly proposals = new Map<number, { readonly at: MemberId; readonly incarnation: number; readonly what: string }>();
  readonly outcomes = { appended: 0, noLeader: 0, overloaded: 0, lost: 0, served: 0, refused: 0, snapshots: 0, resets: 0, cuts: 0 };
  /** Units for which somebody could read by its lease. */
  leased = 0;
  readonly changes = new Map<number, MemberId>();
  /** What became of changes of membership, by reason. */
  readonly changed: Record<string, number> = {};
  #nextRef = 1;
  #nextFile = 1;
  #shipping = new Map<string, { readonly due: number; readonly term: number }>();

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = seedRandom(options.seed);
    this.network = new RaftNetwork(seedRandom(options.seed + 1_000_003));
    const ids = Array.from({ length: options.voters + (options.learners ?? 0) }, (_, index) => index + 1);
    const [voters, learners] = [ids.slice(0, options.voters), ids.slice(options.voters)];
    const witnesses = voters.slice(options.voters - (options.witnesses ?? 0));
    this.configuration = { voters, outgoing: [], learners, witnesses, members: [] };
    this.nodes = ids.map((id) => new WorldNode(id, new RaftDisk(this.configuration), witnesses.includes(id)));
    this.claims = new RaftClaims(this.nodes);
    for (const node of this.nodes) this.start(node);
  }

  node(id: MemberId): WorldNode {
    return this.nodes[id - 1]!;
  }

  /** Somebody new: it knows nobody, until a leader that was told of it speaks. */
  grow(isWitness = false): WorldNode {
    const node = new WorldNode(this.nodes.length + 1, new RaftDisk(noConfiguration), isWitness);
    this.nodes.push(node);
    this.start(node);
    return node;
  }

  change(node: WorldNode, changes: readonly Change[], joint = false): number {
    const ref = this.#nextRef++;
    this.changes.set(ref, node.id);
    this.give(node, { type: 'change', ref, changes, joint });
    return ref;
  }

  /** Everybody in the newest configuration of whoever leads. */
  get members(): readonly WorldNode[] {
    const raft = this.leader?.raft;
    if (raft === undefined) return this.nodes.filter(({ gone }) => !gone);
    const members = allMembers(configurationOf(raft.state));
    return this.nodes.filter(({ id }) => members.includes(id));
  }

  start(node: WorldNode): void {
    if (node.gone) return;
    node.incarnation++;
    const { marker } = node.disk.image;
    node.newest = marker;
    node.applied = marker?.index ?? 0;
    node.hash = marker === undefined || node.isWitness ? 0 : node.files.get(marker.id)!;
    node.restoring = undefined;
    node.inputs = [];
    const seed = nextUint32(this.random);
    const options = { ...defaultRaftOptions, ...this.options.raft, id: node.id, seed };
    const { driftMax } = this.options;
    if (driftMax !== undefined) node.rate = 1 / (1 + driftMax * nextUnit(this.random));
    const lease = driftMax === undefined ? {} : { lease: { loyaltyMs: options.electionTicks - 2, driftMax } };
    node.raft = new Raft({ ...options, ...lease }, node.disk.restored(node.applied));
  }

  /** What was not synced is lost, but for a prefix of it now and then. */
  crash(node: WorldNode, survivors = nextUnit(this.random) < 0.3 ? nextBelow(this.random, 8) : 0): void {
    node.disk.crash(survivors);
    node.raft = undefined;
    node.paused = false;
    this.claims.forget(node.id);
    for (const key of this.#shipping.keys()) if (key.startsWith(`${node.id}>`)) this.#shipping.delete(key);
    for (const asked of [this.reads, this.proposals]) for (const [ref, { at }] of asked) if (at === node.id) asked.delete(ref);
    for (const [ref, at] of this.changes) if (at === node.id) this.changes.delete(ref);
  }

  give(node: WorldNode, ...inputs: Input[]): void {
    if (node.raft !== undefined) node.inputs.push(...inputs);
  }

  propose(node: WorldNode, bytes: number): number {
    const ref = this.#nextRef++;
    const data = new Uint8Array(Math.max(bytes, 8));
    new DataView(data.buffer).setUint32(0, ref);
    this.proposals.set(ref, { at: node.id, incarnation: node.incarnation, what: `1:${Array.from(data.subarray(0, 12)).join(',')}+${data.length}` });
    this.give(node, { type: 'propose', ref, data });
    return ref;
  }

  read(node: WorldNode): number {
    const ref = this.#nextRef++;
    this.reads.set(ref, { at: node.id, incarnation: node.incarnation, floor: this.claims.commitIndex });
    this.give(node, { type: 'read', ref });
    return ref;
  }

  /** One unit of time: what is due arrives, disks sync, everybody who can takes a turn. */
  advance(tick: (node: WorldNode) => boolean = () => true): void {
    this.now++;
    for (const message of this.network.arrivals(this.now)) this.#deliver(message);
    this.#shipSnapshots();
    for (const node of this.nodes) {
      if (node.raft === undefined || node.paused) continue;
      if (!node.stalled) node.disk.sync(this.now);
      if (tick(node)) node.inputs.push({ type: 'tick', now: Math.floor(this.now * node.rate) });
      this.turn(node);
    }
    if (this.options.driftMax !== undefined) for (const node of this.nodes) this.#checkLease(node);
  }

  /** Whoever may read without asking knows of everything that is committed, and so misses nothing that was answered. */
  #checkLease(node: WorldNode): void {
    if (node.raft === undefined || node.raft.leaseUntil <= this.now * node.rate) return;
    this.leased++;
    const { committed } = node.raft.state.log;
    if (committed < this.claims.commitIndex) throw new Error(`${node.id} reads by its lease at ${committed}, and ${this.claims.commitIndex} is committed\n${this.describe()}`);
  }

  /** Who was removed is told so when it knocks, now and then; until then it may go on disturbing. */
  #deliver(message: Message): void {
    // Its process may not have been started yet.
    const to = this.nodes[message.to - 1];
    if (to === undefined) return;
    const state = to.raft?.state;
    const removed = state?.configurations.findLast(({ index }) => index <= state.log.committed)?.configuration.removed ?? [];
    if (removed.includes(message.from) && nextBelow(this.random, 2) === 0) return this.#stop(this.node(message.from));
    this.give(to, { type: 'receive', message });
  }

  #stop(node: WorldNode): void {
    if (node.raft !== undefined) this.crash(node, 0);
    node.gone = true;
  }

  turn(node: WorldNode): void {
    if (node.raft === undefined || node.inputs.length === 0) return;
    const { inputs } = node;
    node.inputs = [];
    const ready = node.raft.step(inputs);
    this.onStep?.(node, inputs, ready);
    this.claims.afterStep(node, ready);
    this.#carryOut(node, ready);
    if (node.raft.isRemoved) this.#stop(node);
  }

  #carryOut(node: WorldNode, ready: Ready): void {
    const { persist, messagesAfterPersist } = ready;
    if (persist !== undefined || messagesAfterPersist.length > 0) {
      node.disk.submit(persist, this.#diskDue(), () => {
        for (const message of messagesAfterPersist) this.#send(node, message);
        if (persist === undefined) return;
        const last = persist.entries.at(-1);
        this.give(node, { type: 'persisted', seq: persist.seq, index: last?.index ?? 0, term: last?.term ?? 0 });
      });
    }
    if (persist?.cutFrom !== undefined) this.outcomes.cuts++;
    for (const message of ready.messages) this.#send(node, message);
    for (const { ref, index } of ready.reads) this.#answered(node, ref, index);
    for (const outcome of ready.proposals) {
      const asked = this.proposals.get(outcome.ref);
      if (asked === undefined) throw new Error(`proposal ${outcome.ref} was answered twice, or after its asker died`);
      this.proposals.delete(outcome.ref);
      this.outcomes[outcome.outcome]++;
      if (outcome.outcome !== 'appended') continue;
      const what = this.claims.whatIs(outcome.index, outcome.term);
      if (what !== undefined && what !== asked.what) throw new Error(`proposal ${outcome.ref} is said to be at ${outcome.index}/${outcome.term}, where ${what} is`);
    }
    for (const outcome of ready.changes) {
      if (!this.changes.delete(outcome.ref)) throw new Error(`change ${outcome.ref} was answered twice, or after its asker died`);
      const what = outcome.outcome === 'refused' ? outcome.reason : outcome.outcome;
      this.changed[what] = (this.changed[what] ?? 0) + 1;
    }
    for (const to of ready.snapshotsWanted) this.#ship(node, to);
    if (ready.restore !== undefined) {
      node.restoring = ready.restore;
      this.outcomes.resets++;
    }
    this.#apply(node);
  }

  #answered(node: WorldNode, ref: number, index: LogIndex | undefined): void {
    const asked = this.reads.get(ref);
    if (asked === undefined) throw new Error(`read ${ref} was answered twice, or after its asker died`);
    this.reads.delete(ref);
    if (index === undefined) this.outcomes.refused++;
    else this.outcomes.served++;
    if (index !== undefined && index < asked.floor) throw new Error(`a read at ${node.id} is served at ${index} though ${asked.floor} was committed before it was asked`);
  }

  #diskDue(): number {
    return this.now + nextBelow(this.random, (this.options.diskLatencyMax ?? 2) + 1);
  }

  #send(node: WorldNode, message: Message): void {
    this.claims.leaves(node, message);
    this.network.send(message, this.now);
  }

  #apply(node: WorldNode): void {
    const raft = node.raft!;
    const from = node.applied;
    if (node.restoring !== undefined) {
      node.applied = node.restoring.index;
      node.hash = node.isWitness ? 0 : node.files.get(node.restoring.id)!;
      node.newest = node.restoring;
      node.restoring = undefined;
    }
    const to = Math.min(raft.state.log.committed, node.applied + (this.options.applyMax ?? 8));
    for (const entry of raft.committedEntries(node.applied + 1, to, 1 << 20)) {
      if (entry.index !== node.applied + 1) throw new Error('entries are applied in order');
      node.applied = entry.index;
      if (node.isWitness) continue;
      let hash = Math.imul(node.hash ^ entry.index, 0x9e3779b1) ^ entry.term;
      for (const byte of entry.data.subarray(0, 8)) hash = Math.imul(hash ^ byte, 0x85ebca6b);
      node.hash = hash;
      const known = this.#states.get(entry.index);
      if (known !== undefined && known !== hash) throw new Error(`the state of ${node.id} differs at ${entry.index}`);
      this.#states.set(entry.index, hash);
    }
    if (node.applied !== from) node.inputs.push({ type: 'applied', index: node.applied, digest: node.isWitness ? '' : String(node.hash) });
  }

  /** A snapshot of the state as it is, and a prefix of the log gone: `keep` entries stay before it. */
  compact(node: WorldNode, keep: number): void {
    const raft = node.raft!;
    const index = node.applied;
    if (index <= (node.newest?.index ?? 0) || index <= raft.state.log.offset) return;
    const marker: SnapshotMarker = { index, term: raft.termAt(index)!, configuration: configurationAt(raft.state, index), producer: node.id, id: this.#nextFile++ };
    node.files.set(marker.id, node.hash);
    const through = Math.max(raft.state.log.offset, index - keep);
    node.disk.submitMark(marker, through, this.#diskDue(), () => {
      node.newest = marker;
      this.give(node, { type: 'compact', index: through });
    });
  }

  /** The bytes travel beside the messages; the receiver holds them durably, then hears of it. */
  #ship(from: WorldNode, to: MemberId): void {
    const key = `${from.id}>${to}`;
    if (this.#shipping.has(key)) return;
    this.#shipping.set(key, { due: this.now + 3 + nextBelow(this.random, 10), term: from.raft!.state.term });
  }

  #shipSnapshots(): void {
    for (const [key, { due, term }] of this.#shipping) {
      if (due > this.now) continue;
      this.#shipping.delete(key);
      const [from, to] = key.split('>').map((id) => this.node(Number(id))) as [WorldNode, WorldNode];
      const marker = from.newest;
      const ok = marker !== undefined && to.raft !== undefined && !this.network.isCut(from.id, to.id) && !this.network.isCut(to.id, from.id);
      if (ok && from.raft !== undefined) {
        to.files.set(marker.id, from.files.get(marker.id)!);
        this.network.send({ from: from.id, to: to.id, term, type: 'snapshot', marker }, this.now);
        this.outcomes.snapshots++;
      }
      this.give(from, { type: 'snapshotSent', member: to.id, ok });
    }
  }

  get leader(): WorldNode | undefined {
    const leaders = this.nodes.filter(({ raft }) => raft?.state.role === Role.leader);
    return leaders.toSorted((a, b) => b.raft!.state.term - a.raft!.state.term)[0];
  }

  describe(): string {
    return this.nodes.map(({ id, raft, paused }) => (raft === undefined ? `${id} is down` : `${describeState(raft.state)}${paused ? ' (paused)' : ''}`)).join('\n');
  }
}
