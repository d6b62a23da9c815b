// What a batch of seeds says of itself when its process does not get to its end.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inParallel, noSums, runBatch } from './sim-batch.mjs';

let directory;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'thole-batch-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const ok = { seed: 1, verdict: 'ok', leaderChanges: 1, undecided: 0, simulatedSeconds: 2 };
const broken = { ...ok, seed: 2, verdict: 'durable', message: 'lost', replay: 'npx thole sim --seed 2' };
const failure = { seed: 2, verdict: 'durable', message: 'lost', replay: 'npx thole sim --seed 2' };

/** A command line that says this, and then ends so. */
function saying(text, end = '') {
  const main = join(directory, 'main.mjs');
  writeFileSync(main, `import { writeSync } from 'node:fs'; writeSync(1, ${JSON.stringify(text)}); ${end}`);
  return { main };
}
const lines = (...said) => said.map((each) => `${JSON.stringify(each)}\n`).join('');

describe('a batch of seeds', () => {
  it('has the sum that it says last', async () => {
    const sum = { ...noSums(), seeds: 2, failed: 1, realSeconds: 1 };
    expect(await runBatch(saying(lines(ok, broken, sum)), 1, 2, [], () => undefined)).toEqual({ isWhole: true, sum, failures: [failure], problem: undefined });
  });

  it('killed in the middle of a line: what it said until then counts, and why it ended is told', async () => {
    const heard = [];
    const batch = await runBatch(saying(`${lines(ok, broken)}{"seed":3,"ver`, "process.kill(process.pid, 'SIGKILL');"), 1, 9, [], ({ seed }) => heard.push(seed));
    expect(batch).toEqual({
      isWhole: false,
      sum: { ...noSums(), seeds: 2, failed: 1, led: 2, simulatedSeconds: 4 },
      failures: [failure],
      problem: expect.stringMatching(/seeds 1\.\.9 ended without a sum \(SIGKILL\): \{"seed":3,"ver/),
    });
    expect(heard).toEqual([2]);
  });

  it('ended without a sum, though well: it is not whole', async () => {
    expect(await runBatch(saying(lines(ok), "console.error('no memory'); process.exit(70);"), 1, 9, [], () => undefined)).toMatchObject({
      isWhole: false, sum: { seeds: 1 }, problem: expect.stringMatching(/exit 70\): no memory/),
    });
  });

  it('whose failures cannot be kept has a problem, and has them counted', async () => {
    const full = () => {
      throw new Error('ENOSPC');
    };
    expect(await runBatch(saying(lines(ok, broken), 'setInterval(() => undefined, 1000);'), 1, 9, [], full)).toMatchObject({ isWhole: false, failures: [failure], problem: 'ENOSPC' });
  });
});

// Last: it stops whatever runs, for good.
it('workers beside one that failed come to their own ends', async () => {
  const ended = [];
  let next = 0;
  const problems = await inParallel(2, async () => {
    if (next++ === 0) throw new Error('no process to be had');
    await new Promise((resolve) => void setTimeout(resolve, 20));
    ended.push('the other');
  });
  expect([problems, ended]).toEqual([['no process to be had'], ['the other']]);
});
