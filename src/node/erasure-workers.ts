// Codes on several threads: one shared memory, its columns split evenly, one thread each. This thread only waits, so
// the loop stays free. Threads begin with the first stripe and end with `close`.

import { Worker } from 'node:worker_threads';
import { ReedSolomon, type Stripe } from '../core/erasure/index.ts';
import type { Coder } from '../engine/erasure/index.ts';

export interface WorkerCoderOptions {
  readonly threads: number;
  /** The built thread program, for running from sources. @default beside this file */
  readonly program?: URL;
}

export interface ThreadStart {
  readonly data: number;
  readonly parity: number;
  readonly threads: number;
  readonly thread: number;
}

/** What a thread is told. Stripes are known by number; the first message about one carries its memory. */
export type ThreadMessage =
  | { readonly type: 'stripe'; readonly stripe: number; readonly length: number; readonly memory: Stripe['memory'] }
  | { readonly type: 'code'; readonly job: number; readonly stripe: number; readonly sources?: readonly number[]; readonly targets?: readonly number[]; readonly from: number; readonly to: number };

export interface ThreadAnswer {
  readonly job: number;
  readonly error?: string;
}

interface Job {
  remaining: number;
  error: string | undefined;
  readonly settle: (error: string | undefined) => void;
}

export function workerCoder(data: number, parity: number, options: WorkerCoderOptions): Coder {
  const { threads } = options;
  const code = new ReedSolomon(data, parity);
  const program = options.program ?? new URL('./erasure-workers-thread.js', import.meta.url);
  const stripes = new Map<Stripe, number>();
  const jobs = new Map<number, Job>();
  let workers: Worker[] | undefined;
  let nextJob = 0;
  let dead: string | undefined;

  const answer = ({ job, error }: ThreadAnswer): void => {
    const waiting = jobs.get(job);
    if (waiting === undefined) return;
    waiting.error ??= error;
    if (--waiting.remaining > 0) return;
    jobs.delete(job);
    waiting.settle(waiting.error);
  };
  /** A thread that dies takes its columns with it: whoever waits learns of it at once. */
  const died = (reason: string): void => {
    dead ??= reason;
    for (const { settle } of jobs.values()) settle(reason);
    jobs.clear();
  };
  const start = (thread: number): Worker => {
    const worker = new Worker(program, { workerData: { data, parity, threads, thread } satisfies ThreadStart });
    worker.on('message', answer);
    worker.on('error', (error) => died(`a coding thread failed: ${error.message}`));
    worker.on('exit', () => died('a coding thread ended'));
    worker.unref();
    return worker;
  };
  const tell = (thread: number, message: ThreadMessage): void => (workers ??= Array.from({ length: threads }, (_, i) => start(i)))[thread]!.postMessage(message, []);

  const run = (stripe: Stripe, length: number, what: { sources?: readonly number[]; targets?: readonly number[] }): Promise<void> => {
    const number = stripes.get(stripe);
    if (number === undefined) return Promise.reject(new Error('the stripe was made by another coder'));
    if (dead !== undefined) return Promise.reject(new Error(dead));
    if (length === 0) return Promise.resolve();
    // Multiples of 64 bytes, so that no two threads write to one cache line.
    const share = Math.ceil(length / threads / 64) * 64;
    const parts = Math.ceil(length / share);
    return new Promise((resolve, reject) => {
      const job = nextJob++;
      for (const worker of workers ?? []) worker.ref();
      const settle = (error: string | undefined): void => {
        if (jobs.size === 0) for (const worker of workers ?? []) worker.unref();
        if (error === undefined) resolve();
        else reject(new Error(error));
      };
      jobs.set(job, { remaining: parts, error: undefined, settle });
      for (let part = 0; part < parts; part++) {
        tell(part, { type: 'code', job, stripe: number, ...what, from: part * share, to: Math.min(length, (part + 1) * share) });
      }
    });
  };

  return {
    data,
    parity,
    total: code.total,
    stripe: (length) => {
      const stripe = code.stripe(length, { shared: true, threads });
      stripes.set(stripe, stripes.size);
      for (let thread = 0; thread < threads; thread++) tell(thread, { type: 'stripe', stripe: stripes.get(stripe)!, length, memory: stripe.memory });
      return stripe;
    },
    encode: (stripe, length) => run(stripe, length, {}),
    rebuild: (stripe, sources, targets, length) => run(stripe, length, { sources, targets }),
    close: async () => {
      dead ??= 'the coder is closed';
      await Promise.all((workers ?? []).map((worker) => worker.terminate()));
    },
  };
}
