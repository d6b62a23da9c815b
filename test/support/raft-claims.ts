// What must hold after every step of every member, said once and checked by every world: the five properties of Raft
// (Figure 3), the laws of durability, and linearizable reads. It knows everything; no member does.

import { EntryKind, Role, configurationAt, configurationOf, decodeConfiguration, isQuorum } from '../../src/core/raft/index.ts';
import type { Configuration, Entry, LogIndex, MemberId, Message, Raft, Ready, Term } from '../../src/core/raft/index.ts';
import type { RaftDisk } from './raft-disk.ts';

/** What a claim may look at: the member's disk whether it runs or not. */
export interface Witnessed {
  readonly id: MemberId;
  readonly disk: RaftDisk;
  raft: Raft | undefined;
  /** It votes and is told no payload. */
  readonly isWitness: boolean;
}

interface Seen {
  readonly term: Term;
  readonly commit: LogIndex;
  readonly role: Role;
  readonly match: Map<MemberId, LogIndex>;
  /** Where the newest configuration was. */
  readonly ruledFrom: LogIndex;
}

function claim(holds: boolean, what: string, detail: () => string): void {
  if (!holds) throw new Error(`${what}: ${detail()}`);
}

function fingerprint(entry: Entry): string {
  return `${entry.kind}:${Array.from(entry.data.subarray(0, 12)).join(',')}+${entry.data.length}`;
}

/** As a witness is told of it. Every other batch has a payload in these worlds. */
function isBare(entry: Entry): boolean {
  return entry.kind === EntryKind.batch && entry.data.length === 0;
}

function isStep(before: Configuration, after: Configuration): boolean {
  const same = (a: readonly MemberId[], b: readonly MemberId[]): boolean => a.length === b.length && a.every((id) => b.includes(id));
  if (before.outgoing.length > 0) return after.outgoing.length === 0 && same(before.voters, after.voters);
  if (after.outgoing.length > 0) return same(after.outgoing, before.voters);
  const differ = [...before.voters.filter((id) => !after.voters.includes(id)), ...after.voters.filter((id) => !before.voters.includes(id))];
  return differ.length <= 1;
}

export class RaftClaims {
  /** Who led in a term. */
  readonly leaders = new Map<Term, MemberId>();
  /** Every entry ever handed to a disk, by index and term: what it is, and the term of the one before it. */
  readonly #entries = new Map<string, { readonly what: string; readonly prevTerm: Term }>();
  /** The term of each committed entry, by index. */
  readonly committed: Term[] = [0];
  /** In which term each became so. */
  readonly #committedIn: Term[] = [0];
  readonly #votes = new Map<string, MemberId>();
  #seen = new Map<MemberId, Seen>();
  readonly #members: readonly Witnessed[];

  constructor(members: readonly Witnessed[]) {
    this.#members = members;
  }

  /** The largest index that anybody knows to be committed. */
  get commitIndex(): LogIndex {
    return this.committed.length - 1;
  }

  whatIs(index: LogIndex, term: Term): string | undefined {
    return this.#entries.get(`${index}/${term}`)?.what;
  }

  forget(id: MemberId): void {
    this.#seen.delete(id);
  }

