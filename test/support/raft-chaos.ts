// A seed becomes a world, a stretch of everything going wrong in it, and a healing after which it must work again.

import { nextBelow, nextUnit, seedRandom } from '../../src/core/random.ts';
import type { RandomState } from '../../src/core/random.ts';
import { Role, configurationOf } from '../../src/core/raft/index.ts';
import type { Change, MemberId } from '../../src/core/raft/index.ts';
import { RaftWorld } from './raft-world.ts';
import type { WorldNode } from './raft-world.ts';

interface Rates {
  readonly crash: number;
  readonly restart: number;
  readonly pause: number;
  readonly partition: number;
  readonly heal: number;
  readonly propose: number;
  readonly read: number;
  readonly compact: number;
  readonly transfer: number;
  readonly campaign: number;
  readonly rumour: number;
  /** How often a member misses a tick. */
  readonly lateTick: number;
}

function oneOf<T>(random: RandomState, choices: readonly T[]): T {
  return choices[nextBelow(random, choices.length)] as T;
}

/** Half of the seeds are without a given fault: some bugs need calm elsewhere. */
function perhaps(random: RandomState, rate: number): number {
  return nextBelow(random, 2) === 0 ? 0 : rate * nextUnit(random);
}

export interface ChaosOptions {
  readonly units?: number;
  readonly changing?: boolean;
  /** Some voters are witnesses, and some who come. */
  readonly witnessing?: boolean;
  /** Leaders may read by their lease, and clocks differ. */
  readonly leasing?: boolean;
}

export function worldOf(seed: number, { witnessing = false, leasing = false }: ChaosOptions = {}): { readonly world: RaftWorld; readonly rates: Rates; readonly random: RandomState } {
  const random = seedRandom(seed * 2 + 1);
  // In every other world leaders hardly last: logs part, and are made one again, over and over.
  const churn = seed % 2 === 0;
  const electionTicks = churn ? 3 : oneOf(random, [6, 10, 30]);
  const voters = oneOf(random, churn ? [3, 3, 5] : [1, 2, 3, 3, 4, 5]);
  const world = new RaftWorld({
    seed,
    voters,
    witnesses: witnessing && voters > 1 ? 1 + nextBelow(random, voters >> 1) : 0,
    learners: oneOf(random, [0, 0, 0, 1]),
    ...(leasing ? { driftMax: oneOf(random, [0, 0.1, 1]) } : {}),
    diskLatencyMax: oneOf(random, churn ? [0, 0, 1, 6] : [0, 1, 3, 12]),
    applyMax: oneOf(random, [1, 4, 64]),
    raft: {
      electionTicks,
      heartbeatTicks: churn ? 1 : oneOf(random, [1, 2]),
      appendBytesMax: oneOf(random, [1, 100, 1 << 20]),
      inflightMax: oneOf(random, [1, 2, 8, 256]),
      inflightBytesMax: oneOf(random, [1, 300, 16 << 20]),
      uncommittedBytesMax: oneOf(random, [40, 400, 1 << 20]),
    },
  });
  world.network.faults = {
    latencyMax: oneOf(random, churn ? [1, 1, 2, 4] : [1, 2, 5]),
    dropRate: perhaps(random, 0.3),
    doubleRate: perhaps(random, 0.3),
    straggleRate: perhaps(random, 0.2),
  };
  if (churn) return { world, rates: churning(random), random };
  const rates: Rates = {
    crash: perhaps(random, 0.03),
    restart: 0.02 + nextUnit(random) * 0.2,
    pause: perhaps(random, 0.03),
    partition: perhaps(random, 0.04),
    heal: 0.01 + nextUnit(random) * 0.1,
    propose: nextUnit(random) * 0.8,
    read: perhaps(random, 0.5),
    compact: perhaps(random, 0.2),
    transfer: perhaps(random, 0.05),
    campaign: perhaps(random, 0.03),
    rumour: perhaps(random, 0.1),
    lateTick: perhaps(random, 0.5),
  };
  return { world, rates, random };
}

function churning(random: RandomState): Rates {
  return {
    crash: perhaps(random, 0.06), restart: 0.2, pause: perhaps(random, 0.05),
    partition: 0.02 + nextUnit(random) * 0.1, heal: 0.1 + nextUnit(random) * 0.3,
    propose: 0.2 + nextUnit(random) * 0.6, read: perhaps(random, 0.4), compact: perhaps(random, 0.1),
    transfer: perhaps(random, 0.1), campaign: perhaps(random, 0.3), rumour: perhaps(random, 0.2), lateTick: perhaps(random, 0.5),
  };
}

