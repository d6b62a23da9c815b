// The log as the core sees it: everything after the newest compaction, in memory. What of it is durable is the
// engine's to say.
//
//   offset            firstIndex …                 durable              lastIndex
//     │ (compacted)   │  committed ≤ lastIndex       │  handed to the engine │
//
// Invariant: offset ≤ committed ≤ lastIndex; durable ≤ handed ≤ lastIndex.

import { assert } from '../assert.ts';
import type { Entry, LogIndex, Term } from './entry.ts';

export interface RaftLog {
  /** Entries offset+1 … lastIndex. */
  entries: Entry[];
  /** The last compacted entry: its index and term are still known. */
  offset: LogIndex;
  offsetTerm: Term;
  committed: LogIndex;
  /** Up to here the engine said: durable. */
  durable: LogIndex;
  /** Up to here the engine was told to write. */
  handed: LogIndex;
}

export function lastIndex(log: RaftLog): LogIndex {
  return log.offset + log.entries.length;
}

export function lastTerm(log: RaftLog): Term {
  return log.entries.at(-1)?.term ?? log.offsetTerm;
}

/** Undefined: compacted away, or not written yet. */
export function termAt(log: RaftLog, index: LogIndex): Term | undefined {
  if (index === log.offset) return log.offsetTerm;
  return log.entries[index - log.offset - 1]?.term;
}

export function entryAt(log: RaftLog, index: LogIndex): Entry | undefined {
  return index <= log.offset ? undefined : log.entries[index - log.offset - 1];
}

/** Raft §5.4.1: compare the terms of the last entries, then the lengths. */
export function isUpToDate(log: RaftLog, index: LogIndex, term: Term): boolean {
  const own = lastTerm(log);
  return term > own || (term === own && index >= lastIndex(log));
}

/** Entries from … while they fit; at least one, so that a large entry still travels. */
export function slice(log: RaftLog, from: LogIndex, bytesMax: number): readonly Entry[] {
  assert(from > log.offset, 'compacted entries are not sent');
  const start = from - log.offset - 1;
  let end = start;
  let bytes = 0;
  while (end < log.entries.length) {
    bytes += entryBytes(log.entries[end]!);
    if (end > start && bytes > bytesMax) break;
    end++;
  }
  return log.entries.slice(start, end);
}

/** What an entry is counted as in flight: its payload and some overhead, so that empty ones are not free. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + 32;
}

/** The largest index ≤ `index` whose term is ≤ `term`: one step skips a whole term (Raft §5.3, the last paragraph). */
export function lastIndexNotAbove(log: RaftLog, index: LogIndex, term: Term): LogIndex {
  let at = Math.min(index, lastIndex(log));
  while (at > log.offset && log.entries[at - log.offset - 1]!.term > term) at--;
  return at;
}

/** Suffix truncation; only a real conflict may ask for it (law 2). */
export function cutSuffix(log: RaftLog, from: LogIndex): void {
  assert(from > log.committed, 'committed entries are never cut (Leader Completeness, Raft §5.4)');
  log.entries.length = from - log.offset - 1;
  log.durable = Math.min(log.durable, from - 1);
  log.handed = Math.min(log.handed, from - 1);
}

/** Prefix truncation: the entries are in a durable snapshot. */
export function dropPrefix(log: RaftLog, through: LogIndex): void {
  if (through <= log.offset) return;
  const term = termAt(log, through);
  assert(term !== undefined && through <= log.committed, 'only committed entries are compacted');
  assert(through <= log.handed, 'what is in a snapshot was handed out before');
  log.entries.splice(0, through - log.offset);
  log.offset = through;
  log.offsetTerm = term;
}
