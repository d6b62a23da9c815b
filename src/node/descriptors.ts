// The system gives a process so many open files and connections (`ulimit -n`), and strangers' connections take theirs of
// the same. Where none is left an open fails before it has done anything: that is nothing that the disk did, and whoever
// opened too many is sent away in a moment. So it is tried again, and only for so long.

import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 5000;
const pauseMs = 50;

function isShort(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');
}

/** What `open` gives; it must do nothing where it fails for want of a descriptor. */
export async function whenOneIsFree<T>(open: () => Promise<T>): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!isShort(error) || performance.now() >= end) throw error;
    }
    await sleep(pauseMs);
  }
}
