import { describe, expect, it } from 'vitest';
import { nextBelow, seedRandom } from '../../core/random.ts';
import { Session } from './session.ts';

describe('session', () => {
  it('the lowest awaited is the lowest awaited, whatever the order of answers', () => {
    const random = seedRandom(11);
    const session = new Session(1);
    const awaited: number[] = [];
    for (let i = 0; i < 20_000; i++) {
      if (!session.isFull && nextBelow(random, 2) === 0) awaited.push(session.take());
      else if (awaited.length > 0) session.done(awaited.splice(nextBelow(random, Math.min(awaited.length, 40)), 1).at(0) ?? 0);
      if (awaited.length > 0) expect(session.lowest).toBe(Math.min(...awaited));
      expect(session.isIdle).toBe(awaited.length === 0);
    }
  });

  it('one that stays away holds up a window, not more', () => {
    const session = new Session(1);
    const first = session.take();
    for (let i = 1; i < 1024; i++) session.done(session.take());
    expect(session.isFull).toBe(true);
    expect(session.lowest).toBe(first);
    session.done(first);
    expect(session.isFull).toBe(false);
    expect(session.lowest).toBe(1025);
  });
});
