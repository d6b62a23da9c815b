// Reality's clock.

import { performance } from 'node:perf_hooks';
import type { Clock } from '../engine/ports.ts';

export const nodeClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  // The check phase comes right after the sockets were polled: what arrived together is stepped together.
  nextTurn: (callback) => void setImmediate(callback),
};
