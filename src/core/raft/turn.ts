// One step under way: the state it changes and the Ready it fills. Functions of the other files take a Turn.

import type { Body, Message } from './message.ts';
import type { Entry, LogIndex, MemberId, SnapshotMarker, Term } from './entry.ts';
import type { ChangeOutcome, Persist, ProposalOutcome, Ready } from './ready.ts';
import { Role } from './state.ts';
import type { RaftOptions, RaftState } from './state.ts';
import { lastIndex } from './log.ts';

export interface Turn {
  readonly state: RaftState;
  readonly options: RaftOptions;
  readonly messages: Message[];
  readonly messagesAfterPersist: Message[];
  readonly reads: { ref: number; index: LogIndex | undefined }[];
  readonly proposals: ProposalOutcome[];
  readonly changes: ChangeOutcome[];
  readonly snapshotsWanted: MemberId[];
  readonly digests: { index: LogIndex; digest: string }[];
  cutFrom: LogIndex | undefined;
  reset: SnapshotMarker | undefined;
  /** Entries were appended or a commit moved: the leader talks to everybody at the end of the step. */
  broadcast: boolean;
}

export function newTurn(state: RaftState, options: RaftOptions): Turn {
  return {
    state,
    options,
    messages: [],
    messagesAfterPersist: [],
    reads: [],
    proposals: [],
    changes: [],
    snapshotsWanted: [],
    digests: [],
    cutFrom: undefined,
    reset: undefined,
    broadcast: false,
  };
}

/** Sends at once. Only for what promises nothing that may still be lost. */
export function send(turn: Turn, to: MemberId, body: Body, term: Term = turn.state.term): void {
  turn.messages.push({ from: turn.state.id, to, term, ...body });
}

/** Sends when everything handed to the engine up to the end of this step is durable (law 1). */
export function sendDurably(turn: Turn, to: MemberId, body: Body, term: Term = turn.state.term): void {
  turn.messagesAfterPersist.push({ from: turn.state.id, to, term, ...body });
}

/** What became of changes handed to a leader that is lost nobody can say. */
export function loseChanges(turn: Turn): void {
  const { forwardedChanges } = turn.state;
  for (const { ref } of forwardedChanges.values()) turn.changes.push({ ref, outcome: 'lost' });
  forwardedChanges.clear();
}

/** Is the term this member would speak in durable? Otherwise even an echo may speak in a term forgotten by a crash. */
export function termIsDurable(state: RaftState): boolean {
  return state.handedHardState.term === state.term && state.persistedSeq >= state.hardStateSeq;
}

/** Closes the step: what changed becomes one persist. */
export function finish(turn: Turn): Ready {
  const { state } = turn;
  const { log } = state;
  const entries: readonly Entry[] = log.entries.slice(log.handed - log.offset);
  const old = state.handedHardState;
  const changed = old.term !== state.term || old.vote !== state.vote;
  let persist: Persist | undefined;
  if (changed || entries.length > 0 || turn.cutFrom !== undefined || turn.reset !== undefined) {
    const seq = ++state.persistSeq;
    if (turn.cutFrom !== undefined || turn.reset !== undefined) state.cutSeq = seq;
    if (changed) {
      state.handedHardState = { term: state.term, vote: state.vote, commit: log.committed };
      state.hardStateSeq = seq;
      if (state.vote === state.id && (old.vote !== state.id || old.term !== state.term)) state.voteSeq = seq;
    }
    log.handed = lastIndex(log);
    persist = {
      seq,
      reset: turn.reset,
      cutFrom: turn.cutFrom,
      hardState: changed ? state.handedHardState : undefined,
      entries,
    };
  }
  return {
    persist,
    messages: turn.messages,
    messagesAfterPersist: turn.messagesAfterPersist,
    restore: turn.reset,
    commitIndex: log.committed,
    reads: turn.reads,
    proposals: turn.proposals,
    changes: turn.changes,
    // Wanted by a leader that the same step deposed: sent now, it would speak in a term that another may lead.
    snapshotsWanted: state.role === Role.leader ? turn.snapshotsWanted : [],
    digests: turn.digests,
  };
}
