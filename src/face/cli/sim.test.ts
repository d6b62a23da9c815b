import { expect, it } from 'vitest';
import { faultClassNames, runSeed } from '../sim.ts';
import { parseSeed, shrunkReport } from './sim.ts';

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
