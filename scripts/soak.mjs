// Fresh seeds until stopped, in several processes. Failures land in seeds/ (or where --into says), one file each, with the line that replays
// them and the commit they were found on.
//
//   npm run soak -- [--seeds N] [--minutes M] [--jobs J] [--first SEED] [--into seeds] [-- flags of thole sim]
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { addSums, inParallel, listOf, noSums, runBatch, stopping } from './sim-batch.mjs';
import { root, takeBuild } from './sim-build.mjs';

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
/** Number('') is 0. */
const numberOf = (name, fallback) => (values[name] === undefined ? fallback : values[name].trim() === '' ? NaN : Number(values[name]));
const isWholeFrom = (low, value) => Number.isInteger(value) && value >= low;
const seedsMax = numberOf('seeds', Infinity);
const minutes = numberOf('minutes', Infinity);
const jobs = numberOf('jobs', availableParallelism());
const first = numberOf('first', Date.now() % 1_000_000_000);
if (!(seedsMax === Infinity || isWholeFrom(1, seedsMax)) || !isWholeFrom(1, jobs) || !isWholeFrom(0, first) || !(minutes > 0)) {
  console.error(`soak: --seeds and --jobs are whole numbers from 1, --first one from 0, --minutes is more than 0\n${usage}`);
  process.exit(2);
}
const build = takeBuild();
const { commit, hash, node } = build;
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
  writeFileSync(file, `${said.replay}\ncommit ${commit}, build ${hash}, Node ${node}\n${said.message}\n`);
  console.log(`${said.verdict}: ${said.message.split('\n')[0]}\n  ${said.replay}`);
}

async function worker() {
  while (!stopping() && left > 0 && performance.now() < deadline) {
    const count = Math.min(perBatch, left);
    left -= count;
    const from = next;
    next += count;
    const { sum, problem } = await runBatch(build, from, from + count - 1, flags, failed);
    addSums(total, sum);
    if (problem !== undefined) throw new Error(problem);
  }
}

for (const problem of await inParallel(jobs, worker)) {
  console.error(`soak: ${problem}`);
  process.exitCode = 70;
}
const seconds = (performance.now() - began) / 1000;
console.log(`soak: ${total.seeds} seeds from ${first} on, ${total.failed} failed, ${total.undecided} with undecided keys, a leader change in ${total.led}; ${(total.simulatedSeconds / 3600).toFixed(2)} simulated hours in ${(seconds / 60).toFixed(1)} minutes (commit ${commit}, build ${hash}, Node ${node})`);
console.log(`faults: ${listOf(total.faults)}`);
console.log(`sometimes: ${listOf(total.coverage)}`);
// Of no seed at all nobody may say that it is clean.
process.exitCode ??= total.failed > 0 ? 1 : total.seeds > 0 ? 0 : 3;
