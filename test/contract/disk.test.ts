// What every Disk must do, judged on the real one and on its double.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextUint32, seedRandom } from '../../src/core/random.ts';
import { DiskError } from '../../src/engine/ports.ts';
import type { Disk, DiskErrorCode } from '../../src/engine/ports.ts';
import { nodeDisk } from '../../src/node/disk.ts';
import { SimDisk } from '../../src/sim/disk.ts';
import { eagerClock } from '../support/eager-clock.ts';

interface Subject {
  readonly disk: Disk;
  close(): Promise<void>;
}

const subjects: Readonly<Record<string, () => Subject>> = {
  'the real disk': () => {
    const root = mkdtempSync(join(tmpdir(), 'thole-disk-'));
    const disk = nodeDisk(root);
    return {
      disk,
      close: async () => {
        await disk.close();
        rmSync(root, { recursive: true });
      },
    };
  },
  'the simulated disk': () => {
    const seed = seedRandom(1);
    return { disk: new SimDisk(eagerClock, { uint32: () => nextUint32(seed) }), close: () => Promise.resolve() };
  },
};

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function codeOf(work: Promise<unknown>): Promise<DiskErrorCode | undefined> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return undefined;
  expect(error).toBeInstanceOf(DiskError);
  return error instanceof DiskError ? error.code : undefined;
}

describe.each(Object.keys(subjects))('%s', (title) => {
  let subject: Subject;
  let disk: Disk;
  beforeEach(() => {
    subject = subjects[title]?.() ?? expect.unreachable();
    ({ disk } = subject);
  });
  afterEach(() => subject.close());

  it('creates a file only as it was told to', async () => {
    expect(await codeOf(disk.open('a', { create: 'never' }))).toBe('NOT_FOUND');
    await (await disk.open('a', { create: 'must' })).close();
    expect(await codeOf(disk.open('a', { create: 'must' }))).toBe('EXISTS');
    await (await disk.open('a', { create: 'may' })).close();
    await (await disk.open('a', { create: 'never' })).close();
    expect(await codeOf(disk.open('none/a', { create: 'may' }))).toBe('NOT_FOUND');
  });

  it('reads back what was written, in parts and over the end', async () => {
    const file = await disk.open('a', { create: 'may' });
    await file.write(0, [bytes(1, 2), bytes(), bytes(3)]);
    await file.write(5, [bytes(6)]);
    expect(await file.size()).toBe(6);
    expect(await file.read(0, 100)).toEqual(bytes(1, 2, 3, 0, 0, 6));
    expect(await file.read(1, 2)).toEqual(bytes(2, 3));
    expect(await file.read(6, 1)).toEqual(bytes());
    expect(await file.read(60, 1)).toEqual(bytes());
    await file.close();
  });

  it('gives bytes that are the reader’s to keep', async () => {
    const file = await disk.open('a', { create: 'may' });
    await file.write(0, [bytes(1, 2)]);
    const read = await file.read(0, 2);
    read[0] = 9;
    await file.write(1, [bytes(7)]);
    expect(read).toEqual(bytes(9, 2));
    expect(await file.read(0, 2)).toEqual(bytes(1, 7));
    await file.close();
  });

  it('appends and syncs, notes behind it, and leaves the caller’s buffers alone', async () => {
    const file = await disk.open('a', { create: 'may' });
    const notes = await disk.open('b', { create: 'may' });
    const part = bytes(1, 2, 3, 4).subarray(1, 3);
    await file.appendAndSync(2, [part, bytes(5)], { file: notes, position: 1, bytes: part });
    await file.appendAndSync(5, [part]);
    expect(part).toEqual(bytes(2, 3));
    expect(await file.read(0, 9)).toEqual(bytes(0, 0, 2, 3, 5, 2, 3));
    await file.close();
    await notes.close();
    // The note was written before its file was closed, however late that was.
    const again = await disk.open('b', { create: 'never' });
    expect(await again.read(0, 9)).toEqual(bytes(0, 2, 3));
    await again.close();
  });

  it('keeps the order of appends that were asked for at once', async () => {
    const file = await disk.open('a', { create: 'may' });
    await Promise.all(Array.from({ length: 50 }, (_, i) => file.appendAndSync(0, [bytes(i)])));
    expect(await file.read(0, 1)).toEqual(bytes(49));
    await file.close();
  });

  it('truncates both ways', async () => {
    const file = await disk.open('a', { create: 'may' });
    await file.write(0, [bytes(1, 2, 3)]);
    await file.truncate(1);
    await file.truncate(3);
    expect(await file.read(0, 9)).toEqual(bytes(1, 0, 0));
    await file.sync();
    await file.close();
  });

  it('does nothing with a file that is closed', async () => {
    const file = await disk.open('a', { create: 'may' });
    await file.close();
    expect(await codeOf(file.read(0, 1))).toBe('IO');
    expect(await codeOf(file.write(0, [bytes(1)]))).toBe('IO');
    expect(await codeOf(file.appendAndSync(0, [bytes(1)]))).toBe('IO');
    expect(await codeOf(file.sync())).toBe('IO');
  });

  it('lists names in order, and nothing of a directory that is missing', async () => {
    await disk.makeDirectory('d/e');
    for (const name of ['d/b', 'd/a', 'd/B', 'd/e/f']) await (await disk.open(name, { create: 'must' })).close();
    expect(await disk.list('d')).toEqual(['B', 'a', 'b', 'e']);
    expect(await disk.list('')).toEqual(['d']);
    expect(await disk.list('none')).toEqual([]);
    await disk.makeDirectory('d/e');
    await disk.syncDirectory('d');
  });

  it('renames over what was there, and removes', async () => {
    const file = await disk.open('a', { create: 'may' });
    await file.write(0, [bytes(1)]);
    await (await disk.open('b', { create: 'may' })).close();
    await disk.rename('a', 'b');
    expect(await disk.list('')).toEqual(['b']);
    expect(await codeOf(disk.rename('a', 'b'))).toBe('NOT_FOUND');
    await disk.remove('b');
    await disk.remove('b');
    expect(await disk.list('')).toEqual([]);
    // Whoever has it open has it still.
    expect(await file.read(0, 1)).toEqual(bytes(1));
    await file.close();
  });

  it('refuses paths that lead out', async () => {
    expect(await codeOf(disk.open('../a', { create: 'may' }))).toBe('IO');
    expect(await codeOf(disk.remove('d/../../a'))).toBe('IO');
    expect(await codeOf(disk.list('..'))).toBe('IO');
  });

  it('locks a directory once, until released', async () => {
    const lock = await disk.lock('d');
    expect(await codeOf(disk.lock('d'))).toBe('IN_USE');
    await lock.release();
    await (await disk.lock('d')).release();
    expect(await disk.list('d')).toEqual([]);
  });
});

describe('the real disk alone', () => {
  it.skipIf(process.getuid?.() === 0)('says READ_ONLY where it may not write', async () => {
    const root = mkdtempSync(join(tmpdir(), 'thole-disk-'));
    const disk = nodeDisk(root);
    chmodSync(root, 0o500);
    expect(await codeOf(disk.lock(''))).toBe('READ_ONLY');
    expect(await codeOf(disk.open('a', { create: 'may' }))).toBe('READ_ONLY');
    chmodSync(root, 0o700);
    await disk.close();
    rmSync(root, { recursive: true });
  });
});
