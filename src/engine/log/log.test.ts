import { describe, expect, it } from 'vitest';
import { LogWorld, directory, entries, entry, marker } from '../../../test/support/log-world.ts';
import { EntryKind, encodeConfiguration, noConfiguration } from '../../core/raft/index.ts';
import type { Log, LogWrite } from './index.ts';

const append = (from: number, to: number, term = 1, length = 16, group = 1): LogWrite => ({ type: 'entries', group, entries: entries(from, to, term, length) });
const vote = (term: number, member: number, commit = 0): LogWrite => ({ type: 'hardState', group: 1, hardState: { term, vote: member, commit } });

const configuration = (index: number, voter: number): LogWrite => ({
  type: 'entries', group: 1,
  entries: [{ index, term: 1, kind: EntryKind.configuration, data: encodeConfiguration({ ...noConfiguration, voters: [voter] }) }],
});

/** What survives a power cut at this moment. */
async function afterCrash(world: LogWorld): Promise<Log> {
  world.disk = world.disk.crash();
  return world.open();
}

/** The same must hold of the log that wrote it and of one that reads it back. */
async function bothWays(world: LogWorld, log: Log, check: (log: Log) => Promise<void> | void): Promise<void> {
  await check(log);
  await check(await afterCrash(world));
}

async function all(log: Log, group = 1): Promise<string[]> {
  const { firstIndex, lastIndex } = log.state(group);
  const found: string[] = [];
  while (firstIndex + found.length <= lastIndex) {
    found.push(...(await log.read(group, firstIndex + found.length, lastIndex, 1 << 20)).map(({ index, term }) => `${index}/${term}`));
  }
  return found;
}

describe('law 1: what was acknowledged is durable', () => {
  it('a write that returned survives; one that did not may be lost, and its parts never change what was', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([vote(3, 2), append(1, 3, 3)]);
    void log.write([append(4, 6, 3)]);
    const again = await afterCrash(world);
    expect(again.state(1)).toMatchObject({ hardState: { term: 3, vote: 2 } });
    expect((await all(again)).slice(0, 3)).toEqual(['1/3', '2/3', '3/3']);
  });

  it('what is being written is neither state nor readable yet', async () => {
    const log = await new LogWorld().open();
    const written = log.write([vote(2, 2), append(1, 1)]);
    expect(log.state(1)).toMatchObject({ lastIndex: 0, hardState: { term: 0 } });
    await expect(log.read(1, 1, 1, 100)).rejects.toThrow('only live entries are read');
    await written;
    expect(log.state(1)).toMatchObject({ lastIndex: 1, hardState: { term: 2 } });
  });

  it('what recovery found is synced before it is promised from', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 1)]);
    // The process dies, not the machine: what was written and not synced is still in the system's cache.
    const { disk } = world;
    disk.faults.syncDelayMs = 1;
    void log.write([append(2, 2)]);
    for (let i = 0; i < 3; i++) await Promise.resolve();
    const { syncs } = disk;
    const heir = await world.open();
    expect(disk.syncs).toBeGreaterThan(syncs);
    const found = await all(heir);
    expect(await all(await afterCrash(world))).toEqual(found);
  });

  it.each([1, 2, 3, 4, 5, 6])('after a failed sync the pages look clean and are not stored: recovery writes again what it found (seed %i)', async (seed) => {
    const world = new LogWorld({}, seed);
    const log = await world.open();
    await log.write([append(1, 3)]);
    world.disk.faults.syncsUntilFailure = 1;
    await expect(log.write([append(4, 9, 1, 200)])).rejects.toMatchObject({ code: 'DISK_FAILED' });
    // The process ends, the machine lives on: the next process reads what the system still has in memory.
    world.disk = world.disk.exit();
    const found = await all(await world.open());
    expect(found).toHaveLength(9);
    expect(await all(await afterCrash(world))).toEqual(found);
  });
});

