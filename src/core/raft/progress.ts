// What a leader knows of one member's log, and how fast it may talk to it.
//
// probe: one append at a time until the logs are known to meet. replicate: appends are pipelined optimistically.
// snapshot: what it needs is compacted; nothing is appended until the snapshot came.
// Invariant: 0 ≤ match < next. match never goes back (law 3).

import type { LogIndex } from './entry.ts';

export interface Inflight {
  readonly lastIndex: LogIndex;
  readonly bytes: number;
}

export interface Progress {
  mode: 'probe' | 'replicate' | 'snapshot';
  match: LogIndex;
  next: LogIndex;
  /** In probe: an append is out, wait for its answer, or for heartbeats to be answered without it. */
  paused: boolean;
  /** Appends sent and not yet answered, oldest first. */
  inflight: Inflight[];
  inflightBytes: number;
  /** Heard from since the last check of the quorum. */
  active: boolean;
  /** Heard from between the last two checks. */
  wasActive: boolean;
  /** Its port refused, and nothing was heard from it since. */
  refused: boolean;
  /** Since the last heartbeat's answer an append was sent or answered: no reason yet to think anything lost. */
  moving: boolean;
  /** The commit index it was last told with an append. */
  toldCommit: LogIndex;
  /** On the leader's clock: until then it elects nobody else. */
  promisedUntil: number;
  /** In snapshot: ticks until a failed one is tried again. */
  snapshotBackoff: number;
}

export function newProgress(next: LogIndex): Progress {
  return {
    mode: 'probe', match: 0, next, paused: false, inflight: [], inflightBytes: 0,
    active: false, wasActive: false, refused: false, moving: false, toldCommit: 0, promisedUntil: 0, snapshotBackoff: 0,
  };
}

function become(progress: Progress, mode: Progress['mode']): void {
  progress.mode = mode;
  progress.paused = false;
  progress.inflight = [];
  progress.inflightBytes = 0;
  progress.snapshotBackoff = 0;
}

export function becomeProbe(progress: Progress): void {
  become(progress, 'probe');
  progress.next = progress.match + 1;
}

export function becomeReplicate(progress: Progress): void {
  become(progress, 'replicate');
  progress.next = progress.match + 1;
}

export function becomeSnapshot(progress: Progress): void {
  become(progress, 'snapshot');
}

/** The member holds the leader's log up to `index`; false if that is no news. */
export function advance(progress: Progress, index: LogIndex): boolean {
  while (progress.inflight.length > 0 && progress.inflight[0]!.lastIndex <= index) {
    progress.inflightBytes -= progress.inflight.shift()!.bytes;
  }
  progress.next = Math.max(progress.next, index + 1);
  if (index <= progress.match) return false;
  progress.match = index;
  return true;
}

export function sent(progress: Progress, lastIndex: LogIndex, bytes: number): void {
  progress.next = lastIndex + 1;
  progress.inflight.push({ lastIndex, bytes });
  progress.inflightBytes += bytes;
}

/**
 * `rejected` is the prevIndex that did not fit. False: the answer is old (a delayed rejection must not undo what is
 * known since) and changes nothing.
 */
export function reject(progress: Progress, rejected: LogIndex, hint: LogIndex): boolean {
  if (progress.mode === 'replicate') {
    if (rejected <= progress.match) return false;
    becomeProbe(progress);
    return true;
  }
  if (progress.mode === 'snapshot' || progress.next - 1 !== rejected) return false;
  progress.next = Math.max(Math.min(rejected, hint + 1), progress.match + 1);
  progress.paused = false;
  return true;
}
