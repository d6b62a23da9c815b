// One coding thread: it is told where a stripe's memory is, then which columns to code.

import { parentPort, workerData } from 'node:worker_threads';
import { ReedSolomon, type Stripe } from '../core/erasure/index.ts';
import type { ThreadAnswer, ThreadMessage, ThreadStart } from './erasure-workers.ts';

const { data, parity, threads, thread }: ThreadStart = workerData;
const code = new ReedSolomon(data, parity);
const stripes = new Map<number, Stripe>();

parentPort!.on('message', (message: ThreadMessage) => {
  if (message.type === 'stripe') {
    stripes.set(message.stripe, code.stripe(message.length, { shared: true, threads, thread, memory: message.memory }));
    return;
  }
  const answer: { -readonly [Key in keyof ThreadAnswer]: ThreadAnswer[Key] } = { job: message.job };
  try {
    const stripe = stripes.get(message.stripe)!;
    const { sources, targets, from, to } = message;
    if (sources === undefined || targets === undefined) code.encodeStripe(stripe, from, to);
    else code.rebuildStripe(stripe, sources, targets, from, to);
  } catch (error) {
    answer.error = error instanceof Error ? error.message : String(error);
  }
  parentPort!.postMessage(answer, []);
});
