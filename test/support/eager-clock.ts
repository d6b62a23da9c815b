// A clock for tests in which nothing is about time: every wait ends in the next turn of the promises, so that tens
// of thousands of recoveries take seconds.

import type { Clock } from '../../src/engine/ports.ts';

function soon(callback: () => void): void {
  queueMicrotask(callback);
}

export const eagerClock: Clock = {
  now: () => 0,
  wallNow: () => 0,
  after(_, callback) {
    let isCancelled = false;
    soon(() => {
      if (!isCancelled) callback();
    });
    return () => {
      isCancelled = true;
    };
  },
  nextTurn: soon,
};
