// What must hold at every moment of every run, each claim with a name of its own. The judge sees everything, from
// outside: it compares the members' states between events and reads what they send. No member knows of it.

import { text } from '../core/bytes.ts';
import { Kv, decodeBatch, decodeCommand } from '../core/kv/index.ts';
import { EntryKind, Role, encodeConfiguration } from '../core/raft/index.ts';
import type { Configuration, Entry, LogIndex, MemberId, Message, Raft, Term } from '../core/raft/index.ts';
import { crc32c } from '../core/wire/index.ts';
import type { Job } from '../core/kv/index.ts';
import type { Coverage } from './coverage.ts';
import { isMajority, watchProposals, watchQuorum } from './steps.ts';
import { machinesMax } from './world.ts';
import type { Life, Machine, World } from './world.ts';

export const claims = {
  oneLeader: 'one leader a term',
  oneVote: 'one vote a member and term, whatever it forgets',
  elected: 'who leads was elected by a majority of each half, and is a voter that holds payloads',
  campaigns: 'who campaigns is a voter that holds payloads',
  upToDate: 'a vote goes only to a log that is at least as new',
  logMatching: 'equal index and term, equal entries and all before them',
  leaderCompleteness: 'a leader holds all that was committed before its term',
  committedStays: 'what is committed is never replaced, nor the commit index lowered',
  ownTerm: 'a leader counts replicas only for entries of its own term',
  majority: 'what is committed was promised by a majority',
  configuration: 'a member goes by the newest configuration in its log, or by that of its snapshot',
  oneChange: 'a change of membership begins once the one before it, and an entry of the leader’s own term, are committed',
  durable: 'what a member promised is there after it died',
  termsRise: 'terms never go back, not even in death',
  matchRises: 'matchIndex never goes back',
  matchSaid: 'matchIndex is what that member said in this term',
  heard: 'who leads was heard by a quorum within two election timeouts',
  lease: 'while a lease runs nobody else is elected',
  equalStates: 'equal applied indexes, equal states',
  exactlyOnce: 'a write of a session is applied once',
  proposedOnce: 'what may be in a log is not proposed again, unless its client asks again',
  acknowledged: 'what was acknowledged is there, and what was refused is not',
  reads: 'a read shows the state of the revision it names, and one as new as was asked for',
  linearizable: 'the clients’ history is linearizable',
  atomic: 'a transaction is seen whole',
  liveness: 'after healing, the members converge and the clients go on',
  saidDurably: 'nothing is promised before the log has it synced',
  conflictsOnly: 'a log is cut only where an entry of another term takes the place',
  preVotes: 'nobody is in a term in which nobody campaigned',
  tickOnce: 'however late a tick is, it counts once',
  settles: 'every call of a client ends when its time is up',
  noBug: 'no assertion fails, and no exception escapes',
  noFalseAlarm: 'nobody refuses to run whose disk nobody has damaged, nor says that equal states differ',
} as const;
export type ClaimName = keyof typeof claims;

export class BrokenClaim extends Error {
  override readonly name = 'BrokenClaim';
  readonly claim: ClaimName;

  constructor(claim: ClaimName, detail: string) {
    super(`${claims[claim]}: ${detail}`);
    this.claim = claim;
  }
}

interface Committed {
  readonly term: Term;
  readonly print: number;
  /** In which term it became so. */
  readonly in: Term;
}

/** What was seen of a life when it was last looked at. */
interface Seen {
  readonly life: Life;
  term: Term;
  role: Role;
  lead: MemberId;
  committed: LogIndex;
  offset: LogIndex;
  last: LogIndex;
  lastTerm: Term;
  applied: LogIndex;
  /** The newest change of membership that it began. */
  changed: LogIndex;
  /** Of the log, by index. */
  readonly terms: Term[];
  readonly match: Map<MemberId, LogIndex>;
}

interface Promised {
  readonly index: LogIndex;
  readonly term: Term;
}

const promisesKept = 64;

