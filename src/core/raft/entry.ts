// The vocabulary that a log keeps and messages carry. Terms and indexes are safe integers; 0 means "none".

export type Term = number;
export type LogIndex = number;
/** A member's identity: 53 bits, never its address; 0 means "none". */
export type MemberId = number;
/** A group's identity: 1 is the KV's. */
export type GroupId = number;

export const EntryKind = { noop: 0, batch: 1, configuration: 2 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** `data` is the batch of one turn (batch), an encoded Configuration (configuration), or empty (noop). */
export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What a member must remember to never vote twice (Raft §5.2) and to not forget what it knew committed. */
export interface HardState {
  readonly term: Term;
  /** Whom this member voted for in `term`; 0: nobody. */
  readonly vote: MemberId;
  /** Only a hint to apply early after a restart: a lower value is always safe. */
  readonly commit: LogIndex;
}

export interface MemberInfo {
  readonly id: MemberId;
  readonly name: string;
  /** `host:port` where the member's one port answers. */
  readonly address: string;
}

/**
 * Who decides. Outside a joint change `outgoing` is empty; in one, a decision needs a majority of both (Raft §6).
 * Learners receive everything and count for nothing; witnesses, voters or learners, store no payload.
 */
export interface Configuration {
  readonly voters: readonly MemberId[];
  readonly outgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
  readonly witnesses: readonly MemberId[];
  readonly members: readonly MemberInfo[];
  /** Learners that the leader's member promotes once they have caught up. */
  readonly joining?: readonly MemberId[];
  /** Who was removed: their ids never return, and they are told when they knock. */
  readonly removed?: readonly MemberId[];
}

/** A snapshot's place in the log and where its bytes are; written to the log after the file is durable. */
export interface SnapshotMarker {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
  /** The member whose file it is, and its number there: a resume names both. */
  readonly producer: MemberId;
  readonly id: number;
}

export const noHardState: HardState = { term: 0, vote: 0, commit: 0 };
export const noConfiguration: Configuration = { voters: [], outgoing: [], learners: [], witnesses: [], members: [] };
