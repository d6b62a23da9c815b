// Fresh seeds until stopped, in several processes. Failures land in seeds/, one file each, with the line that replays
// them and the commit they were found on.
//
//   npm run soak -- [--seeds N] [--minutes M] [--jobs J] [--first SEED] [-- flags of thole sim]
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const text = { type: 'string' };
const { values, positionals } = parseArgs({ options: { seeds: text, minutes: text, jobs: text, first: text }, allowPositionals: true });
const seedsMax = Number(values.seeds ?? Infinity);
const minutes = Number(values.minutes ?? Infinity);
const jobs = Number(values.jobs ?? availableParallelism());
const first = Number(values.first ?? Date.now() % 1_000_000_000);
if ([seedsMax, minutes, jobs, first].some((each) => !(each >= 0))) {
  console.error('soak: --seeds, --minutes, --jobs and --first are numbers');
  process.exit(2);
}
let commit = 'unknown';
try {
  commit = execFileSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
} catch {
  // Not a clone: the seed says enough.
}
const began = performance.now();
const deadline = began + minutes * 60_000;
const perBatch = 20;
let next = first;
let left = seedsMax;
let stopping = false;
const total = { seeds: 0, failed: 0, led: 0, undecided: 0, simulatedSeconds: 0, faults: {}, coverage: {} };
const children = new Set();

/** One batch of seeds in a process of its own; what it says last is its sum. */
function batch(from, to) {
  return new Promise((resolve, reject) => {
    const args = [join(root, 'dist', 'face', 'cli', 'main.js'), 'sim', '--seeds', `${from}..${to}`, '--json', ...positionals];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    let last;
    let errors = '';
    child.stderr.on('data', (bytes) => (errors += bytes));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const said = JSON.parse(line);
      if (said.seed !== undefined && said.verdict !== 'ok') failed(said);
      last = said;
    });
    // Its output ends before it does.
    let code;
    let isRead = false;
    const over = () => {
      if (code === undefined || !isRead) return;
      children.delete(child);
      if (last?.seeds === undefined && last?.seed === undefined && !stopping) return reject(new Error(`a batch of seeds ${from}..${to} said nothing (exit ${code}): ${errors}`));
      if (last?.seeds !== undefined) add(last);
      resolve();
    };
    lines.on('close', () => ((isRead = true), over()));
    child.on('exit', (status, signal) => ((code = status ?? signal), over()));
  });
}

function failed(said) {
  mkdirSync(join(root, 'seeds'), { recursive: true });
  const file = join(root, 'seeds', `${said.seed}-${said.verdict}.txt`);
  writeFileSync(file, `${said.replay}\ncommit ${commit}\n${said.message}\n`);
  console.log(`${said.verdict}: ${said.message.split('\n')[0]}\n  ${said.replay}`);
}

function add(sum) {
  for (const name of ['seeds', 'failed', 'led', 'undecided', 'simulatedSeconds']) total[name] += sum[name];
  for (const table of ['faults', 'coverage']) for (const [name, count] of Object.entries(sum[table])) total[table][name] = (total[table][name] ?? 0) + count;
}

async function worker() {
  while (!stopping && left > 0 && performance.now() < deadline) {
    const count = Math.min(perBatch, left);
    left -= count;
    const from = next;
    next += count;
    await batch(from, from + count - 1);
  }
}

function stop() {
  stopping = true;
  for (const child of children) child.kill();
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
try {
  await Promise.all(Array.from({ length: jobs }, worker));
} catch (error) {
  stop();
  console.error(`soak: ${error.message}`);
  process.exitCode = 70;
}
const seconds = (performance.now() - began) / 1000;
const of = (counts) => Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ');
console.log(`soak: ${total.seeds} seeds from ${first} on, ${total.failed} failed, ${total.undecided} with undecided keys, a leader change in ${total.led}; ${(total.simulatedSeconds / 3600).toFixed(2)} simulated hours in ${(seconds / 60).toFixed(1)} minutes (commit ${commit})`);
console.log(`faults: ${of(total.faults)}`);
console.log(`sometimes: ${of(total.coverage)}`);
process.exitCode ??= total.failed > 0 ? 1 : 0;
