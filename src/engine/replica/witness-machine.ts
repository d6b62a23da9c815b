// A witness's state machine: it follows the applied index and holds no data. So there is nothing to write out either;
// the marker in the log is its whole snapshot.

import { fail } from '../../core/errors.ts';
import type { LogIndex, Term } from '../../core/raft/index.ts';
import type { Application, MachineFactory, StateMachine, StateSnapshot } from './state-machine.ts';

const nothingToDo: Application = { replies: [], step: () => true };

export class WitnessMachine implements StateMachine {
  appliedIndex: LogIndex;
  appliedTerm: Term;
  readonly bytes = 0;

  constructor(index: LogIndex = 0, term: Term = 0) {
    this.appliedIndex = index;
    this.appliedTerm = term;
  }

  apply(index: LogIndex, term: Term): Application {
    this.appliedIndex = index;
    this.appliedTerm = term;
    return nothingToDo;
  }

  snapshot(): StateSnapshot {
    return { next: () => undefined };
  }

  /** Of no state: it is compared with nobody's. */
  digest(): string {
    return '';
  }
}

/** What a witness forwards it never makes itself: it takes no commands. */
const takesNone = (): never => fail('NOT_LEADER', { detail: 'a witness holds no data' });

export const witnessMachines: MachineFactory = {
  empty: () => new WitnessMachine(),
  restore: takesNone,
  encodeBatch: takesNone,
  restamp: takesNone,
};
