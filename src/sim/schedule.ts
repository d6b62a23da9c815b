// What will go wrong in a run, drawn from its seed before it begins: a profile, which holds for all of it, and a list
// of faults with their times. The list is data, so that a part of it can be run again (see shrink.ts).

import { nextBelow, nextUnit, seedRandom } from '../core/random.ts';
import type { RandomState } from '../core/random.ts';

/** Every class of fault there is, and what `amount` means to it. */
export const faultClasses = {
  delay: 'bytes from one host to another take up to `amount` ms longer',
  drop: 'segments from one host to another are lost with chance `amount`: they come when they are sent again',
  stray: 'some of what a member says to another lingers in a connection that was given up, and comes up to `amount` ms later than what was said after it',
  partition: 'nothing passes from one host to another; the other direction lives on',
  isolate: 'nothing passes between a member and the other members, either way',
  vanish: 'as isolate, and what connected them is lost for good: nothing that was said on it comes, and no end hears that the other is gone',
  clog: 'as partition, for all members towards one, and short',
  swizzle: 'the leader is cut off, after `amount` ms its successor too, and they come back in that order',
  reset: 'every connection of a member breaks',
  slow: 'every sync of a disk takes `amount` ms longer',
  full: 'a disk has no space left',
  failSync: 'one sync of a disk fails, and nobody knows what of it was stored',
  failCall: 'the next opening (`amount` 0), renaming (1), removing (2), syncing of a directory (3), truncating (4), listing (5) or reading (6) on a disk fails',
  rot: 'bits flip in what a disk has stored',
  misdirect: 'a write to the log lands `amount` bytes from where it should',
  lostWrite: 'a write to the log is answered and never stored',
  exit: 'a process dies; its machine lives on, with all that was written',
  power: 'a machine loses power: what was not synced is lost, torn or kept, names too; `amount` 1: while a sync is under way',
  blackout: 'all machines lose power at once',
  pause: 'a process stands still, and goes on',
  lostDisk: 'a machine loses power and comes back with an empty disk',
  drift: 'a process’s clocks run at `amount` of their rate',
  jump: 'a process’s wall clock is set by `amount` ms',
  transfer: 'the leader is asked to hand over',
  join: 'a member is added and started: a voter (`amount` 0), a learner (1) or a witness (2)',
  promote: 'a learner becomes a voter',
  remove: 'a member is removed from the cluster, and stops',
  replace: 'a member that will not come back is removed, and a new one added',
  exchange: 'a learner takes the place of a voter, in one step',
} as const;
export type FaultClass = keyof typeof faultClasses;
export const faultClassNames: readonly FaultClass[] = Object.keys(faultClasses) as FaultClass[];

export interface Fault {
  /** Virtual milliseconds from the start of the run. */
  readonly at: number;
  readonly kind: FaultClass;
  /** By place in the cluster; `leader`: whoever leads then. */
  readonly target: number | 'leader';
  /** The other end of a link, counted from the target on. */
  readonly other: number;
  /** How long it lasts; of a death, until the process is started again. */
  readonly ms: number;
  readonly amount: number;
  /** A death or a pause happens at this many calls of a port from then on; 0: at once. */
  readonly calls: number;
}

/** What holds for the whole run. */
export interface Profile {
  readonly nodes: number;
  readonly clients: number;
  /** A client's pause between two calls, at most. */
  readonly thinkMs: number;
  readonly timeoutMs: number;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly segmentBytes: number;
  readonly snapshotLogBytes: number;
  readonly tailBytes: number;
  readonly appendBytesMax: number;
  readonly delayMs: readonly [number, number];
  readonly windowBytes: number;
  readonly diskDelayMs: number;
  readonly syncDelayMs: number;
  /** Reads by lease, if clocks differ by no more; 0: no leases. Faults keep within it. */
  readonly leaseDriftMax: number;
  /** The only members whose disks may be damaged or lost: the others keep one good copy of everything, on a majority. */
  readonly damageable: readonly number[];
  readonly armed: readonly FaultClass[];
  /** The network is the labs', which is like this. */
  readonly labs?: LabConditions | undefined;
}

