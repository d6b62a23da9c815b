// The clock beside the checker: budgets of about ten milliseconds, and between them a turn of the loop for everybody
// else. A deadline that passes makes the verdict `unknown`.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Checker, Report } from '../../core/linear/index.ts';

export interface RunLimits {
  readonly signal?: AbortSignal | undefined;
  /** `performance.now()` of this thread. */
  readonly deadline: number;
  /** Each costs some 50 bytes beside its state, so this bounds memory. */
  readonly configurationsMax: number;
}

const turnMs = 10;

/** Runs to the end, to a limit, or until `pause` says so, in which case the report is not final. */
export async function run(
  checker: Checker<unknown, unknown, unknown>,
  limits: RunLimits,
  pause: () => boolean = () => false,
): Promise<{ readonly report: Report; readonly isDone: boolean }> {
  for (let budget = 4096; ; ) {
    limits.signal?.throwIfAborted();
    const started = performance.now();
    const verdict = checker.step(budget);
    const ended = performance.now();
    if (verdict !== undefined) return { report: checker.report(), isDone: true };
    if (ended > limits.deadline || checker.configurations > limits.configurationsMax) {
      return { report: checker.report(), isDone: true };
    }
    if (pause()) return { report: checker.report(), isDone: false };
    budget = Math.max(256, ended - started < turnMs ? budget * 2 : budget >> 1);
    await nextTurn();
  }
}
