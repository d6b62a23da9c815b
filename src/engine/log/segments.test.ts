import { describe, expect, it } from 'vitest';
import { LogWorld, directory, entries, entry, marker, payload } from '../../../test/support/log-world.ts';
import { describeLog } from '../../../test/support/log-oracle.ts';
import { EntryKind, encodeConfiguration, noConfiguration } from '../../core/raft/index.ts';
import { crc32c } from '../../core/wire/index.ts';
import { DiskError } from '../ports.ts';
import type { Log, LogWrite } from './index.ts';

const append = (from: number, to: number, term = 1, length = 400, group = 1): LogWrite => ({ type: 'entries', group, entries: entries(from, to, term, length) });

/** A log of several segments: entries 1 … `count` of 448 bytes each. */
async function long(world: LogWorld, count = 40): Promise<Log> {
  const log = await world.open();
  for (let i = 1; i <= count; i++) await log.write([append(i, i)]);
  return log;
}

async function rest(): Promise<void> {
  for (let i = 0; i < 500; i++) await Promise.resolve();
}

describe('segments', () => {
  it('roll before a record that would not fit, and are read across', async () => {
    const world = new LogWorld();
    const log = await long(world);
    expect(world.segments().length).toBeGreaterThan(4);
    for (const bytes of world.disk.contents().values()) expect(bytes.length).toBeLessThanOrEqual(4096);
    const found = [];
    while (found.length < 40) found.push(...(await log.read(1, found.length + 1, 40, 1 << 20)));
    expect(found).toEqual(entries(1, 40, 1, 400));
    const said = await describeLog(log);
    await log.close();
    const again = await world.open();
    expect(await describeLog(again)).toBe(said);
    expect(again.report).toMatchObject({ records: 40, segments: world.segments().length, cutBytes: 0, indexesRebuilt: 0 });
  });

  it('a record larger than a segment has one to itself', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 1)]);
    await log.write([append(2, 2, 1, 20_000), append(3, 3)]);
    expect(world.segments()).toHaveLength(3);
    const said = await describeLog(log);
    expect(await describeLog(await world.open())).toBe(said);
  });

  it('that hold nothing live go, oldest first, and one of them becomes the spare', async () => {
    const world = new LogWorld();
    const log = await long(world);
    const before = world.segments();
    await log.write([{ type: 'snapshot', group: 1, marker: marker(30), reset: false }]);
    expect(world.segments()).toEqual(before);
    await log.write([{ type: 'drop', group: 1, through: 30 }]);
    await rest();
    const left = world.segments();
    expect(left.length).toBeLessThan(4);
    expect(left).toEqual(before.slice(-left.length));
    const names = await world.disk.list(directory);
    expect(names.filter((name) => !/^\d{20}[.](log|idx)$/.test(name))).toEqual(['spare']);
    expect(world.disk.contents().get(`${directory}/spare`)).toEqual(new Uint8Array(4096));
    const said = await describeLog(log);
    await log.close();
    expect(await describeLog(await world.open())).toBe(said);
    expect(world.warnings).toEqual([]);
  });

  it('a group that has nothing new holds back those it still needs', async () => {
    const world = new LogWorld();
    const log = await world.open();
    await log.write([append(1, 1, 1, 8, 2)]);
    for (let i = 1; i <= 40; i++) await log.write([append(i, i)]);
    await log.write([{ type: 'snapshot', group: 1, marker: marker(40), reset: false }, { type: 'drop', group: 1, through: 40 }]);
    await rest();
    expect(world.segment(0)).toBe(`${directory}/00000000000000000001.log`);
    await log.write([{ type: 'snapshot', group: 2, marker: marker(1, 1, 2), reset: false }, { type: 'drop', group: 2, through: 1 }]);
    await rest();
    expect(world.segment(0)).not.toBe(`${directory}/00000000000000000001.log`);
  });

  it('dropping them loses no vote, no configuration and no bound', async () => {
    const world = new LogWorld();
    const log = await world.open();
    const configuration = encodeConfiguration({ ...noConfiguration, voters: [1, 2, 3] });
    await log.write([
      { type: 'hardState', group: 1, hardState: { term: 9, vote: 4, commit: 1 } },
      { type: 'hardState', group: 3, hardState: { term: 2, vote: 1, commit: 0 } },
      { type: 'entries', group: 1, entries: [{ index: 1, term: 1, kind: EntryKind.configuration, data: configuration }] },
    ]);
    for (let i = 2; i <= 30; i++) await log.write([append(i, i)]);
    await log.write([{ type: 'snapshot', group: 1, marker: { ...marker(20), configuration: { ...noConfiguration, voters: [1, 2, 3] } }, reset: false }]);
    // The end of the log is void, and what is left of it lies in segments that go.
    await log.write([{ type: 'cut', group: 1, from: 21 }, { type: 'drop', group: 1, through: 20 }]);
    await rest();
    expect(world.segments()).toHaveLength(1);
    const said = await describeLog(log);
    const again = await world.open();
    expect(await describeLog(again)).toBe(said);
    expect(again.state(1)).toMatchObject({ firstIndex: 21, lastIndex: 20, hardState: { term: 9, vote: 4 }, configuration: { voters: [1, 2, 3] } });
    expect(again.state(3).hardState).toEqual({ term: 2, vote: 1, commit: 0 });
  });

  it('are let go only when nobody reads them any more', async () => {
    const world = new LogWorld();
    const log = await long(world);
    world.disk.faults.delayMs = 1;
    const reading = log.read(1, 1, 3, 1 << 20);
    await log.write([{ type: 'snapshot', group: 1, marker: marker(40), reset: false }, { type: 'drop', group: 1, through: 40 }]);
    await rest();
    expect(await reading).toEqual(entries(1, 3, 1, 400));
  });

  it.each([
    ['its index cannot be removed', 35, 'remove', '.idx'],
    ['it cannot be renamed', 35, 'rename', 'spare'],
    ['its new name cannot be made durable', 35, 'syncDirectory', directory],
    // With that many there is a spare already.
    ['it cannot be removed', 40, 'remove', '.log'],
    ['its removal cannot be made durable', 40, 'syncDirectory', directory],
  ] as const)('one that cannot go keeps those behind it, and goes when the log is opened again: %s', async (_, count, verb, end) => {
    const world = new LogWorld();
    const log = await long(world, count);
    await rest();
    const before = world.segments();
    const { disk } = world;
    const works = disk[verb].bind(disk) as (...paths: string[]) => Promise<void>;
    let failures = 0;
    disk[verb] = (...paths: string[]): Promise<void> => {
      if (failures > 0 || !paths.at(-1)!.endsWith(end)) return works(...paths);
      failures++;
      return Promise.reject(new DiskError('IO', paths.at(-1)!, 'input/output error'));
    };
    await log.write([{ type: 'snapshot', group: 1, marker: marker(33), reset: false }, { type: 'drop', group: 1, through: 33 }]);
    await rest();
    expect(failures).toBe(1);
    expect(world.warnings).toEqual(['an old segment could not be removed']);
    expect(world.segments().slice(-before.length + 1)).toEqual(before.slice(1));
    // The log goes on, over more segments.
    for (let i = count + 1; i <= count + 20; i++) await log.write([append(i, i)]);
    await rest();
    const said = await describeLog(log);
    world.disk = disk.crash();
    const again = await world.open();
    expect(await describeLog(again)).toBe(said);
    await rest();
    expect(world.segments()[0]! > before.at(-3)!).toBe(true);
    expect(await describeLog(await world.open())).toBe(said);
  });

  it('a missing one is refused: the first, one between, or one that holds what is live', async () => {
    for (const at of [0, 1, 2]) {
      const world = new LogWorld();
      await (await long(world)).close();
      await world.disk.remove(world.segment(at));
      await expect(world.open()).rejects.toMatchObject({ code: 'CORRUPT' });
    }
  });

  it('one under another’s name is refused', async () => {
    const world = new LogWorld();
    await (await long(world)).close();
    await world.disk.rename(world.segment(-1), `${directory}/00000000000000000099.log`);
    await expect(world.open()).rejects.toMatchObject({ code: 'CORRUPT' });
  });
});

