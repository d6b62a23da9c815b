// How much of the log may go once a snapshot holds it: a tail stays for followers that are a little late, and more for
// those who are heard and lack more, as long as that costs less than sending them the state.

import { entryBytes } from '../../core/raft/index.ts';
import type { LogIndex, RaftState } from '../../core/raft/index.ts';

export interface Compaction {
  /** Entries up to here go. */
  readonly through: LogIndex;
  /** Bytes of those that stay though the snapshot holds them. */
  readonly keptBytes: number;
}

export interface TailOptions {
  readonly tailBytes: number;
  readonly followerTailBytes: number;
}

/** `held`: up to where each who is being waited for holds the log; whoever lacks more than may stay is not waited for. */
export function compactionAt(log: RaftState['log'], snapshot: LogIndex, held: readonly LogIndex[], { tailBytes, followerTailBytes }: TailOptions): Compaction {
  const plain = tailOf(log, snapshot, tailBytes, log.offset);
  const waited = held.filter((index) => index >= log.offset && index < plain.through);
  if (waited.length === 0) return plain;
  const slowest = Math.min(...waited);
  const whole = tailOf(log, snapshot, tailBytes + followerTailBytes, slowest);
  if (whole.through === slowest) return whole;
  return compactionAt(log, snapshot, waited.filter((index) => index > slowest), { tailBytes, followerTailBytes });
}

/** From the snapshot back, while it fits, and no further than `floor`. */
function tailOf(log: RaftState['log'], snapshot: LogIndex, bytesMax: number, floor: LogIndex): Compaction {
  let keptBytes = 0;
  let through = snapshot;
  for (; through > floor; through--) {
    const bytes = entryBytes(log.entries[through - log.offset - 1]!);
    if (keptBytes + bytes > bytesMax) break;
    keptBytes += bytes;
  }
  return { through, keptBytes };
}