describe('law 1: a segment has its name durably before anything is promised in it', () => {
  it.each([1, 2, 3, 4, 5, 6])('also when the process that gave the name ended before it was durable (seed %i)', async (seed) => {
    const world = new LogWorld({}, seed);
    const log = await world.open();
    const names = world.segments().length;
    const died = new Promise<void>((resolve) => {
      world.disk.observe = (kind, path) => {
        if (kind !== 'syncDirectory' || path !== directory || world.segments().length === names) return;
        // The machine lives on, and with it the name that was given.
        world.disk = world.disk.exit();
        resolve();
      };
    });
    void (async () => {
      for (let i = 1; ; i++) await log.write([append(i, i, 1, 400)]);
    })();
    await died;
    const heir = await world.open();
    expect(world.segments()).toHaveLength(names + 1);
    const { lastIndex } = heir.state(1);
    await heir.write([append(lastIndex + 1, lastIndex + 3), vote(5, 2)]);
    const again = await afterCrash(world);
    expect(again.state(1)).toMatchObject({ lastIndex: lastIndex + 3, hardState: { term: 5, vote: 2 } });
  });
});

describe('law 4: a suffix cut and a prefix drop are two verbs', () => {
  it('a suffix cut voids a conflict and leaves the beginning', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 5)]);
    await log.write([{ type: 'cut', group: 1, from: 4 }, append(4, 4, 2)]);
    await bothWays(world, log, async (each) => expect(await all(each)).toEqual(['1/1', '2/1', '3/1', '4/2']));
  });

  it('a prefix drop forgets what a snapshot holds and leaves the end', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 5)]);
    await log.write([{ type: 'snapshot', group: 1, marker: marker(4), reset: false }, { type: 'drop', group: 1, through: 3 }]);
    await bothWays(world, log, async (each) => {
      expect(each.state(1)).toMatchObject({ firstIndex: 4, lastIndex: 5, marker: { index: 4 } });
      expect(await all(each)).toEqual(['4/1', '5/1']);
    });
  });

  it('neither does the other’s work', async () => {
    const log = await new LogWorld().open();
    await log.write([append(1, 5), { type: 'snapshot', group: 1, marker: marker(3), reset: false }]);
    await expect(log.write([{ type: 'drop', group: 1, through: 4 }])).rejects.toThrow('only what a snapshot holds is dropped');
    await expect(log.write([{ type: 'cut', group: 1, from: 3 }])).rejects.toThrow('a suffix cut leaves alone what is committed');
    await expect(log.write([append(7, 7)])).rejects.toThrow('a log has no gaps');
    await expect(log.write([append(5, 5)])).rejects.toThrow('a log has no gaps');
    // Our own mistakes are found before anything is written, and spoil nothing.
    await log.write([append(6, 6)]);
  });

  it('[e5, e6, vote, conflict at 6]: the vote survives the cut', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 5)]);
    await log.write([append(6, 6)]);
    await log.write([vote(7, 3)]);
    await log.write([{ type: 'cut', group: 1, from: 6 }, append(6, 6, 7)]);
    const again = await afterCrash(world);
    expect(again.state(1).hardState).toEqual({ term: 7, vote: 3, commit: 0 });
    expect((await all(again)).at(-1)).toBe('6/7');
  });

  it('the hard state is written again with a cut, so that the vote would survive a log cut at the conflict', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 2), vote(7, 3)]);
    const before = world.disk.syncs;
    const { records } = (await world.open()).report;
    const count = world.disk.syncs;
    await log.write([{ type: 'cut', group: 1, from: 2 }]);
    expect(world.disk.syncs - count).toBe(1);
    expect(before).toBeLessThan(count);
    expect((await afterCrash(world)).report.records).toBe(records + 2);
  });

  it('a cut goes back to the configuration before', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([configuration(1, 11), append(2, 3), configuration(4, 44)]);
    expect(log.state(1).configuration.voters).toEqual([44]);
    await log.write([{ type: 'cut', group: 1, from: 3 }]);
    await bothWays(world, log, (each) => expect(each.state(1).configuration.voters).toEqual([11]));
  });
});

