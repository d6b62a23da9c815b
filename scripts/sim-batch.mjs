// Seeds by the batch, each batch in a process of its own (`thole sim --seeds a..b --json`): for the soak, which never
// ends, and the census, which counts.
import { execFileSync, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const children = new Set();
let isStopping = false;

export function commitOf() {
  try {
    return execFileSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // Not a clone: the seed says enough.
    return 'unknown';
  }
}

export const noSums = () => ({ seeds: 0, failed: 0, led: 0, undecided: 0, simulatedSeconds: 0, events: 0, faults: {}, coverage: {} });

export function addSums(total, sum) {
  for (const name of ['seeds', 'failed', 'led', 'undecided', 'simulatedSeconds', 'events']) total[name] += sum[name];
  for (const table of ['faults', 'coverage']) for (const [name, count] of Object.entries(sum[table])) total[table][name] = (total[table][name] ?? 0) + count;
}

/**
 * What the batch says last is its sum; undefined when it was stopped. `heard` is told of every seed as it ends, `failed` of those that
 * broke a claim.
 */
export function runBatch(from, to, flags, failed, heard = () => undefined) {
  return new Promise((resolve, reject) => {
    // Worlds are built and dropped by the thousand: a nursery that holds more of them costs a tenth less.
    const args = ['--max-semi-space-size=64', join(root, 'dist', 'face', 'cli', 'main.js'), 'sim', '--seeds', `${from}..${to}`, '--json', ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    let last;
    let errors = '';
    child.stderr.on('data', (bytes) => (errors += bytes));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const said = JSON.parse(line);
      if (said.seed !== undefined) heard(said);
      if (said.seed !== undefined && said.verdict !== 'ok') failed(said);
      last = said;
    });
    // Its output ends before it does.
    let code;
    let isRead = false;
    const over = () => {
      if (code === undefined || !isRead) return;
      children.delete(child);
      if (last?.seeds !== undefined) return resolve(last);
      if (isStopping) return resolve(undefined);
      reject(new Error(`a batch of seeds ${from}..${to} ended without a sum (exit ${code}): ${errors}`));
    };
    lines.on('close', () => ((isRead = true), over()));
    child.on('exit', (status, signal) => ((code = status ?? signal), over()));
  });
}

/** Nothing new begins, and what is under way ends. */
export function stopBatches() {
  isStopping = true;
  for (const child of children) child.kill();
}

export const stopping = () => isStopping;

process.on('SIGINT', stopBatches);
process.on('SIGTERM', stopBatches);

export const listOf = (counts) => Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ');
