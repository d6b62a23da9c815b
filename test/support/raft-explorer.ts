// A few Raft cores, their disks and the network between them as one value, and every way in which it can go on: any
// connection may bring its next message, any disk finish its oldest write, any core be told of what its disk finished
// (sooner or later, one by one or all at once), any member lose its power. Nothing is drawn by lot: small worlds are
// searched whole.
//
// What a persist promises leaves when the disk is done (`sync`), and the core hears of it in a later step (`tell`): so
// an answer of another member may come between the two, as it does in production. Heartbeats are always lost, and
// pre-votes always granted at once: neither promises anything, and both would multiply the worlds by ten.

import { Raft, Role, configurationOf, defaultRaftOptions, isQuorum, noHardState } from '../../src/core/raft/index.ts';
import type { Configuration, Input, LogIndex, MemberId, Message, Persist, RaftState, Ready, Term } from '../../src/core/raft/index.ts';
import { RaftDisk } from './raft-disk.ts';
import type { RaftImage } from './raft-disk.ts';

export interface Bounds {
  readonly voters: readonly MemberId[];
  /** How often each may campaign, as if its timeout had passed and nobody were loyal any more. */
  readonly campaigns: Readonly<Record<MemberId, number>>;
  readonly proposals: number;
  /** How often each may lose its power. */
  readonly crashes: Readonly<Record<MemberId, number>>;
}

interface Waiting {
  readonly persist: Persist | undefined;
  readonly messages: readonly Message[];
}

interface Member {
  readonly id: MemberId;
  readonly state: RaftState;
  readonly image: RaftImage;
  /** Handed to the disk, which is not done with it. */
  readonly writing: readonly Waiting[];
  /** The disk is done with these, and the core does not know. */
  readonly untold: readonly Persist[];
  readonly campaigns: number;
  readonly crashes: number;
  /** The same number, the same member in every respect above. */
  readonly key: number;
}

interface Flight {
  readonly key: number;
  readonly message: Message;
}

export interface World {
  readonly members: readonly Member[];
  /** By connection, oldest first. */
  readonly flying: readonly (readonly Flight[])[];
  readonly proposals: number;
  /** What ever was: who led a term, who was voted for in it, which terms were committed. */
  readonly ghosts: { readonly leaders: Readonly<Record<string, MemberId>>; readonly votes: Readonly<Record<string, MemberId>>; readonly committed: readonly Term[] };
}

export interface Choice {
  readonly name: string;
  readonly next: () => World;
}

function claim(holds: boolean, what: string, detail: string): void {
  if (!holds) throw new Error(`${what}: ${detail}`);
}

function plain(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (each instanceof Map ? [...each] : each instanceof Uint8Array ? [...each] : each));
}

/** All of it that a step may change in place. */
function cloned(state: RaftState): RaftState {
  const { log, progress, rounds } = state;
  return {
    ...state,
    log: { ...log, entries: [...log.entries] },
    random: structuredClone(state.random),
    configurations: [...state.configurations],
    votes: new Map(state.votes),
    progress: new Map([...progress].map(([id, each]) => [id, { ...each, inflight: [...each.inflight] }])),
    rounds: structuredClone(rounds),
    waiting: [...state.waiting],
    forwardedReads: new Map(state.forwardedReads),
    forwardedProposals: new Map(state.forwardedProposals),
    forwardedChanges: new Map(state.forwardedChanges),
  };
}

