// What is kept on disks: the log and snapshot files, on the real disk and on its double. Both must hold the same, to
// the byte: what the simulator proves of one would otherwise say nothing about the other.

import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLog } from '../../src/engine/log/index.ts';
import type { Log, LogWrite } from '../../src/engine/log/index.ts';
import type { Disk } from '../../src/engine/ports.ts';
import { readSnapshot, removeOldSnapshots, snapshotPath, writeSnapshot } from '../../src/engine/replica/snapshot-file.ts';
import { nodeClock } from '../../src/node/clock.ts';
import { nodeDisk } from '../../src/node/disk.ts';
import { SimDisk } from '../../src/sim/disk.ts';
import { eagerClock } from '../support/eager-clock.ts';
import { after, describeLog, describeOracle, noGroups } from '../support/log-oracle.ts';
import { entries, marker, seeded } from '../support/log-world.ts';

// Seconds on an idle machine; nothing here is about time.
vi.setConfig({ testTimeout: 60_000 });

interface Subject {
  readonly disk: Disk;
  /** Every file's bytes, by path. */
  contents(): ReadonlyMap<string, Uint8Array>;
  close(): Promise<void>;
}

function real(): Subject {
  const root = mkdtempSync(join(tmpdir(), 'thole-stores-'));
  const disk = nodeDisk(root);
  return {
    disk,
    contents: () => {
      const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(root, name)).isFile());
      return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(root, name)))]));
    },
    close: async () => {
      await disk.close();
      rmSync(root, { recursive: true });
    },
  };
}

function simulated(): Subject {
  const disk = new SimDisk(eagerClock, seeded(1));
  return { disk, contents: () => disk.contents(), close: () => Promise.resolve() };
}

const subjects = [['the real disk', real], ['the simulated disk', simulated]] as const;

function open(disk: Disk, seed = 3): Promise<Log> {
  const ports = { disk, clock: nodeClock, random: seeded(seed), logger: { log: () => undefined } };
  return openLog(ports, { directory: 'log', cluster: 7, member: 8, segmentBytes: 4096 });
}

/** Two groups, cuts, drops, an installed snapshot, a few segments. */
const batches: readonly (readonly LogWrite[])[] = [
  [{ type: 'hardState', group: 1, hardState: { term: 1, vote: 8, commit: 0 } }, { type: 'entries', group: 1, entries: entries(1, 8, 1, 200) }],
  [{ type: 'entries', group: 2, entries: entries(1, 3, 1, 900) }, { type: 'entries', group: 1, entries: entries(9, 12, 1, 150) }],
  [{ type: 'cut', group: 1, from: 10 }, { type: 'hardState', group: 1, hardState: { term: 2, vote: 0, commit: 9 } }, { type: 'entries', group: 1, entries: entries(10, 20, 2, 120) }],
  [{ type: 'snapshot', group: 1, marker: marker(15, 2), reset: false }, { type: 'drop', group: 1, through: 12 }],
  [{ type: 'snapshot', group: 2, marker: marker(500, 4, 2), reset: true }, { type: 'entries', group: 2, entries: entries(501, 503, 4, 700) }],
  [{ type: 'entries', group: 1, entries: entries(21, 30, 2, 333) }],
];

describe.each(subjects)('log: %s', (_, create) => {
  let subject: Subject;
  beforeEach(() => void (subject = create()));
  afterEach(() => subject.close());

  it('says at every moment, and after every restart, what plain arrays say', async () => {
    let log = await open(subject.disk);
    let oracle = noGroups;
    for (const batch of batches) {
      await log.write(batch);
      oracle = after(oracle, batch);
      expect(await describeLog(log)).toBe(describeOracle(oracle));
      await log.close();
      log = await open(subject.disk);
      expect(await describeLog(log)).toBe(describeOracle(oracle));
      expect(log.report.cutBytes).toBe(0);
    }
    await log.close();
  });

  it('takes one batch at a time: who writes two at once has made a mistake, and the first is written', async () => {
    const log = await open(subject.disk);
    const first = log.write(batches[0]!);
    await expect(log.write(batches[1]!)).rejects.toThrow('one batch is written at a time');
    await first;
    expect(await describeLog(log)).toBe(describeOracle(after(noGroups, batches[0]!)));
    await log.close();
  });

  it('accepts nothing once it is closed', async () => {
    const log = await open(subject.disk);
    await log.close();
    await expect(log.write(batches[0]!)).rejects.toThrow();
  });
});

