// The simulator on seeds that stay: worlds that are clean, the same every time, and hurt in every way there is.

import { describe, expect, it, vi } from 'vitest';
import { faultClassNames, runSeed } from '../../src/face/sim.ts';
import type { Fault, FaultClass, Profile, Schedule, TraceEvent } from '../../src/face/sim.ts';

// Worlds, not milliseconds: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 240_000 });

const fault = (at: number, kind: FaultClass, more: Partial<Fault> = {}): Fault => ({ at, kind, target: 'leader', other: 1, ms: 1000, amount: 0, calls: 0, ...more });

async function quiet(nodes = 3): Promise<Profile> {
  const { schedule } = await runSeed({ seed: 1, nodes, nemesis: [], seconds: 1 });
  return { ...schedule.profile, damageable: [2], snapshotLogBytes: 8 << 10 };
}

describe('the simulator', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('seed %i, with all faults', async (seed) => {
    const { verdict, failure, leaderChanges, calls, undecided } = await runSeed({ seed, seconds: 12 });
    expect({ verdict, message: failure?.message }).toEqual({ verdict: 'ok', message: undefined });
    expect(undecided).toBe(0);
    expect(leaderChanges).toBeGreaterThan(0);
    expect(calls.ok).toBeGreaterThan(10);
  });

  it.each([1, 2, 3, 4])('seed %i, in the network of the labs', async (seed) => {
    const { verdict, failure, faults, schedule } = await runSeed({ seed, seconds: 10, nemesis: 'labs' });
    expect({ verdict, message: failure?.message }).toEqual({ verdict: 'ok', message: undefined });
    expect(schedule.profile.labs?.reliable === true || faults['resent']! > 0, 'calls are lost').toBe(true);
  });

  it('the same seed, the same world: again, watched, and with another world in between', async () => {
    const options = { seed: 5, seconds: 6 };
    const { hash, events } = await runSeed(options);
    const seen: TraceEvent[] = [];
    const watched = await runSeed({ ...options, trace: (event) => void seen.push(event) });
    expect(seen.length).toBeGreaterThan(1000);
    const [beside, other] = await Promise.all([runSeed(options), runSeed({ seed: 6, seconds: 6 })]);
    expect([watched.hash, beside.hash, beside.events]).toEqual([hash, hash, events]);
    expect(other.hash).not.toBe(hash);
  });

  it('without its faults it is another world', async () => {
    const { hash, schedule } = await runSeed({ seed: 5, seconds: 6 });
    expect(schedule.faults.length).toBeGreaterThan(0);
    const calm: Schedule = { ...schedule, faults: [] };
    expect((await runSeed({ seed: 5, seconds: 6, schedule: calm })).hash).not.toBe(hash);
  });

  const before: Partial<Record<FaultClass, readonly Fault[]>> = {
    promote: [fault(2500, 'join', { amount: 1 })],
    exchange: [fault(2000, 'join', { amount: 0 }), fault(3200, 'join', { amount: 1 })],
    remove: [fault(2500, 'join', { amount: 0 })],
    replace: [fault(2500, 'lostDisk', { target: 2 })],
  };
  const amounts: Partial<Record<FaultClass, number>> = { delay: 50, drop: 0.5, stray: 200, swizzle: 1000, slow: 100, rot: 77, misdirect: 512, drift: 1.1, jump: 30_000 };

  it.each(faultClassNames.map((kind) => ({ kind })))('a world with $kind and little else', async ({ kind }) => {
    const isDamage = kind === 'rot' || kind === 'misdirect' || kind === 'lostWrite' || kind === 'lostDisk';
    const one = fault(6000, kind, { amount: amounts[kind] ?? 0, target: isDamage ? 2 : 'leader' });
    const schedule = { profile: await quiet(), faults: [...(before[kind] ?? []), one] };
    const { verdict, failure, faults } = await runSeed({ seed: 1, seconds: 9, schedule });
    expect({ verdict, message: failure?.message }).toEqual({ verdict: 'ok', message: undefined });
    expect(faults[kind], `${kind} happened`).toBeGreaterThan(0);
  });

  it('a disk without syncs is found out, by what was promised and is not there', async () => {
    const schedule = { profile: { ...(await quiet()), damageable: [] }, faults: [2000, 3000, 4000, 5000, 6000].map((at) => fault(at, 'blackout')) };
    const { verdict, failure } = await runSeed({ seed: 1, seconds: 8, schedule, durability: 'os' });
    expect(verdict).not.toBe('ok');
    expect(failure?.at).toBeGreaterThan(2000);
  });
});
