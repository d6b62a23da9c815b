// `check`: the verdict on a history, with the evidence.

import { Checker, type History, type Model, type PartitionReport, summarize, type Verdict } from '../../core/linear/index.ts';
import { run } from './run.ts';
import { canUseThreads, finishOnThreads } from './threads.ts';

export interface CheckOptions {
  /** Stops the check; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** After this long what is not known stays unknown. @default Infinity */
  readonly timeoutMs?: number;
  /** How many configurations the caches may hold before the rest stays unknown: 50 bytes and a state each. @default 20_000_000 */
  readonly configurationsMax?: number;
  /** How many threads a long check may use; 1 keeps to this one. Only models from `modelOf` can leave it. @default the number of cores */
  readonly threads?: number;
}

export interface CheckResult {
  /** `unknown` is not `ok`: it says that nobody knows. */
  readonly verdict: Verdict;
  readonly partitions: readonly PartitionReport[];
  readonly elapsedMs: number;
}

/** How long one thread tries alone: most histories are done by then, and what it found of unfinished partitions is lost. */
const aloneMs = 1000;

export async function check<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: History<Input, Output>,
  options: CheckOptions = {},
): Promise<CheckResult> {
  const { signal, timeoutMs = Infinity, configurationsMax = 20_000_000, threads } = options;
  signal?.throwIfAborted();
  const started = performance.now();
  const limits = { signal, deadline: started + timeoutMs, configurationsMax };
  const { recipe } = model;
  const mayLeave = recipe !== undefined && threads !== 1 && canUseThreads();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what runs it does not look inside states.
  const checker = new Checker(model, history) as unknown as Checker<unknown, unknown, unknown>;
  const { report, isDone } = await run(checker, limits, () => mayLeave && performance.now() - started > aloneMs && checker.unfinished > 1);
  const partitions =
    isDone || recipe === undefined ? report.partitions : await finishOnThreads(recipe, history, report, limits, threads);
  return {
    verdict: summarize(partitions.map(({ verdict }) => verdict)),
    partitions,
    elapsedMs: performance.now() - started,
  };
}
