// What a replica may be told. Numbers with their reasons.

export interface ReplicaOptions {
  /** A tick of Raft's clock. @default 50 */
  readonly tickMs: number;
  /** Ticks, see RaftOptions: 1.5 s, so that a pause of a second causes no election; a leader whose process died is noticed by its connection, in milliseconds. @default 30 */
  readonly electionTicks: number;
  /** @default 2 */
  readonly heartbeatTicks: number;
  /** Bytes of commands in one entry. @default 1 MiB */
  readonly batchBytesMax: number;
  /** Bytes of commands not yet in an entry; more is refused as OVERLOADED. @default 64 MiB */
  readonly queueBytesMax: number;
  /** Bytes of one append's entries: larger ones keep heartbeats waiting behind them. @default 1 MiB */
  readonly appendBytesMax: number;
  /** A snapshot is taken when the log has grown by this, or by half the state, whichever is more. @default 32 MiB */
  readonly snapshotLogBytes: number;
  /** Or when so many entries were applied since the last. @default 100 000 */
  readonly snapshotLogEntries: number;
  /** Bytes of log kept behind a snapshot for followers that are a little late. @default 8 MiB */
  readonly tailBytes: number;
  /** Bytes kept beyond that for a follower that is heard and lacks them: more, and it is sent the state. @default 4 · tailBytes */
  readonly followerTailBytes?: number;
  /** A learner that joins is promoted once it has been caught up for so many ticks; Infinity: by hand alone. @default 10 */
  readonly promoteAfterTicks: number;
  /**
   * Reads by lease: by how much the rates of two members' clocks may differ at most, 0.1 for a tenth. Costs a failover
   * the election timeout even where a leader's process is seen to be gone. Where clocks differ by more, or a leader's
   * machine is suspended whole, a read by lease may be stale. @default none: no leases
   */
  readonly leaseDriftMax?: number;
  /** Snapshot bytes written or sent per second. @default 64 MiB */
  readonly snapshotBytesPerSecond: number;
}

export const defaultReplicaOptions: ReplicaOptions = {
  tickMs: 50,
  electionTicks: 30,
  heartbeatTicks: 2,
  batchBytesMax: 1 << 20,
  queueBytesMax: 64 << 20,
  appendBytesMax: 1 << 20,
  snapshotLogBytes: 32 << 20,
  snapshotLogEntries: 100_000,
  tailBytes: 8 << 20,
  promoteAfterTicks: 10,
  snapshotBytesPerSecond: 64 << 20,
};
