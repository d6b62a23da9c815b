// Reality's clock.

import { performance } from 'node:perf_hooks';
import type { Clock } from '../engine/ports.ts';

/** A timer of Node takes 32 bits with a sign; anything longer it would call at once. */
const timerMsMax = 2 ** 31 - 1;

export const nodeClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, callback) {
    const due = performance.now() + delayMs;
    // Node's timers count in whole milliseconds, cut off at both ends, so one may fire up to a millisecond before
    // its time. Whoever measures by now() what it waited for would find that it did not wait.
    const fire = (): void => {
      const left = due - performance.now();
      if (left > 0) wait(left);
      else callback();
    };
    let timer: NodeJS.Timeout;
    const wait = (ms: number): void => {
      timer = setTimeout(fire, Math.min(Math.ceil(ms), timerMsMax));
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
  // The check phase comes right after the sockets were polled: what arrived together is stepped together.
  nextTurn: (callback) => void setImmediate(callback),
};
