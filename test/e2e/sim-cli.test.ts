// `thole sim` as a stranger meets it: what it prints, what it writes, how it exits.

import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { claims, faultClassNames, runSeed } from '../../src/face/sim.ts';
import type { Schedule } from '../../src/face/sim.ts';
import { Running, cleanUp, eventually } from './support/processes.ts';

// Processes and worlds, not milliseconds: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 240_000 });

const root = join(import.meta.dirname, '../..');
const main = process.env['THOLE_MAIN'] ?? join(root, 'dist/face/cli/main.js');
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'thole-sim-'));
});
afterEach(async () => {
  await cleanUp();
  rmSync(directory, { recursive: true });
});

interface Ran {
  readonly status: number | null;
  readonly lines: readonly string[];
  readonly err: string;
}

function run(words: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: directory, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { status, lines: stdout.trim().split('\n'), err: stderr };
}

const sim = (...words: string[]): Ran => run([main, 'sim', ...words]);
const json = (line: string | undefined): Record<string, unknown> => JSON.parse(line ?? '') as Record<string, unknown>;
/** Breaks a claim within seconds: no fsync, and the power goes. */
const broken = ['--durability', 'os', '--nemesis', 'power,blackout', '--seconds', '6'];

describe('thole sim', () => {
  it('--json: the last line is one object with verdict, hash, seeds, simulatedSeconds and faults, and a clean seed exits 0', () => {
    const { status, lines } = sim('--seed', '7', '--seconds', '3', '--json');
    expect(status).toBe(0);
    const last = json(lines.at(-1));
    expect(last).toMatchObject({ verdict: 'ok', seeds: 1, failed: 0 });
    expect(last['hash']).toMatch(/^[0-9a-f]{16}$/);
    expect(last['simulatedSeconds']).toBeGreaterThanOrEqual(3);
    for (const kind of faultClassNames) expect(last['faults']).toHaveProperty(kind);
  });

  it('one hash a seed: alone, among others, traced, in another process', async () => {
    const alone = json(sim('--seed', '7', '--seconds', '3', '--json').lines.at(-1))['hash'];
    const among = sim('--seeds', '6..7', '--seconds', '3', '--json').lines.map(json).find(({ seed }) => seed === 7)?.['hash'];
    const traced = json(sim('--seed', '7', '--seconds', '3', '--trace', 'run.ndjson', '--json').lines.at(-1))['hash'];
    const { hash: here } = await runSeed({ seed: 7, seconds: 3 });
    expect([among, traced, here]).toEqual([alone, alone, alone]);
    const events = readFileSync(join(directory, 'run.ndjson'), 'utf8').trim().split('\n').map(json);
    expect(events.length).toBeGreaterThan(500);
    for (const name of ['at', 'who', 'kind', 'digest']) expect(events[0]).toHaveProperty(name);
    expect(events.some(({ kind }) => kind === 'started')).toBe(true);
  });

  it('without --json: a line a seed, then the sums, the faults by class and the paths met', () => {
    const { status, lines } = sim('--seeds', '1..2', '--seconds', '2', '--nodes', '5', '--nemesis', 'exit,pause');
    expect(status).toBe(0);
    expect(lines[0]).toMatch(/^seed 1 ok [0-9a-f]{16}: .* leader changes, \d+ calls done/);
    expect(lines.join('\n')).toMatch(/ok: 2 seeds, 0 failed[^]*simulated seconds a second\nfaults: .*exit \d+[^]*sometimes: /);
    expect(lines.join('\n')).toMatch(/, blackout 0,/);
  });

  it('--nemesis labs is the network of the labs, none a quiet world', () => {
    const labs = json(sim('--seed', '2', '--seconds', '4', '--nemesis', 'labs', '--json').lines.at(-1));
    expect(labs).toMatchObject({ verdict: 'ok', faults: { power: 0, reset: 0 } });
    const none = json(sim('--seed', '2', '--seconds', '2', '--nemesis', 'none', '--json').lines.at(-1));
    expect(Object.values(none['faults'] as Record<string, number>).every((count) => count === 0)).toBe(true);
  });

  it('a claim that broke: exit 1, its name, and a line that replays it to the same end', () => {
    const { status, lines, err } = sim('--seed', '3', '--json', ...broken);
    const { verdict, hash } = json(lines.at(-1));
    expect(status).toBe(1);
    expect(Object.keys(claims)).toContain(verdict);
    const replay = /^replay: npx thole (sim .*)$/m.exec(err)?.[1];
    expect(replay).toBe('sim --seed 3 --seconds 6 --nemesis power,blackout --durability os');
    expect(json(run([main, ...replay!.split(' '), '--json']).lines.at(-1))).toMatchObject({ verdict, hash });
  });

  it('--shrink: the smallest schedule that still breaks the same claim, as data that runs', async () => {
    const { status, lines } = sim('--shrink', '3', '--json', ...broken);
    const found = json(lines.at(-1)) as unknown as Schedule & { readonly verdict: string; readonly hash: string; readonly runs: number };
    expect(status).toBe(1);
    expect(Object.keys(claims)).toContain(found.verdict);
    const whole = await runSeed({ seed: 3, seconds: 6, nemesis: ['power', 'blackout'], durability: 'os' });
    expect(found.faults.length).toBeLessThan(whole.schedule.faults.length);
    expect(found.faults.length).toBeGreaterThan(0);
    const again = await runSeed({ seed: 3, seconds: 6, durability: 'os', schedule: { profile: found.profile, faults: found.faults } });
    expect([again.verdict, again.hash]).toEqual([found.verdict, found.hash]);
    // Without any one of them it holds.
    for (const left of found.faults) {
      const faults = found.faults.filter((each) => each !== left);
      expect((await runSeed({ seed: 3, seconds: 6, durability: 'os', schedule: { profile: found.profile, faults } })).verdict).not.toBe(found.verdict);
    }
  });

  it('--shrink of a clean seed says so, and exits 0', () => {
    const { status, lines } = sim('--shrink', '7', '--seconds', '2');
    expect([status, lines]).toEqual([0, ['seed 7 is clean: there is nothing to shrink']]);
  });

  it.each([
    [['--seed', 'x'], 'whole number'],
    [['--seeds', '5..1'], 'last seed lies before the first'],
    [['--seeds', '1-5'], 'first..last'],
    [['--nemesis', 'gremlins'], 'It is labs, none, or some of'],
    [['--nodes', '0'], 'whole number'],
    [['--seconds', '0'], 'whole number'],
    [['--seed', '1', '--seeds', '1..2'], 'only one of'],
    [['--seeds', '1..2', '--trace', 'x'], '--trace is for one seed'],
    [['--shrink', '1', '--trace', 'x'], '--trace is for --seed'],
    [['--seed', '1', '--trace', 'no/such/place'], 'no/such/place'],
    [['--frobnicate'], 'unknown option'],
  ])('usage: %j is refused with exit 2', (words, problem) => {
    const { status, err } = sim(...words);
    expect([status, err]).toEqual([2, expect.stringContaining(problem)]);
  });

  it('--help names every fault and every claim', () => {
    const { status, lines } = sim('--help');
    expect(status).toBe(0);
    for (const name of [...faultClassNames, 'oneLeader', 'linearizable', 'noFalseAlarm']) expect(lines.join('\n')).toContain(`  ${name}`);
  });
});

