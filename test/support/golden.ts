// Stories about Raft as text: commands above `----`, what happened below it, as src/core/raft/describe.ts words it.
//
//   cluster 3 electionTicks=10    three members (learners=1 adds one; witnesses=1: the last is one), nothing lost, messages take one tick
//   elect 1                       1 campaigns; until everybody who can be reached follows
//   campaign 1 · run 30 · propose 1 x=1 · read 2 · transfer 1 2 · compact 1 keep=2
//   change 1 add 4 · learner 5 · promote 5 · remove 2 (several at once: joint; `joint` alone: even for one)
//   grow                          the next member's process starts, and waits to be told who it is
//   partition 1 | 2 3 · cut 1 > 2 · heal
//   crash 1 · start 1 · pause 1 · resume 1 · stall 1 (its disk) · unstall 1 · lost 2 1 (2 hears that 1 is gone)
//   copy append 1 > 2             keeps copies of what is on its way; `deliver` sends them again, much later
//   drop append 1 > 2             loses what is on its way
//   logs                          everybody's log: `1: (2, …] 3 3 4, committed 4` lists terms behind the offset
//   show heartbeats               says those too

import { describeMessage, describeStep, standingOf } from '../../src/core/raft/index.ts';
import type { Change, Input, Message, RaftOptions, Ready, Standing } from '../../src/core/raft/index.ts';
import { RaftWorld } from './raft-world.ts';
import type { WorldNode } from './raft-world.ts';

export class GoldenStory {
  #world: RaftWorld | undefined;
  #lines: string[] = [];
  #kept: Message[] = [];
  #heartbeats = false;
  readonly #known = new Map<number, Standing>();

  get #here(): RaftWorld {
    if (this.#world === undefined) throw new Error('a story begins with “cluster”');
    return this.#world;
  }

  /** Carries out one command; what happened meanwhile. */
  tell(line: string): readonly string[] {
    this.#lines = [];
    const [verb = '', ...words] = line.trim().split(/\s+/);
    this.#act(verb, words);
    return this.#lines;
  }

  #act(verb: string, words: readonly string[]): void {
    const numbers = words.map(Number);
    const node = (position = 0): WorldNode => this.#here.node(numbers[position] ?? 0);
    switch (verb) {
      case 'cluster':
        return this.#begin(words);
      case 'elect':
        return this.#elect(node());
      case 'campaign':
        return this.#here.give(node(), { type: 'campaign' });
      case 'run':
        for (let count = numbers[0] ?? 1; count > 0; count--) this.#here.advance();
        return undefined;
      case 'propose':
        this.#here.propose(node(), words.slice(1).join(' ').length);
        return undefined;
      case 'read':
        this.#here.read(node());
        return undefined;
      case 'transfer':
        return this.#here.give(node(), { type: 'transfer', member: numbers[1] ?? 0 });
      case 'change':
        this.#here.change(node(), changesOf(words.slice(1)), words.includes('joint'));
        return undefined;
      case 'grow':
        this.#here.grow();
        return undefined;
      case 'compact':
        return this.#here.compact(node(), settings(words)['keep'] ?? 0);
      case 'partition':
        return this.#partition(words.join(' ').split('|').map((side) => side.trim().split(/\s+/).map(Number)));
      case 'cut':
        return this.#here.network.cut(numbers[0] ?? 0, numbers[2] ?? 0);
      case 'heal':
        return this.#here.network.heal();
      case 'crash':
        this.#known.delete(node().id);
        return this.#here.crash(node(), 0);
      case 'start':
        return this.#here.start(node());
      case 'pause':
      case 'resume':
        node().paused = verb === 'pause';
        return undefined;
      case 'stall':
      case 'unstall':
        node().stalled = verb === 'stall';
        return undefined;
      case 'lost':
        return this.#here.give(node(), { type: 'unreachable', member: numbers[1] ?? 0 }, { type: 'lost', member: numbers[1] ?? 0 });
      case 'copy':
      case 'drop': {
        const taken = this.#here.network.take(({ type, from, to }) => type === words[0] && from === numbers[1] && to === numbers[3]);
        if (verb === 'drop') return undefined;
        this.#kept.push(...taken);
        for (const message of taken) this.#here.network.send(message, this.#here.now);
        return undefined;
      }
      case 'deliver':
        for (const message of this.#kept.splice(0)) this.#here.network.send(message, this.#here.now);
        return undefined;
      case 'logs':
        return this.#logs();
      case 'show':
        this.#heartbeats = true;
        return undefined;
      default:
        throw new Error(`no such command: ${verb}`);
    }
  }