export interface Schedule {
  readonly profile: Profile;
  readonly faults: readonly Fault[];
}

/** The MIT labs' switches, for a whole run (see labs-preset.ts). */
export interface LabConditions {
  readonly reliable: boolean;
  readonly longReordering: boolean;
  readonly longDelays: boolean;
}

/** What happens there besides: hosts cut off, pairs cut off, processes that die and find their disk as they left it. */
const labFaults: readonly FaultClass[] = ['isolate', 'partition', 'exit'];

export type Nemeses = readonly FaultClass[] | 'labs';

export interface DrawOptions {
  readonly nodes?: number | undefined;
  readonly seconds: number;
  /** Only these; `labs`: the MIT labs' network, and what happens there. */
  readonly nemesis?: Nemeses | undefined;
}

/** By the `amount` of a `failCall`. */
export const failingCalls = ['open', 'rename', 'remove', 'syncDirectory', 'truncate', 'list', 'read'] as const;

/** Who belongs to the cluster changes at a pace of its own, so that it takes no other fault's place. */
const membership: readonly FaultClass[] = ['join', 'promote', 'remove', 'replace', 'exchange'];
/** Nobody leaves a cluster that nobody joins. */
const membershipOdds: readonly FaultClass[] = ['join', 'join', 'join', 'promote', 'remove', 'remove', 'replace', 'exchange'];
/** Of a clock's rate; and by how much two of them differ at most. */
const drifts = [0.9, 0.98, 1.02, 1.1] as const;
const driftMax = 0.25;
/** What unseats a leader, if it is aimed at one. */
const unseating: readonly FaultClass[] = ['exit', 'power', 'blackout', 'isolate', 'vanish', 'swizzle', 'pause', 'transfer'];
const deaths: readonly FaultClass[] = ['exit', 'power', 'blackout', 'lostDisk'];

export function drawSchedule(seed: number, options: DrawOptions): Schedule {
  // Not the generator of the world: taking a fault away must not change what the dice say about the rest.
  const random = seedRandom(seed ^ 0x5eed);
  const pick = <T>(values: readonly T[]): T => values[nextBelow(random, values.length)]!;
  const nodes = options.nodes ?? pick([3, 3, 3, 5]);
  const asked = options.nemesis === 'labs' ? labFaults : (options.nemesis ?? faultClassNames);
  const possible = asked.filter((kind) => !membership.includes(kind));
  const changes = membershipOdds.filter((kind) => asked.includes(kind));
  // Swarm testing: a run in which everything happens never sees what one fault alone brings about.
  const share = pick([0.25, 0.5, 0.75]);
  let armed = possible.filter(() => nextUnit(random) < share);
  if (armed.length === 0 && possible.length > 0) armed = [pick(possible)];
  const usable = possible.filter((kind) => unseating.includes(kind));
  if (usable.length > 0 && !armed.some((kind) => unseating.includes(kind))) armed = [...armed, pick(usable)];
  const damageable: number[] = [];
  // What a leader and a witness committed is on one disk: where a witness may be, every disk keeps what it has.
  for (let left = nextUnit(random) < 0.25 ? 0 : (nodes - 1) >> 1; left > 0; left--) {
    const at = nextBelow(random, nodes);
    if (!damageable.includes(at)) damageable.push(at);
  }
  const changeMs = options.nemesis === undefined ? pick([0, 0, 0, 800, 2500]) : pick([800, 2500]);
  const profile: Profile = {
    nodes,
    clients: 2 + nextBelow(random, 4),
    thinkMs: pick([50, 150, 400]),
    timeoutMs: pick([1000, 3000, 5000]),
    tickMs: pick([20, 50, 50]),
    electionTicks: pick([10, 20, 30]),
    segmentBytes: pick([4, 8, 16]) << 10,
    snapshotLogBytes: pick([3, 8, 64, 1024]) << 10,
    tailBytes: pick([512, 2 << 10, 8 << 10]),
    delayMs: pick([[0, 1], [0, 2], [1, 5], [2, 20]] as const),
    windowBytes: pick([4, 64, 256]) << 10,
    appendBytesMax: pick([100, 1000, 1 << 20]),
    diskDelayMs: pick([0, 0.1, 1]),
    syncDelayMs: pick([0.2, 1, 4]),
    leaseDriftMax: pick([0, 0, driftMax]),
    damageable,
    ...(options.nemesis === 'labs' ? { labs: { reliable: nextUnit(random) < 0.2, longReordering: nextUnit(random) < 0.5, longDelays: nextUnit(random) < 0.5 } } : {}),
    armed: changes.length > 0 && changeMs > 0 ? [...armed, ...new Set(changes)] : armed,
  };
  const faults: Fault[] = [];
  const everyMs = pick([700, 1500, 3000]);
  const end = options.seconds * 1000;
  for (let at = 1000 + nextBelow(random, 2000); armed.length > 0 && at < end; at += 1 + nextBelow(random, 2 * everyMs)) {
    faults.push(drawFault(random, pick(armed), at, profile));
  }
  for (let at = 1500 + nextBelow(random, 2000); changes.length > 0 && changeMs > 0 && at < end; at += 1 + nextBelow(random, 2 * changeMs)) {
    faults.push(drawFault(random, pick(changes), at, profile));
  }
  // However quiet a seed is, one leader falls.
  const fall = armed.filter((kind) => unseating.includes(kind));
  if (fall.length > 0) faults.push({ ...drawFault(random, pick(fall), Math.floor(end * (0.3 + 0.4 * nextUnit(random))), profile), target: 'leader', ms: 6000, calls: 0 });
  return { profile, faults: faults.toSorted((a, b) => a.at - b.at) };
}