describe('law 6: after one failed sync nothing is acknowledged', () => {
  it('every later write rejects, though the disk would take it', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 1)]);
    world.disk.faults.syncsUntilFailure = 1;
    await expect(log.write([append(2, 2)])).rejects.toMatchObject({ code: 'DISK_FAILED' });
    await expect(log.write([append(2, 2)])).rejects.toMatchObject({ code: 'DISK_FAILED' });
    await expect(log.write([vote(1, 1)])).rejects.toMatchObject({ code: 'DISK_FAILED' });
    expect(log.state(1).lastIndex).toBe(1);
    const again = await afterCrash(world);
    expect((await all(again))[0]).toBe('1/1');
  });

  it('with durability os neither: the sync before old segments go is one, too', async () => {
    const world = new LogWorld({ durability: 'os' });
    const log = await world.open();
    for (let i = 1; i <= 40; i++) await log.write([append(i, i, 1, 400)]);
    for (let i = 0; i < 500; i++) await Promise.resolve();
    const before = world.segments();
    world.disk.faults.syncsUntilFailure = 1;
    await log.write([{ type: 'snapshot', group: 1, marker: marker(36), reset: false }, { type: 'drop', group: 1, through: 36 }]);
    for (let i = 0; i < 500; i++) await Promise.resolve();
    expect(world.disk.faults.syncsUntilFailure).toBe(0);
    await expect(log.write([append(41, 41)])).rejects.toMatchObject({ code: 'DISK_FAILED' });
    expect(world.segments()).toEqual(before);
    await log.close();
    expect((await all(await world.open())).at(-1)).toBe('40/1');
  });

  it('a full disk is no different', async () => {
    const world = new LogWorld({ segmentBytes: 1 << 20 });
    const log = await world.open();
    world.disk.faults.spaceLeftBytes = 0;
    await expect(log.write([append(1, 1, 1, 400_000)])).rejects.toMatchObject({ code: 'DISK_FAILED' });
    world.disk.faults.spaceLeftBytes = Infinity;
    await expect(log.write([append(1, 1)])).rejects.toMatchObject({ code: 'DISK_FAILED' });
  });
});

describe('law 7: damage is not a torn tail', () => {
  it('in the middle it is refused, with file, offset and index', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 1)]);
    await log.write([append(2, 2)]);
    await log.close();
    const path = world.segment(0);
    world.disk.flip(path, 64 + 20);
    await expect(world.open()).rejects.toMatchObject({ code: 'CORRUPT', failure: { file: path, index: 1 } });
    // And it stays refused: nothing was repaired away.
    await expect(world.open()).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  it('a write that the drive lost, or put elsewhere, is damage', async () => {
    for (const fault of [{ loseWriteTo: '.log' }, { misdirectBytes: 4096 - 512 }, { misdirectBytes: -64 }]) {
      const world = new LogWorld();
      const log = await world.open();
      await log.write([append(1, 3)]);
      Object.assign(world.disk.faults, fault);
      await log.write([append(4, 4)]);
      await log.write([append(5, 5)]);
      await expect(afterCrash(world)).rejects.toMatchObject({ code: 'CORRUPT' });
    }
  });

  it('a stored entry that is damaged later is not handed out', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 2)]);
    world.disk.flip(world.segment(0), 64 + 100);
    await expect(log.read(1, 1, 2, 1 << 20)).rejects.toMatchObject({ code: 'CORRUPT', failure: { file: `${directory}/00000000000000000001.log` } });
  });
});

describe('groups', () => {
  it('share a log and know nothing of each other', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 2), append(1, 1, 4, 16, 9), { type: 'entries', group: 9, entries: [entry(2, 5)] }]);
    await log.write([append(3, 3), { type: 'cut', group: 9, from: 2 }]);
    expect(log.state(5)).toMatchObject({ firstIndex: 1, lastIndex: 0, marker: undefined });
    await bothWays(world, log, async (each) => {
      expect(each.groups()).toEqual([1, 9]);
      expect(await all(each, 1)).toEqual(['1/1', '2/1', '3/1']);
      expect(await all(each, 9)).toEqual(['1/4']);
      expect(each.bytes(1)).toBe(3 * 64);
    });
  });

  it('a snapshot from a peer replaces the entries (law 8)', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 4)]);
    await log.write([{ type: 'snapshot', group: 1, marker: marker(100, 6), reset: true }, append(101, 102, 6)]);
    await bothWays(world, log, async (each) => {
      expect(each.state(1)).toMatchObject({ firstIndex: 101, lastIndex: 102, configuration: { voters: [100, 1] } });
      expect(await all(each)).toEqual(['101/6', '102/6']);
    });
  });

  it('reads as much as was asked for, at least one, and copies', async () => {
    const log = await new LogWorld().open();
    await log.write([append(1, 9)]);
    expect(await log.read(1, 2, 9, 0)).toHaveLength(1);
    expect(await log.read(1, 2, 9, 3 * 64)).toHaveLength(3);
    for (const { data } of await log.read(1, 1, 1, 1000)) data.fill(0);
    expect(await log.read(1, 1, 1, 1000)).toEqual([entry(1)]);
  });
});
