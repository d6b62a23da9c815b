// The two sides of a step: the inputs of one turn, and what to do about them.

import type { Change, ChangeRefusal } from './change.ts';
import type { Entry, HardState, LogIndex, MemberId, SnapshotMarker, Term } from './entry.ts';
import type { Message } from './message.ts';

export type Input =
  /** `now`: what this member's clock says, for leases alone. */
  | { readonly type: 'tick'; readonly now?: number }
  | { readonly type: 'receive'; readonly message: Message }
  /** One batch, one entry. `ref` comes back in {@link Ready.proposals}. */
  | { readonly type: 'propose'; readonly ref: number; readonly data: Uint8Array }
  /** A change of membership, on any member; `ref` comes back in {@link Ready.changes}. `joint`: even where one step would do. */
  | { readonly type: 'change'; readonly ref: number; readonly changes: readonly Change[]; readonly joint?: boolean }
  /** A linearizable read; `ref` comes back in {@link Ready.reads}. */
  | { readonly type: 'read'; readonly ref: number }
  /** Said of every persist, in order: number `seq` and all before are durable; its last entry was (`index`, `term`), 0 if none. */
  | { readonly type: 'persisted'; readonly seq: number; readonly index: LogIndex; readonly term: Term }
  | { readonly type: 'applied'; readonly index: LogIndex; readonly digest: string }
  /** Campaign as if the election timeout had passed. */
  | { readonly type: 'campaign' }
  /** The connection to this member broke and nobody listens there any more: if it led, do not wait for long. */
  | { readonly type: 'lost'; readonly member: MemberId }
  /** What was sent to this member may not have arrived. */
  | { readonly type: 'unreachable'; readonly member: MemberId }
  | { readonly type: 'snapshotSent'; readonly member: MemberId; readonly ok: boolean }
  /** Entries up to `index` are in a durable snapshot and may be forgotten. */
  | { readonly type: 'compact'; readonly index: LogIndex }
  | { readonly type: 'transfer'; readonly member: MemberId };

export interface Persist {
  /** Counts from 1; the engine writes persists in this order and says how far it came. */
  readonly seq: number;
  /** Replace everything by this snapshot (law 8). Comes first. */
  readonly reset: SnapshotMarker | undefined;
  /** Suffix truncation: entries from here on are void. */
  readonly cutFrom: LogIndex | undefined;
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
}

export type ProposalOutcome =
  | { readonly ref: number; readonly outcome: 'appended'; readonly index: LogIndex; readonly term: Term }
  /** `lost`: it was handed to a leader that is no longer heard of; it may or may not be in the log. */
  | { readonly ref: number; readonly outcome: 'noLeader' | 'overloaded' | 'lost' };

export type ChangeOutcome =
  /** The configuration at `index` rules its leader from now on; once that is committed (and, if joint, left) the change is done. */
  | { readonly ref: number; readonly outcome: 'appended'; readonly index: LogIndex; readonly term: Term }
  | { readonly ref: number; readonly outcome: 'refused'; readonly reason: ChangeRefusal }
  /** The leader is no longer heard of: it may or may not be in the log. */
  | { readonly ref: number; readonly outcome: 'lost' };

export interface Ready {
  /** 1. Make durable, in order of `seq`. */
  readonly persist: Persist | undefined;
  /** 2. Send at once: nothing here promises what is not durable. */
  readonly messages: readonly Message[];
  /** 3. Send once this persist and all earlier ones are durable (law 1). */
  readonly messagesAfterPersist: readonly Message[];
  /** 4. Replace the state machine by this snapshot, then apply up to `commitIndex`. */
  readonly restore: SnapshotMarker | undefined;
  readonly commitIndex: LogIndex;
  /** A read may be served once `index` is applied; undefined: nobody could confirm it, try again. */
  readonly reads: readonly { readonly ref: number; readonly index: LogIndex | undefined }[];
  readonly proposals: readonly ProposalOutcome[];
  readonly changes: readonly ChangeOutcome[];
  /** These need the newest snapshot, in the term of this step however long it travels; answer with `snapshotSent`. */
  readonly snapshotsWanted: readonly MemberId[];
  /** The leader's digest at an index, to be compared with one's own there. */
  readonly digests: readonly { readonly index: LogIndex; readonly digest: string }[];
}
