import { describe, expect, test } from 'vitest';
import { Pace, paceMsMax } from './pace.ts';

describe('the pace of a leader’s entries', () => {
  test('nothing waits while the disk is idle', () => {
    expect(new Pace().waitMs(1000)).toBe(0);
  });

  test('the next entry waits while one is being written, and not a moment longer', () => {
    const pace = new Pace();
    pace.began(1000);
    expect(pace.waitMs(1000)).toBe(paceMsMax);
    expect(pace.waitMs(1001)).toBe(paceMsMax - 1);
    pace.ended();
    expect(pace.waitMs(1001)).toBe(0);
  });

  test('a slow disk is not waited for; it gets another entry every few milliseconds', () => {
    const pace = new Pace();
    pace.began(1000);
    expect(pace.waitMs(1000 + paceMsMax)).toBe(0);
    pace.began(1000 + paceMsMax);
    expect(pace.waitMs(1001 + paceMsMax)).toBe(paceMsMax - 1);
    pace.ended();
    expect(pace.waitMs(1001 + paceMsMax), 'the second is still being written').toBe(paceMsMax - 1);
    pace.ended();
    expect(pace.waitMs(1001 + paceMsMax)).toBe(0);
  });
});
