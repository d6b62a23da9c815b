// A member: one process's share of the cluster. It owns the data directory, the log that all its groups write to,
// the links to the other members and one clock, and hosts a replica per group.

import { emptyBytes } from '../../core/bytes.ts';
import { OperationError } from '../../core/errors.ts';
import { toId } from '../../core/ids.ts';
import { clusterVersions } from '../../core/kv/index.ts';
import { describeConfiguration, describeRole, encodeConfiguration, EntryKind, configurationOf, noConfiguration, noHardState } from '../../core/raft/index.ts';
import type { Configuration, GroupId, MemberId, MemberInfo, Message, SnapshotMarker } from '../../core/raft/index.ts';
import { newHello } from '../../core/wire/index.ts';
import type { Hello } from '../../core/wire/index.ts';
import { openLog } from '../log/index.ts';
import type { Log } from '../log/index.ts';
import type { SnapshotOffer } from '../peers/frames.ts';
import { Peers } from '../peers/peers.ts';
import { DiskError } from '../ports.ts';
import type { Connection, Disk, Ports } from '../ports.ts';
import { CommitRound } from '../replica/commit-round.ts';
import { defaultReplicaOptions } from '../replica/options.ts';
import type { ReplicaOptions } from '../replica/options.ts';
import { Replica } from '../replica/replica.ts';
import type { ReplicaHost } from '../replica/replica.ts';
import { sleep } from '../slice.ts';
import { Snapshotter } from '../replica/snapshotter.ts';
import type { SnapshotterHost } from '../replica/snapshotter.ts';
import type { MachineFactory, StateMachine } from '../replica/state-machine.ts';
import { SnapshotReceiver } from '../replica/snapshots.ts';
import { witnessMachines } from '../replica/witness-machine.ts';
import { Autopilot } from './autopilot.ts';
import { awaitBirth } from './birth.ts';
import { Acquaintances, readIdentity, writeIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import { clusterIdOf, founderIdOf, foundersOf } from './options.ts';
import type { MemberOptions, Place } from './options.ts';
import { restoredFrom } from './recovery.ts';
import { readSmallFile, writeSmallFile } from './small-file.ts';
import { Ticker } from './ticker.ts';

export const kvGroup: GroupId = 1;
const snapshotDirectory = 'snapshots';
const removedGraceMs = 100;
const promisesPath = 'promises';

export class Member implements ReplicaHost, SnapshotterHost {
  readonly options: MemberOptions;
  readonly identity: Omit<Identity, 'birth'>;
  readonly ports: Ports;
  readonly clock: Ports['clock'];
  readonly logger: Ports['logger'];
  readonly replicaOptions: ReplicaOptions;
  readonly replicas: Map<GroupId, Replica> = new Map();
  readonly peers: Peers;
  /** Settles, with the reason, when this member must stop and not be restarted as it is. */
  readonly failed: Promise<OperationError>;
  readonly startedAt: number;
  /** Whoever tells clients about the leader of the KV group sets this. */
  onLeadChanged: () => void = () => undefined;
  round!: CommitRound;
  log: Log | undefined;
  readonly #machines: MachineFactory;
  readonly #snapshotters = new Map<GroupId, Snapshotter>();
  readonly #receivers = new Map<MemberId, SnapshotReceiver>();
  readonly #lock: { release(): Promise<void> };
  #fail!: (error: OperationError) => void;
  readonly #autopilot: Autopilot;
  /** Undefined: a founder, or one that has run before. */
  #place: Place | undefined;
  #ticker: Ticker | undefined;
  #closed = false;
  /** Its last life voted for nobody for a while after each heartbeat. */
  #hasPromised = false;
  /** Until what was promised in an earlier life has run out; 0: nothing is left of it. */
  #promiseTicks = 0;
  #removed = false;

  private constructor(ports: Ports, options: MemberOptions, machines: MachineFactory, acquaintances: Acquaintances, lock: { release(): Promise<void> }, found: Found) {
    const { token } = options.cluster;
    this.options = options;
    this.ports = ports;
    this.clock = ports.clock;
    this.logger = ports.logger;
    this.startedAt = ports.clock.now();
    this.replicaOptions = { ...defaultReplicaOptions, ...options.replica };
    this.identity = { cluster: clusterIdOf(token), member: found.id, name: options.name, witness: found.witness };
    this.#place = found.place;
    this.#autopilot = new Autopilot(this.replicaOptions.promoteAfterTicks);
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#machines = found.witness ? witnessMachines : machines;
    this.#lock = lock;
    const hello = newHello('control', this.identity.cluster, this.identity.member, this.clusterVersionMax);
    this.peers = new Peers(ports, hello, acquaintances, {
      message: (group, message) => {
        // A state comes in chunks, and only a witness, which has none, is told of a snapshot without one.
        if (message.type === 'snapshot' && !this.identity.witness) this.logger.log('warn', 'a snapshot without a state is refused', { from: message.from });
        else this.#receive(group, message);
      },
      unreachable: (member, refused) => this.#unreachable(member, refused),
      removed: () => this.#beRemoved(),
      hasRun: () => [...this.replicas.values()].some((replica) => replica.raft.lastIndex > 1),
      snapshotFrame: (from, type, body, reply) => this.#receiver(from).frame(type, body, reply),
      snapshotConnectionClosed: (from, reply) => this.#receivers.get(from)?.closed(reply),
    });
  }

  /** Takes the data directory. What is wrong with it is thrown here; {@link start} does the rest. */
  static async open(ports: Ports, options: MemberOptions, machines: MachineFactory): Promise<Member> {
    const founders = foundersOf(options);
    if (options.join === undefined && !founders.some(({ name }) => name === options.name)) {
      throw new OperationError({ code: 'INVALID_CONFIG', detail: `"${options.name}" is not in the initial cluster` });
    }
    if (new Set(founders.map(({ name }) => name)).size < founders.length) {
      throw new OperationError({ code: 'INVALID_CONFIG', detail: 'two members of the initial cluster have the same name' });
    }
    const lock = await usable(ports.disk);
    try {
      const found = await identify(ports.disk, options);
      return new Member(ports, options, machines, await Acquaintances.open(ports.disk), lock, found);
    } catch (error) {
      await lock.release();
      throw error instanceof DiskError ? diskFailed(error) : error;
    }
  }

  /** Recovers, or is born; returns when the replicas run. Peers must be able to reach `acceptPeer` meanwhile. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      throw error instanceof DiskError ? diskFailed(error) : error;
    }
  }

  async #start(): Promise<void> {
    const { disk } = this.ports;
    let identity = await readIdentity(disk, this.identity);
    this.peers.setMembers(this.#founders);
    if (identity === undefined) {
      await this.#awaitBirth();
      const { random } = this.ports;
      identity = { ...this.identity, birth: toId(random.uint32(), random.uint32()) };
      await this.#openLog();
      if (this.#place === undefined) await this.#writeFirstEntry(this.#founders.map(({ id }) => id));
      else await this.log!.write([{ type: 'hardState', group: kvGroup, hardState: noHardState }]);
      await writeIdentity(disk, identity);
    } else {
      await this.#openLog();
      // A crash between the directory's first log and its identity leaves a log and no identity: that is a birth
      // that did not happen. The other way round cannot be.
      if (this.log!.groups().length === 0) throw new OperationError({ code: 'DATA_LOST', detail: 'the data directory has an identity, but its log is gone' });
    }
    if (this.#closed) return;
    await this.#keepPromises();
    this.round = new CommitRound(this.log!, (error) => this.fatal(error));
    for (const group of this.log!.groups()) await this.#openReplica(group);
    this.#followConfiguration();
    this.peers.introduce(identity.birth);
    this.#ticker = new Ticker(this.clock, this.replicaOptions.tickMs, () => {
      for (const replica of this.replicas.values()) replica.tick();
      this.#tickPromises();
      this.#promote();
    });
  }

  /** Whom this member was told of before its log could tell. */
  get #founders(): readonly MemberInfo[] {
    return this.#place?.members ?? foundersOf(this.options);
  }

  #awaitBirth(): Promise<void> {
    return awaitBirth({
      clock: this.clock,
      logger: this.logger,
      answers: this.peers.askForBirth(),
      others: () => this.#founders.map(({ id }) => id).filter((id) => id !== this.identity.member),
      renew: this.#place === undefined ? undefined : () => this.#renewPlace(),
      closed: () => this.#closed,
    });
  }

  async #renewPlace(): Promise<void> {
    let place: Place;
    try {
      place = await this.options.join!();
    } catch (error) {
      if (!(error instanceof OperationError && error.code === 'INVALID_CONFIG')) {
        return this.logger.log('warn', 'asked who the members are, in vain', { error: String(error) });
      }
      throw new OperationError({ code: 'MEMBER_REMOVED' }, { cause: error });
    }
    // Under its name there is another's place by now.
    if (place.id !== this.identity.member) throw new OperationError({ code: 'MEMBER_REMOVED' });
    this.#place = place;
    this.peers.setMembers(place.members);
  }

  /** A connection whose hello said that a peer dialed it, already answered. */
  acceptPeer(connection: Connection, hello: Hello, firstBytes: Uint8Array): void {
    if (this.#closed) return connection.destroy();
    this.peers.accept(connection, hello, firstBytes);
  }

  replica(group: GroupId): Replica | undefined {
    return this.replicas.get(group);
  }

  /** The configuration that rules the KV's group. */
  get configuration(): Configuration {
    const replica = this.replicas.get(kvGroup);
    return replica === undefined ? noConfiguration : configurationOf(replica.raft.state);
  }

  /** The newest cluster version that this member says it knows. */
  get clusterVersionMax(): number {
    return Math.min(this.options.clusterVersionMax ?? clusterVersions.highest, clusterVersions.highest);
  }

  /** Syncs of the log, and the persists they carried. */
  get syncCounts(): { readonly syncs: number; readonly persists: number } {
    const round = this.round as CommitRound | undefined;
    return { syncs: round?.syncs ?? 0, persists: round?.submissions ?? 0 };
  }

  /** The longest delay of a tick since the last call. */
  takeLoopDelayMs(): number {
    const latest = this.#ticker?.latestMs ?? 0;
    if (this.#ticker !== undefined) this.#ticker.latestMs = 0;
    return latest;
  }

  /** Gives leadership away, if we lead, to whom is most up to date; waits for it, but not for long. */
  async handOver(timeoutMs = 2000): Promise<void> {
    const end = this.clock.now() + timeoutMs;
    for (const replica of this.replicas.values()) {
      if (!replica.raft.isLeader) continue;
      let best: [MemberId, number] | undefined;
      const { voters, witnesses } = replica.raft.configuration;
      for (const [id, progress] of replica.raft.state.progress) {
        if (!voters.includes(id) || witnesses.includes(id)) continue;
        if (progress.active && (best === undefined || progress.match > best[1])) best = [id, progress.match];
      }
      if (best === undefined) continue;
      replica.enqueue({ type: 'transfer', member: best[0] });
      while (replica.raft.isLeader && this.clock.now() < end) await sleep(this.clock, 5);
    }
  }

  /** Resolves when `target` leads, rejects when it does not within an election timeout. */
  async moveLeader(target: MemberId): Promise<void> {
    const { raft } = this.replicas.get(kvGroup)!;
    const end = this.clock.now() + this.replicaOptions.tickMs * this.replicaOptions.electionTicks;
    this.replicas.get(kvGroup)!.enqueue({ type: 'transfer', member: target });
    while (raft.state.lead !== target) {
      if (this.clock.now() > end) throw new OperationError({ code: 'TIMEOUT', detail: 'the leadership did not move' });
      await sleep(this.clock, 5);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#ticker?.stop();
    for (const replica of this.replicas.values()) replica.close();
    this.peers.close();
    for (const snapshotter of this.#snapshotters.values()) await snapshotter.close();
    await this.log?.close().catch(() => undefined);
    await this.#lock.release();
  }

  // ── what replicas ask ──────────────────────────────────────────────────────────────────────────────────────────

  send(group: GroupId, message: Message): void {
    this.peers.send(group, message);
  }

  encodeBatch(commands: readonly Uint8Array[]): Uint8Array {
    return this.#machines.encodeBatch(this.clock.wallNow(), commands);
  }

  restamp(batch: Uint8Array): void {
    this.#machines.restamp(batch, this.clock.wallNow());
  }

  sendSnapshot(group: GroupId, to: MemberId): void {
    this.#snapshotters.get(group)?.send(to);
  }

  loadSnapshot(group: GroupId, marker: SnapshotMarker): Promise<StateMachine> {
    return this.#snapshotters.get(group)!.load(marker);
  }

  appliedTo(group: GroupId): void {
    this.#snapshotters.get(group)?.applied();
  }

  leadChanged(group: GroupId): void {
    const { state } = this.replicas.get(group)!.raft;
    const nameOf = (member: MemberId): string => this.configuration.members.find(({ id }) => id === member)?.name ?? String(member);
    this.logger.log('info', describeRole(state, nameOf), { group, term: state.term, role: state.role });
    if (group !== kvGroup) return;
    this.#followConfiguration();
    this.onLeadChanged();
  }

  configurationChanged(group: GroupId): void {
    const { state } = this.replicas.get(group)!.raft;
    this.logger.log('info', 'the members are others', { group, configuration: describeConfiguration(configurationOf(state)) });
    if (group !== kvGroup) return;
    this.#followConfiguration();
    const committed = state.configurations.findLast(({ index }) => index <= state.log.committed);
    this.peers.setRemoved(committed?.configuration.removed ?? []);
    if (this.replicas.get(group)!.raft.isRemoved) this.#beRemoved();
  }

  /** After this the member acknowledges nothing more (law 6); the process is to end. */
  fatal(error: unknown): void {
    if (this.#closed) return;
    const failure = error instanceof OperationError ? error
      : error instanceof DiskError ? diskFailed(error)
      : new OperationError({ code: 'INTERNAL', detail: String(error) }, { cause: error });
    this.logger.log('error', 'the member must stop', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    this.#fail(failure);
    for (const replica of this.replicas.values()) replica.close();
    this.#ticker?.stop();
    this.peers.close();
  }

  /** It takes part in nothing any more. A moment later, so that what it says last (that it is committed) leaves. */
  #beRemoved(): void {
    if (this.#closed || this.#removed) return;
    this.#removed = true;
    this.logger.log('warn', 'this member was removed from the cluster: it stops');
    for (const replica of this.replicas.values()) replica.removed();
    this.clock.after(removedGraceMs, () => {
      if (this.#closed) return;
      this.#fail(new OperationError({ code: 'MEMBER_REMOVED' }));
      for (const replica of this.replicas.values()) replica.close();
      this.#ticker?.stop();
    });
  }

  #promote(): void {
    const replica = this.replicas.get(kvGroup);
    const id = replica === undefined ? undefined : this.#autopilot.tick(replica.raft);
    // Under a ref that nobody waits for; refused, it is tried again with the next tick.
    if (id !== undefined) replica!.enqueue({ type: 'change', ref: 0, changes: [{ type: 'promote', id }] });
  }

  // ── inside ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #openLog(): Promise<void> {
    this.log = await openLog(this.ports, {
      directory: 'log',
      cluster: this.identity.cluster,
      member: this.identity.member,
      durability: this.options.durability ?? 'fsync',
      ...(this.options.segmentBytes === undefined ? {} : { segmentBytes: this.options.segmentBytes }),
    });
    const { report } = this.log;
    if (report.cutBytes > 0) this.logger.log('warn', 'a torn tail was cut from the log', { ...report });
  }

  /** The first configuration is entry 1 of group 1, the same on every founder, and so committed by being known. */
  async #writeFirstEntry(voters: readonly MemberId[]): Promise<void> {
    // Not by the group's presence: a crash may have torn this very batch and left the hard state alone.
    if (this.log!.state(kvGroup).lastIndex > 0) return;
    const configuration: Configuration = { ...noConfiguration, voters, members: foundersOf(this.options) };
    await this.log!.write([
      { type: 'hardState', group: kvGroup, hardState: { term: 1, vote: 0, commit: 1 } },
      { type: 'entries', group: kvGroup, entries: [{ index: 1, term: 1, kind: EntryKind.configuration, data: encodeConfiguration(configuration) }] },
    ]);
  }

  /**
   * What was promised for a lease outlives the process, and the setting: who made promises in its last life keeps them
   * in this one, though it makes no new ones, and forgets them once all have run out.
   */
  async #keepPromises(): Promise<void> {
    const { disk } = this.ports;
    const { electionTicks, leaseDriftMax } = this.replicaOptions;
    this.#hasPromised = (await readSmallFile(disk, promisesPath, 1)) !== undefined;
    if (leaseDriftMax !== undefined) return this.#hasPromised ? undefined : writeSmallFile(disk, promisesPath, 1, emptyBytes);
    if (!this.#hasPromised) return;
    this.#promiseTicks = 2 * electionTicks;
  }

  /** In ticks, as promises are kept: they come late, but never early, however a clock may jump. */
  #tickPromises(): void {
    if (this.#promiseTicks === 0 || --this.#promiseTicks > 0) return;
    this.#hasPromised = false;
    for (const { raft } of this.replicas.values()) raft.forgetPromises();
    void this.ports.disk.remove(promisesPath).catch(() => undefined);
  }

  async #openReplica(group: GroupId): Promise<void> {
    const log = this.log!;
    const snapshotter = new Snapshotter(this, group, this.#machines, snapshotDirectory);
    this.#snapshotters.set(group, snapshotter);
    const { marker } = log.state(group);
    const machine = marker === undefined ? this.#machines.empty(group) : await snapshotter.load(marker);
    const restored = await restoredFrom(log, group, machine.appliedIndex);
    const { electionTicks, heartbeatTicks, tickMs, leaseDriftMax } = this.replicaOptions;
    // The first tick may come at once, and the one after half a tick later (ticker.ts).
    const loyaltyMs = leaseDriftMax === undefined ? 0 : (electionTicks - 2) * tickMs;
    const lease = leaseDriftMax === undefined && !this.#hasPromised ? {} : { lease: { loyaltyMs, driftMax: leaseDriftMax ?? 0 } };
    const replica = new Replica(group, machine, this, this.replicaOptions, {
      id: this.identity.member, seed: this.ports.random.uint32(), electionTicks, heartbeatTicks,
      appendBytesMax: this.replicaOptions.appendBytesMax, inflightMax: 256, inflightBytesMax: 16 << 20, uncommittedBytesMax: 64 << 20, ...lease,
    }, restored);
    this.replicas.set(group, replica);
  }

  #followConfiguration(): void {
    const replica = this.replicas.get(kvGroup);
    if (replica === undefined) return;
    // Whoever is leaving is spoken to until that is committed: it may be the leader, who waits for our word.
    const { configurations, log } = replica.raft.state;
    const committed = Math.max(0, configurations.findLastIndex(({ index }) => index <= log.committed));
    const members = new Map<MemberId, MemberInfo>();
    for (const { configuration } of configurations.slice(committed)) for (const member of configuration.members) members.set(member.id, member);
    if (members.size > 0) this.peers.setMembers([...members.values()]);
  }

  #receive(group: GroupId, message: Message): void {
    this.replicas.get(group)?.enqueue({ type: 'receive', message });
  }

  #unreachable(member: MemberId, refused: boolean): void {
    for (const replica of this.replicas.values()) {
      replica.enqueue({ type: 'unreachable', member });
      if (refused) replica.enqueue({ type: 'lost', member });
    }
  }

  #receiver(from: MemberId): SnapshotReceiver {
    let receiver = this.#receivers.get(from);
    if (receiver === undefined) {
      const wanted = (offer: SnapshotOffer): boolean => offer.marker.index > (this.replicas.get(offer.group)?.machine.appliedIndex ?? Infinity);
      const arrived = (offer: SnapshotOffer): void => {
        this.#receive(offer.group, { type: 'snapshot', from: offer.from, to: this.identity.member, term: offer.term, marker: offer.marker });
      };
      receiver = new SnapshotReceiver(this.ports, snapshotDirectory, this.identity.cluster, from, wanted, arrived);
      this.#receivers.set(from, receiver);
    }
    return receiver;
  }
}