  afterStep(member: Witnessed, ready: Ready): void {
    const { id, disk } = member;
    const raft = member.raft!;
    const { state } = raft;
    const { log } = state;
    const before = this.#seen.get(id);
    const at = (): string => `member ${id}, ${JSON.stringify({ ...log, entries: log.entries.length })}`;

    claim(log.durable <= log.handed || log.handed < log.offset, 'durable ≤ handed', at);
    claim(log.handed <= raft.lastIndex, 'handed ≤ lastIndex', at);
    claim(log.offset <= log.committed && log.committed <= raft.lastIndex, 'offset ≤ committed ≤ lastIndex', at);
    claim(state.applied <= log.committed, 'applied ≤ committed', at);
    claim(ready.commitIndex === log.committed, 'a Ready says what is committed', at);
    claim(log.handed === raft.lastIndex, 'a step hands everything to the engine', at);
    if (before !== undefined) {
      claim(state.term >= before.term, 'terms never go back', at);
      claim(log.committed >= before.commit, 'commitIndex never decreases (law 3)', at);
    }
    this.#checkSending(ready);
    this.#checkEntries(member, ready);
    if (state.role === Role.leader) this.#checkLeader(member, before);
    // It may have committed and been deposed in one step.
    this.#checkCommitted(raft, before);
    const match = new Map<MemberId, LogIndex>();
    if (state.role === Role.leader) for (const [to, progress] of state.progress) match.set(to, progress.match);
    this.#seen.set(id, { term: state.term, commit: log.committed, role: state.role, match, ruledFrom: state.configurations.at(-1)!.index });
    if (log.durable > log.offset) {
      claim(disk.holds(log.durable, raft.termAt(log.durable) ?? -1), 'a member counts itself only for what its disk holds', at);
    }
  }