function disturb(world: RaftWorld, rates: Rates, random: RandomState): void {
  const happens = (rate: number): boolean => rate > 0 && nextUnit(random) < rate;
  const anybody = (): WorldNode => oneOf(random, world.nodes);
  const node = anybody();
  if (node.raft !== undefined && happens(rates.crash)) {
    world.crash(node);
    for (const other of world.nodes) if (nextBelow(random, 2) === 0) world.give(other, { type: 'unreachable', member: node.id }, { type: 'lost', member: node.id });
  }
  for (const dead of world.nodes) if (dead.raft === undefined && happens(rates.restart)) world.start(dead);
  if (happens(rates.pause)) anybody().paused = true;
  for (const sleeper of world.nodes) if (sleeper.paused && happens(rates.restart)) sleeper.paused = false;
  if (world.network.hasCuts ? happens(rates.heal) : false) world.network.heal();
  if (happens(rates.partition)) partition(world, random);
  if (happens(rates.propose)) {
    for (let count = nextBelow(random, 4); count >= 0; count--) {
      propose(world, nextBelow(random, 2) === 0 ? anybody() : (world.leader ?? anybody()), random);
    }
  }
  if (happens(rates.read)) ask(world, anybody());
  if (happens(rates.compact) && node.raft !== undefined) world.compact(node, nextBelow(random, 5));
  if (happens(rates.transfer)) world.give(anybody(), { type: 'transfer', member: anybody().id });
  if (happens(rates.campaign)) world.give(anybody(), { type: 'campaign' });
  if (happens(rates.rumour)) world.give(anybody(), { type: nextBelow(random, 3) === 0 ? 'lost' : 'unreachable', member: anybody().id });
}

function ask(world: RaftWorld, node: WorldNode): void {
  if (node.raft !== undefined) world.read(node);
}

function propose(world: RaftWorld, node: WorldNode, random: RandomState): void {
  if (node.raft !== undefined) world.propose(node, oneOf(random, [8, 8, 30, 200]));
}

function partition(world: RaftWorld, random: RandomState): void {
  // One partition at a time, or the group is never whole enough to elect anybody.
  world.network.heal();
  const { leader } = world;
  const chosen = nextBelow(random, 2) === 0 ? world.nodes.filter(() => nextBelow(random, 2) === 0) : world.nodes.filter(() => nextBelow(random, 4) === 0);
  const side = new Set(nextBelow(random, 2) === 0 && leader !== undefined ? [leader, ...chosen.slice(1)] : chosen);
  const oneWay = nextBelow(random, 3) === 0;
  const linkOnly = nextBelow(random, 3) === 0;
  for (const a of world.nodes) {
    for (const b of world.nodes) {
      if (a === b || side.has(a) === side.has(b)) continue;
      if (oneWay && !side.has(a)) continue;
      if (linkOnly && nextBelow(random, 2) === 0) continue;
      world.network.cut(a.id, b.id);
    }
  }
}

/** One change, or several at once: people come, are promoted and go, the leader and the dead among them. */
function changeMembers(world: RaftWorld, random: RandomState, witnessing: boolean): void {
  const asker = nextBelow(random, 2) === 0 ? world.leader : oneOf(random, world.nodes);
  if (asker?.raft === undefined) return;
  const { voters, learners } = configurationOf(asker.raft.state);
  const living = world.nodes.filter(({ gone }) => !gone).length;
  const changes: Change[] = [];
  for (let count = nextBelow(random, 4) === 0 ? 2 + nextBelow(random, 2) : 1; count > 0; count--) {
    const kind = nextBelow(random, 8);
    const somebody = (ids: readonly MemberId[]): MemberId => (ids.length > 0 ? oneOf(random, ids) : 1 + nextBelow(random, world.nodes.length));
    if (kind < 3 && living < 7) {
      const { id, isWitness } = world.grow(witnessing && nextBelow(random, 3) === 0);
      changes.push({ type: kind === 0 ? 'addVoter' : 'addLearner', member: { id, name: `n${id}`, address: `n${id}:1` }, witness: isWitness });
    } else if (kind < 5 && learners.length > 0) changes.push({ type: 'promote', id: somebody(learners) });
    else if (voters.length + learners.length > 2 || nextBelow(random, 4) === 0) {
      changes.push({ type: 'remove', id: nextBelow(random, 4) === 0 ? (world.leader?.id ?? 1) : somebody([...voters, ...learners]) });
    }
  }
  world.change(asker, changes, nextBelow(random, 4) === 0);
}

