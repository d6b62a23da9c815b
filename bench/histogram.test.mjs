import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.mjs';

describe('a histogram', () => {
  it('finds each percentile of a known sample within one part in 64, and never below it', () => {
    // A fixed generator: latencies from microseconds to seconds.
    let seed = 12345;
    const sample = Array.from({ length: 20_000 }, () => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.round(10 ** ((seed / 2 ** 32) * 6.5)) / 1000;
    });
    const histogram = new Histogram();
    sample.forEach((ms) => histogram.record(ms));
    const sorted = sample.toSorted((a, b) => a - b);
    for (const share of [0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = sorted[Math.ceil(sorted.length * share) - 1];
      const found = histogram.percentile(share);
      expect(found).toBeGreaterThanOrEqual(exact);
      expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 64) + 1e-9);
    }
  });

  it.each([0, 0.001, 0.063, 0.064, 0.127, 0.128, 1, 4294967.295])('keeps %d ms in a bucket that holds it', (ms) => {
    const histogram = new Histogram();
    histogram.record(ms);
    expect(histogram.percentile(0.5)).toBeGreaterThanOrEqual(ms);
    expect(histogram.percentile(0.5)).toBeLessThanOrEqual(ms * (1 + 1 / 64) + 1e-9);
    expect(histogram.count).toBe(1);
  });

  it('keeps what is too long for it in its last bucket', () => {
    const histogram = new Histogram();
    histogram.record(1e12);
    expect(histogram.percentile(1)).toBeCloseTo(4294967.295);
  });

  it('has no percentile of nothing', () => {
    expect(new Histogram().percentile(0.5)).toBeNaN();
  });
});
