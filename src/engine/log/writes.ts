// What can be written to the log, and how far it came.

import type { Ports } from '../ports.ts';
import type { Configuration, Entry, GroupId, HardState, LogIndex, SnapshotMarker } from '../../core/raft/index.ts';

export type LogWrite =
  /** Contiguous; the first follows the group's last. */
  | { readonly type: 'entries'; readonly group: GroupId; readonly entries: readonly Entry[] }
  /** Suffix truncation: entries from here on are void. The hard state is written again in the same durable step. */
  | { readonly type: 'cut'; readonly group: GroupId; readonly from: LogIndex }
  | { readonly type: 'hardState'; readonly group: GroupId; readonly hardState: HardState }
  /** After the snapshot's file is durable. `reset`: it replaces everything, the log goes on behind it. */
  | { readonly type: 'snapshot'; readonly group: GroupId; readonly marker: SnapshotMarker; readonly reset: boolean }
  /** Prefix truncation, at most up to the marker. */
  | { readonly type: 'drop'; readonly group: GroupId; readonly through: LogIndex };

export interface GroupState {
  readonly hardState: HardState;
  readonly marker: SnapshotMarker | undefined;
  readonly configuration: Configuration;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
}

/** What opening found. */
export interface RecoveryReport {
  readonly segments: number;
  readonly records: number;
  /** Bytes of a torn tail that were removed, and from where; 0: none. */
  readonly cutBytes: number;
  readonly cutFile: string;
  readonly cutOffset: number;
  /** The number of the first record that was torn: as many records are whole, less one. */
  readonly cutIndex: number;
  /** Index files that were missing or said something else than their segment, and were written again. */
  readonly indexesRebuilt: number;
}

export type LogPorts = Pick<Ports, 'disk' | 'random' | 'logger' | 'clock'>;

export interface LogOptions {
  readonly directory: string;
  readonly cluster: number;
  readonly member: number;
  /** A segment's size; a record larger than that gets a segment of its own. @default 64 MiB */
  readonly segmentBytes?: number;
  /** `os`: a write is done when the operating system has it; a power cut may take the last of them. @default 'fsync' */
  readonly durability?: 'fsync' | 'os';
}