export class Claims {
  readonly #world: World;
  readonly #coverage: Coverage;
  readonly #leaders = new Map<Term, number>();
  /** By index and term: what the entry is, and the term of the one before it. */
  readonly #entries = new Map<number, { readonly print: number; readonly before: Term; readonly entry: Entry }>();
  readonly #committed: Committed[] = [{ term: 0, print: 0, in: 0 }];
  readonly #votes = new Map<string, MemberId>();
  /** By candidate and term: where its log ended when it asked. */
  /** Whom a member followed in a term: by "member's place, term". */
  readonly #followed = new Map<string, MemberId>();
  readonly #asked = new Map<string, { readonly index: LogIndex; readonly term: Term }>();
  readonly #seen: (Seen | undefined)[] = [];
  /** By machine: what it said, or counted, to be durable; and the highest term it said. */
  readonly #promised: Promised[][] = Array.from({ length: machinesMax }, () => []);
  readonly #promisedTerm: Term[] = Array.from({ length: machinesMax }, () => 0);
  /** By machine: what it promised before it lost its disk. It was counted on then, and cannot be held to it now. */
  readonly #forgotten: Promised[][] = Array.from({ length: machinesMax }, () => []);
  /** The state that everybody must have at an index: applied here, once, and never restored. */
  readonly #oracle = new Kv();
  readonly #digests: string[] = [''];
  readonly #history = new Map<string, { readonly revision: number; readonly value: string | null }[]>();
  readonly #sequences = new Set<string>();
  leaderChanges = 0;
  #broken: unknown;
  /** The newest revision in the history. */
  #remembered = 1;
  /** The highest term anybody led. */
  #newest: Term = 0;
  /** Those that were committed, in order. */
  readonly #configurations: { readonly index: LogIndex; readonly print: number }[] = [];
  /** What a member said to a leader that it holds of its log: by "member, leader, term". */
  readonly #said = new Map<string, LogIndex>();
  /** Terms that somebody was seen to campaign in. */
  readonly #campaigned = new Set<Term>();

  constructor(world: World, coverage: Coverage) {
    this.#world = world;
    this.#coverage = coverage;
  }

  get commitIndex(): LogIndex {
    return this.#committed.length - 1;
  }

  /** Listens to what a member sends. */
  opened(machine: Machine, life: Life): void {
    const member = life.member!;
    const send = member.send.bind(member);
    member.send = (group, message): void => {
      // The member must not be told: what is thrown here would look like a fault of its own.
      try {
        if (!life.incarnation.isDead) this.#leaves(machine, life, message);
      } catch (error) {
        this.#broken ??= error;
      }
      send(group, message);
    };
  }

  /** The disk is gone, and with it what it promised: the member must not come back as it was. */
  lostDisk(at: number): void {
    this.#forgotten[at] = this.#promised[at]!;
    this.#promised[at] = [];
    this.#promisedTerm[at] = 0;
  }

