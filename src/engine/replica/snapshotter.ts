// When a group's snapshots are taken, sent and thrown away. Taking one pins the state (O(1)) and writes it out in
// the background; the log's prefix goes only once the file and its marker are durable.

import { configurationAt } from '../../core/raft/index.ts';
import type { GroupId, LogIndex, MemberId, SnapshotMarker } from '../../core/raft/index.ts';
import type { Log } from '../log/index.ts';
import type { Peers } from '../peers/peers.ts';
import type { Logger, Ports } from '../ports.ts';
import { compactionAt } from './compaction.ts';
import type { CommitRound } from './commit-round.ts';
import type { ReplicaOptions } from './options.ts';
import type { Replica } from './replica.ts';
import { removeOldSnapshots, restoreSnapshot, snapshotPath, writeSnapshot } from './snapshot-file.ts';
import { sendSnapshotFile } from './snapshots.ts';
import type { MachineFactory, StateMachine, StateSnapshot } from './state-machine.ts';
import { WitnessMachine } from './witness-machine.ts';

/** The member around it. */
export interface SnapshotterHost {
  readonly ports: Ports;
  readonly logger: Logger;
  readonly identity: { readonly cluster: number; readonly member: MemberId; readonly witness: boolean };
  readonly replicaOptions: ReplicaOptions;
  readonly round: CommitRound;
  readonly log: Log | undefined;
  readonly peers: Peers;
  replica(group: GroupId): Replica | undefined;
}

const restMs = 1000;

export class Snapshotter {
  readonly #member: SnapshotterHost;
  readonly #group: GroupId;
  readonly #machines: MachineFactory;
  readonly #directory: string;
  #busy: Promise<void> | undefined;
  #newest: SnapshotMarker | undefined;
  readonly #sending = new Set<MemberId>();
  /** Up to where the snapshot reaches that was sent to a member last. Behind it the log stays, or it would never catch up. */
  readonly #sentUpTo = new Map<MemberId, LogIndex>();
  /** Of the log that the newest snapshot holds. */
  #keptBytes = 0;
  #closed = false;
  /** After one that failed, by the clock. */
  #restsUntil = -Infinity;
  taken = 0;
  sent = 0;

  constructor(member: SnapshotterHost, group: GroupId, machines: MachineFactory, directory: string) {
    this.#member = member;
    this.#group = group;
    this.#machines = machines;
    this.#directory = directory;
  }