  #begin(words: readonly string[]): void {
    const { learners = 0, witnesses = 0, ...raft } = settings(words.slice(1));
    const options: Partial<RaftOptions> = { electionTicks: 10, ...raft };
    this.#world = new RaftWorld({ seed: 1, voters: Number(words[0]), learners, witnesses, diskLatencyMax: 0, raft: options });
    this.#world.onStep = (node, inputs, ready) => this.#stepped(node, inputs, ready);
  }

  #elect(node: WorldNode): void {
    const world = this.#here;
    world.give(node, { type: 'campaign' });
    for (let unit = 0; unit < 50; unit++) {
      world.advance();
      const followers = world.nodes.filter((other) => other.raft !== undefined && !other.paused && !world.network.isCut(node.id, other.id));
      if (followers.every(({ raft }) => raft!.state.lead === node.id && raft!.state.log.committed === node.raft!.lastIndex)) return;
    }
    throw new Error(`${node.id} was not elected`);
  }

  #partition(sides: readonly (readonly number[])[]): void {
    const sideOf = (id: number): number => sides.findIndex((side) => side.includes(id));
    for (const { id: a } of this.#here.nodes) for (const { id: b } of this.#here.nodes) if (sideOf(a) !== sideOf(b)) this.#here.network.cut(a, b);
  }

  #logs(): void {
    for (const { id, raft } of this.#here.nodes) {
      if (raft === undefined) this.#lines.push(`       ${id}: down`);
      else {
        const { offset, committed, entries } = raft.state.log;
        this.#lines.push(`       ${id}: ${offset > 0 ? `(${offset}, …] ` : ''}${entries.map(({ term }) => term).join(' ') || 'empty'}, committed ${committed}`);
      }
    }
  }

  #say(what: string): void {
    this.#lines.push(`[${String(this.#here.now).padStart(4)}] ${what}`);
  }

  #stepped(node: WorldNode, inputs: readonly Input[], ready: Ready): void {
    for (const input of inputs) if (input.type === 'receive' && this.#isTold(input.message)) this.#say(describeMessage(input.message));
    const { state } = node.raft!;
    const { term, log } = state;
    const before = this.#known.get(node.id) ?? { ...standingOf(state), role: 'follower', lead: 0, term, committed: log.committed };
    for (const what of describeStep(before, state, ready)) this.#say(what);
    this.#known.set(node.id, standingOf(state));
  }

  #isTold(message: Message): boolean {
    return this.#heartbeats || (message.type !== 'heartbeat' && message.type !== 'heartbeatReply') || message.round > 0;
  }
}

/** `add 4 · remove 2` */
function changesOf(words: readonly string[]): readonly Change[] {
  return words.join(' ').split('·').map((part) => part.trim()).filter((part) => part !== 'joint').map((part): Change => {
    const [verb = '', number = ''] = part.split(' ');
    const id = Number(number);
    if (verb === 'promote' || verb === 'remove') return { type: verb, id };
    return { type: verb === 'learner' ? 'addLearner' : 'addVoter', member: { id, name: `n${id}`, address: `n${id}:1` }, witness: verb === 'witness' };
  });
}

/** `a=1 b=2` */
function settings(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(words.filter((word) => word.includes('=')).map((word) => [word.split('=')[0] ?? '', Number(word.split('=')[1])]));
}

/** A script with its expected output replaced by what happens now. */
export function retell(text: string): string {
  const story = new GoldenStory();
  const told: string[] = [];
  let happened: string[] = [];
  let expecting = false;
  for (const line of text.split('\n')) {
    if (line === '----') {
      told.push(line, ...(happened.length > 0 ? happened : ['(nothing)']));
      happened = [];
      expecting = true;
    } else if (expecting) {
      if (line !== '') continue;
      expecting = false;
      told.push('');
    } else {
      told.push(line);
      if (line !== '' && !line.startsWith('#')) happened.push(...story.tell(line));
    }
  }
  if (happened.length > 0) throw new Error('a script ends with ---- and what happened');
  return `${told.join('\n').trimEnd()}\n`;
}
