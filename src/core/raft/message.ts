// What members say to each other. One connection keeps order, but nothing here relies on it: every message may be
// delayed, doubled or lost (law 2).

import type { Change, ChangeRefusal } from './change.ts';
import type { Entry, LogIndex, MemberId, SnapshotMarker, Term } from './entry.ts';

export interface Envelope {
  readonly from: MemberId;
  readonly to: MemberId;
  /** The sender's term; a pre-vote and its grant carry the term that would be campaigned for. */
  readonly term: Term;
}

export type Body =
  | {
      readonly type: 'preVote' | 'vote';
      readonly lastIndex: LogIndex;
      readonly lastTerm: Term;
      /** The leader asked for this campaign (thesis §3.10): nobody is loyal to it meanwhile. */
      readonly transfer: boolean;
    }
  | { readonly type: 'preVoteReply' | 'voteReply'; readonly granted: boolean }
  | {
      readonly type: 'append';
      readonly prevIndex: LogIndex;
      readonly prevTerm: Term;
      readonly entries: readonly Entry[];
      readonly commit: LogIndex;
    }
  | {
      readonly type: 'appendReply';
      /** Accepted: the last index known equal to the leader's. Rejected: the `prevIndex` that did not fit. */
      readonly index: LogIndex;
      readonly rejected: boolean;
      /** Where to look next: the largest index here whose term is not above the leader's at `prevIndex`. */
      readonly hintIndex: LogIndex;
      readonly hintTerm: Term;
    }
  | {
      readonly type: 'heartbeat';
      readonly commit: LogIndex;
      /** The newest read round; its echo confirms that round and all before it. 0: none. */
      readonly round: number;
      /** The leader's digest of the state at `digestIndex`; 0: none. */
      readonly digestIndex: LogIndex;
      readonly digest: string;
      /** The leader's time, to be echoed with a promise (lease.ts). 0: none is asked for. */
      readonly stamp: number;
    }
  | { readonly type: 'heartbeatReply'; readonly round: number; readonly stamp: number; /** 0: nothing is promised. */ readonly loyaltyMs: number }
  | { readonly type: 'readIndex'; readonly id: number }
  | { readonly type: 'readIndexReply'; readonly id: number; /** 0: refused. */ readonly index: LogIndex }
  | { readonly type: 'propose'; readonly id: number; readonly data: Uint8Array }
  | {
      readonly type: 'proposeReply';
      readonly id: number;
      readonly outcome: 'appended' | 'notLeader' | 'overloaded';
      readonly index: LogIndex;
      readonly entryTerm: Term;
    }
  | { readonly type: 'change'; readonly id: number; readonly changes: readonly Change[]; readonly joint: boolean }
  | {
      readonly type: 'changeReply';
      readonly id: number;
      /** Undefined: appended, at `index` in `entryTerm`. */
      readonly refused: ChangeRefusal | undefined;
      readonly index: LogIndex;
      readonly entryTerm: Term;
    }
  | { readonly type: 'timeoutNow' }
  /** The bytes came before this, on the other connection; the receiver holds them durable. */
  | { readonly type: 'snapshot'; readonly marker: SnapshotMarker };

export type Message = Envelope & Body;
export type MessageType = Message['type'];
