/// <reference lib="esnext.disposable" preserve="true" />
// The door `thole/sim`: whole clusters in one thread under virtual time, and a verdict on each.

import { runWorld, shrinkWorld } from '../sim/index.ts';
import type { Drain, RunOptions, RunResult, Shrunk } from '../sim/index.ts';

export * from '../sim/index.ts';

/**
 * Node runs its tick queue once the microtasks are drained, all of them, and before it looks at timers or sockets: who
 * waits for a tick from within a promise waits for every promise, and for nothing real. So a promise that only the real
 * world could settle never does during a run, and the run says so.
 */
export const drainNode: Drain = () =>
  new Promise((resolve) => {
    process.nextTick(resolve);
  });

/** Runs one seed to its verdict. */
export async function runSeed(options: RunOptions): Promise<RunResult> {
  const result = await withoutStacks(() => runWorld(options, drainNode));
  // The same again, this time with what tells where: a seed is a seed.
  return result.verdict === 'noBug' && options.trace === undefined ? runWorld(options, drainNode) : result;
}

/** A refused dial is an Error with a stack, and there are thousands: a fifth of a run's time. */
async function withoutStacks<T>(work: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The smallest schedule of faults with which the seed still breaks the same claim; undefined: it is clean. */
export function shrinkSeed(options: RunOptions, progress?: (left: number, runs: number) => void): Promise<Shrunk | undefined> {
  return withoutStacks(() => shrinkWorld(options, drainNode, progress));
}
