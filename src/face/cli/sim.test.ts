import { mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { faultClassNames, runSeed } from '../sim.ts';
import { parseNemesis, parseSeed, shrunkReport, TraceFile } from './sim.ts';

it('a seed is a whole number; nothing at all is none', () => {
  expect([parseSeed('7'), parseSeed('0x5eed')]).toEqual([7, 0x5eed]);
  for (const text of ['', ' ', '-1', '1.5', 'x']) expect(() => parseSeed(text)).toThrow('whole number');
});

it('what is left after shrinking says what every sum of --json says, and its schedule', async () => {
  const clean = await runSeed({ seed: 7, seconds: 1, nodes: 3, nemesis: [] });
  const said = shrunkReport(clean, 1, 'npx thole sim --seed 7');
  expect(said).toMatchObject({ seed: 7, verdict: 'ok', hash: clean.hash, seeds: 1, faults: [], injected: Object.fromEntries(faultClassNames.map((kind) => [kind, 0])) });
  expect((said as { simulatedSeconds: number }).simulatedSeconds).toBeCloseTo(clean.simulatedSeconds, 2);
  const failure = { claim: 'oneLeader', message: 'two', at: 900 } as const;
  const broken = shrunkReport({ ...clean, verdict: 'oneLeader', failure }, 3, 'npx thole sim --seed 7');
  expect(broken).toMatchObject({ verdict: 'oneLeader', seeds: 1, runs: 3, at: 900, message: 'two', profile: clean.schedule.profile, faults: clean.schedule.faults, replay: 'npx thole sim --seed 7' });
});

it('what no simulator knows is no nemesis', () => {
  expect([parseNemesis('labs'), parseNemesis('none'), parseNemesis('power, pause')]).toEqual(['labs', [], ['power', 'pause']]);
  expect(() => parseNemesis('typo')).toThrow('labs, none, or some of');
});

it('a trace is whole though the system takes a few bytes at a time; what it refuses is kept from the world, and said', () => {
  const directory = mkdtempSync(join(tmpdir(), 'thole-trace-'));
  try {
    const path = join(directory, 'run.ndjson');
    const event = { at: 1, who: 'n1', kind: 'started', digest: 0 };
    const short = ((file: number, bytes: Uint8Array) => writeSync(file, bytes.subarray(0, 7))) as typeof writeSync;
    const trace = new TraceFile(path, short);
    trace.write(event);
    trace.write(event);
    trace.close();
    expect([readFileSync(path, 'utf8'), trace.problem]).toEqual([`${JSON.stringify(event)}\n`.repeat(2), undefined]);
    const full = new TraceFile(path, () => {
      throw new Error('ENOSPC: no space left on device');
    });
    full.write(event);
    full.close();
    expect(full.problem).toContain('ENOSPC');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
