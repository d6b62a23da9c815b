// Three bugs that any seed finds, each by another kind of claim: planted, built, run and found, as `npm run planted` does
// with all of them. The whole table takes its time and is in docs/track-record.md.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plantedBugs } from './bugs.ts';
import type { PlantedBug } from './plant.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const seeds = { first: 1, count: 3, seconds: 10 };
const work = mkdtempSync(join(tmpdir(), 'thole-planted-'));
const run = promisify(execFile);
const build = (await import(join(root, 'scripts', 'planted-build.mjs'))) as {
  buildSound: (into: string) => void;
  buildPlanted: (sound: string, into: string, bug: PlantedBug, plant: unknown) => void;
  loadBugs: (sound: string) => Promise<{ plant: unknown }>;
};

/** The verdicts of the seeds, up to the first that is awaited. */
async function verdicts(directory: string, awaited: string): Promise<readonly string[]> {
  const { first, count, seconds } = seeds;
  const child = join(root, 'scripts', 'planted-child.mjs');
  const { stdout } = await run(process.execPath, [child, directory, ...[first, count, seconds].map(String), awaited]);
  return stdout.trim().split('\n').map((line) => (JSON.parse(line) as { verdict: string }).verdict);
}

describe('the simulator', () => {
  const sound = join(work, 'sound');
  beforeAll(() => build.buildSound(sound), 60_000);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it.each(['append-acknowledged-before-sync', 'pre-vote-raises-terms', 'commit-index-goes-back'])('finds %s', { timeout: 120_000 }, async (name) => {
    const bug = plantedBugs.find((each) => each.name === name)!;
    const { plant } = await build.loadBugs(sound);
    build.buildPlanted(sound, join(work, name), bug, plant);
    expect(bug.claims).toContain((await verdicts(join(work, name), bug.claims.join(','))).at(-1));
  });

  it('is not said to have found all of no bugs', { timeout: 120_000 }, async () => {
    const hunt = run(process.execPath, [join(root, 'scripts', 'planted.mjs'), '--seeds', '1', '--only', 'two-votes,no-such-bug']);
    await expect(hunt).rejects.toMatchObject({ code: 2, stderr: "planted: no bug's name contains no-such-bug; --list names them\n" });
  });

  it('finds nothing in these seeds where nothing is planted', { timeout: 120_000 }, async () => {
    expect(await verdicts(sound, 'all')).toEqual(Array.from({ length: seeds.count }, () => 'ok'));
  });
});