  /** Called between events. */
  look(): void {
    if (this.#broken !== undefined) throw this.#broken;
    for (const machine of this.#world.machines) {
      const { life } = machine;
      const replica = life?.member?.replica(1);
      if (life === undefined || replica === undefined) continue;
      const seen = this.#seen[machine.at];
      const { raft } = replica;
      if (seen?.life !== life) this.#meet(machine, life, raft);
      else this.#compare(machine, seen, raft);
      this.#checkState(machine, this.#seen[machine.at]!, replica.machine.appliedIndex, () => replica.machine.digest());
      if (replica.digestMismatches > 0) throw new BrokenClaim('noFalseAlarm', `${machine.name} says that its state differs from the leader’s, and it does not`);
    }
  }

  /** Every value a key ever had. */
  versionsOf(key: string): readonly { readonly revision: number; readonly value: string | null }[] {
    return this.#history.get(key) ?? [];
  }

  /** The value of a key at a revision; null: there was none. */
  valueAt(key: string, revision: number): string | null {
    let value: string | null = null;
    for (const version of this.#history.get(key) ?? []) {
      if (version.revision > revision) break;
      ({ value } = version);
    }
    return value;
  }

  get revision(): number {
    return this.#oracle.revision;
  }

  // ── a member's log, term and role ──────────────────────────────────────────────────────────────────────────────

  #meet(machine: Machine, life: Life, raft: Raft): void {
    const { state } = raft;
    const { at } = machine;
    this.#ids[at] = state.id;
    const seen: Seen = {
      life, term: 0, role: Role.follower, lead: 0, committed: state.log.offset, offset: state.log.offset, last: state.log.offset,
      lastTerm: state.log.offsetTerm, applied: -1, changed: 0, terms: [], match: new Map(),
    };
    seen.terms[state.log.offset] = state.log.offsetTerm;
    this.#seen[at] = seen;
    if (state.term < this.#promisedTerm[at]!) throw new BrokenClaim('termsRise', `${machine.name} came back in term ${state.term}, and had said ${this.#promisedTerm[at]}`);
    const vote = state.term === this.#promisedTerm[at] ? this.#votes.get(`${at} ${state.term}`) : undefined;
    if (vote !== undefined && state.vote !== vote) throw new BrokenClaim('oneVote', `${machine.name} came back in term ${state.term}, and had forgotten the vote that it gave in it`);
    // It wrote its own vote, and died before it could ask for others.
    if (state.vote === state.id) this.#campaigned.add(state.term);
    this.#watchCuts(machine, life, raft);
    this.#watchTicks(machine, life);
    watchQuorum(life, (detail) => (this.#broken ??= new BrokenClaim('heard', `${machine.name} ${detail}`)));
    watchProposals(life, (detail) => (this.#broken ??= new BrokenClaim('proposedOnce', `${machine.name} ${detail}`)));
    const kept = this.#promised[at]!.findLast(({ index, term }) => this.#committed[index]?.term === term);
    if (kept !== undefined && raft.lastIndex < kept.index) {
      throw new BrokenClaim('durable', `${machine.name} promised entry ${kept.index} of term ${kept.term}, which is committed, and came back with ${raft.lastIndex}`);
    }
    if (kept !== undefined) {
      for (let index = Math.max(1, state.log.offset); index <= kept.index; index++) {
        if (raft.termAt(index) !== this.#committed[index]!.term) {
          throw new BrokenClaim('durable', `${machine.name} promised entry ${index} of term ${this.#committed[index]!.term}, and came back with one of term ${raft.termAt(index)}`);
        }
      }
    }
    this.#compare(machine, seen, raft);
  }

  /** What the member writes, in order: a cut takes away what the same write puts back in another term, and nothing else. */
  #watchCuts(machine: Machine, life: Life, raft: Raft): void {
    const { round } = life.member!;
    const submit = round.submit.bind(round);
    const terms: (Term | undefined)[] = [];
    for (const { index, term } of raft.state.log.entries) terms[index] = term;
    round.submit = (writes, durable): void => {
      for (const [at, write] of writes.entries()) {
        if (write.type === 'cut') {
          const after = writes.slice(at + 1).find(({ type }) => type === 'entries');
          const first = after?.type === 'entries' ? after.entries[0] : undefined;
          if (first?.index !== write.from || first.term === terms[write.from]) {
            this.#broken ??= new BrokenClaim('conflictsOnly', `${machine.name} cuts entry ${write.from} of term ${terms[write.from]} ${first === undefined ? 'for nothing' : `for ${first.index} of term ${first.term}`}`);
          }
          terms.length = Math.min(terms.length, write.from);
        }
        if (write.type === 'entries') for (const { index, term } of write.entries) terms[index] = term;
      }
      submit(writes, () => {
        this.#checkPromises(machine, life);
        durable();
      });
    };
  }

  /** A vote that was given is in every hard state that is durable in its term. */
  #checkPromises(machine: Machine, life: Life): void {
    const { term, vote } = life.member!.log!.state(1).hardState;
    const given = this.#votes.get(`${machine.at} ${term}`);
    if (given !== undefined && given !== vote && !life.incarnation.isDead) this.#broken ??= new BrokenClaim('oneVote', `what ${machine.name} has on disk for term ${term} does not name the one it voted for`);
  }

  /** By its own clock. A tick may follow one that was late by half of what lies between two. */
  #watchTicks(machine: Machine, life: Life): void {
    const { clock } = life.incarnation;
    const { tickMs } = life.member!.replicaOptions;
    const replica = life.member!.replica(1)!;
    const tick = replica.tick.bind(replica);
    let last = -Infinity;
    replica.tick = (): void => {
      const now = clock.now();
      // A clock whose rate changes meanwhile makes less of it.
      if (now - last < tickMs * 0.3) this.#broken ??= new BrokenClaim('tickOnce', `${machine.name} counts a tick ${(now - last).toFixed(1)} ms after one before`);
      last = now;
      tick();
    };
  }

  #compare(machine: Machine, seen: Seen, raft: Raft): void {
    const { state } = raft;
    const { log } = state;
    const last = raft.lastIndex;
    const lastBefore = seen.last;
    const lastTerm = log.entries.at(-1)?.term ?? log.offsetTerm;
    if (last !== seen.last || lastTerm !== seen.lastTerm || log.offset !== seen.offset) this.#logChanged(machine, seen, raft, last, lastTerm);
    if (state.term !== seen.term || state.role !== seen.role || state.lead !== seen.lead) this.#roleChanged(machine, seen, raft);
    if (log.committed !== seen.committed) this.#commitMoved(machine, seen, raft, lastBefore);
    if (state.role === Role.leader) {
      if (state.configurations.at(-1)!.configuration.outgoing.length > 0) this.#coverage.mark('a joint configuration ruled');
      for (const [id, { match }] of state.progress) {
        const before = seen.match.get(id) ?? 0;
        if (match < before) throw new BrokenClaim('matchRises', `at ${machine.name}, from ${before} to ${match}`);
        if (match === before) continue;
        const said = this.#said.get(`${id} ${state.id} ${state.term}`) ?? 0;
        if (match > said) throw new BrokenClaim('matchSaid', `at ${machine.name} of term ${state.term} it is ${match} for one that said ${said}`);
        seen.match.set(id, match);
      }
      // Its own clock says whether it would read now; that somebody else was elected is known at once only here.
      if (this.#newest > state.term && raft.leaseUntil > seen.life.incarnation.clock.now()) {
        throw new BrokenClaim('lease', `${machine.name} of term ${state.term} would read for ${(raft.leaseUntil - seen.life.incarnation.clock.now()).toFixed(1)} ms more, and term ${this.#newest} has a leader`);
      }
    }
  }

  #logChanged(machine: Machine, seen: Seen, raft: Raft, last: LogIndex, lastTerm: Term): void {
    const { log } = raft.state;
    const isRestored = log.offset > seen.last;
    if (log.offset !== seen.offset) {
      this.#coverage.mark('the log was compacted');
      if (isRestored) this.#coverage.mark('a snapshot was installed');
      seen.terms[log.offset] = log.offsetTerm;
      seen.offset = log.offset;
    }
    if (last < seen.last && !isRestored) this.#coverage.mark('a log was cut for a conflict');
    // Equal terms at an index mean that all before is equal: that was checked when it came.
    let from = last;
    while (from > log.offset && !(from <= seen.last && seen.terms[from] === raft.termAt(from))) from--;
    if (from < Math.min(last, seen.last) && !isRestored) this.#coverage.mark('a log was cut for a conflict');
    for (let index = from + 1; index <= last; index++) {
      const entry = log.entries[index - log.offset - 1]!;
      seen.terms[index] = entry.term;
      this.#checkEntry(machine, entry, raft.termAt(index - 1) ?? -1);
    }
    seen.last = last;
    seen.lastTerm = lastTerm;
    this.#checkConfiguration(machine, seen, raft);
  }

