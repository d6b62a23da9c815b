// What every Disk must do, judged on the real one, on its double, and on the one that tools use.

import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, asyncProperty, constant, nat, oneof, record } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nextUint32, seedRandom } from '../../src/core/random.ts';
import { DiskError } from '../../src/engine/ports.ts';
import type { Disk, DiskErrorCode, DiskFile } from '../../src/engine/ports.ts';
import { nodeDisk } from '../../src/node/disk.ts';
import { toolDisk } from '../../src/node/erasure-disk.ts';
import { SimDisk } from '../../src/sim/disk.ts';
import { eagerClock } from '../support/eager-clock.ts';

// Seconds on an idle machine; nothing here is about time.
vi.setConfig({ testTimeout: 60_000 });

interface Subject {
  readonly disk: Disk;
  /** From here on nothing more can be written to this file, for want of space. */
  fill(path: string): void;
  close(): Promise<void>;
}

/** The host's paths as if they began at `root`: a tool is given any. */
function under(root: string, disk: Disk): Disk {
  const at = (path: string): string => join(root, path);
  return {
    open: (path, options) => disk.open(at(path), options),
    list: (directory) => disk.list(at(directory)),
    makeDirectory: (directory) => disk.makeDirectory(at(directory)),
    rename: (from, to) => disk.rename(at(from), at(to)),
    remove: (path) => disk.remove(at(path)),
    syncDirectory: (directory) => disk.syncDirectory(at(directory)),
    lock: (directory) => disk.lock(at(directory)),
  };
}

/** Linux has a file that is always full. */
function fillReal(root: string): (path: string) => void {
  return (path) => symlinkSync('/dev/full', join(root, path));
}

/** A member's disk keeps its own directory; a tool's goes where it is sent, only reads what it did not make, and takes no locks. */
type Kind = 'member' | 'tool';

const subjects: readonly (readonly [string, Kind, () => Subject])[] = [
  ['the real disk', 'member', () => {
    const root = mkdtempSync(join(tmpdir(), 'thole-disk-'));
    const disk = nodeDisk(root);
    return {
      disk,
      fill: fillReal(root),
      close: async () => {
        await disk.close();
        rmSync(root, { recursive: true });
      },
    };
  }],
  ['the simulated disk', 'member', () => {
    const seed = seedRandom(1);
    const disk = new SimDisk(eagerClock, { uint32: () => nextUint32(seed) });
    return {
      disk,
      fill: (path) => {
        disk.place(new Map([[path, new Uint8Array(0)]]));
        disk.faults.spaceLeftBytes = 0;
      },
      close: () => Promise.resolve(),
    };
  }],
  ['a tool’s disk', 'tool', () => {
    const root = mkdtempSync(join(tmpdir(), 'thole-disk-'));
    return { disk: under(root, toolDisk()), fill: fillReal(root), close: () => Promise.resolve(rmSync(root, { recursive: true })) };
  }],
];

const noTest = (_title: string, _test: () => Promise<void>): void => undefined;
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

type Act =
  | { readonly type: 'write'; readonly at: number; readonly lengths: readonly number[]; readonly fill: number }
  | { readonly type: 'append'; readonly at: number; readonly lengths: readonly number[]; readonly fill: number }
  | { readonly type: 'truncate'; readonly length: number }
  | { readonly type: 'read'; readonly at: number; readonly length: number }
  | { readonly type: 'sync' };

const act = oneof(
  record({ type: constant('write' as const), at: nat(3000), lengths: array(nat(700), { maxLength: 4 }), fill: nat(255) }),
  record({ type: constant('append' as const), at: nat(3000), lengths: array(nat(700), { maxLength: 4 }), fill: nat(255) }),
  record({ type: constant('truncate' as const), length: nat(4000) }),
  record({ type: constant('read' as const), at: nat(5000), length: nat(5000) }),
  constant({ type: 'sync' as const }),
);

/** A file as one array. */
class PlainFile {
  bytes = new Uint8Array(0);

