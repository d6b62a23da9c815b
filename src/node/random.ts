// The system's entropy.

import { getRandomValues } from 'node:crypto';
import type { Random } from '../engine/ports.ts';

const pool = new Uint32Array(256);
let used = pool.length;

export const nodeRandom: Random = {
  uint32() {
    if (used === pool.length) {
      getRandomValues(pool);
      used = 0;
    }
    return pool[used++]!;
  },
};