  #checkEntry(machine: Machine, entry: Entry, before: Term): void {
    const key = keyOf(entry);
    const known = this.#entries.get(key);
    // A witness has no payloads: of an entry it knows where it stands.
    const isBare = isWitness(machine);
    const print = isBare ? known?.print : printOf(entry);
    if (known === undefined && print !== undefined) this.#entries.set(key, { print, before, entry });
    if (known !== undefined && (known.print !== print || (known.before !== before && before !== -1))) {
      throw new BrokenClaim('logMatching', `entry ${entry.index} of term ${entry.term} at ${machine.name} is another than elsewhere`);
    }
  }

  #roleChanged(machine: Machine, seen: Seen, raft: Raft): void {
    const { state } = raft;
    if (state.lead !== 0) this.#followed.set(`${machine.at} ${state.term}`, state.lead);
    if (state.term < seen.term) throw new BrokenClaim('termsRise', `${machine.name} went from ${seen.term} to ${state.term}`);
    if (state.role === Role.leader && (seen.role !== Role.leader || seen.term !== state.term)) this.#elected(machine, raft);
    if (seen.role === Role.leader && state.role !== Role.leader) this.#coverage.mark(state.term === seen.term ? 'a leader stepped down in its own term' : 'a leader was deposed');
    if (state.role === Role.preCandidate) this.#coverage.mark('somebody asked for pre-votes');
    if (state.role === Role.candidate || state.role === Role.leader) this.#campaigned.add(state.term);
    if (state.term > 1 && !this.#campaigned.has(state.term)) throw new BrokenClaim('preVotes', `${machine.name} entered term ${state.term}`);
    seen.term = state.term;
    seen.role = state.role;
    seen.lead = state.lead;
    seen.match.clear();
  }

  #elected(machine: Machine, raft: Raft): void {
    const { state } = raft;
    const { term, log } = state;
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== machine.at) throw new BrokenClaim('oneLeader', `n${other + 1} and ${machine.name} in term ${term}`);
    this.#checkElected(machine, state);
    if (other === undefined) {
      this.#leaders.set(term, machine.at);
      if (this.#newest > 0) {
        this.leaderChanges++;
        this.#coverage.mark('the leader changed');
      }
      this.#newest = Math.max(this.#newest, term);
    }
    for (let index = Math.max(1, log.offset); index <= this.commitIndex; index++) {
      const committed = this.#committed[index]!;
      if (committed.in < term && raft.termAt(index) !== committed.term) {
        throw new BrokenClaim('leaderCompleteness', `${machine.name}, elected in term ${term}, has ${raft.termAt(index) ?? 'nothing'} at ${index}, where ${committed.term} is committed`);
      }
    }
  }

  /** @param lastBefore where its log ended when it was last looked at */
  /** By the votes that were given, whoever counted them. */
  #checkElected(machine: Machine, { id, term, configurations }: Raft['state']): void {
    const { configuration } = configurations.at(-1)!;
    const given = new Set([id]);
    for (const { at } of this.#world.machines) if (this.#votes.get(`${at} ${term}`) === id && this.#ids[at] !== undefined) given.add(this.#ids[at]);
    if (!isMajority(configuration, given)) throw new BrokenClaim('elected', `${machine.name} leads term ${term} with ${given.size} votes of ${describeVoters(configuration)}`);
    if (!mayLead(id, configurations)) throw new BrokenClaim('elected', `${machine.name} leads term ${term}, and is ${nameOf(id, configuration)}`);
  }

  /** What rules is a function of the log: also after a cut, and after everything was replaced by a snapshot. */
  #checkConfiguration(machine: Machine, seen: Seen, { state }: Raft): void {
    const { log, configurations, role, term } = state;
    // What a snapshot of its own says may be newer than entries that it keeps behind the offset.
    const base = Math.max(log.offset, configurations[0]!.index);
    if (base > log.committed) throw new BrokenClaim('configuration', `${machine.name} goes by that of ${base} as by one of the past, and has ${log.committed} committed`);
    const newest = log.entries.findLast(({ index: at, kind }) => kind === EntryKind.configuration && at > base);
    const { index, configuration } = configurations.at(-1)!;
    if (newest !== undefined && index !== newest.index) throw new BrokenClaim('configuration', `${machine.name} goes by that of ${index}, and its log has one at ${newest.index}`);
    if (newest === undefined && index > base) throw new BrokenClaim('configuration', `${machine.name} goes by that of ${index}, which is not in its log`);
    if (newest === undefined) {
      const committed = this.#configurations.findLast((each) => each.index <= base);
      if (committed !== undefined && committed.print !== crc32c(encodeConfiguration(configuration))) {
        throw new BrokenClaim('configuration', `${machine.name} goes by another than that of ${committed.index}, which its snapshot of ${base} holds`);
      }
      return;
    }
    if (role !== Role.leader || newest.term !== term || newest.index <= seen.changed) return;
    seen.changed = newest.index;
    const before = configurations.at(-2);
    if (before !== undefined && before.index > log.committed) throw new BrokenClaim('oneChange', `${machine.name} appends ${newest.index}, and ${before.index} is not committed`);
    if (newest.index > 1 && (log.committed === log.offset ? log.offsetTerm : log.entries[log.committed - log.offset - 1]!.term) !== term) {
      throw new BrokenClaim('oneChange', `${machine.name} appends ${newest.index} in term ${term}, of which nothing is committed`);
    }
  }

  #commitMoved(machine: Machine, seen: Seen, raft: Raft, lastBefore: LogIndex): void {
    const { state } = raft;
    const { log } = state;
    if (log.committed < seen.committed) throw new BrokenClaim('committedStays', `the commit index of ${machine.name} went from ${seen.committed} to ${log.committed}`);
    for (let index = Math.max(seen.committed, log.offset) + 1; index <= log.committed; index++) {
      const entry = log.entries[index - log.offset - 1]!;
      const known = this.#committed[index];
      if (known === undefined) {
        // Whoever committed it may have died in saying so to a witness, who cannot tell what it is.
        const whole = isWitness(machine) ? this.#entries.get(keyOf(entry))?.entry : entry;
        if (whole === undefined) throw new BrokenClaim('majority', `${machine.name}, a witness, commits ${index}, which nobody has`);
        this.#commit(whole, Math.max(state.term, seen.term));
      } else if (known.term !== entry.term || (!isWitness(machine) && known.print !== printOf(entry))) {
        throw new BrokenClaim('committedStays', `at ${index} term ${known.term} is committed, and ${machine.name} commits term ${entry.term}`);
      }
    }
    const isCounting = state.role === Role.leader && log.committed > log.offset;
    if (isCounting) {
      const term = raft.termAt(log.committed)!;
      if (term !== state.term) throw new BrokenClaim('ownTerm', `${machine.name} of term ${state.term} commits ${log.committed}, which is of term ${term}`);
      this.#promise(machine.at, log.committed <= log.durable ? log.committed : log.durable, raft);
      const holders = new Set<MemberId>();
      for (const other of this.#world.machines) {
        const id = this.#ids[other.at];
        if (id !== undefined && [...this.#promised[other.at]!, ...this.#forgotten[other.at]!].some((each) => each.index >= log.committed && (each.term === term || each.index > log.committed))) holders.add(id);
      }
      // The one that rules, or, where it came in the same turn, the one before it.
      const { configurations } = state;
      const ruled = configurations.some(({ configuration }, at) => (at === configurations.length - 1 || configurations[at + 1]!.index > lastBefore) && isMajority(configuration, holders));
      if (!ruled) throw new BrokenClaim('majority', `${machine.name} commits ${log.committed} of term ${term}, promised by ${holders.size} of ${this.#world.machines.length}`);
    }
    seen.committed = log.committed;
  }

  /** By machine. */
  readonly #ids: (MemberId | undefined)[] = [];

  // ── what is sent ───────────────────────────────────────────────────────────────────────────────────────────────

  #leaves(machine: Machine, life: Life, message: Message): void {
    const raft = life.member!.replica(1)?.raft;
    if (raft === undefined) return;
    const { at } = machine;
    this.#ids[at] = raft.state.id;
    const { hardState, lastIndex } = life.member!.log!.state(1);
    if (message.type === 'vote' || message.type === 'preVote') this.#checkCampaign(machine, raft, message);
    if (message.type === 'vote') {
      this.#campaigned.add(message.term);
      this.#asked.set(`${message.from} ${message.term}`, { index: message.lastIndex, term: message.lastTerm });
    }
    if (message.type === 'vote' || (message.type === 'voteReply' && message.granted)) {
      const candidate = message.type === 'vote' ? message.from : message.to;
      if (hardState.term < message.term || (hardState.term === message.term && hardState.vote !== candidate)) throw new BrokenClaim('saidDurably', `${machine.name} votes in term ${message.term}`);
      const key = `${at} ${message.term}`;
      const other = this.#votes.get(key);
      if (other !== undefined && other !== candidate) throw new BrokenClaim('oneVote', `${machine.name} in term ${message.term}`);
      this.#votes.set(key, candidate);
      this.#promisedTerm[at] = Math.max(this.#promisedTerm[at]!, message.term);
      this.#checkUpToDate(machine, raft, candidate, message.term);
    }
    if (message.type === 'voteReply' && !message.granted) this.#coverage.mark('a vote was refused');
    if (message.type === 'preVoteReply' && !message.granted) this.#coverage.mark('a pre-vote was refused');
    if (message.type === 'propose') this.#coverage.mark('a proposal was forwarded');
    if (message.type === 'readIndex') this.#coverage.mark('a read was forwarded');
    if (message.type === 'timeoutNow') this.#coverage.mark('a leader handed over');
    if (message.type === 'appendReply' && message.rejected) this.#coverage.mark('an append was refused');
    if (message.type === 'appendReply' && !message.rejected) {
      if (hardState.term < message.term) throw new BrokenClaim('saidDurably', `${machine.name} answers in term ${message.term}`);
      if (hardState.term === message.term && lastIndex < message.index) throw new BrokenClaim('saidDurably', `${machine.name} acknowledges ${message.index}, and its log ends at ${lastIndex}`);
      this.#promisedTerm[at] = Math.max(this.#promisedTerm[at]!, message.term);
      this.#promise(at, message.index, raft);
      const link = `${message.from} ${message.to} ${message.term}`;
      this.#said.set(link, Math.max(this.#said.get(link) ?? 0, message.index));
    }
  }

  /** While it campaigns it follows nobody, so that its configuration is still the one that it began with. */
  #checkCampaign(machine: Machine, { state }: Raft, { type, term }: Message): void {
    const campaigned = type === 'vote' ? state.term : state.term + 1;
    if (term !== campaigned || (state.role !== Role.candidate && state.role !== Role.preCandidate)) return;
    if (!mayLead(state.id, state.configurations)) throw new BrokenClaim('campaigns', `${machine.name} asks for votes in term ${term}, and is ${nameOf(state.id, state.configurations.at(-1)!.configuration)}`);
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

  #promise(at: number, index: LogIndex, raft: Raft): void {
    const term = raft.termAt(index);
    if (term === undefined || term === 0) return;
    const kept = this.#promised[at]!;
    const newest = kept.at(-1);
    if (newest?.index === index && newest.term === term) return;
    // One promise about an index replaces those about it and above: they were cut.
    if (newest !== undefined && newest.index >= index && raft.termAt(newest.index) === newest.term) return;
    kept.push({ index, term });
    if (kept.length > promisesKept) kept.shift();
  }

  // ── what is committed, and what comes of it ────────────────────────────────────────────────────────────────────

  #commit(entry: Entry, inTerm: Term): void {
    this.#committed.push({ term: entry.term, print: printOf(entry), in: inTerm });
    if (entry.kind === EntryKind.configuration) this.#configurations.push({ index: entry.index, print: crc32c(entry.data) });
    const before = this.#oracle.revision;
    const application = this.#oracle.apply(entry.index, entry.term, entry.kind === EntryKind.batch ? entry.data : undefined);
    while (!application.step(1e9));
    this.#digests[entry.index] = this.#oracle.digest().digest;
    if (entry.kind === EntryKind.batch) this.#noteSequences(entry.data);
    for (let revision = before + 1; revision <= this.#oracle.revision; revision++) this.#remember(revision);
  }

  #noteSequences(batch: Uint8Array): void {
    for (const bytes of decodeBatch(batch).commands) {
      const command = decodeCommand(bytes);
      if (command.type === 'expireSessions') this.#coverage.mark('a session expired');
      if (command.type !== 'write' || command.session === 0) continue;
      if (command.request.type === 'compact') this.#coverage.mark('the history was compacted');
      const key = `${command.session} ${command.sequence}`;
      if (this.#sequences.has(key)) this.#coverage.mark('a session answered a retry from memory');
      this.#sequences.add(key);
    }
  }

  /** What a revision changed, key by key. */
  #remember(revision: number): void {
    const result = finish(this.#oracle.read({ type: 'range', key: all, rangeEnd: all, revision }));
    // Written and compacted in one batch: nobody can read it any more.
    if ('failure' in result || result.response.type !== 'range') return;
    const present = new Set<string>();
    for (const { key, value, modRevision } of result.response.kvs) {
      const name = text(key);
      present.add(name);
      if (modRevision > this.#remembered) this.#version(name, modRevision, text(value));
    }
    for (const [name, versions] of this.#history) if (!present.has(name) && versions.at(-1)!.value !== null) this.#version(name, revision, null);
    this.#remembered = revision;
  }

  #version(name: string, revision: number, value: string | null): void {
    const versions = this.#history.get(name);
    if (versions === undefined) this.#history.set(name, [{ revision, value }]);
    else versions.push({ revision, value });
  }

  #checkState(machine: Machine, seen: Seen, applied: LogIndex, digest: () => string): void {
    if (applied === seen.applied) return;
    if (applied < seen.applied) throw new BrokenClaim('equalStates', `${machine.name} went back from ${seen.applied} to ${applied}`);
    if (applied > this.commitIndex) throw new BrokenClaim('committedStays', `${machine.name} applied ${applied}, which nobody committed`);
    seen.applied = applied;
    if (applied === 0 || isWitness(machine)) return;
    const own = digest();
    if (own !== this.#digests[applied]) throw new BrokenClaim('equalStates', `${machine.name} has ${own} at ${applied}, and the log makes ${this.#digests[applied]}`);
  }
}

const all = Uint8Array.of(0);

function isWitness({ life }: Machine): boolean {
  return life?.member?.identity.witness === true;
}

function keyOf({ index, term }: Entry): number {
  return index * 0x10_0000 + term;
}

function printOf(entry: Entry): number {
  return crc32c(entry.data, entry.kind);
}

function finish<T>(job: Job<T>): T {
  while (!job.step(1e9));
  return job.result;
}

/** One that is removed may lead until it knows that it is. */
function mayLead(id: MemberId, configurations: Raft['state']['configurations']): boolean {
  return configurations.some(({ configuration: { voters, outgoing, witnesses } }) => (voters.includes(id) || outgoing.includes(id)) && !witnesses.includes(id));
}

function nameOf(id: MemberId, { learners, witnesses }: Configuration): string {
  return learners.includes(id) ? 'a learner' : witnesses.includes(id) ? 'a witness' : 'no voter';
}

function describeVoters({ voters, outgoing }: Configuration): string {
  return outgoing.length === 0 ? `${voters.length}` : `${voters.length} and ${outgoing.length}`;
}
