// One thread's share of the partitions. It makes its own model from the recipe, and answers once.

import { parentPort, workerData } from 'node:worker_threads';
import { type AnyOperation, Checker, isModelName, modelOf, type ModelRecipe } from '../../core/linear/index.ts';
import { assert } from '../../core/assert.ts';
import { run } from './run.ts';

export interface WorkerTask {
  readonly recipe: ModelRecipe;
  readonly history: readonly AnyOperation[];
  /** Infinity: none. */
  readonly timeoutMs: number;
  readonly configurationsMax: number;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- threads.ts posts nothing else.
const { recipe, history, timeoutMs, configurationsMax } = workerData as WorkerTask;
assert(isModelName(recipe.name), 'a recipe names a model of the zoo');
const deadline = performance.now() + timeoutMs;
const { report } = await run(new Checker(modelOf(recipe.name, recipe.initial), history), { deadline, configurationsMax });
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window's.
parentPort?.postMessage(report);