describe('a segment says whose it is', () => {
  it('another cluster’s or member’s is refused', async () => {
    const world = new LogWorld();
    await (await world.open()).close();
    await expect(world.open({ cluster: 6 })).rejects.toMatchObject({ code: 'DATA_DIR_MISMATCH' });
    await expect(world.open({ member: 6 })).rejects.toMatchObject({ code: 'DATA_DIR_MISMATCH' });
  });

  it('a later version is refused as such; a flipped one is damage', async () => {
    const world = new LogWorld();
    await (await world.open()).close();
    const path = world.segment(0);
    const bytes = world.disk.contents().get(path)!;
    bytes[4] = 2;
    world.disk.place(new Map([[path, bytes]]));
    await expect(world.open()).rejects.toMatchObject({ code: 'CORRUPT', failure: { file: path, offset: 0 } });
    new DataView(bytes.buffer).setUint32(60, crc32c(bytes.subarray(0, 60)), true);
    world.disk.place(new Map([[path, bytes]]));
    await expect(world.open()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('the index file', () => {
  it.each([
    ['missing', (): Uint8Array | undefined => undefined],
    ['empty', () => new Uint8Array(0)],
    ['short', (bytes: Uint8Array) => bytes.slice(0, 40)],
    ['of something else', (bytes: Uint8Array) => payload(bytes.length)],
    ['longer than the segment', (bytes: Uint8Array) => Uint8Array.from([...bytes, ...payload(64)])],
  ])('is written again when it is %s', async (_, change) => {
    const world = new LogWorld();
    const log = await long(world);
    const said = await describeLog(log);
    await log.close();
    const whole = world.disk.contents();
    for (const path of world.segments()) {
      const index = path.replace('.log', '.idx');
      const changed = change(whole.get(index)!);
      if (changed === undefined) await world.disk.remove(index);
      else world.disk.place(new Map([[index, changed]]));
    }
    const again = await world.open();
    expect(await describeLog(again)).toBe(said);
    await again.close();
    expect(new Map([...world.disk.contents()].filter(([path]) => path.endsWith('.idx')))).toEqual(new Map([...whole].filter(([path]) => path.endsWith('.idx'))));
    expect((await world.open()).report.indexesRebuilt).toBe(0);
  });

  it('without its segment goes', async () => {
    const world = new LogWorld();
    await (await long(world)).close();
    world.disk.place(new Map([[`${directory}/00000000000000000077.idx`, payload(64)]]));
    await world.open();
    expect(world.disk.contents().has(`${directory}/00000000000000000077.idx`)).toBe(false);
  });
});

/** A log whose last batch is entries 2 … 4 of 1000 bytes, and no note of it. Nothing is zero but what is made so. */
async function torn(damage: (bytes: Uint8Array, batch: number) => void): Promise<LogWorld> {
  const world = new LogWorld({ segmentBytes: 8192 });
  const log = await world.open();
  await log.write([append(1, 1, 1, 100)]);
  const index = `${directory}/00000000000000000001.idx`;
  const notes = world.disk.contents().get(index)!;
  await log.write([append(2, 4, 1, 1000)]);
  await log.close();
  const path = world.segment(0);
  const bytes = world.disk.contents().get(path)!;
  damage(bytes, 64 + 152);
  world.disk.place(new Map([[path, bytes], [index, notes]]));
  return world;
}

describe('a torn tail', () => {
  it('is cut, reported and gone', async () => {
    const world = await torn((bytes, batch) => bytes.fill(0, batch + 2300));
    const log = await world.open();
    const cutOffset = 64 + 152 + 2 * 1048;
    expect(log.report).toMatchObject({ records: 3, cutBytes: 2300 - 2 * 1048, cutFile: world.segment(0), cutOffset, cutIndex: 4 });
    expect(log.state(1).lastIndex).toBe(3);
    await log.write([append(4, 4, 2)]);
    const again = await world.open();
    expect(again.report).toMatchObject({ records: 4, cutBytes: 0 });
    expect(await again.read(1, 4, 4, 1 << 20)).toEqual(entries(4, 4, 2, 400));
  });

  it('may have a hole: a sector that was never written, and later records of the same batch', async () => {
    const world = await torn((bytes, batch) => bytes.fill(0, Math.ceil(batch / 512) * 512, Math.ceil(batch / 512) * 512 + 512));
    const log = await world.open();
    expect(log.state(1).lastIndex).toBe(1);
    expect(log.report.cutBytes).toBeGreaterThan(2000);
  });

  it('may have its hole where the batch begins, in the sector that the batch before has ended in', async () => {
    const world = await torn((bytes, batch) => bytes.fill(0, batch, 512));
    expect((await world.open()).state(1).lastIndex).toBe(1);
  });

  it('may have its hole in a sector that begins with the zeros in which a record ends: that record verifies without it', async () => {
    const world = new LogWorld({ segmentBytes: 8192 });
    const log = await world.open();
    await log.write([append(1, 1, 1, 100)]);
    const index = `${directory}/00000000000000000001.idx`;
    const notes = world.disk.contents().get(index)!;
    const start = 64 + 152;
    const data = payload(512 + 16 - start - 48).fill(0, 512 - start - 48);
    await log.write([{ type: 'entries', group: 1, entries: [{ ...entry(2), data }, ...entries(3, 4, 1, 1000)] }]);
    await log.close();
    const bytes = world.disk.contents().get(world.segment(0))!;
    bytes.fill(0, 512, 1024);
    world.disk.place(new Map([[world.segment(0), bytes], [index, notes]]));
    const again = await world.open();
    expect(again.state(1).lastIndex).toBe(2);
    expect(again.report.cutOffset).toBe(512 + 16);
  });

  it('is none if bytes of the batch merely changed before others that verify', async () => {
    const world = await torn((bytes, batch) => bytes.fill(0, batch + 1100, batch + 1500));
    await expect(world.open()).rejects.toMatchObject({ code: 'CORRUPT', failure: { offset: 64 + 152 + 1048, index: 3 } });
  });

  it('is none if a later batch follows, whatever is missing', async () => {
    const world = new LogWorld({ segmentBytes: 8192 });
    const log = await world.open();
    await log.write([append(1, 1, 1, 100)]);
    await log.write([append(2, 3, 1, 1000)]);
    await log.write([append(4, 4, 1, 1000)]);
    await log.close();
    const path = world.segment(0);
    const bytes = world.disk.contents().get(path)!;
    bytes.fill(0, 512, 1024);
    await world.disk.remove(`${directory}/00000000000000000001.idx`);
    world.disk.place(new Map([[path, bytes]]));
    await expect(world.open()).rejects.toMatchObject({ code: 'CORRUPT', failure: { offset: 64 + 152, index: 2 } });
  });
});