export function run(seed: number, options: ChaosOptions = {}): RaftWorld {
  const { units = 300, changing = false, witnessing = false } = options;
  const { world, rates, random } = worldOf(seed, options);
  const changeRate = changing ? 0.02 + 0.2 * nextUnit(random) : 0;
  for (let unit = 0; unit < units; unit++) {
    disturb(world, rates, random);
    if (changeRate > 0 && nextUnit(random) < changeRate) changeMembers(world, random, witnessing);
    world.advance(() => nextUnit(random) >= rates.lateTick);
  }
  heal(world);
  return world;
}

/** Nothing goes wrong any more: one leader, equal logs, everybody served, nothing left behind. */
export function heal(world: RaftWorld): void {
  const electionTicks = world.options.raft?.electionTicks ?? 30;
  world.network.heal();
  world.network.faults = { latencyMax: 1, dropRate: 0, doubleRate: 0, straggleRate: 0 };
  for (const node of world.nodes) {
    node.paused = false;
    if (node.raft === undefined) world.start(node);
  }
  // What was sent before may still arrive, a campaign or a transfer among it.
  for (let unit = 0; unit < 60; unit++) world.advance();
  const inTime = (what: string, units: number, reached: () => boolean): void => {
    for (let unit = 0; !reached(); unit++) {
      if (unit > units) throw new Error(`${what}: not within ${units} units after healing\n${world.describe()}\n${details(world)}`);
      world.advance();
    }
  };
  const slow = (world.options.diskLatencyMax ?? 2) + 4;
  inTime('a leader that everybody follows', electionTicks * 12 + slow * 40, () => {
    const lead = world.leader?.id;
    return lead !== undefined && world.members.every(({ raft }) => raft!.state.lead === lead);
  });
  inTime('equal logs, all applied', electionTicks * 8 + slow * (40 + world.leader!.raft!.lastIndex), () => isSettled(world));
  const before = world.leader!.raft!.state.term;
  for (const node of world.members) {
    inTime('room for a proposal', 40 * slow, () => isSettled(world));
    const last = world.claims.commitIndex;
    const ref = world.propose(node, 8);
    inTime(`a proposal at ${node.id} commits`, 20 * slow, () => world.claims.commitIndex > last && !world.proposals.has(ref));
    const { refused } = world.outcomes;
    const read = world.read(node);
    inTime(`a read at ${node.id} is served`, 20 * slow, () => !world.reads.has(read));
    if (world.outcomes.refused > refused) throw new Error(`a read at ${node.id} was refused though all is well`);
  }
  inTime('everything is settled', electionTicks * 8 + 40 * slow, () => isSettled(world));
  for (let unit = 0; unit < electionTicks * 4 + slow; unit++) world.advance();
  if (world.leader!.raft!.state.term !== before) throw new Error(`an election though all was well\n${world.describe()}`);
  if (world.changes.size > 0) throw new Error(`changes ${[...world.changes.keys()].join(',')} were never answered`);
  if (world.reads.size > 0) throw new Error(`reads ${[...world.reads.keys()].join(',')} were never answered`);
  if (world.proposals.size > 0) throw new Error(`proposals ${[...world.proposals.keys()].join(',')} were never answered`);
  leavesNothing(world);
}

function isSettled(world: RaftWorld): boolean {
  const raft = world.leader?.raft;
  if (raft === undefined) return false;
  const { log } = raft.state;
  const all = log.committed === raft.lastIndex && raft.state.log.durable === raft.lastIndex;
  return all && configurationOf(raft.state).outgoing.length === 0 && world.members.every((node) => node.applied === log.committed && node.raft!.lastIndex === raft.lastIndex);
}

/** In calm, every list that grows with work is empty again. */
function leavesNothing(world: RaftWorld): void {
  for (const { id, raft } of world.members) {
    const { state } = raft!;
    const left = {
      rounds: state.rounds.length, waiting: state.waiting.length, reads: state.forwardedReads.size, proposals: state.forwardedProposals.size, changes: state.forwardedChanges.size,
      uncommitted: state.uncommittedBytes, transferee: state.transferee,
      inflight: [...state.progress.values()].reduce((sum, { inflight, inflightBytes }) => sum + inflight.length + inflightBytes, 0),
      unmatched: [...state.progress.values()].filter(({ mode, match }) => mode !== 'replicate' || match !== raft!.lastIndex).length,
      tracked: state.role === Role.leader ? 0 : state.progress.size,
    };
    if (Object.values(left).some((count) => count !== 0)) throw new Error(`member ${id} holds on to ${JSON.stringify(left)}\n${details(world)}`);
  }
}

function details(world: RaftWorld): string {
  const raft = world.leader?.raft;
  if (raft === undefined) return 'no leader';
  return [...raft.state.progress].map(([id, progress]) => `${id}: ${JSON.stringify({ ...progress, inflight: progress.inflight.length })}`).join('\n');
}