  /** Called after applying: is the log long enough to be worth a snapshot? */
  applied(): void {
    const { log, replicaOptions } = this.#member;
    if (this.#busy !== undefined || this.#closed || log === undefined || this.#member.ports.clock.now() < this.#restsUntil) return;
    const replica = this.#member.replica(this.#group)!;
    // What follows the entry calls again.
    if (replica.isInEntry) return;
    const { bytes, appliedIndex } = replica.machine;
    const last = this.#newest?.index ?? 0;
    if (appliedIndex <= last) return;
    const isLong = log.bytes(this.#group) - Math.max(this.#keptBytes, replicaOptions.tailBytes) >= Math.max(replicaOptions.snapshotLogBytes, bytes / 2);
    if (!isLong && appliedIndex - last < replicaOptions.snapshotLogEntries) return;
    this.#busy = this.#take()
      .catch((error: unknown) => {
        const { clock } = this.#member.ports;
        this.#member.logger.log('error', 'a snapshot could not be taken', { group: this.#group, error: String(error) });
        // A disk that is full now is full in the next turn of the loop, too.
        this.#restsUntil = clock.now() + restMs;
        clock.after(restMs, () => this.applied());
      })
      .finally(() => {
        this.#busy = undefined;
        // What was applied meanwhile may be worth the next.
        this.applied();
      });
  }

  async load(marker: SnapshotMarker): Promise<StateMachine> {
    if (this.#member.identity.witness) {
      this.#newest = marker;
      return new WitnessMachine(marker.index, marker.term);
    }
    const path = snapshotPath(this.#directory, this.#group, marker);
    const machine = await restoreSnapshot(this.#member.ports, path, this.#machines.restore(this.#group));
    this.#newest = marker;
    // What the log says of it may still be on its way to the disk; until it is there, a start would look for the one before.
    this.#member.round.submit([], () => this.#removeOld(path));
    return machine;
  }

  #removeOld(keep: string): void {
    removeOldSnapshots(this.#member.ports.disk, this.#directory, this.#group, keep, this.#busy !== undefined).catch((error: unknown) => {
      this.#member.logger.log('warn', 'old snapshots could not be removed', { group: this.#group, error: String(error) });
    });
  }

  /** Streams the newest snapshot to the member, once at a time, and tells Raft how it went. */
  send(to: MemberId): void {
    if (this.#sending.has(to) || this.#closed) return;
    this.#sending.add(to);
    void this.#send(to)
      .catch((error: unknown) => {
        this.#member.logger.log('warn', 'a snapshot could not be sent', { to, error: String(error) });
        return false;
      })
      .then((ok) => {
        this.#sending.delete(to);
        if (ok) this.sent++;
        this.#member.replica(this.#group)?.enqueue({ type: 'snapshotSent', member: to, ok });
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#busy;
  }

  async #send(to: MemberId): Promise<boolean> {
    const marker = this.#newest;
    const replica = this.#member.replica(this.#group);
    if (marker === undefined || replica === undefined) return false;
    const { identity, peers, ports, replicaOptions } = this.#member;
    const offer = { group: this.#group, from: identity.member, term: replica.raft.state.term, marker };
    this.#sentUpTo.set(to, marker.index);
    this.#member.logger.log('info', 'sends a snapshot', { to, index: marker.index });
    return sendSnapshotFile(ports, this.#directory, offer, (handlers) => peers.bulk(to, handlers), replicaOptions.snapshotBytesPerSecond);
  }

  async #take(): Promise<void> {
    const { ports, identity, logger, replicaOptions } = this.#member;
    const replica = this.#member.replica(this.#group)!;
    const { appliedIndex: index, appliedTerm: term } = replica.machine;
    const marker: SnapshotMarker = {
      index, term, producer: identity.member, id: ports.random.uint32(),
      configuration: configurationAt(replica.raft.state, index),
    };
    const started = ports.clock.now();
    const file = identity.witness ? undefined : await this.#write(marker, replica.machine.snapshot());
    if (this.#closed) return;
    // A snapshot from the leader may have replaced everything while this one was written.
    if (replica.raft.state.log.offset >= index) return file === undefined ? undefined : ports.disk.remove(file.path);
    const { tailBytes, followerTailBytes = 4 * tailBytes } = replicaOptions;
    const keepsNothing = { through: index, keptBytes: 0 };
    const { through, keptBytes } = identity.witness ? keepsNothing : compactionAt(replica.raft.state.log, index, this.#held(), { tailBytes, followerTailBytes });
    const isDurable = await new Promise<boolean>((resolve) => {
      // The file is durable; then its marker; and only behind the marker may the prefix go.
      this.#member.round.submit([
        { type: 'snapshot', group: this.#group, marker, reset: false },
        { type: 'drop', group: this.#group, through },
      ], () => resolve(true), () => resolve(false));
    });
    if (!isDurable) {
      // The log has failed, and the member with it (law 6): there will be no other.
      this.#closed = true;
      return;
    }
    // The leader's may have come while this one's marker was on its way.
    if (marker.index > (this.#newest?.index ?? 0)) this.#newest = marker;
    this.#keptBytes = keptBytes;
    this.taken++;
    replica.enqueue({ type: 'compact', index: through });
    if (file !== undefined) await removeOldSnapshots(ports.disk, this.#directory, this.#group, file.path);
    logger.log('info', 'took a snapshot', { group: this.#group, index, bytes: file?.bytes ?? 0, ms: Math.round(ports.clock.now() - started) });
  }

  #write(marker: SnapshotMarker, snapshot: StateSnapshot): Promise<{ readonly path: string; readonly bytes: number }> {
    const { ports, identity, replicaOptions } = this.#member;
    const header = { group: this.#group, cluster: identity.cluster, marker };
    return writeSnapshot(ports, this.#directory, header, snapshot, replicaOptions.snapshotBytesPerSecond);
  }

  /** How far each holds the log who will need what follows: by appends, or once the snapshot sent to it has come. */
  #held(): readonly LogIndex[] {
    const { progress } = this.#member.replica(this.#group)!.raft.state;
    for (const id of this.#sentUpTo.keys()) if (progress.get(id)?.mode !== 'snapshot' && !this.#sending.has(id)) this.#sentUpTo.delete(id);
    const heard = [...progress].filter(([, { mode, active, wasActive }]) => mode !== 'snapshot' && (active || wasActive));
    return [...heard.map(([, { match }]) => match), ...this.#sentUpTo.values()];
  }
}
