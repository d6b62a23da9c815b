// A member's mind in one group, as plain data: it can be cloned, compared and printed.

import { assert } from '../assert.ts';
import { nextBelow, nextUint32, seedRandom } from '../random.ts';
import type { RandomState } from '../random.ts';
import { decodeConfiguration } from './configuration.ts';
import { EntryKind } from './entry.ts';
import type { Configuration, Entry, HardState, LogIndex, MemberId, SnapshotMarker, Term } from './entry.ts';
import type { RaftLog } from './log.ts';
import type { Progress } from './progress.ts';
import { newProgress } from './progress.ts';
import { allMembers } from './quorum.ts';

export const Role = { follower: 'follower', preCandidate: 'pre-candidate', candidate: 'candidate', leader: 'leader' } as const;
export type Role = (typeof Role)[keyof typeof Role];

export interface RaftOptions {
  readonly id: MemberId;
  /** Seeds the random part of the timeouts: members of a group need different ones. */
  readonly seed: number;
  /** A follower waits electionTicks + random(0 … electionTicks/2 − 1) ticks without a leader before it campaigns. @default 30 */
  readonly electionTicks: number;
  /** @default 2 */
  readonly heartbeatTicks: number;
  /** Bytes of one append's entries. @default 1 MiB */
  readonly appendBytesMax: number;
  /** Appends to one member not yet answered, in count and in bytes. @default 256, 16 MiB */
  readonly inflightMax: number;
  readonly inflightBytesMax: number;
  /** Payload a leader holds that is not committed; more is refused as overloaded. @default 64 MiB */
  readonly uncommittedBytesMax: number;
  /**
   * Reads by lease, see lease.ts: for how long, on its own clock, this member elects nobody else once it has heard a
   * leader (0: it promises nothing), and by how much the rates of two clocks may differ. @default none
   */
  readonly lease?: { readonly loyaltyMs: number; readonly driftMax: number } | undefined;
}

export const defaultRaftOptions: Omit<RaftOptions, 'id' | 'seed'> = {
  electionTicks: 30,
  heartbeatTicks: 2,
  appendBytesMax: 1 << 20,
  inflightMax: 256,
  inflightBytesMax: 16 << 20,
  uncommittedBytesMax: 64 << 20,
};

/** What the log held at start. */
export interface Restored {
  readonly hardState: HardState;
  readonly marker: SnapshotMarker | undefined;
  /** The configuration before the first of `entries`. */
  readonly configuration: Configuration;
  /** All that lies behind `offset`. */
  readonly entries: readonly Entry[];
  readonly offset: LogIndex;
  readonly offsetTerm: Term;
  /** What the state machine already holds. */
  readonly applied: LogIndex;
}

/** A read, ours (`ref`) or another member's (`from`, with its `id`). */
export type Reader = { readonly ref: number } | { readonly from: MemberId; readonly id: number };

export interface ReadRound {
  readonly id: number;
  readonly index: LogIndex;
  readonly readers: Reader[];
  readonly acks: MemberId[];
}

export interface RaftState {
  readonly id: MemberId;
  term: Term;
  vote: MemberId;
  role: Role;
  /** 0: unknown. */
  lead: MemberId;
  log: RaftLog;
  applied: LogIndex;
  digestIndex: LogIndex;
  digest: string;
  /** Newest last; the first is the one the snapshot brought. Truncation rolls back (Raft §6: in effect once appended). */
  configurations: { readonly index: LogIndex; readonly configuration: Configuration }[];
  votes: Map<MemberId, boolean>;
  progress: Map<MemberId, Progress>;
  /** Ticks since an election could have been called for: a leader was heard, or a quorum checked. */
  electionElapsed: number;
  /** Ticks since a leader was heard: below electionTicks, nobody else is voted for. */
  loyalTicks: number;
  electionTimeout: number;
  /** Terms entered since a leader was last heard: each makes those who voted more patient. */
  leaderlessTerms: number;
  heartbeatElapsed: number;
  random: RandomState;
  /** 0: none. */
  transferee: MemberId;
  transferElapsed: number;
  /** In this term a member was told to campaign. */
  hasHandedOver: boolean;
  /** What the last tick said. */
  now: number;
  uncommittedBytes: number;

  /** Persists handed out; the newest with a cut or reset, with the own vote, with the hard state. */
  persistSeq: number;
  persistedSeq: number;
  cutSeq: number;
  voteSeq: number;
  hardStateSeq: number;
  handedHardState: HardState;

