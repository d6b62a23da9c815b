// What a member does for whoever speaks to it. Every face (native, HTTP, gRPC, …) is a translator of this.

import type { Role } from '../core/raft/index.ts';

export interface WaitOptions {
  /** From now. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends WaitOptions {
  /**
   * `linearizable`: as new as anything acknowledged before. `lease`: the same, as far as the clocks keep within the
   * bound that was configured, and without asking anybody; where there is no lease it is `linearizable`. `bounded`: not
   * older than asked. `local`: what is here.
   */
  readonly consistency: 'linearizable' | 'bounded' | 'local' | 'lease';
  readonly maxAgeMs?: number | undefined;
  readonly minRevision?: number | undefined;
  /** Told what the answer will occupy before it is made; has it wait, or throws, while the caller has no room for it. */
  readonly admit?: (bytes: number) => void | Promise<void>;
}

export interface MemberStatus {
  readonly cluster: number;
  readonly member: number;
  readonly name: string;
  readonly version: string;
  /** 0 and '': none is known. */
  readonly leader: number;
  readonly leaderName: string;
  readonly leaderAddress: string;
  readonly role: Role;
  readonly term: number;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly dbBytes: number;
  readonly keys: number;
  /** Of the logical state at `appliedIndex`: equal on every member there. */
  readonly digest: string;
  readonly durability: 'fsync' | 'os';
  readonly formatVersion: number;
  readonly protocolVersion: number;
  /** The replicated one: what every member understands. 0: a build that does not say. */
  readonly clusterVersion: number;
  readonly uptimeMs: number;
  /** What is wrong, as sentences; empty is well. */
  readonly errors: readonly string[];
  /** It does not vote, or not yet. */
  readonly learner?: boolean;
  /** It votes and holds no data. */
  readonly witness?: boolean;
}

export interface MemberListRow {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  readonly learner: boolean;
  /** A learner that is promoted by itself once it has caught up. */
  readonly joining?: boolean;
  /** It votes and stores no payload. */
  readonly witness?: boolean;
}

/**
 * Who belongs to the cluster. A voter and a witness that are added join as learners, and are promoted once they have
 * caught up, by the leader; a learner stays one until it is promoted.
 */
export type MembershipChange =
  | { readonly type: 'add'; readonly name: string; readonly address: string; readonly as: 'voter' | 'learner' | 'witness' }
  /** `also`: others, in one and the same joint change: all of them or none. */
  | { readonly type: 'promote' | 'remove'; readonly id: number; readonly also?: readonly number[] }
  | { readonly type: 'update'; readonly id: number; readonly address: string };

export interface MembershipResult {
  /** Of the member that was changed; of one that was added, the id drawn for it. */
  readonly id: number;
  readonly members: readonly MemberListRow[];
}

export interface HashKvResult {
  readonly hash: number;
  readonly compactRevision: number;
  readonly revision: number;
  readonly digest: string;
  readonly index: number;
}

export interface MemberService {
  /** Proposes one encoded Command; resolves with the encoded Reply once it is applied here. On any member: it forwards to the leader. */
  propose(command: Uint8Array, options: WaitOptions): Promise<Uint8Array>;
  /** An encoded RangeRequest, or a TxnRequest of ranges alone; resolves with the encoded answer. */
  read(request: Uint8Array, options: ReadOptions): Promise<Uint8Array>;
  status(): MemberStatus;
  /** As this member has it, committed or not. */
  members(): readonly MemberListRow[];
  /** As it is committed, with all that was committed before the call. On any member. */
  agreedMembers(options: WaitOptions): Promise<readonly MemberListRow[]>;
  /** 0: the newest revision. */
  hashKv(revision: number): Promise<HashKvResult>;
  readonly ready: boolean;
  moveLeader(target: number): Promise<void>;
  /**
   * On any member; resolves once it is committed. Rejects with CHANGE_IN_PROGRESS, MEMBER_EXISTS, MEMBER_UNKNOWN,
   * NOT_A_LEARNER, LEARNER_BEHIND, QUORUM_AT_RISK.
   */
  changeMembership(change: MembershipChange, options: WaitOptions): Promise<MembershipResult>;
}
