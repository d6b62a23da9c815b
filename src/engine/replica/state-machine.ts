// What a group's replica drives: it applies committed entries in order, answers for each command by position, and
// can be pinned, written out and replaced. The KV's is the first; topic partitions bring theirs.

import type { GroupId, LogIndex, Term } from '../../core/raft/index.ts';
import type { Steps } from '../slice.ts';

export interface Application extends Steps {
  /** One encoded reply a command, by position; complete once `step` returned true. */
  readonly replies: readonly Uint8Array[];
}

/** A pinned state, written out as ordered blocks: equal bytes for equal state on every member. */
export interface StateSnapshot {
  /** The next block, undefined at the end. Does a bounded amount of work. */
  next(): Uint8Array | undefined;
}

export interface StateRestore {
  /** Blocks in order. Does work bounded by the block's size. */
  add(block: Uint8Array): void;
  finish(): StateMachine;
}

export interface StateMachine {
  /** One at a time. `payload` undefined: an entry without commands, which moves the applied index all the same (law 5). */
  apply(index: LogIndex, term: Term, payload: Uint8Array | undefined): Application;
  readonly appliedIndex: LogIndex;
  readonly appliedTerm: Term;
  /** O(1). */
  snapshot(): StateSnapshot;
  /** Incremental digest of the logical state. */
  digest(): string;
  /** Bytes of logical state, about. */
  readonly bytes: number;
}

/** What a group's state machine is made of: the KV for group 1, later others for theirs. */
export interface MachineFactory {
  empty(group: GroupId): StateMachine;
  restore(group: GroupId): StateRestore;
  /** An entry's payload. */
  encodeBatch(stampMs: number, commands: readonly Uint8Array[]): Uint8Array;
  /** Replaces the stamp in place. */
  restamp(batch: Uint8Array, stampMs: number): void;
}
