// The programs emitted so far, by what they were emitted for: (matrix, where shards lie). One lost disk is the same
// matrix for every stripe, so that writing a program (about a millisecond) is paid once.

import { instantiate, type Program } from '../memory/index.ts';
import { emit } from './emit.ts';
import type { Matrix } from './matrix.ts';
import { plan, type Plan } from './plan.ts';
import type { Stripe } from './stripe.ts';

const plansMax = 64;
const modulesMax = 64;
const plans = new Map<string, Plan>();
const modules = new Map<string, WebAssembly.Module>();

/** Whether a program is there already. */
export function isEmitted(matrix: Matrix): boolean {
  return plans.has(matrix.key);
}

/** `run(from, to)` codes the columns [from, to) of the slots named; one column at least. */
export function programOver(matrix: Matrix, stripe: Stripe, inputs: readonly number[], outputs: readonly number[]): Program {
  const key = `${stripe.shared ? 'shared' : ''}${stripe.stride}|${inputs.join()}|${outputs.join()}|${matrix.key}`;
  let run = stripe.programs.get(key);
  if (run === undefined) {
    const module = remember(modules, modulesMax, key, () => {
      const layout = { stride: stripe.stride, inputs, outputs, shared: stripe.shared };
      return new WebAssembly.Module(emit(remember(plans, plansMax, matrix.key, () => plan(matrix)), layout));
    });
    run = instantiate(module, stripe.memory, 'run');
    // A stripe that meets ever new patterns must not collect their programs for ever.
    if (stripe.programs.size >= modulesMax) stripe.programs.clear();
    stripe.programs.set(key, run);
  }
  return run;
}

/** The value under a key, made if need be; the one unused for longest gives way. */
function remember<T>(cache: Map<string, T>, max: number, key: string, make: () => T): T {
  const value = cache.get(key) ?? make();
  cache.delete(key);
  cache.set(key, value);
  if (cache.size > max) cache.delete(cache.keys().next().value!);
  return value;
}
