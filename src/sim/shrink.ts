// The smallest schedule that still fails: delta debugging (Zeller & Hildebrandt 2002, ddmin) over the list of faults.
// A fault taken away changes what comes after it, so every candidate is a run of its own, judged by the same claim.

import type { Drain } from './clock.ts';
import { runWorld } from './run.ts';
import type { RunOptions, RunResult } from './run.ts';
import type { Fault } from './schedule.ts';

export interface Shrunk {
  readonly result: RunResult;
  readonly runs: number;
}

/** Undefined: the seed is clean. `progress` hears of every smaller schedule. */
export async function shrinkWorld(options: RunOptions, drain: Drain, progress: (left: number, runs: number) => void = () => undefined): Promise<Shrunk | undefined> {
  let best = await runWorld(options, drain);
  const { verdict, failure } = best;
  if (failure === undefined) return undefined;
  let runs = 1;
  const isSmaller = async (faults: readonly Fault[]): Promise<boolean> => {
    runs++;
    const result = await runWorld({ ...options, schedule: { ...best.schedule, faults } }, drain);
    if (result.verdict !== verdict) return false;
    best = result;
    progress(faults.length, runs);
    return true;
  };
  // What comes after the failure has no part in it.
  await isSmaller(best.schedule.faults.filter(({ at }) => at <= failure.at));
  for (let parts = 2; best.schedule.faults.length > 0; ) {
    const { faults } = best.schedule;
    const size = Math.ceil(faults.length / parts);
    let isReduced = false;
    for (let from = 0; from < faults.length && !isReduced; from += size) {
      isReduced = await isSmaller([...faults.slice(0, from), ...faults.slice(from + size)]);
    }
    if (isReduced) parts = Math.max(2, parts - 1);
    else if (size === 1) break;
    else parts = Math.min(faults.length, parts * 2);
  }
  return { result: best, runs };
}
