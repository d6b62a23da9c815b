// A follower whose next entry is compacted gets the state instead (Raft §7). The bytes travel outside the core, in
// chunks; what passes here is the marker, once the receiver holds them durably.

import { lastIndex, termAt } from './log.ts';
import type { MemberId } from './entry.ts';
import type { Message } from './message.ts';
import { becomeProbe } from './progress.ts';
import { acknowledge, commitTo } from './replication.ts';
import type { Turn } from './turn.ts';

export function onSnapshot(turn: Turn, message: Message & { type: 'snapshot' }): void {
  const { state } = turn;
  const { log } = state;
  const { marker } = message;
  if (marker.index <= log.committed) return acknowledge(turn, message.from, log.committed);
  if (marker.index <= lastIndex(log) && termAt(log, marker.index) === marker.term) {
    // The log already holds that prefix: it is committed, and entries behind it are kept.
    commitTo(turn, marker.index);
    return acknowledge(turn, message.from, marker.index);
  }
  // Everything is replaced, nothing merged (law 8): entries here may be of leaders that were never followed.
  log.entries = [];
  log.offset = marker.index;
  log.offsetTerm = marker.term;
  log.committed = marker.index;
  log.durable = marker.index;
  log.handed = marker.index;
  state.configurations = [{ index: marker.index, configuration: marker.configuration }];
  turn.cutFrom = undefined;
  turn.reset = marker;
  acknowledge(turn, message.from, marker.index);
}

export function onSnapshotSent(turn: Turn, member: MemberId, ok: boolean): void {
  const progress = turn.state.progress.get(member);
  if (progress?.mode !== 'snapshot') return;
  // Arrived: its acknowledgement will come, unless it is lost. Failed: not again at once.
  progress.snapshotBackoff = ok ? turn.options.electionTicks : turn.options.heartbeatTicks * 2;
}

export function tickSnapshots(turn: Turn): void {
  for (const progress of turn.state.progress.values()) {
    if (progress.mode === 'snapshot' && progress.snapshotBackoff > 0 && --progress.snapshotBackoff === 0) becomeProbe(progress);
  }
}
