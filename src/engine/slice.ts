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

/** A turn of the loop. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.nextTurn(resolve));
}

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
