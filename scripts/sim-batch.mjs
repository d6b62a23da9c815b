// Seeds by the batch, each batch in a process of its own (`thole sim --seeds a..b --json`): for the soak, which never
// ends, and the census, which counts.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parsed } from './parsed.mjs';

const children = new Set();
let isStopping = false;

export const noSums = () => ({ seeds: 0, failed: 0, led: 0, undecided: 0, simulatedSeconds: 0, events: 0, faults: {}, coverage: {} });

export function addSums(total, sum) {
  for (const name of ['seeds', 'failed', 'led', 'undecided', 'simulatedSeconds', 'events']) total[name] += sum[name];
  for (const table of ['faults', 'coverage']) for (const [name, count] of Object.entries(sum[table])) total[table][name] = (total[table][name] ?? 0) + count;
}

/** Of one seed, as far as its line tells. */
function sumOf({ verdict, leaderChanges, undecided, simulatedSeconds }) {
  return { ...noSums(), seeds: 1, failed: verdict === 'ok' ? 0 : 1, led: leaderChanges > 0 ? 1 : 0, undecided: undecided > 0 ? 1 : 0, simulatedSeconds };
}

/**
 * Resolves with `{ isWhole, sum, failures, problem }` and never rejects. A batch that was cut off has of its sum what its seeds said
 * one by one: above all those that failed. `problem` says why, if nobody asked for it. `failed` is told of every seed that broke a claim.
 */
export function runBatch(build, from, to, flags, failed) {
  return new Promise((resolve) => {
    const part = noSums();
    const failures = [];
    let whole;
    let problem;
    let errors = '';
    const over = (end) => {
      children.delete(child);
      if (whole !== undefined && problem === undefined) return resolve({ isWhole: true, sum: whole, failures, problem });
      if (!isStopping) problem ??= `a batch of seeds ${from}..${to} ended without a sum (${end}): ${errors}`;
      resolve({ isWhole: false, sum: part, failures, problem });
    };
    const hear = (line) => {
      const said = parsed(line);
      // The last line of a process that was killed is half a line.
      if (said === undefined) return void (errors += `${line}\n`);
      if (said.seed === undefined) return void (whole = said);
      addSums(part, sumOf(said));
      if (said.verdict === 'ok') return;
      const { seed, verdict, message, replay } = said;
      failures.push({ seed, verdict, message, replay });
      failed(said);
    };
    // Worlds are built and dropped by the thousand: a nursery that holds more of them costs a tenth less.
    const args = ['--max-semi-space-size=64', build.main, 'sim', '--seeds', `${from}..${to}`, '--json', ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    // Without processes or descriptors to be had there is no child, and perhaps no pipes either.
    child.once('error', (error) => over(error.message));
    if (child.stdout === undefined || child.stdout === null) return;
    child.stderr.on('data', (bytes) => (errors += bytes));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      try {
        hear(line);
      } catch (error) {
        // Whoever is told of failures writes them to a disk, which may be full.
        problem ??= error.message;
        child.kill();
      }
    });
    // Its output ends before it does.
    let end;
    let isRead = false;
    const ended = () => {
      if (end !== undefined && isRead) over(end);
    };
    lines.on('close', () => ((isRead = true), ended()));
    child.on('exit', (status, signal) => ((end = signal ?? `exit ${status}`), ended()));
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

/** Runs `jobs` of them side by side to their ends, also when one meets a problem: the others count what they have, first. */
export async function inParallel(jobs, worker) {
  const problems = [];
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      try {
        await worker();
      } catch (error) {
        problems.push(error.message);
        stopBatches();
      }
    }),
  );
  return problems;
}

export const listOf = (counts) => Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ');