export class Explorer {
  readonly #bounds: Bounds;
  readonly #configuration: Configuration;
  readonly #numbers = new Map<string, number>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    this.#configuration = { voters: bounds.voters, outgoing: [], learners: [], witnesses: [], members: [] };
  }

  get start(): World {
    const members = this.#bounds.voters.map((id) => {
      const image: RaftImage = { hardState: noHardState, marker: undefined, offset: 0, offsetTerm: 0, entries: [] };
      return this.#member({ id, state: this.#boot(id, image).state, image, writing: [], untold: [], campaigns: 0, crashes: 0 });
    });
    return { members, flying: Array.from({ length: members.length ** 2 }, () => []), proposals: 0, ghosts: { leaders: {}, votes: {}, committed: [0] } };
  }

  /** One name for equal worlds. */
  keyOf({ members, flying, proposals, ghosts }: World): string {
    const inFlight = flying.map((link) => link.map(({ key }) => key).join(' ')).join(',');
    return `${members.map(({ key }) => key).join(' ')} ${proposals} ${inFlight} ${this.#number(JSON.stringify(ghosts))}`;
  }

  #number(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  choices(world: World): readonly Choice[] {
    const choices: Choice[] = [];
    for (const [at, link] of world.flying.entries()) {
      const [first, ...rest] = link;
      if (first === undefined) continue;
      const { message } = first;
      choices.push({
        name: `${message.from}→${message.to} ${message.type} arrives`,
        next: () => this.#step({ ...world, flying: world.flying.with(at, rest) }, message.to, [{ type: 'receive', message }]),
      });
    }
    for (const member of world.members) choices.push(...this.#choicesOf(world, member));
    return choices;
  }

  #choicesOf(world: World, member: Member): readonly Choice[] {
    const { id, writing, untold, state, campaigns, crashes } = member;
    const bounds = this.#bounds;
    const choices: Choice[] = [];
    if (writing.length > 0) choices.push({ name: `${id}'s disk is done`, next: () => this.#sync(world, member) });
    for (const count of new Set([Math.min(1, untold.length), untold.length])) {
      if (count > 0) choices.push({ name: `${id} is told of ${count}`, next: () => this.#tell(world, member, count) });
    }
    if (campaigns < (bounds.campaigns[id] ?? 0) && state.role !== Role.leader) choices.push({ name: `${id} campaigns`, next: () => this.#campaign(world, member) });
    if (world.proposals < bounds.proposals && state.role === Role.leader) {
      choices.push({ name: `${id} proposes`, next: () => this.#step({ ...world, proposals: world.proposals + 1 }, id, [{ type: 'propose', ref: 1, data: Uint8Array.of(id) }]) });
    }
    if (crashes < (bounds.crashes[id] ?? 0)) choices.push({ name: `${id} loses its power`, next: () => this.#crash(world, member) });
    return choices;
  }

  #sync(world: World, member: Member): World {
    const [done, ...writing] = member.writing;
    const image = written(member.image, done!.persist);
    const untold = done!.persist === undefined ? member.untold : [...member.untold, done!.persist];
    return this.#release(this.#with(world, { ...member, image, writing, untold }), member.id, done!.messages);
  }

  #tell(world: World, member: Member, count: number): World {
    const inputs = member.untold.slice(0, count).map(({ seq, entries }): Input => ({ type: 'persisted', seq, index: entries.at(-1)?.index ?? 0, term: entries.at(-1)?.term ?? 0 }));
    return this.#step(this.#with(world, { ...member, untold: member.untold.slice(count) }), member.id, inputs);
  }

  #campaign(world: World, member: Member): World {
    // Nobody is loyal any more: who leads was not heard for long, whether it lives or not.
    let next = this.#with(world, { ...member, campaigns: member.campaigns + 1 });
    for (const { id } of world.members) {
      const { lead, role } = next.members[this.#bounds.voters.indexOf(id)]!.state;
      if (role === Role.follower && lead !== 0) next = this.#step(next, id, [{ type: 'lost', member: lead }]);
    }
    const others = this.#bounds.voters.filter((id) => id !== member.id);
    const granted = others.map((from): Input => ({ type: 'receive', message: { from, to: member.id, term: member.state.term + 1, type: 'preVoteReply', granted: true } }));
    return this.#step(next, member.id, [{ type: 'campaign' }, ...granted]);
  }

  #crash(world: World, member: Member): World {
    const { id, image } = member;
    return this.#with(world, { ...member, state: this.#boot(id, image).state, writing: [], untold: [], crashes: member.crashes + 1 });
  }

  #boot(id: MemberId, image: RaftImage): Raft {
    const { hardState, marker, offset, offsetTerm, entries } = image;
    return new Raft({ ...defaultRaftOptions, id, seed: id }, { hardState, marker, offset, offsetTerm, entries: [...entries], configuration: this.#configuration, applied: 0 });
  }

  #step(world: World, id: MemberId, inputs: readonly Input[]): World {
    const member = world.members[this.#bounds.voters.indexOf(id)]!;
    const raft = this.#boot(id, member.image);
    Object.assign(raft.state, cloned(member.state));
    const ready = raft.step(inputs);
    const { state } = raft;
    const { persist, messagesAfterPersist } = ready;
    // With nothing before it, what waits for the disk waits for nothing.
    const isFree = persist === undefined && member.writing.length === 0;
    const writing = isFree || (persist === undefined && messagesAfterPersist.length === 0) ? member.writing : [...member.writing, { persist, messages: messagesAfterPersist }];
    let next = this.#with(world, { ...member, state, writing });
    for (const message of ready.messages) checkUnpromising(message);
    next = { ...next, ghosts: this.#haunt(next, member.state, state, ready) };
    next = this.#release(next, id, ready.messages);
    return isFree ? this.#release(next, id, messagesAfterPersist) : next;
  }

  /** Messages leave: what they promise must be on the disk now. */
  #release(world: World, id: MemberId, messages: readonly Message[]): World {
    const { image } = world.members[this.#bounds.voters.indexOf(id)]!;
    const votes: Record<string, MemberId> = { ...world.ghosts.votes };
    for (const message of messages) {
      if (message.type === 'vote' || (message.type === 'voteReply' && message.granted)) {
        const candidate = message.type === 'vote' ? id : message.to;
        const key = `${id} in ${message.term}`;
        claim((votes[key] ?? candidate) === candidate, 'one vote a term', key);
        votes[key] = candidate;
        const { term, vote } = image.hardState;
        claim(term > message.term || (term === message.term && vote === candidate), 'a vote is durable before it is sent', JSON.stringify([message, image.hardState]));
      }
      if (message.type === 'appendReply' && !message.rejected) {
        claim(image.hardState.term >= message.term, 'a term is durable before it is promised', JSON.stringify(message));
        if (image.hardState.term === message.term) claim(image.offset + image.entries.length >= message.index, 'entries are durable before they are acknowledged', JSON.stringify(message));
      }
    }
    const flying = world.flying.map((link) => [...link]);
    const at = (member: MemberId): number => this.#bounds.voters.indexOf(member);
    for (const message of messages) {
      if (/heartbeat|preVote/.test(message.type)) continue;
      flying[at(message.from) * this.#bounds.voters.length + at(message.to)]!.push({ key: this.#number(plain(message)), message });
    }
    return { ...world, flying, ghosts: { ...world.ghosts, votes } };
  }

  #haunt(world: World, before: RaftState, after: RaftState, ready: Ready): World['ghosts'] {
    const { leaders, votes, committed } = world.ghosts;
    const next = { leaders: { ...leaders }, votes, committed: [...committed] };
    const { log } = after;
    if (after.role === Role.leader) {
      claim((leaders[after.term] ?? after.id) === after.id, 'one leader a term (Election Safety)', `${after.id} and ${leaders[after.term]} in ${after.term}`);
      if (leaders[after.term] === undefined) {
        for (let index = 1; index < committed.length; index++) {
          // Of later terms it may not know.
          if (committed[index]! < after.term) claim(log.entries[index - 1]?.term === committed[index], 'a leader holds all that is committed (Leader Completeness)', `${after.id} in ${after.term} at ${index}`);
        }
      }
      next.leaders[after.term] = after.id;
    }
    claim(log.committed >= before.log.committed, 'a commit never goes back', `${after.id}`);
    for (let index = 1; index <= log.committed; index++) {
      const { term } = log.entries[index - 1]!;
      if (index < next.committed.length) claim(next.committed[index] === term, 'a committed entry is never replaced (State Machine Safety)', `${index} at ${after.id}`);
      else {
        const holders = new Set(world.members.filter(({ image }) => image.entries[index - 1]?.term === term).map(({ id }) => id));
        claim(isQuorum(configurationOf(after), holders), 'what is committed is durable on a majority', `${index}/${term} is only on ${[...holders].join()}`);
        next.committed.push(term);
      }
    }
    claim(ready.commitIndex === log.committed, 'a Ready says what is committed', String(ready.commitIndex));
    return next;
  }

  #with(world: World, member: Omit<Member, 'key'>): World {
    const changed = this.#member(member);
    return { ...world, members: world.members.map((each) => (each.id === changed.id ? changed : each)) };
  }

  #member(member: Omit<Member, 'key'>): Member {
    const { state, image } = member;
    // The heart of it: what the core takes for durable is on the disk, with that term.
    for (let index = 1; index <= state.log.durable; index++) {
      claim(image.entries[index - 1]?.term === state.log.entries[index - 1]?.term, 'what is taken for durable is durable', `${index} at ${member.id}`);
    }
    const { id, writing, untold, campaigns, crashes } = member;
    if (state.role === Role.candidate && state.votes.get(id) === true) {
      claim(image.hardState.term === state.term && image.hardState.vote === id, 'the own vote is durable before it is counted', `${id} in ${state.term}`);
    }
    // Patience is not what is explored here, and would tell apart what is the same.
    const timeless = { ...state, random: 0, electionTimeout: 0, electionElapsed: 0, loyalTicks: state.loyalTicks >= defaultRaftOptions.electionTicks, leaderlessTerms: 0, nextForward: 0 };
    return { id, state, image, writing, untold, campaigns, crashes, key: this.#number(plain([id, timeless, image, writing, untold, campaigns, crashes])) };
  }
}

/** What leaves at once may be forgotten by a crash: it must promise nothing (law 1). */
function checkUnpromising(message: Message): void {
  const promises = message.type === 'vote' || (message.type === 'voteReply' && message.granted) || (message.type === 'appendReply' && !message.rejected);
  claim(!promises, 'nothing is promised before it is durable (law 1)', JSON.stringify(message));
}

function written(image: RaftImage, persist: Persist | undefined): RaftImage {
  if (persist === undefined) return image;
  const disk = new RaftDisk({ voters: [], outgoing: [], learners: [], witnesses: [], members: [] });
  Object.assign(disk.image, { ...image, entries: [...image.entries] });
  disk.submit(persist, 0, () => undefined);
  disk.sync(0);
  return disk.image;
}

export interface Explored {
  readonly worlds: number;
  /** Nothing could happen in these any more. */
  readonly ends: number;
  readonly elected: number;
  readonly committed: LogIndex;
  /** The bound was reached, and some worlds were not looked at. */
  readonly isCut: boolean;
}

/** Every world that can be reached, each once. What breaks is thrown with the way that led there. */
export function explore(explorer: Explorer, worldsMax: number): Explored {
  const { start } = explorer;
  const seen = new Map<string, { readonly from: string; readonly by: string }>();
  const first = explorer.keyOf(start);
  seen.set(first, { from: '', by: 'start' });
  const stack: { readonly world: World; readonly key: string }[] = [{ world: start, key: first }];
  const way = (key: string): string => {
    const steps: string[] = [];
    for (let at = key; at !== ''; at = seen.get(at)!.from) steps.push(seen.get(at)!.by);
    return steps.toReversed().join('\n');
  };
  let [ends, elected, committed] = [0, 0, 0];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const choices = explorer.choices(next.world);
    if (choices.length === 0) ends++;
    elected = Math.max(elected, Object.keys(next.world.ghosts.leaders).length);
    committed = Math.max(committed, next.world.ghosts.committed.length - 1);
    for (const choice of choices) {
      let world: World;
      try {
        world = choice.next();
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : String(error)}\n${way(next.key)}\n${choice.name}`, { cause: error });
      }
      const key = explorer.keyOf(world);
      if (seen.has(key)) continue;
      if (seen.size >= worldsMax) return { worlds: seen.size, ends, elected, committed, isCut: true };
      seen.set(key, { from: next.key, by: choice.name });
      stack.push({ world, key });
    }
  }
  return { worlds: seen.size, ends, elected, committed, isCut: false };
}