function diskFailed(error: DiskError): OperationError {
  return new OperationError({ code: 'DISK_FAILED', detail: `the disk failed: ${error.message}` }, { cause: error });
}

interface Found {
  readonly id: MemberId;
  readonly witness: boolean;
  readonly place: Place | undefined;
}

/** Whose directory it is; a new one is the founder's of this name, or that of the place it was given. */
async function identify(disk: Disk, options: MemberOptions): Promise<Found> {
  const { token } = options.cluster;
  const stored = await readIdentity(disk, { cluster: clusterIdOf(token), name: options.name });
  if (stored !== undefined) return { id: stored.member, witness: stored.witness, place: undefined };
  if (options.join === undefined) return { id: founderIdOf(token, options.name), witness: false, place: undefined };
  const place = await options.join();
  if (place.learner) return { id: place.id, witness: place.witness, place };
  throw new OperationError({
    code: 'DATA_LOST',
    detail: `the cluster counts on "${options.name}", whose data directory is empty: remove the member and add it again`,
  });
}

async function usable(disk: Disk): Promise<{ release(): Promise<void> }> {
  try {
    await disk.makeDirectory(snapshotDirectory);
    return await disk.lock('');
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (error.code === 'IN_USE') throw new OperationError({ code: 'DATA_DIR_IN_USE' }, { cause: error });
    if (error.code === 'IO') throw diskFailed(error);
    throw new OperationError({ code: 'DATA_DIR_UNUSABLE', detail: error.message }, { cause: error });
  }
}