function drawFault(random: RandomState, kind: FaultClass, at: number, profile: Profile): Fault {
  const pick = <T>(values: readonly T[]): T => values[nextBelow(random, values.length)]!;
  const below = (bound: number): number => nextBelow(random, bound);
  const base = {
    at,
    kind,
    target: nextUnit(random) < 0.4 ? ('leader' as const) : below(profile.nodes),
    other: 1 + below(profile.nodes - 1),
    ms: 200 + below(pick([800, 4000, 10_000])),
    amount: 0,
    calls: nextUnit(random) < 0.6 ? 1 + below(40) : 0,
  };
  switch (kind) {
    case 'delay':
      return { ...base, amount: pick([10, 50, 300]) };
    case 'drop':
      return { ...base, amount: pick([0.05, 0.2, 0.5]) };
    case 'stray':
      return { ...base, amount: pick([30, 200, 1500]) };
    case 'clog':
      return { ...base, ms: 50 + below(1500) };
    case 'swizzle': {
      const amount = 500 + below(3500);
      return { ...base, target: 'leader', amount, ms: amount + below(2000) };
    }
    case 'slow':
      return { ...base, amount: pick([10, 100, 800]) };
    case 'rot':
    case 'misdirect':
    case 'lostWrite':
    case 'lostDisk':
      return { ...base, target: profile.damageable.length === 0 ? 0 : pick(profile.damageable), amount: kind === 'misdirect' ? pick([512, 4096, 40]) : below(1 << 30) };
    case 'drift':
      return { ...base, amount: pick(drifts) };
    case 'power': {
      const amount = below(2);
      return { ...base, amount, calls: amount === 1 ? Math.max(1, base.calls) : base.calls };
    }
    case 'join':
      return { ...base, amount: pick([0, 0, 1, 2]) };
    case 'failCall':
      return { ...base, amount: below(failingCalls.length) };
    case 'jump':
      return { ...base, amount: pick([-3_600_000, -1000, 1000, 30_000, 3_600_000]) };
    case 'partition':
    case 'isolate':
    case 'vanish':
    case 'reset':
    case 'full':
    case 'failSync':
    case 'exit':
    case 'blackout':
    case 'pause':
    case 'transfer':
    case 'promote':
    case 'remove':
    case 'replace':
    case 'exchange':
    default:
      return base;
  }
}

export function isDeath(kind: FaultClass): boolean {
  return deaths.includes(kind);
}
