// What a member does for whoever speaks to it. Every face (native, HTTP, gRPC, …) is a translator of this.

import type { Role } from '../core/raft/index.ts';

export interface WaitOptions {
  /** From now. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends WaitOptions {
  /** `linearizable`: as new as anything acknowledged before. `bounded`: not older than asked. `local`: what is here. */
  readonly consistency: 'linearizable' | 'bounded' | 'local';
  readonly maxAgeMs?: number;
  readonly minRevision?: number;
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
  readonly uptimeMs: number;
  /** What is wrong, as sentences; empty is well. */
  readonly errors: readonly string[];
}

export interface MemberListRow {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  readonly learner: boolean;
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
  members(): readonly MemberListRow[];
  /** 0: the newest revision. */
  hashKv(revision: number): Promise<HashKvResult>;
  readonly ready: boolean;
  moveLeader(target: number): Promise<void>;
}
