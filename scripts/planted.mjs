// `npm run planted`: does the simulator find every planted bug? One build per bug, fresh seeds until a claim breaks that
// speaks of it or the budget ends; then the same seeds on the sound build, which must be clean.
//
//   --only A,B    bugs whose names contain one of them
//   --seeds N     budget of seeds per bug (150)        --seconds S   simulated seconds per seed (15)
//   --first SEED  where to begin (drawn anew)          --jobs N      builds tried at a time (2)
//   --nodes N, --nemesis LIST   only such worlds, as of `thole sim`; by default those that the bug names, or all that it draws
//   --write       puts the rows of these bugs into docs/track-record.md, but for those whose hunt was cut off
//   --list        what there is to plant
//   --build DIR   builds one bug to stay: `node DIR/src/face/cli/main.js sim --seed 7 --trace run.ndjson`
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPlanted, buildSound, loadBugs, root } from './planted-build.mjs';
import { parsed } from './parsed.mjs';
import { rewriteRows } from './track-record.mjs';

const text = { type: 'string' };
const { values } = parseArgs({
  options: { seeds: text, seconds: text, first: text, jobs: text, only: text, nodes: text, nemesis: text, write: { type: 'boolean' }, list: { type: 'boolean' }, build: text },
});
const { seeds: budget = 150, seconds = 15, jobs = 2, first = 1 + Math.floor(Math.random() * 1_000_000_000) } = Object.fromEntries(
  ['seeds', 'seconds', 'jobs', 'first'].filter((name) => values[name] !== undefined).map((name) => [name, Number(values[name])]),
);
if ([budget, seconds, jobs].some((each) => !Number.isInteger(each) || each < 1) || !Number.isInteger(first) || first < 0) {
  console.error('planted: --seeds, --seconds and --jobs are whole numbers from 1, --first one from 0');
  process.exit(2);
}
/** The flags of `thole sim` that name the worlds in which a bug is hunted. */
function worldOf({ world = {} }) {
  const { nodes, nemesis } = values.nodes === undefined && values.nemesis === undefined ? { ...world, nemesis: world.nemesis?.join(',') } : values;
  return [...(nodes === undefined ? [] : [`--nodes ${nodes}`]), ...(nemesis === undefined ? [] : [`--nemesis ${nemesis.replaceAll(' ', '')}`])].join(' ');
}
/** A seed that takes longer than this in real time has hung. */
const hungMs = 120_000;

const work = mkdtempSync(join(tmpdir(), 'thole-planted-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

/** Runs seeds from `directory` until one of the claims breaks; `['all']`: through to the end. */
function runSeeds(directory, world, from, count, claims) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'scripts', 'planted-child.mjs'), directory, from, count, seconds, claims.join(','), world].map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
    const results = [];
    let errors = '';
    let timer;
    const arm = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        errors = `a seed ran for more than ${hungMs / 1000} s`;
        child.kill('SIGKILL');
      }, hungMs);
    };
    arm();
    const over = (failure) => {
      clearTimeout(timer);
      resolve({ results, failure });
    };
    // Without processes or descriptors to be had there is no child, and perhaps no pipes either.
    child.once('error', (error) => over(error.message));
    if (child.stdout === undefined || child.stdout === null) return;
    child.stderr.on('data', (data) => (errors += data));
    createInterface({ input: child.stdout }).on('line', (line) => {
      arm();
      const said = parsed(line);
      // The last line of a process that was killed is half a line.
      if (said === undefined) errors += `${line}\n`;
      else results.push(said);
    });
    child.on('close', (code, signal) => over(code === 0 ? undefined : errors.trim().split('\n').slice(0, 3).join(' ') || (signal ?? `exit ${code}`)));
  });
}

const sound = join(work, 'sound');
buildSound(sound);
const { plantedBugs, plant } = await loadBugs(sound);
// A fault that nobody knows would be drawn, and never happen: the bug would not be found, and nobody would know why.
const { parseNemesis, parseNodes } = await import(pathToFileURL(join(sound, 'src/face/cli/sim.js')).href);
try {
  if (values.nodes !== undefined) parseNodes(values.nodes);
  if (values.nemesis !== undefined) parseNemesis(values.nemesis);
} catch (error) {
  console.error(`planted: --nodes and --nemesis are as of thole sim: ${error.message}`);
  process.exit(2);
}
const only = (values.only ?? '').split(',');
const bugs = plantedBugs.filter(({ name }) => only.some((part) => name.includes(part)));
// None of none would be a success.
const unknown = only.filter((part) => !plantedBugs.some(({ name }) => name.includes(part)));
if (unknown.length > 0) {
  console.error(`planted: no bug's name contains ${unknown.join(', ')}; --list names them`);
  process.exit(2);
}
if (values.list) {
  for (const { name, does, breaks, claims } of bugs) console.log(`${name}\n  ${does}\n  breaks ${breaks}\n  is to be found by ${claims.join(', ')}`);
  process.exit(0);
}
if (values.build !== undefined) {
  if (bugs.length !== 1) {
    console.error(`planted: --build wants one bug; --only names ${bugs.length}: ${bugs.slice(0, 5).map(({ name }) => name).join(', ')}${bugs.length > 5 ? ', …' : ''}`);
    process.exit(2);
  }
  buildPlanted(sound, resolve(values.build), bugs[0], plant);
  console.log(`${bugs[0].name} is in ${values.build}: node ${join(values.build, 'src/face/cli/main.js')} sim --seed 7`);
  process.exit(0);
}
console.log(`planted: ${bugs.length} bugs, up to ${budget} seeds of ${seconds} simulated seconds each, from seed ${first} on`);