  /** Leader: rounds out, oldest first; reads that wait for the next round or for a commit of this term. */
  rounds: ReadRound[];
  waiting: Reader[];
  nextRound: number;
  /** Follower: reads, proposals and changes sent to the leader, by id, with their age in ticks. */
  forwardedReads: Map<number, { readonly refs: readonly number[]; age: number }>;
  forwardedProposals: Map<number, { readonly ref: number; age: number }>;
  forwardedChanges: Map<number, { readonly ref: number; age: number }>;
  /** Begins at a place of its own after each start: an answer to a question of an earlier life is nobody's. */
  nextForward: number;
}

export function initialState(options: RaftOptions, restored: Restored): RaftState {
  const random = seedRandom(options.seed);
  const { hardState, marker, entries, offset } = restored;
  const last = offset + entries.length;
  // What a snapshot of ours holds, and what the state machine holds, was committed, whatever the hint says. All of it
  // is in the log: a snapshot's marker is durable only behind its entries.
  const committed = Math.max(offset, marker?.index ?? 0, restored.applied, Math.min(hardState.commit, last));
  assert(committed <= last, 'what was applied is in the log or in the snapshot before it');
  // A marker may lie behind the offset: which configurations ruled between the two is forgotten, and the entries between
  // them lead to the marker's. A whole log begins with nobody, and has them all.
  const knownFrom = offset === 0 ? 0 : Math.max(offset, marker?.index ?? 0);
  const state: RaftState = {
    id: options.id,
    term: restored.hardState.term,
    vote: restored.hardState.vote,
    role: Role.follower,
    lead: 0,
    log: {
      entries: [...entries],
      offset,
      offsetTerm: restored.offsetTerm,
      committed,
      durable: last,
      handed: last,
    },
    applied: restored.applied,
    digestIndex: 0,
    digest: '',
    configurations: [{ index: knownFrom, configuration: restored.configuration }],
    votes: new Map(),
    progress: new Map(),
    electionElapsed: 0,
    // A member that just started may have voted or heard of a leader a moment ago: it is loyal to nobody, but it
    // waits a full timeout before it campaigns. A promise, though, outlives the process.
    loyalTicks: options.lease === undefined ? options.electionTicks : 0,
    electionTimeout: 0,
    leaderlessTerms: 0,
    heartbeatElapsed: 0,
    random,
    transferee: 0,
    transferElapsed: 0,
    hasHandedOver: false,
    now: 0,
    uncommittedBytes: 0,
    persistSeq: 0,
    persistedSeq: 0,
    cutSeq: 0,
    voteSeq: 0,
    hardStateSeq: 0,
    handedHardState: restored.hardState,
    rounds: [],
    waiting: [],
    nextRound: 1,
    forwardedReads: new Map(),
    forwardedProposals: new Map(),
    forwardedChanges: new Map(),
    nextForward: nextUint32(random) * 0x10_0000 + 1,
  };
  newElectionTimeout(state, options);
  // A configuration rules from the moment it is in the log (Raft §6), so also from the moment it is read back.
  for (const { index, kind, data } of restored.entries) {
    if (kind === EntryKind.configuration && index > knownFrom) state.configurations.push({ index, configuration: decodeConfiguration(data) });
  }
  return state;
}

/** The configuration in effect: the newest in the log, committed or not. */
export function configurationOf(state: RaftState): Configuration {
  return state.configurations.at(-1)!.configuration;
}

/**
 * Starts the wait for a leader anew: electionTicks and up to half as much again. Without a leader to be loyal to the
 * wait is a third of that, and up to as much again: a pre-vote disturbs nobody. But whoever voted in this term waits
 * for what becomes of it, and twice as long with each term that brought no leader: a vote is two syncs and a round
 * trip, and on slow disks impatient voters would depose candidate after candidate before any could win.
 */
export function newElectionTimeout(state: RaftState, options: RaftOptions): void {
  const base = state.lead === 0 ? Math.ceil(options.electionTicks / 3) << backoff(state) : options.electionTicks;
  state.electionElapsed = 0;
  state.electionTimeout = base + nextBelow(state.random, Math.max(1, base >> (state.lead === 0 ? 0 : 1)));
}

function backoff(state: RaftState): number {
  if (state.vote === 0 || state.role === Role.preCandidate) return 0;
  return Math.min(Math.max(state.leaderlessTerms - 1, 0), 3);
}

/** Fresh progress for everybody in the configuration; those who left are forgotten. */
export function trackMembers(state: RaftState, next: LogIndex): void {
  const members = allMembers(configurationOf(state));
  for (const id of state.progress.keys()) if (!members.includes(id)) state.progress.delete(id);
  for (const id of members) if (id !== state.id && !state.progress.has(id)) state.progress.set(id, newProgress(next));
}

/** The configuration that ruled when the entry at `index` was appended. */
export function configurationAt(state: RaftState, index: LogIndex): Configuration {
  const found = state.configurations.findLast((entry) => entry.index <= index);
  return (found ?? state.configurations[0]!).configuration;
}
