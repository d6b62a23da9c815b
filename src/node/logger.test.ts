import { closeSync, openSync, writeSync } from 'node:fs';
import { expect, it } from 'vitest';
import { nodeLogger } from './logger.ts';

/** A file on a disk that is full now and then; the disk takes a few bytes at a time. */
function smallDisk(): { room: number; text: string; write: (bytes: Uint8Array) => number } {
  const disk = {
    room: 0,
    text: '',
    write(bytes: Uint8Array): number {
      if (disk.room === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      const written = Math.min(disk.room, bytes.length, 7);
      disk.room -= written;
      disk.text += Buffer.from(bytes.subarray(0, written)).toString('latin1');
      return written;
    },
  };
  return disk;
}

const rows = (text: string): Record<string, unknown>[] => text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

it('a full disk ends nobody who logs to it', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const logger = nodeLogger('info', {}, (bytes) => writeSync(full, bytes));
    expect(() => {
      for (let at = 0; at < 100; at++) logger.log('info', 'a line', { at });
    }).not.toThrow();
  } finally {
    closeSync(full);
  }
});

it('what could not be written is written when there is room, whole and in order', () => {
  const disk = smallDisk();
  const logger = nodeLogger('info', { member: 'a' }, disk.write);
  for (let at = 0; at < 3; at++) logger.log('info', 'a line', { at });
  // Within the second line it is full again.
  disk.room = 120;
  logger.log('info', 'a line', { at: 3 });
  expect(disk.room).toBe(0);
  disk.room = Number.POSITIVE_INFINITY;
  logger.log('info', 'a line', { at: 4 });
  expect(rows(disk.text)).toMatchObject([0, 1, 2, 3, 4].map((at) => ({ level: 30, member: 'a', msg: 'a line', at })));
});

it('lines wait up to a bound, and where more are missing their number is said', () => {
  const disk = smallDisk();
  const logger = nodeLogger('info', {}, disk.write);
  const text = 'x'.repeat(1000);
  for (let at = 0; at < 5000; at++) logger.log('info', text, { at });
  disk.room = Number.POSITIVE_INFINITY;
  logger.log('info', 'the next', {});
  const said = rows(disk.text);
  expect(disk.text.length).toBeLessThan(1_100_000);
  const kept = said.length - 2;
  expect(kept).toBeGreaterThan(900);
  expect(said.slice(0, kept).map(({ at }) => at)).toEqual(Array.from({ length: kept }, (_, at) => at));
  expect(said.slice(kept)).toMatchObject([{ level: 40, dropped: 5000 - kept, msg: 'the log could not be written: lines are missing here' }, { msg: 'the next' }]);
});
