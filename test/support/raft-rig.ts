// One Raft core on the bench: its inputs by hand, its Ready to look at. Persists become durable when the test says so.

import { EntryKind, Raft, defaultRaftOptions, noHardState } from '../../src/core/raft/index.ts';
import type { Body, Entry, Input, LogIndex, MemberId, Message, Persist, RaftOptions, Ready, SnapshotMarker, Term } from '../../src/core/raft/index.ts';

export interface RigOptions {
  readonly id?: MemberId;
  readonly voters?: readonly MemberId[];
  readonly outgoing?: readonly MemberId[];
  readonly learners?: readonly MemberId[];
  readonly witnesses?: readonly MemberId[];
  /** The terms of entries offset + 1, offset + 2, … */
  readonly log?: readonly Term[];
  readonly offset?: LogIndex;
  readonly offsetTerm?: Term;
  readonly term?: Term;
  readonly vote?: MemberId;
  readonly commit?: LogIndex;
  /** @default offset */
  readonly applied?: LogIndex;
  readonly marker?: SnapshotMarker;
  readonly raft?: Partial<RaftOptions>;
  /** Which start of this member it is: every one has its own seed. @default 7 */
  readonly life?: number;
}

export function entry(index: LogIndex, term: Term, bytes = 0): Entry {
  return { index, term, kind: bytes === 0 ? EntryKind.noop : EntryKind.batch, data: new Uint8Array(bytes) };
}

/** Entries from `first` on, one for each term. */
export function entries(first: LogIndex, ...terms: Term[]): readonly Entry[] {
  return terms.map((term, position) => entry(first + position, term));
}

export class RaftRig {
  readonly raft: Raft;
  /** Handed out and not yet said to be durable. */
  readonly persists: Persist[] = [];
  /** What waits for them. */
  #waiting: Message[] = [];
  sent: Message[] = [];

  constructor(options: RigOptions = {}) {
    const { id = 1, voters = [1, 2, 3], outgoing = [], learners = [], witnesses = [], log = [], offset = 0, offsetTerm = 0 } = options;
    const term = options.term ?? Math.max(offsetTerm, ...log, 0);
    this.raft = new Raft(
      { ...defaultRaftOptions, electionTicks: 10, ...options.raft, id, seed: options.life ?? 7 },
      {
        hardState: { ...noHardState, term, vote: options.vote ?? 0, commit: options.commit ?? offset },
        marker: options.marker,
        configuration: { voters, outgoing, learners, witnesses, members: [] },
        entries: entries(offset + 1, ...log),
        offset, offsetTerm, applied: options.applied ?? offset,
      },
    );
  }

  get state(): Raft['state'] {
    return this.raft.state;
  }

  /** The terms of the log behind its offset. */
  get terms(): readonly Term[] {
    return this.state.log.entries.map(({ term }) => term);
  }

  step(...inputs: Input[]): Ready {
    const ready = this.raft.step(inputs);
    if (ready.persist !== undefined) this.persists.push(ready.persist);
    this.sent.push(...ready.messages);
    this.#waiting.push(...ready.messagesAfterPersist);
    if (this.persists.length === 0) this.#release();
    return ready;
  }

  #release(): void {
    this.sent.push(...this.#waiting);
    this.#waiting = [];
  }

  /** Everything handed out so far is durable now. */
  sync(): Ready {
    const done = this.persists.splice(0);
    this.#release();
    return this.step(...done.map((persist) => persistedOf(persist)));
  }

  receive(from: MemberId, body: Body, term: Term = this.state.term): Ready {
    return this.step({ type: 'receive', message: { from, to: this.state.id, term, ...body } });
  }

  append(from: MemberId, prevIndex: LogIndex, prevTerm: Term, sentEntries: readonly Entry[], commit: LogIndex = 0, term: Term = this.state.term): Ready {
    return this.receive(from, { type: 'append', prevIndex, prevTerm, entries: sentEntries, commit }, term);
  }

  accepts(from: MemberId, index: LogIndex): Ready {
    return this.receive(from, { type: 'appendReply', index, rejected: false, hintIndex: 0, hintTerm: 0 });
  }

  ticks(count: number): void {
    for (let tick = 0; tick < count; tick++) this.step({ type: 'tick' });
  }

  propose(bytes: number, ref = 1): Ready {
    return this.step({ type: 'propose', ref, data: new Uint8Array(bytes) });
  }

  /** What was sent since the last call, of one type if named. */
  take<T extends Message['type']>(...types: T[]): (Message & { readonly type: T })[] {
    const taken = this.sent.filter((message): message is Message & { readonly type: T } => (types as string[]).includes(message.type));
    this.sent = this.sent.filter((message) => !(types as string[]).includes(message.type));
    return taken;
  }

  /** Elected by everybody, its first entry durable here; what it sent so far is forgotten. */
  lead(): this {
    this.step({ type: 'campaign' });
    const others = this.#voters();
    for (const from of others) if (this.state.role === 'pre-candidate') this.receive(from, { type: 'preVoteReply', granted: true }, this.state.term + 1);
    this.sync();
    for (const from of others) if (this.state.role === 'candidate') this.receive(from, { type: 'voteReply', granted: true });
    if (this.state.role !== 'leader') throw new Error('not elected');
    this.sync();
    this.sent = [];
    return this;
  }

  /** Its first entry is held by everybody, and committed. */
  established(): this {
    this.lead();
    for (const from of this.state.progress.keys()) this.accepts(from, this.raft.lastIndex);
    this.sent = [];
    return this;
  }

  #voters(): MemberId[] {
    const { voters, outgoing } = this.state.configurations.at(-1)!.configuration;
    return [...new Set([...voters, ...outgoing])].filter((id) => id !== this.state.id);
  }
}

export function persistedOf(persist: Persist): Input {
  const last = persist.entries.at(-1);
  return { type: 'persisted', seq: persist.seq, index: last?.index ?? 0, term: last?.term ?? 0 };
}

export function marker(index: LogIndex, term: Term, voters: readonly MemberId[] = [1, 2, 3]): SnapshotMarker {
  return { index, term, producer: 2, id: 1, configuration: { voters, outgoing: [], learners: [], witnesses: [], members: [] } };
}
