// What a checker is told. It looks from outside, between events, and at what members send; no member knows of it.

import type { LogIndex, MemberId, Message, Raft, RaftState, Role, Term } from '../../core/raft/index.ts';
import type { Replica } from '../../engine/replica/replica.ts';
import type { Life, Machine } from '../world.ts';
import type { BrokenClaim } from './claim.ts';

/** A member that runs. */
export interface Sight {
  readonly machine: Machine;
  readonly life: Life;
  readonly replica: Replica;
  readonly raft: Raft;
}

/** How it stood when it was last looked at; of a new life, how an empty log behind its snapshot would. */
export interface Stand {
  readonly term: Term;
  readonly role: Role;
  readonly lead: MemberId;
  readonly committed: LogIndex;
  readonly offset: LogIndex;
  readonly last: LogIndex;
  readonly lastTerm: Term;
  /** Those in its log then: it may have counted by one that it has cut since. */
  readonly configurations: RaftState['configurations'];
}

/**
 * Speaks for the claims of one subject. Throws {@link BrokenClaim}. The methods are called in this order, each on all
 * checkers before the next: what changed first explains what changed with it.
 */
export interface Checker {
  /** A new life of a machine, before anything else is said of it. */
  met?(sight: Sight): void;
  logChanged?(sight: Sight, before: Stand): void;
  /** Term, role or leader. */
  roleChanged?(sight: Sight, before: Stand): void;
  commitMoved?(sight: Sight, before: Stand): void;
  /** After every event. */
  looked?(sight: Sight): void;
  /** Before the message leaves. */
  sends?(sight: Sight, message: Message): void;
}

/** For what is heard inside a member, where nothing may be thrown: it would look like a fault of its own. */
export type Tell = (broken: BrokenClaim) => void;

export function isWitness({ life }: Machine): boolean {
  return life?.member?.identity.witness === true;
}

/** Whose id is which machine's, of those that were met. */
export type Roster = ReadonlyMap<number, MemberId>;