describe('soak and census', () => {
  it('a failure lands in a file whose first line replays it', () => {
    const { status, lines } = run([join(root, 'scripts/soak.mjs'), '--seeds', '2', '--first', '3', '--jobs', '1', '--into', join(directory, 'seeds'), '--', ...broken]);
    expect(status).toBe(1);
    expect(lines.join('\n')).toMatch(/soak: 2 seeds from 3 on, 2 failed/);
    const file = readdirSync(join(directory, 'seeds')).find((name) => name.startsWith('3-'))!;
    const verdict = /^3-(.*)\.txt$/.exec(file)![1] as keyof typeof claims;
    const [replay, commit, message] = readFileSync(join(directory, 'seeds', file), 'utf8').split('\n');
    expect([commit, message]).toEqual([expect.stringMatching(/^commit /), expect.stringContaining(claims[verdict])]);
    expect(json(run([main, ...replay!.replace('npx thole ', '').split(' '), '--json']).lines.at(-1))).toMatchObject({ verdict });
  });

  it('a soak that is stopped counts what it has seen: a failure is exit 1', async () => {
    const soak = new Running(process.execPath, [join(root, 'scripts/soak.mjs'), '--first', '3', '--jobs', '1', '--into', join(directory, 'seeds'), '--', ...broken]);
    await eventually('a failure', () => Promise.resolve(soak.out.includes('npx thole sim --seed 3 ') ? true : undefined), 120_000);
    soak.kill('SIGINT');
    expect(await soak.end()).toEqual({ code: 1, signal: null });
    const [, seeds, failed] = /soak: (\d+) seeds from 3 on, (\d+) failed/.exec(soak.out)!;
    expect(Number(seeds)).toBeGreaterThan(0);
    expect(Number(failed)).toBeGreaterThan(0);
  });

  it('a census goes on where it was, and says the same in the end', () => {
    const census = (...more: string[]): Ran => run([join(root, 'scripts/census.mjs'), '--jobs', '1', '--batch', '5', '--out', 'c.ndjson', '--json', 'c.json', ...more, '--', '--seconds', '1']);
    const first = census('--seeds', '1..5');
    expect([first.status, json(readFileSync(join(directory, 'c.json'), 'utf8'))]).toEqual([0, expect.objectContaining({ verdict: 'ok', seeds: 5, failed: 0 })]);
    const both = census('--seeds', '1..7');
    expect(both.lines[0]).toContain('5 seeds of this build are in c.ndjson already');
    const sum = json(readFileSync(join(directory, 'c.json'), 'utf8'));
    expect([both.status, sum]).toEqual([0, expect.objectContaining({ verdict: 'ok', seeds: 7, range: '1..7' })]);
    expect(sum['simulatedSeconds']).toBeGreaterThanOrEqual(7);
  });

  /** A clone whose dist/ may be changed. */
  function clone(): string {
    const copy = join(directory, 'clone');
    for (const part of ['scripts', 'dist']) cpSync(join(root, part), join(copy, part), { recursive: true });
    cpSync(join(root, 'package.json'), join(copy, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
    return copy;
  }
  const censusOf = (copy: string, ...more: string[]): string[] => [join(copy, 'scripts/census.mjs'), '--jobs', '1', '--out', join(directory, 'c.ndjson'), '--json', join(directory, 'c.json'), ...more];

  it('what was counted is of the build it was counted on: another build begins anew', () => {
    const copy = clone();
    const census = (): Ran => run(censusOf(copy, '--seeds', '1..1', '--', '--seconds', '1'));
    expect(census().status).toBe(0);
    const first = json(readFileSync(join(directory, 'c.json'), 'utf8'));
    expect(first).toMatchObject({ commit: expect.any(String) as unknown, build: expect.stringMatching(/^[0-9a-f]{12}$/) as unknown, node: process.version });
    expect(census().lines[0]).toContain('1 seeds of this build are in');
    appendFileSync(join(copy, 'dist/sim/index.js'), '// edited\n');
    const again = census();
    expect([again.status, again.lines.join('\n')]).toEqual([0, expect.not.stringContaining('are in') as unknown]);
    expect(json(readFileSync(join(directory, 'c.json'), 'utf8'))['build']).not.toBe(first['build']);
  });

  it('a census goes on with the build that it began with, whatever becomes of dist/', async () => {
    const copy = clone();
    const census = new Running(process.execPath, censusOf(copy, '--seeds', '1..4', '--batch', '1', '--', '--seconds', '1'));
    await eventually('the first batch', () => (existsSync(join(directory, 'c.ndjson')) ? true : undefined), 120_000);
    rmSync(join(copy, 'dist'), { recursive: true });
    expect([await census.end(120_000), census.err]).toEqual([{ code: 0, signal: null }, '']);
    expect(json(readFileSync(join(directory, 'c.json'), 'utf8'))).toMatchObject({ verdict: 'ok', seeds: 4 });
  });

  it('a census that is stopped in the middle of a batch says what broke in it', async () => {
    const census = new Running(process.execPath, censusOf(root, '--seeds', '3..500', '--batch', '500', '--', ...broken));
    await eventually('a failure', () => (census.out.includes('npx thole sim --seed 3 ') ? true : undefined), 120_000);
    census.kill('SIGINT');
    expect(await census.end(30_000)).toEqual({ code: 1, signal: null });
    const { failed, failures } = json(readFileSync(join(directory, 'c.json'), 'utf8')) as { failed: number; failures: { seed: number }[] };
    expect([failed, failures[0]?.seed]).toEqual([failures.length, 3]);
  });

  it.each([[['--jobs', '0']], [['--jobs', '']], [['--seeds', '0']], [['--minutes', '']]])('a soak with %j would run nothing, and is refused', (words) => {
    const { status, err } = run([join(root, 'scripts/soak.mjs'), ...words]);
    expect([status, err]).toEqual([2, expect.stringContaining('whole numbers from 1')]);
  });
});

describe('what the command line ends with', () => {
  /** A module that is loaded before the command line. */
  const before = (code: string): string[] => ['--import', `data:text/javascript,${encodeURIComponent(code)}`];

  it('what nobody foresaw is 70, with its stack, and never a verdict', () => {
    const { status, err } = run([...before("process.stdout.write = () => { throw new TypeError('ours'); }"), main, 'sim', '--seed', '7', '--seconds', '1']);
    expect([status, err]).toEqual([70, expect.stringMatching(/TypeError: ours\n {4}at /)]);
    const later = run([...before("process.stdout.write = () => setImmediate(() => { throw new TypeError('later'); })"), main, 'sim', '--seeds', '1..3', '--seconds', '1']);
    expect([later.status, later.err]).toEqual([70, expect.stringContaining('TypeError: later')]);
  });

  it('a reader that has had enough ends it quietly; what broke until then has broken', async () => {
    const reader = async (words: readonly string[]): Promise<unknown> => {
      const sim = new Running(process.execPath, [main, 'sim', ...words]);
      await eventually('a line', () => (sim.out.includes('\n') ? true : undefined), 120_000);
      sim.child.stdout!.destroy();
      const { code } = await sim.end(120_000);
      return [code, sim.err.includes('EPIPE')];
    };
    expect(await reader(['--seeds', '1..500', '--seconds', '1', '--nemesis', 'none'])).toEqual([0, false]);
    expect(await reader(['--seeds', '3..500', ...broken])).toEqual([1, false]);
  });
});
