// Changes of membership on their way: asked of Raft, then appended, then committed and, where a joint configuration
// was needed, left again. Only then its caller hears that it is done.

import type { Failure } from '../../core/errors.ts';
import { OperationError } from '../../core/errors.ts';
import { refusalCodes } from '../../core/raft/index.ts';
import type { ChangeOutcome, LogIndex, Raft, Term } from '../../core/raft/index.ts';

interface Appended {
  readonly index: LogIndex;
  readonly term: Term;
  readonly waiter: Waiter;
  /** Seen committed in its term: what is left is the leaving of the joint configuration. */
  isCommitted: boolean;
}

interface Waiter {
  readonly deadline: number;
  /** It asked that this member be removed, and for nothing else. */
  readonly leaves: boolean;
  settle: ((failure: Failure | undefined) => void) | undefined;
}

export class PendingChanges {
  readonly #asked = new Map<number, Waiter>();
  #appended: Appended[] = [];
  /** Refs below are nobody's: whoever asks under one does not wait. */
  #nextRef = 1;
  #isRemoved = false;

  add(deadline: number, leaves = false): { readonly ref: number; readonly done: Promise<void> } {
    const ref = this.#nextRef++;
    if (this.#isRemoved && leaves) return { ref, done: Promise.resolve() };
    const done = new Promise<void>((resolve, reject) => {
      this.#asked.set(ref, { deadline, leaves, settle: (failure) => (failure === undefined ? resolve() : reject(new OperationError(failure))) });
    });
    return { ref, done };
  }

  note(outcome: ChangeOutcome): void {
    const waiter = this.#asked.get(outcome.ref);
    if (waiter === undefined) return;
    this.#asked.delete(outcome.ref);
    if (outcome.outcome === 'appended') this.#appended.push({ index: outcome.index, term: outcome.term, waiter, isCommitted: false });
    else if (outcome.outcome === 'refused') finish(waiter, { code: refusalCodes[outcome.reason] });
    else finish(waiter, { code: 'UNAVAILABLE', detail: 'the leader was lost before it answered: the outcome is unknown' });
  }

  /** Called after each step. */
  look(raft: Raft): void {
    if (this.#appended.length === 0) return;
    const { configurations, log } = raft.state;
    const waits = (appended: Appended): boolean => {
      const { index, term, waiter } = appended;
      if (log.committed < index) return true;
      const found = raft.termAt(index);
      appended.isCommitted ||= found === term;
      if (found !== undefined && found !== term) finish(waiter, { code: 'PROPOSAL_LOST' });
      // Joint: its leaving is appended behind it, by whoever leads then.
      else if (configurations.findLast((each) => each.index <= log.committed)?.configuration.outgoing.length === 0) finish(waiter, undefined);
      else return true;
      return false;
    };
    this.#appended = this.#appended.filter(waits);
  }

  /** A snapshot took the place of the log up to `index`: whether what stood there was committed, it does not say. */
  skipped(index: LogIndex): void {
    const isLost = (each: Appended): boolean => each.index <= index && !each.isCommitted;
    for (const { waiter } of this.#appended.filter(isLost)) finish(waiter, { code: 'UNAVAILABLE', detail: 'the outcome passed unseen' });
    this.#appended = this.#appended.filter((each) => !isLost(each));
  }

  /** This member was removed. Whoever asked it for that has what it wanted, though we may never see it committed: nobody sends us more. */
  removed(): void {
    this.#isRemoved = true;
    for (const waiter of this.#asked.values()) if (waiter.leaves) finish(waiter, undefined);
    const isDone = ({ waiter, isCommitted }: Appended): boolean => waiter.leaves || isCommitted;
    for (const { waiter } of this.#appended.filter(isDone)) finish(waiter, undefined);
    this.#appended = this.#appended.filter((each) => !isDone(each));
  }

  expire(now: number): void {
    if (this.#asked.size === 0 && this.#appended.length === 0) return;
    const waiters = [...this.#asked.values(), ...this.#appended.map(({ waiter }) => waiter)];
    for (const waiter of waiters) if (waiter.deadline <= now) finish(waiter, { code: 'TIMEOUT' });
    this.#appended = this.#appended.filter(({ waiter }) => waiter.settle !== undefined);
  }

  failEverything(failure: Failure): void {
    for (const waiter of [...this.#asked.values(), ...this.#appended.map((each) => each.waiter)]) finish(waiter, failure);
    this.#asked.clear();
    this.#appended = [];
  }
}

function finish(waiter: Waiter, failure: Failure | undefined): void {
  const settle = waiter.settle;
  waiter.settle = undefined;
  settle?.(failure);
}
