// Whom members vote for, and of what they may do so.

import type { LogIndex, MemberId, Message, Raft, Term } from '../../core/raft/index.ts';
import type { Life, Machine } from '../world.ts';
import type { Checker, Sight, Tell } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import type { Promises } from './promises.ts';

/** saidDurably of votes, oneVote, upToDate. */
export class Votes implements Checker {
  readonly #promises: Promises;
  readonly #tell: Tell;
  /** By machine and term. */
  readonly #given = new Map<string, MemberId>();
  /** By candidate and term: where its log ended when it asked. */
  readonly #asked = new Map<string, { readonly index: LogIndex; readonly term: Term }>();
  /** By machine and term: whom it followed. */
  readonly #followed = new Map<string, MemberId>();

  constructor(promises: Promises, tell: Tell) {
    this.#promises = promises;
    this.#tell = tell;
  }

  /** Whom the machine voted for. */
  givenBy(at: number, term: Term): MemberId | undefined {
    return this.#given.get(`${at} ${term}`);
  }

  met({ machine, life, raft: { state } }: Sight): void {
    const vote = state.term === this.#promises.termOf(machine.at) ? this.givenBy(machine.at, state.term) : undefined;
    if (vote !== undefined && state.vote !== vote) throw new BrokenClaim('oneVote', `${machine.name} came back in term ${state.term}, and had forgotten the vote that it gave in it`);
    const { round } = life.member!;
    const submit = round.submit.bind(round);
    round.submit = (writes, durable, lost): void =>
      submit(writes, () => {
        this.#checkDurable(machine, life);
        durable();
      }, lost);
  }

  /** A vote that was given is in every hard state that is durable in its term. */
  #checkDurable(machine: Machine, life: Life): void {
    const { term, vote } = life.member!.log!.state(1).hardState;
    const given = this.givenBy(machine.at, term);
    if (given !== undefined && given !== vote && !life.incarnation.isDead) this.#tell(new BrokenClaim('oneVote', `what ${machine.name} has on disk for term ${term} does not name the one it voted for`));
  }

  roleChanged({ machine, raft: { state } }: Sight): void {
    if (state.lead !== 0) this.#followed.set(`${machine.at} ${state.term}`, state.lead);
  }

  sends({ machine, life, raft }: Sight, message: Message): void {
    const { at, name } = machine;
    if (message.type === 'vote') this.#asked.set(`${message.from} ${message.term}`, { index: message.lastIndex, term: message.lastTerm });
    if (message.type !== 'vote' && !(message.type === 'voteReply' && message.granted)) return;
    const candidate = message.type === 'vote' ? message.from : message.to;
    const { hardState } = life.member!.log!.state(1);
    if (hardState.term < message.term || (hardState.term === message.term && hardState.vote !== candidate)) throw new BrokenClaim('saidDurably', `${name} votes in term ${message.term}`);
    const other = this.givenBy(at, message.term);
    if (other !== undefined && other !== candidate) throw new BrokenClaim('oneVote', `${name} in term ${message.term}`);
    this.#given.set(`${at} ${message.term}`, candidate);
    this.#promises.saidTerm(at, message.term);
    this.#checkUpToDate(machine, raft, candidate, message.term);
  }

  /**
   * Raft §5.4.1, by terms first. What came in the term of the vote itself came from the candidate, once it was elected; of a vote
   * that a slow disk held back until somebody else was, nobody can tell any more what the log was when it was given.
   */
  #checkUpToDate(machine: Machine, { state }: Raft, candidate: MemberId, term: Term): void {
    const asked = this.#asked.get(`${candidate} ${term}`);
    const leader = state.lead === 0 ? this.#followed.get(`${machine.at} ${term}`) : state.lead;
    if (asked === undefined || state.term !== term || (leader !== undefined && leader !== candidate)) return;
    const { entries, offset, offsetTerm } = state.log;
    const own = entries.findLast((entry) => entry.term < term) ?? { index: offset, term: offsetTerm };
    if (own.term >= term || own.term < asked.term || (own.term === asked.term && own.index <= asked.index)) return;
    throw new BrokenClaim('upToDate', `${machine.name}, whose log ends with ${own.index} of term ${own.term}, votes in term ${term} for one that ends with ${asked.index} of term ${asked.term}`);
  }
}