  write(at: number, parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      if (part.length > 0 && at + part.length > this.bytes.length) this.truncate(at + part.length);
      this.bytes.set(part, part.length > 0 ? at : 0);
      at += part.length;
    }
  }

  truncate(length: number): void {
    const next = new Uint8Array(length);
    next.set(this.bytes.subarray(0, length));
    this.bytes = next;
  }
}

async function carryOut(file: DiskFile, acts: readonly Act[]): Promise<void> {
  const plain = new PlainFile();
  for (const each of acts) {
    if (each.type === 'write' || each.type === 'append') {
      const parts = each.lengths.map((length, i) => new Uint8Array(length).fill(each.fill + i));
      await (each.type === 'write' ? file.write(each.at, parts) : file.appendAndSync(each.at, parts));
      plain.write(each.at, parts);
      // They are the caller's again.
      for (const part of parts) part.fill(0xee);
    } else if (each.type === 'truncate') {
      await file.truncate(each.length);
      plain.truncate(each.length);
    } else if (each.type === 'sync') await file.sync();
    else expect(Buffer.compare(await file.read(each.at, each.length), plain.bytes.subarray(each.at, each.at + each.length))).toBe(0);
    expect(await file.size()).toBe(plain.bytes.length);
  }
  expect(Buffer.compare(await file.read(0, 10_000), plain.bytes)).toBe(0);
}

