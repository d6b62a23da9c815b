// No turn of the loop may last long: work that can be long is cut into slices, with a turn of the loop between them.

import { OperationError } from '../core/errors.ts';
import type { Clock } from './ports.ts';

/** Milliseconds one slice may take: half of what a turn may, because other work shares the turn. */
const sliceMs = 5;
/** Units of work between two looks at the clock. */
const unitsPerLook = 500;

export interface Steps {
  /** Does up to `budget` units of work; true when nothing is left. */
  step(budget: number): boolean;
}

/** Runs steps to their end; yields between slices, and goes on with none that nobody waits for any more. Returns without a promise when one slice sufficed. */
export function runSliced(clock: Clock, steps: Steps, signal?: AbortSignal): undefined | Promise<void> {
  if (runSlice(clock, steps)) return undefined;
  return new Promise((resolve, reject) => {
    const more = (): void => {
      try {
        if (signal?.aborted === true) reject(new OperationError({ code: 'ABORTED' }, { cause: signal.reason }));
        else if (runSlice(clock, steps)) resolve();
        else clock.nextTurn(more);
      } catch (error) {
        reject(error);
      }
    };
    clock.nextTurn(more);
  });
}

function runSlice(clock: Clock, steps: Steps): boolean {
  const end = clock.now() + sliceMs;
  do {
    if (steps.step(unitsPerLook)) return true;
  } while (clock.now() < end);
  return false;
}

/**
 * Long work, so much of it at a time: what waits has done its first slice, and holds no more than that found. Short
 * work waits for nobody.
 */
export class WorkLine {
  readonly #runningMax: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(runningMax: number) {
    this.#runningMax = runningMax;
  }

  /** As runSliced. `isWanted` is asked when its turn has come; if nobody wants it any more, it is left undone. */
  run(clock: Clock, steps: Steps, isWanted: () => boolean, signal?: AbortSignal): undefined | Promise<void> {
    return runSlice(clock, steps) ? undefined : this.#later(clock, steps, isWanted, signal);
  }

  async #later(clock: Clock, steps: Steps, isWanted: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    // Who ends hands its place on: the count stays.
    if (this.#running >= this.#runningMax) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#running++;
    try {
      if (isWanted()) await runSliced(clock, steps, signal);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** A turn of the loop. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.nextTurn(resolve));
}

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
