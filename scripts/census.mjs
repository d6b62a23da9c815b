// The census: so many seeds, each a world of its own, and how many of them broke a claim. Every batch that is done is a
// line of a file, so that a census that was stopped goes on where it was; the sum is printed, and written as JSON.
//
//   npm run census -- [--seeds 1..10000] [--jobs J] [--batch 50] [--out census.ndjson] [--json census.json] [-- flags of thole sim]
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { parsed } from './parsed.mjs';
import { addSums, inParallel, listOf, noSums, runBatch, stopping } from './sim-batch.mjs';
import { takeBuild } from './sim-build.mjs';

const usage = 'usage: npm run census -- [--seeds 1..10000] [--jobs J] [--batch 50] [--out census.ndjson] [--json census.json] [-- flags of thole sim]';

function misused(problem) {
  console.error(`census: ${problem}\n${usage}`);
  process.exit(2);
}

const text = { type: 'string' };
let words;
try {
  words = parseArgs({ options: { seeds: text, jobs: text, batch: text, out: text, json: text }, allowPositionals: true });
} catch (error) {
  misused(error.message);
}
const { values, positionals: flags } = words;
const { seeds = '1..10000', out = 'census.ndjson', json } = values;
const range = /^(\d+)\.\.(\d+)$/.exec(seeds);
const jobs = Number(values.jobs ?? availableParallelism());
if (range === null || Number(range[2]) < Number(range[1])) misused('--seeds is written first..last, such as 1..10000');
if (!Number.isInteger(jobs) || jobs < 1) misused('--jobs is a whole number from 1');
if (!Number.isInteger(Number(values.batch ?? 50)) || Number(values.batch ?? 50) < 1) misused('--batch is a whole number from 1');
const [first, last] = [Number(range[1]), Number(range[2])];
const build = takeBuild();
const { commit, hash, node } = build;
const perBatch = Number(values.batch ?? 50);
const began = performance.now();

/** Batches of this build and these flags, by their seeds. Those of others say nothing about this one. */
const done = new Map();
const isOurs = (batch) => batch?.commit === commit && batch.build === hash && batch.node === node && JSON.stringify(batch.flags) === JSON.stringify(flags);
const failures = [];
if (existsSync(out)) {
  for (const line of readFileSync(out, 'utf8').split('\n')) {
    // The last line may have been cut off with the process that wrote it.
    const batch = parsed(line);
    if (isOurs(batch)) done.set(`${batch.from}..${batch.to}`, batch);
  }
}

const total = { ...noSums(), realSeconds: 0 };
let isCut = false;
const waiting = [];
for (let from = first; from <= last; from += perBatch) {
  const to = Math.min(from + perBatch - 1, last);
  const batch = done.get(`${from}..${to}`);
  if (batch === undefined) waiting.push({ from, to });
  else count(batch);
}
if (total.seeds > 0) console.log(`census: ${total.seeds} seeds of this build are in ${out} already`);

function count(batch) {
  addSums(total, batch.sum);
  total.realSeconds += batch.sum.realSeconds;
  failures.push(...batch.failures);
}

async function worker() {
  while (!stopping() && waiting.length > 0) {
    const { from, to } = waiting.shift();
    const { isWhole, sum, failures: broken, problem } = await runBatch(build, from, to, flags, ({ verdict, message, replay }) => {
      console.log(`${verdict}: ${message.split('\n')[0]}\n  ${replay}`);
    });
    // A batch that was cut off is run again by who goes on; what it found until then is found.
    const batch = { commit, build: hash, node, flags, from, to, failures: broken, sum: { realSeconds: 0, ...sum } };
    count(batch);
    if (!isWhole) isCut = true;
    else appendFileSync(out, `${JSON.stringify(batch)}\n`);
    if (problem !== undefined) throw new Error(problem);
    if (total.seeds % 1000 < perBatch) console.log(`census: ${total.seeds} seeds, ${total.failed} failed, ${((performance.now() - began) / 60_000).toFixed(1)} minutes`);
  }
}

for (const problem of await inParallel(jobs, worker)) {
  console.error(`census: ${problem}`);
  process.exitCode = 70;
}
const isWhole = !isCut && total.seeds === last - first + 1;
const summary = {
  verdict: failures.length > 0 ? failures[0].verdict : isWhole ? 'ok' : 'unfinished',
  commit, build: hash, node, range: seeds, ...total,
  simulatedSeconds: Math.round(total.simulatedSeconds), realSeconds: Math.round(total.realSeconds), failures,
};
if (json !== undefined) writeFileSync(json, `${JSON.stringify(summary, undefined, 2)}\n`);
console.log(`census: ${summary.verdict}: ${total.seeds} seeds of ${seeds}, ${total.failed} failed, ${total.undecided} with undecided keys, a leader change in ${total.led} (${((100 * total.led) / Math.max(1, total.seeds)).toFixed(1)} %)`);
console.log(`${(total.simulatedSeconds / 3600).toFixed(1)} simulated hours, ${total.events} events; ${(total.realSeconds / 60).toFixed(1)} minutes of one process (commit ${commit}, build ${hash}, Node ${node})`);
console.log(`faults: ${listOf(total.faults)}`);
console.log(`sometimes: ${listOf(total.coverage)}`);
process.exitCode ??= total.failed > 0 ? 1 : isWhole ? 0 : 3;