  /** What may leave at once promises nothing (law 1). */
  #checkSending(ready: Ready): void {
    for (const message of ready.messages) {
      const promises =
        message.type === 'vote' ||
        (message.type === 'voteReply' && message.granted) ||
        (message.type === 'appendReply' && !message.rejected);
      claim(!promises, 'nothing is promised before it is durable (law 1)', () => JSON.stringify(message));
    }
  }

  /** Called when a message really leaves, after its persist where it has to wait for one. */
  leaves(from: Witnessed, message: Message): void {
    const { hardState } = from.disk.image;
    if (message.type === 'vote' || (message.type === 'voteReply' && message.granted)) {
      const candidate = message.type === 'vote' ? message.from : message.to;
      const key = `${message.from} in ${message.term}`;
      const other = this.#votes.get(key);
      claim(other === undefined || other === candidate, 'one vote a term (§5.2)', () => `${key} for ${other} and ${candidate}`);
      this.#votes.set(key, candidate);
      const durable = hardState.term > message.term || (hardState.term === message.term && hardState.vote === candidate);
      claim(durable, 'a vote is durable before it is sent', () => `${JSON.stringify(message)}, on disk ${JSON.stringify(hardState)}`);
    }
    if (message.type === 'appendReply' && !message.rejected && hardState.term === message.term) {
      claim(from.disk.lastIndex >= message.index, 'entries are durable before they are acknowledged', () => JSON.stringify(message));
    }
    if (message.type === 'appendReply' && !message.rejected) {
      claim(hardState.term >= message.term, 'a term is durable before it is promised', () => JSON.stringify(message));
    }
    if (message.type === 'append') this.#checkAppend(from, message);
  }

  #checkAppend(from: Witnessed, { to, entries }: Message & { type: 'append' }): void {
    const isWitness = this.#members.find(({ id }) => id === to)?.isWitness === true;
    for (const entry of entries) {
      if (entry.kind === EntryKind.batch) claim(isBare(entry) === isWitness, 'witnesses are told no payload, all others everything', () => `${entry.index} to ${to}`);
      if (!isWitness) continue;
      // Those who ruled when it was appended, and those who rule now.
      const { state } = from.raft!;
      const voters = [...configurationAt(state, entry.index).voters, ...configurationOf(state).voters];
      const kept = this.#members.some((other) => !other.isWitness && voters.includes(other.id) && other.disk.holds(entry.index, entry.term));
      claim(kept, 'a witness hears of what a voter’s disk holds with its payload', () => `${entry.index}/${entry.term} to ${to}`);
    }
  }

  /** Log Matching, by induction: an (index, term) is one entry, with one predecessor, everywhere. */
  #checkEntries(member: Witnessed, ready: Ready): void {
    const raft = member.raft!;
    for (const entry of ready.persist?.entries ?? []) {
      const key = `${entry.index}/${entry.term}`;
      if (entry.kind === EntryKind.batch) claim(isBare(entry) === member.isWitness, 'witnesses keep no payload, all others everything', () => `${key} at ${member.id}`);
      const what = isBare(entry) ? (this.#entries.get(key)?.what ?? '') : fingerprint(entry);
      const prevTerm = raft.termAt(entry.index - 1) ?? -1;
      if (entry.kind === EntryKind.configuration && raft.state.log.offset < entry.index) this.#checkStep(raft, entry);
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, { what, prevTerm });
      else {
        claim(known.what === what, 'an index and a term name one entry (Log Matching)', () => `${key}: ${known.what} and ${what}`);
        claim(known.prevTerm === prevTerm || prevTerm === -1, 'equal entries follow equal entries (Log Matching)', () => key);
      }
    }
  }

  /** From one configuration of a log to the next: one voter, or into a joint one, or out of it (Raft §6, thesis §4.1). */
  #checkStep(raft: Raft, entry: Entry): void {
    const before = configurationAt(raft.state, entry.index - 1);
    const after = decodeConfiguration(entry.data);
    if (before.voters.length === 0) return;
    claim(isStep(before, after), 'two configurations that follow each other share a majority', () => `${JSON.stringify(before)} → ${JSON.stringify(after)} at ${entry.index}`);
  }

  #checkLeader(member: Witnessed, before: Seen | undefined): void {
    const { id, disk } = member;
    const { state } = member.raft!;
    const other = this.leaders.get(state.term);
    const at = (): string => `${id} in ${state.term}`;
    claim(other === undefined || other === id, 'one leader a term (Election Safety)', () => `${other} and ${id} in ${state.term}`);
    if (other === undefined) {
      claim(!member.isWitness, 'a witness never leads', at);
      this.leaders.set(state.term, id);
      const { hardState } = disk.image;
      claim(hardState.term === state.term && hardState.vote === id, 'the own vote is durable before it counts', at);
      for (let index = state.log.offset; index <= this.commitIndex; index++) {
        // Of later terms only: one who won an earlier term and learns of it late may lack what was committed since.
        if ((this.#committedIn[index] ?? 0) >= state.term) continue;
        claim(member.raft!.termAt(index) === this.committed[index], 'a leader holds all that is committed (Leader Completeness)', () => `${id} at ${index} in ${state.term}`);
      }
    }
    if (before?.role !== Role.leader || before.term !== state.term) return;
    for (const [to, progress] of state.progress) {
      claim(progress.match >= (before.match.get(to) ?? 0), 'matchIndex never goes back (law 3)', () => `${to} at ${id}`);
      claim(progress.match < progress.next, 'match < next', () => `${to} at ${id}: ${JSON.stringify(progress)}`);
    }
  }

  /** All agree at every committed index; and what is newly committed is on a majority of disks, in a term that counts. */
  #checkCommitted(raft: Raft, before: Seen | undefined): void {
    const { state } = raft;
    const from = before?.commit ?? state.log.offset;
    for (let index = Math.max(from, state.log.offset); index <= state.log.committed; index++) {
      const term = raft.termAt(index)!;
      if (index <= this.commitIndex) {
        claim(this.committed[index] === term, 'a committed entry is never replaced (State Machine Safety)', () => `${index}: ${this.committed[index]} and ${term} at ${state.id}`);
        continue;
      }
      claim(state.role === Role.leader || before?.role === Role.leader, 'a leader commits first', () => `${state.id} knows of ${index} before any leader`);
      this.committed.push(term);
      this.#committedIn.push(state.role === Role.leader ? state.term : before!.term);
    }
    if (from < this.commitIndex && state.log.committed === this.commitIndex && state.role === Role.leader) {
      const index = this.commitIndex;
      const term = this.committed[index] ?? -1;
      const holders = new Set(this.#members.filter(({ disk }) => disk.holds(index, term)).map(({ id }) => id));
      // What ruled when it was counted: a step that commits may also append the next configuration.
      const ruled = state.configurations.filter((each) => each.index >= (before?.ruledFrom ?? 0) || each === state.configurations.at(-1));
      claim(ruled.some(({ configuration }) => isQuorum(configuration, holders)), 'what is committed is durable on a majority (law 1)', () => `${index}/${term} is only on ${[...holders].join(',')}`);
    }
  }
}
