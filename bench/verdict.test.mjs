import { describe, expect, it } from 'vitest';
import { median, verdict } from './verdict.mjs';

const run = (opsPerSecond, driverShare = 0.3) => ({ opsPerSecond, p50Ms: 1, p99Ms: 2, driverShare });
const load = { operation: 'put', inFlight: 64, members: 3, valueSize: 256 };

describe('a verdict', () => {
  it('is the median of the ratios of the rounds, not the ratio of the medians', () => {
    const { ratio, ratios, clientBound } = verdict([[6000, 5000], [30_000, 5000], [9000, 6000]].map(([thole, etcd]) => ({ thole: run(thole), reference: run(etcd) })), load);
    expect(ratios).toEqual([1.2, 6, 1.5]);
    expect(ratio).toBe(1.5);
    expect(clientBound).toBe(false);
  });

  it('shows no ratio when a driver used over half of all CPU', () => {
    for (const round of [{ thole: run(9000, 0.51), reference: run(6000) }, { thole: run(9000), reference: run(6000, 0.51) }]) {
      expect(verdict([round], load)).toMatchObject({ ratio: null, ratios: [null], clientBound: true });
    }
    expect(verdict([{ thole: run(9000, 0.5), reference: run(6000, 0.5) }], load)).toMatchObject({ ratio: 1.5, clientBound: false });
  });

  it('shows no ratio when etcd stays under 80 % of what it is known to reach', () => {
    const beside = (etcd, changed) => verdict([{ thole: run(9000), reference: run(etcd) }], { ...load, ...changed }).clientBound;
    expect(beside(4463)).toBe(true);
    expect(beside(4464)).toBe(false);
    expect(beside(4463, { valueSize: 10 })).toBe(false);
    expect(beside(4463, { members: 1 })).toBe(false);
    expect(beside(4463, { inFlight: 1000 })).toBe(true);
  });

  it('has no ratio without a reference', () => {
    expect(verdict([{ thole: run(9000) }], load)).toMatchObject({ ratio: null, reference: null, clientBound: false });
  });

  it('takes the middle of an even number of rounds', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});
