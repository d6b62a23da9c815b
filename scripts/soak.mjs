// Fresh seeds until stopped, in several processes. Failures land in seeds/ (or where --into says), one file each, with the line that replays
// them and the commit they were found on.
//
//   npm run soak -- [--seeds N] [--minutes M] [--jobs J] [--first SEED] [--into seeds] [-- flags of thole sim]
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { addSums, commitOf, listOf, noSums, root, runBatch, stopBatches, stopping } from './sim-batch.mjs';

const usage = 'usage: npm run soak -- [--seeds N] [--minutes M] [--jobs J] [--first SEED] [--into seeds] [-- flags of thole sim]';
const text = { type: 'string' };
let parsed;
try {
  parsed = parseArgs({ options: { seeds: text, minutes: text, jobs: text, first: text, into: text }, allowPositionals: true });
} catch (error) {
  console.error(`soak: ${error.message}\n${usage}`);
  process.exit(2);
}
const { values, positionals: flags } = parsed;
const seedsMax = Number(values.seeds ?? Infinity);
const minutes = Number(values.minutes ?? Infinity);
const jobs = Number(values.jobs ?? availableParallelism());
const first = Number(values.first ?? Date.now() % 1_000_000_000);
if ([seedsMax, minutes, jobs, first].some((each) => !(each >= 0))) {
  console.error(`soak: --seeds, --minutes, --jobs and --first are numbers\n${usage}`);
  process.exit(2);
}
const commit = commitOf();
const began = performance.now();
const deadline = began + minutes * 60_000;
const perBatch = 20;
let next = first;
let left = seedsMax;
const total = noSums();

const into = resolve(root, values.into ?? 'seeds');

function failed(said) {
  mkdirSync(into, { recursive: true });
  const file = join(into, `${said.seed}-${said.verdict}.txt`);
  writeFileSync(file, `${said.replay}\ncommit ${commit}\n${said.message}\n`);
  console.log(`${said.verdict}: ${said.message.split('\n')[0]}\n  ${said.replay}`);
}

/** Of one seed, as far as its line tells. */
function sumOf({ verdict, leaderChanges, undecided, simulatedSeconds }) {
  return { ...noSums(), seeds: 1, failed: verdict === 'ok' ? 0 : 1, led: leaderChanges > 0 ? 1 : 0, undecided: undecided > 0 ? 1 : 0, simulatedSeconds };
}

async function worker() {
  while (!stopping() && left > 0 && performance.now() < deadline) {
    const count = Math.min(perBatch, left);
    left -= count;
    const from = next;
    next += count;
    const part = noSums();
    const sum = await runBatch(from, from + count - 1, flags, failed, (said) => addSums(part, sumOf(said)));
    // A batch that was stopped has no sum: its seeds count all the same, and above all those that failed.
    addSums(total, sum ?? part);
  }
}

try {
  await Promise.all(Array.from({ length: jobs }, worker));
} catch (error) {
  stopBatches();
  console.error(`soak: ${error.message}`);
  process.exitCode = 70;
}
const seconds = (performance.now() - began) / 1000;
console.log(`soak: ${total.seeds} seeds from ${first} on, ${total.failed} failed, ${total.undecided} with undecided keys, a leader change in ${total.led}; ${(total.simulatedSeconds / 3600).toFixed(2)} simulated hours in ${(seconds / 60).toFixed(1)} minutes (commit ${commit})`);
console.log(`faults: ${listOf(total.faults)}`);
console.log(`sometimes: ${listOf(total.coverage)}`);
process.exitCode ??= total.failed > 0 ? 1 : 0;
