// One seed, from an empty world to a verdict: faults while the clients work, then healing, convergence, and the judgement
// of the whole history.

import type { Drain } from './clock.ts';
import { Coverage } from './coverage.ts';
import type { Mark } from './coverage.ts';
import { BrokenClaim } from './judge/claim.ts';
import type { ClaimName } from './judge/claim.ts';
import { judgeHistory } from './judge/history.ts';
import { Judge } from './judge/judge.ts';
import { Nemesis } from './nemesis.ts';
import { drawSchedule } from './schedule.ts';
import type { Nemeses, Schedule } from './schedule.ts';
import { Trace } from './trace.ts';
import type { TraceEvent } from './trace.ts';
import { Workload } from './workload.ts';
import type { Call } from './workload.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  /** @default drawn: 3 or 5 */
  readonly nodes?: number | undefined;
  /** How long faults happen, in virtual seconds. @default 30 */
  readonly seconds?: number | undefined;
  /** Only these classes of faults; `labs`: the MIT labs' network. @default all, of which the seed arms some */
  readonly nemesis?: Nemeses | undefined;
  /** Instead of the one the seed draws. */
  readonly schedule?: Schedule | undefined;
  readonly durability?: 'fsync' | 'os' | undefined;
  /** Told of every event. */
  readonly trace?: ((event: TraceEvent) => void) | undefined;
}

export interface RunFailure {
  readonly claim: ClaimName;
  readonly message: string;
  /** Virtual milliseconds. */
  readonly at: number;
}

export interface RunResult {
  readonly seed: number;
  /** `ok`, or the claim that broke. */
  readonly verdict: 'ok' | ClaimName;
  readonly failure: RunFailure | undefined;
  /** Of every event: equal on every run of this seed. */
  readonly hash: string;
  readonly events: number;
  readonly simulatedSeconds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly coverage: Readonly<Record<Mark, number>>;
  readonly leaderChanges: number;
  readonly calls: { readonly ok: number; readonly failed: number; readonly unknown: number };
  /** The check of linearizability gave up on so many keys: they are not known to be right. */
  readonly undecided: number;
  readonly schedule: Schedule;
}

const convergeMs = 60_000;
const goOnMs = 20_000;

/** Never rejects for what a member did: that is a verdict. */
export async function runWorld(options: RunOptions, drain: Drain): Promise<RunResult> {
  const { seed, seconds = 30 } = options;
  const schedule = options.schedule ?? drawSchedule(seed, { nodes: options.nodes, seconds, nemesis: options.nemesis });
  const { profile } = schedule;
  const trace = new Trace(options.trace);
  const coverage = new Coverage();
  let broken: unknown;
  const world: World = new World({
    seed,
    nodes: profile.nodes,
    segmentBytes: profile.segmentBytes,
    replica: { tickMs: profile.tickMs, electionTicks: profile.electionTicks, snapshotLogBytes: profile.snapshotLogBytes, tailBytes: profile.tailBytes, appendBytesMax: profile.appendBytesMax, ...(profile.leaseDriftMax > 0 ? { leaseDriftMax: profile.leaseDriftMax } : {}) },
    durability: options.durability ?? 'fsync',
    delayMs: profile.delayMs,
    windowBytes: profile.windowBytes,
    labs: profile.labs,
    diskDelayMs: profile.diskDelayMs,
    syncDelayMs: profile.syncDelayMs,
    drain,
    trace,
    logged: (_who, _level, message) => {
      if (message === 'took a snapshot') coverage.mark('a snapshot was taken');
      else if (message === 'sends a snapshot') coverage.mark('a snapshot was sent');
      else if (message.startsWith('a torn tail was cut')) coverage.mark('a torn tail was cut');
    },
    opened: (machine, life) => {
      // The judge hears what is said when it is said, however late it leaves.
      nemesis.opened(machine, life);
      judge.opened(machine, life);
    },
    stopped: (machine, failure) => {
      try {
        nemesis.stopped(machine, failure);
      } catch (error) {
        broken ??= error;
      }
    },
  });
  const judge = new Judge(world, coverage);
  const nemesis = new Nemesis(world, judge, coverage, schedule);
  const workload = new Workload(world, coverage, { seed, clients: profile.clients, thinkMs: profile.thinkMs, timeoutMs: profile.timeoutMs, leases: profile.leaseDriftMax > 0 });
  world.clock.afterEvent = () => {
    broken ??= workload.broken ?? nemesis.operator.broken;
    if (broken !== undefined) throw broken;
    judge.look();
    workload.check();
  };
  let undecided = 0;
  let failure: RunFailure | undefined;
  try {
    for (const { at } of world.machines) world.start(at);
    workload.start();
    nemesis.start();
    await world.until(() => world.clock.now() >= seconds * 1000, seconds * 1000);
    nemesis.heal();
    const healed = world.clock.now();
    await live(world, nemesis, workload, healed);
    undecided = judgeHistory(workload.calls, judge.ledger);
  } catch (error) {
    failure = { ...describe(error), at: world.clock.now() };
  }
  const of = (outcome: Call['outcome']): number => workload.calls.filter((call) => call.outcome === outcome).length;
  return {
    seed,
    verdict: failure?.claim ?? 'ok',
    failure,
    hash: trace.hash,
    events: world.clock.events,
    simulatedSeconds: world.clock.now() / 1000,
    faults: nemesis.counts(),
    coverage: coverage.counts(),
    leaderChanges: judge.leaderChanges,
    calls: { ok: of('ok'), failed: of('failed'), unknown: of('unknown') },
    undecided,
    schedule,
  };
}