/** On the sound build; each seed is run there once in each kind of world. */
const control = new Map();
function isClean(world, seed) {
  const key = `${world} ${seed}`;
  if (!control.has(key)) control.set(key, runSeeds(sound, world, seed, 1, ['all']).then(({ results, failure }) => results[0] ?? { seed, verdict: failure }));
  return control.get(key).then(({ verdict }) => verdict === 'ok');
}

async function hunt(bug) {
  const directory = join(work, bug.name);
  buildPlanted(sound, directory, bug, plant);
  const world = worldOf(bug);
  const others = new Map();
  let [found, failure, tried] = [undefined, undefined, 0];
  while (found === undefined && failure === undefined && tried < budget) {
    const run = await runSeeds(directory, world, first + tried, budget - tried, bug.claims);
    tried += run.results.length;
    failure = run.failure;
    for (const { verdict } of run.results) if (verdict !== 'ok' && !bug.claims.includes(verdict)) others.set(verdict, (others.get(verdict) ?? 0) + 1);
    const last = run.results.at(-1);
    // What the sound build breaks as well is no merit of the bug's.
    if (bug.claims.includes(last?.verdict) && (await isClean(world, last.seed))) found = { claim: last.verdict, detail: last.detail, seed: last.seed, needed: tried };
  }
  rmSync(directory, { recursive: true, force: true });
  return { bug, flags: `--seconds ${seconds} ${world}`.trim(), world, found, failure, tried, others };
}

const rows = [];
const waiting = [...bugs];
await Promise.all(Array.from({ length: jobs }, async () => {
  for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
    const started = performance.now();
    const row = await hunt(bug);
    const { found, failure, tried, others } = row;
    rows.push(row);
    const outcome = found ? `${found.claim} after ${found.needed} (seed ${found.seed}): ${String(found.detail).split('\n')[0].slice(0, 160)}` : `NOT FOUND in ${tried}${failure ? `: ${failure}` : ''}`;
    const besides = others.size === 0 ? '' : `   (before it: ${[...others].map(([claim, count]) => `${claim} ${count}`).join(', ')})`;
    console.log(`${bug.name.padEnd(42)} ${outcome}${besides}   [${((performance.now() - started) / 1000).toFixed(1)} s]`);
  }
}));

const hits = rows.filter((row) => row.found !== undefined);
/** Without a bug, in each kind of world: every seed that was needed there. */
const needed = new Map();
for (const { world, found } of hits) needed.set(world, Math.max(needed.get(world) ?? 0, found.needed));
const total = [...needed.values()].reduce((sum, count) => sum + count, 0);
const share = Math.max(1, Math.ceil(total / jobs));
const parts = [...needed].flatMap(([world, count]) => Array.from({ length: Math.ceil(count / share) }, (_, at) => ({ world, from: first + at * share, count: Math.min(share, count - at * share) })));
const sane = [];
await Promise.all(Array.from({ length: jobs }, async () => {
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const { results, failure } = await runSeeds(sound, part.world, part.from, part.count, ['all']);
    if (failure !== undefined) console.log(`control: ${failure}`);
    sane.push(...results);
  }
}));
const dirty = sane.filter(({ verdict }) => verdict !== 'ok');
for (const { seed, verdict, detail } of dirty) console.log(`control: seed ${seed} broke ${verdict}: ${detail}`);
const isSane = dirty.length === 0 && sane.length === total;
console.log(`planted: ${hits.length} of ${bugs.length} found; without a bug ${sane.length - dirty.length} of the ${total} seeds that were needed are clean`);
if (values.write) {
  // A hunt that was cut off has found nothing, and tried less than it says: the row that is there is better.
  const hunted = rows.filter(({ found, failure }) => found !== undefined || failure === undefined);
  for (const { bug } of rows.filter((row) => !hunted.includes(row))) console.error(`planted: the row of ${bug.name} stays as it is: its hunt was cut off`);
  if (isSane) rewriteRows(plantedBugs, hunted, budget);
  else console.error('planted: nothing is written while the seeds are not clean without a bug');
}
process.exitCode = hits.length === bugs.length && isSane ? 0 : 1;