it('log: both disks hold the same bytes', async () => {
  const held: Map<string, string>[] = [];
  for (const create of [real, simulated]) {
    const subject = create();
    const log = await open(subject.disk);
    for (const batch of batches) await log.write(batch);
    await log.close();
    // A spare is made in the background, whenever there is time: it holds nothing.
    held.push(new Map([...subject.contents()].filter(([path]) => /\.(log|idx)$/.test(path)).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, bytes]) => [path, Buffer.from(bytes).toString('hex')])));
    await subject.close();
  }
  expect([...held[0]!.keys()].length).toBeGreaterThan(3);
  expect([...held[1]!.keys()]).toEqual([...held[0]!.keys()]);
  for (const [path, bytes] of held[0]!) expect(held[1]!.get(path) === bytes, path).toBe(true);
});

const header = (index: number, id = 1): { group: number; cluster: number; marker: ReturnType<typeof marker> } => ({ group: 1, cluster: 7, marker: { ...marker(index), id } });

const pieces = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => new Uint8Array(1000 + i).fill(i));

function snapshotOf(blocks: readonly Uint8Array[]): { next(): Uint8Array | undefined } {
  let at = 0;
  return { next: () => blocks[at++] };
}

describe.each(subjects)('snapshots: %s', (_, create) => {
  let subject: Subject;
  beforeEach(async () => {
    subject = create();
    await subject.disk.makeDirectory('s');
  });
  afterEach(() => subject.close());

  const write = (index: number, blocks: readonly Uint8Array[], id = 1): ReturnType<typeof writeSnapshot> =>
    writeSnapshot({ disk: subject.disk, clock: nodeClock }, 's', header(index, id), snapshotOf(blocks), 1e12);

  it.each([0, 1, 7])('one of %i blocks is read back as it was', async (count) => {
    const blocks = pieces(count);
    const { path, bytes } = await write(5, blocks);
    const found: Uint8Array[] = [];
    expect(await readSnapshot(subject.disk, path, (block) => void found.push(block))).toEqual(header(5));
    expect(found).toEqual(blocks);
    expect(subject.contents().get(path)?.length).toBe(bytes);
  });

  it('appears under its name when it is whole: what was left of an interrupted one is in nobody’s way', async () => {
    const path = snapshotPath('s', 1, header(5).marker);
    const left = await subject.disk.open(`${path}.tmp`, { create: 'must' });
    await left.write(0, [new Uint8Array(100_000)]);
    await left.close();
    await expect(readSnapshot(subject.disk, path, () => undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await write(5, pieces(2));
    expect(await subject.disk.list('s')).toEqual([path.slice(2)]);
    await readSnapshot(subject.disk, path, () => undefined);
  });

  it('a failure while it is written leaves no snapshot', async () => {
    const broken = {
      next: () => {
        throw new Error('no more');
      },
    };
    await expect(writeSnapshot({ disk: subject.disk, clock: nodeClock }, 's', header(5), broken, 1e12)).rejects.toThrow('no more');
    await expect(readSnapshot(subject.disk, snapshotPath('s', 1, header(5).marker), () => undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('older ones go, and what never became one; newer ones, other groups’ and the one being written stay', async () => {
    const names = ['1-{3}.snap', '1-{3}.snap.partial', '1-{4}.snap.tmp', '1-{9}.snap.partial', '2-{1}.snap', '11-{1}.snap', '2-{1}.snap.partial', 'other'];
    const named = (name: string): string => name.replace(/\{(\d)\}/, (__, index: string) => `${index.padStart(20, '0')}-8-1`);
    for (const name of names) await (await subject.disk.open(`s/${named(name)}`, { create: 'must' })).close();
    const { path } = await write(5, pieces(1));
    await removeOldSnapshots(subject.disk, 's', 1, path, true);
    const kept = ['1-{9}.snap.partial', '2-{1}.snap', '11-{1}.snap', '2-{1}.snap.partial', 'other'].map(named);
    expect(await subject.disk.list('s')).toEqual([...kept, named('1-{4}.snap.tmp'), path.slice(2)].toSorted());
    await removeOldSnapshots(subject.disk, 's', 1, path);
    expect(await subject.disk.list('s')).toEqual([...kept, path.slice(2)].toSorted());
  });
});

it('snapshots: both disks hold the same bytes', async () => {
  const held: Buffer[] = [];
  for (const create of [real, simulated]) {
    const subject = create();
    await subject.disk.makeDirectory('s');
    const { path } = await writeSnapshot({ disk: subject.disk, clock: nodeClock }, 's', header(5), snapshotOf(pieces(4)), 1e12);
    held.push(Buffer.from(subject.contents().get(path)!));
    await subject.close();
  }
  expect(held[0]!.length).toBeGreaterThan(4000);
  expect(held[0]!.equals(held[1]!)).toBe(true);
});