/** After healing: everybody back, somebody leads, every client gets a write through, and all have the same state. */
async function live(world: World, nemesis: Nemesis, workload: Workload, healed: number): Promise<void> {
  const { clock } = world;
  const names = new Set(workload.calls.map(({ client }) => client));
  const reached = async (condition: () => boolean, ms: number, what: () => string): Promise<void> => {
    let isReached = false;
    let isOver = false;
    const poll = (): void => {
      isReached = condition();
      if (!isReached && !isOver) clock.after(20, poll);
    };
    poll();
    await world.until(() => isReached, ms);
    isOver = true;
    if (!isReached) throw new BrokenClaim('liveness', `not in ${ms / 1000} s after healing: ${what()}`);
  };
  const states = (): string => world.machines.map((machine) => {
    const raft = world.replicaOf(machine)?.raft;
    return `${machine.name} ${machine.failure?.code ?? (machine.life?.started === true ? 'runs' : 'starts')} ${raft?.state.role} of ${raft?.state.term}, applied ${world.kvOf(machine)?.appliedIndex} of ${raft?.state.log.committed}`;
  }).join('; ');
  const { operator } = nemesis;
  await reached(() => operator.isIdle, convergeMs, () => `the change of membership that is under way ends (${states()})`);
  await reached(() => world.machines.every((machine) => machine.life === undefined || !operator.leaving.has(machine)), convergeMs, () => `who was removed stops (${states()})`);
  await reached(() => nemesis.survivors.every(({ life }) => life?.started === true) && world.leader() !== undefined, convergeMs, () => `everybody runs and somebody leads (${states()})`);
  await reached(() => isSettled(world), convergeMs, () => `whoever joined as a voter is one (${states()})`);
  await reached(() => workload.completedSince(healed).size >= names.size, goOnMs, () => `every client gets a write through (${[...names].filter((name) => !workload.completedSince(healed).has(name)).join(', ')} did not; ${states()})`);
  workload.stop();
  await reached(() => workload.isIdle, goOnMs, () => 'the last calls end');
  await reached(() => {
    const replicas = nemesis.survivors.map((machine) => world.replicaOf(machine));
    const kvs = nemesis.survivors.flatMap((machine) => world.kvOf(machine) ?? []);
    return replicas.every((replica) => replica !== undefined && replica.machine.appliedIndex === kvs[0]?.appliedIndex) && kvs.every((kv) => kv.digest().digest === kvs[0]?.digest().digest);
  }, convergeMs, () => `all have applied the same (${states()})`);
}

/** Nobody waits for a promotion, and no joint configuration is left over. */
function isSettled(world: World): boolean {
  const leader = world.leader();
  const configuration = leader === undefined ? undefined : world.replicaOf(leader)?.raft.configuration;
  return configuration !== undefined && configuration.outgoing.length === 0 && (configuration.joining ?? []).length === 0;
}

function describe(error: unknown): Omit<RunFailure, 'at'> {
  if (error instanceof BrokenClaim) return { claim: error.claim, message: error.message };
  return { claim: 'noBug', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
