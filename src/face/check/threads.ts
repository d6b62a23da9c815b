// The rest of a check on other threads. It pays when a search has lasted a while and more than one partition is left:
// a thread costs some 50 ms to start, and the operations are copied to it.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { AnyOperation, ModelRecipe, PartitionReport, Report } from '../../core/linear/index.ts';
import type { RunLimits } from './run.ts';
import type { WorkerTask } from './worker.ts';

// Run from its source the package has no worker that Node 20 could load.
const extension = import.meta.url.endsWith('.ts') ? undefined : '.js';

export function canUseThreads(): boolean {
  return extension !== undefined && availableParallelism() > 1;
}

/** Searches the partitions that a report leaves open, and returns it with the gaps filled. */
export async function finishOnThreads(
  recipe: ModelRecipe,
  history: readonly AnyOperation[],
  report: Report,
  limits: RunLimits,
  threadsMax: number = availableParallelism(),
): Promise<readonly PartitionReport[]> {
  const open = report.partitions.filter(({ verdict }) => verdict === 'unknown');
  const shares = deal(open, Math.min(threadsMax, open.length));
  const { deadline, configurationsMax } = limits;
  const timeoutMs = Math.max(0, deadline - performance.now());
  const answers = await Promise.all(
    shares.map(async (share) => {
      const indexes = share.flatMap(({ operations }) => operations);
      const task = { recipe, history: indexes.map((index) => history[index]!), timeoutMs, configurationsMax };
      return (await runTask(task, limits.signal)).partitions.map((partition) => relocate(partition, indexes));
    }),
  );
  const answered = new Map(answers.flat().map((partition) => [partition.key, partition]));
  return report.partitions.map((partition) => answered.get(partition.key) ?? partition);
}

/** Long ones first, each to whoever has least, so that no thread is left alone with all the work. */
function deal(partitions: readonly PartitionReport[], hands: number): PartitionReport[][] {
  const shares = Array.from({ length: hands }, () => ({ size: 0, partitions: [] as PartitionReport[] }));
  for (const partition of partitions.toSorted((a, b) => b.operations.length - a.operations.length)) {
    const least = shares.reduce((a, b) => (b.size < a.size ? b : a));
    least.partitions.push(partition);
    least.size += partition.operations.length;
  }
  return shares.map((share) => share.partitions);
}

function relocate(partition: PartitionReport, indexes: readonly number[]): PartitionReport {
  const original = (index: number): number => indexes[index]!;
  return {
    ...partition,
    operations: partition.operations.map(original),
    order: partition.order.map(original),
    blocked: partition.blocked === undefined ? undefined : original(partition.blocked),
    unplaced: partition.unplaced.map(original),
  };
}

async function runTask(task: WorkerTask, signal: AbortSignal | undefined): Promise<Report> {
  const worker = new Worker(new URL(`./worker${extension}`, import.meta.url), { workerData: task });
  const stop = (): void => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<Report>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(signal?.reason ?? new Error('a checking thread ended without an answer')));
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