describe.each(subjects)('%s', (_, kind, create) => {
  let subject: Subject;
  let disk: Disk;
  beforeEach(() => {
    subject = create();
    ({ disk } = subject);
  });
  afterEach(() => subject.close());
  // What is asked of one kind alone is no test at all for the other, and so none that was skipped.
  const ofMembers = kind === 'member' ? it : noTest;
  const ofTools = kind === 'tool' ? it : noTest;

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

  ofMembers('appends and syncs, notes behind it, and leaves the caller’s buffers alone', async () => {
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

  ofMembers('appends though the note’s file was closed: the failure of a note is nobody’s', async () => {
    const file = await disk.open('a', { create: 'may' });
    const notes = await disk.open('b', { create: 'may' });
    await notes.close();
    await file.appendAndSync(0, [bytes(1)], { file: notes, position: 0, bytes: bytes(7) });
    expect(await file.read(0, 9)).toEqual(bytes(1));
    await file.close();
    const again = await disk.open('b', { create: 'never' });
    expect(await again.size()).toBe(0);
    await again.close();
  });

  it('does what one array would, whatever is asked of it', async () => {
    let count = 0;
    await assert(
      asyncProperty(array(act, { maxLength: 25 }), async (acts) => {
        const file = await disk.open(`f${count++}`, { create: 'must' });
        await carryOut(file, acts);
        await file.close();
      }),
      { numRuns: 60 },
    );
  });

  it('shows through every handle what was written through one', async () => {
    const one = await disk.open('a', { create: 'may' });
    const two = await disk.open('a', { create: 'may' });
    await one.write(0, [bytes(1, 2)]);
    expect(await two.read(0, 9)).toEqual(bytes(1, 2));
    await two.appendAndSync(1, [bytes(3, 4)]);
    await one.close();
    expect(await two.read(0, 9)).toEqual(bytes(1, 3, 4));
    await two.close();
  });

  it('says NO_SPACE when there is none, of a write and of an append, and goes on reading', async () => {
    subject.fill('full');
    await (await disk.open('other', { create: 'may' })).close();
    const file = await disk.open('full', { create: 'may' });
    expect(await codeOf(file.write(0, [bytes(1)]))).toBe('NO_SPACE');
    expect(await codeOf(file.appendAndSync(0, [bytes(1)]))).toBe('NO_SPACE');
    expect(await disk.list('')).toEqual(['full', 'other']);
    await file.close();
  });

  ofMembers('keeps the order of appends that were asked for at once', async () => {
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
    expect(await codeOf(file.size())).toBe('IO');
    expect(await codeOf(file.truncate(0))).toBe('IO');
    await file.close();
  });

  it('takes a directory for no file and a file for no directory, and harms neither', async () => {
    await disk.makeDirectory('d');
    const inside = await disk.open('d/inside', { create: 'must' });
    const file = await disk.open('file', { create: 'must' });
    await file.write(0, [bytes(5)]);
    expect(await codeOf(disk.open('d', { create: 'may' }))).toBe('IO');
    expect(await codeOf(disk.open('d', { create: 'must' }))).toBe('EXISTS');
    expect(await codeOf(disk.remove('d'))).toBe('IO');
    expect(await codeOf(disk.rename('file', 'd'))).toBe('IO');
    expect(await codeOf(disk.makeDirectory('file'))).toBe('EXISTS');
    expect(await codeOf(disk.makeDirectory('file/below'))).toBe('READ_ONLY');
    expect(await codeOf(disk.open('file/below', { create: 'may' }))).toBe('READ_ONLY');
    expect(await codeOf(disk.list('file'))).toBe('READ_ONLY');
    expect(await disk.list('')).toEqual(['d', 'file']);
    expect(await disk.list('d')).toEqual(['inside']);
    expect(await file.read(0, 9)).toEqual(bytes(5));
    await inside.close();
    await file.close();
  });

  it('moves a directory with all that is in it', async () => {
    await disk.makeDirectory('d/e');
    const file = await disk.open('d/e/f', { create: 'must' });
    await file.write(0, [bytes(8)]);
    await file.close();
    await disk.rename('d', 'moved');
    expect([await disk.list(''), await disk.list('moved/e'), await disk.list('d')]).toEqual([['moved'], ['f'], []]);
    const again = await disk.open('moved/e/f', { create: 'never' });
    expect(await again.read(0, 1)).toEqual(bytes(8));
    await again.close();
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
    expect(await codeOf(disk.rename('b', 'none/b'))).toBe('NOT_FOUND');
    await disk.rename('b', 'b');
    expect(await disk.list('')).toEqual(['b']);
    await disk.remove('b');
    await disk.remove('b');
    expect(await disk.list('')).toEqual([]);
    // Whoever has it open has it still.
    expect(await file.read(0, 1)).toEqual(bytes(1));
    await file.close();
  });

  it('syncs a directory that is there, and says so of one that is not', async () => {
    await disk.makeDirectory('d');
    await disk.syncDirectory('d');
    await disk.syncDirectory('');
    expect(await codeOf(disk.syncDirectory('none'))).toBe('NOT_FOUND');
  });

  ofTools('only reads a file that it did not make', async () => {
    await (await disk.open('a', { create: 'must' })).close();
    const file = await disk.open('a', { create: 'never' });
    expect(await codeOf(file.write(0, [bytes(1)]))).toBeDefined();
    await file.close();
    expect(await codeOf(disk.lock('d'))).toBe('IO');
  });

  ofMembers('refuses paths that lead out', async () => {
    expect(await codeOf(disk.open('../a', { create: 'may' }))).toBe('IO');
    expect(await codeOf(disk.remove('d/../../a'))).toBe('IO');
    expect(await codeOf(disk.list('..'))).toBe('IO');
    expect(await codeOf(disk.open('d/../a', { create: 'may' }))).toBe('IO');
    expect(await codeOf(disk.open('/a', { create: 'may' }))).toBe('IO');
    expect(await codeOf(disk.rename('../a', 'b'))).toBe('IO');
    expect(await codeOf(disk.makeDirectory('../d'))).toBe('IO');
    expect(await codeOf(disk.lock('..'))).toBe('IO');
    expect(await disk.list('')).toEqual([]);
  });

  ofMembers('locks a directory once, until released', async () => {
    const lock = await disk.lock('d');
    expect(await codeOf(disk.lock('d'))).toBe('IN_USE');
    expect(await codeOf(disk.lock('d/'))).toBe('IN_USE');
    await (await disk.lock('e')).release();
    await lock.release();
    const next = await disk.lock('d');
    // A lock that is given back twice gives back nobody else's.
    await lock.release();
    expect(await codeOf(disk.lock('d'))).toBe('IN_USE');
    await next.release();
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
