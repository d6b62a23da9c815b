import { describe, expect, it } from 'vitest';
import { seeded } from '../../test/support/log-world.ts';
import { VirtualClock } from './clock.ts';
import { SimDisk } from './disk.ts';

/** Runs to its end, with as much virtual time as it takes. */
async function run<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const over = work.finally(() => {
    state.isOver = true;
  });
  over.catch(() => undefined);
  for (let i = 0; i < 1000 && !state.isOver; i++) await clock.advance(1);
  return over;
}

function world(seed = 1): { clock: VirtualClock; disk: SimDisk } {
  const clock = new VirtualClock();
  return { clock, disk: new SimDisk(clock, seeded(seed)) };
}

const ones = (length: number): Uint8Array => new Uint8Array(length).fill(1);

/** What is there after a crash, for many seeds: the bytes of a file, or undefined. */
async function outcomes(path: string, act: (disk: SimDisk) => Promise<unknown>): Promise<(string | undefined)[]> {
  const found = new Set<string | undefined>();
  for (let seed = 1; seed <= 60; seed++) {
    const { clock, disk } = world(seed);
    await run(clock, act(disk));
    const bytes = disk.crash().contents().get(path);
    found.add(bytes === undefined ? undefined : Buffer.from(bytes).toString('hex').replaceAll(/(..)\1+/g, '$1'));
  }
  return [...found];
}

const renamed = async (disk: SimDisk): Promise<void> => {
  for (const [name, value] of [['a', 1], ['b', 2]] as const) await (await disk.open(name, { create: 'must' })).appendAndSync(0, [Uint8Array.of(value)]);
  await disk.syncDirectory('');
  await disk.rename('a', 'b');
};

const scribbled = async (seed: number): Promise<unknown> => {
  const { clock, disk } = world(seed);
  const file = await run(clock, disk.open('a', { create: 'must' }));
  await run(clock, disk.syncDirectory(''));
  for (let i = 0; i < 20; i++) await run(clock, file.write(i * 300, [ones(700)]));
  return disk.crash().contents();
};

describe('the simulated disk, in a crash', () => {
  it('keeps what was synced, under a name that was', async () => {
    expect(
      await outcomes('a', async (disk) => {
        const file = await disk.open('a', { create: 'must' });
        await file.appendAndSync(0, [ones(4)]);
        await disk.syncDirectory('');
      }),
    ).toEqual(['01']);
  });

  it('may lose a file whose directory was not synced, however synced the file is', async () => {
    const found = await outcomes('a', async (disk) => (await disk.open('a', { create: 'must' })).appendAndSync(0, [ones(4)]));
    expect(found).toHaveLength(2);
    expect(found).toContain(undefined);
  });

  it('keeps any sectors of what was not synced, whatever their order', async () => {
    const found = await outcomes('a', async (disk) => {
      const file = await disk.open('a', { create: 'must' });
      await file.appendAndSync(0, [new Uint8Array(1024)]);
      await disk.syncDirectory('');
      await file.write(0, [ones(1024)]);
    });
    expect(new Set(found)).toEqual(new Set(['00', '0001', '01', '0100']));
  });

  it('undoes a rename that was not synced, or does all of it', async () => {
    expect(new Set(await outcomes('b', renamed))).toEqual(new Set(['01', '02']));
    expect(await outcomes('a', renamed)).toHaveLength(2);
  });

  it('answers nothing that was under way, and does nothing of it later', async () => {
    const { clock, disk } = world();
    const file = await run(clock, disk.open('a', { create: 'must' }));
    let isAnswered = false;
    void file.write(0, [ones(1)]).then(() => (isAnswered = true));
    const restarted = disk.crash();
    await clock.advance(1000);
    expect(isAnswered).toBe(false);
    expect(restarted.contents().get('a')?.length ?? 0).toBe(0);
  });

  it('is the same for the same seed', async () => {
    expect(await scribbled(5)).toEqual(await scribbled(5));
    expect(await scribbled(5)).not.toEqual(await scribbled(6));
  });
});

describe('the simulated disk, on demand', () => {
  it('fails a sync once, after which no later sync brings back what that one should have', async () => {
    const found = new Set<number | undefined>();
    for (let seed = 1; seed <= 40; seed++) {
      const { clock, disk } = world(seed);
      const file = await run(clock, disk.open('a', { create: 'must' }));
      await run(clock, disk.syncDirectory(''));
      disk.faults.syncsUntilFailure = 2;
      await run(clock, file.sync());
      await expect(run(clock, file.appendAndSync(0, [ones(1)]))).rejects.toMatchObject({ code: 'IO' });
      expect(await run(clock, file.read(0, 1))).toEqual(ones(1));
      await run(clock, file.sync());
      found.add(disk.crash().contents().get('a')?.[0]);
    }
    expect(found).toEqual(new Set([0, 1, undefined]));
  });

  it('fails the next call of one kind, which does nothing, and no other', async () => {
    const { clock, disk } = world();
    await run(clock, disk.open('a', { create: 'must' }));
    disk.faults.failNext = 'rename';
    await run(clock, disk.syncDirectory(''));
    await expect(run(clock, disk.rename('a', 'b'))).rejects.toMatchObject({ code: 'IO' });
    expect(await run(clock, disk.list(''))).toEqual(['a']);
    disk.faults.failNext = 'syncDirectory';
    await run(clock, disk.rename('a', 'b'));
    await expect(run(clock, disk.syncDirectory(''))).rejects.toMatchObject({ code: 'IO' });
    expect(await run(clock, disk.list(''))).toEqual(['b']);
    await run(clock, disk.syncDirectory(''));
    expect([...disk.crash().contents().keys()]).toEqual(['b']);
  });

  it('runs out of space where files grow, and nowhere else', async () => {
    const { clock, disk } = world();
    const file = await run(clock, disk.open('a', { create: 'must' }));
    disk.faults.spaceLeftBytes = 10;
    await run(clock, file.write(0, [ones(10)]));
    await expect(run(clock, file.write(9, [ones(2)]))).rejects.toMatchObject({ code: 'NO_SPACE' });
    await run(clock, file.write(0, [ones(10)]));
  });

  it('is slow by the clock', async () => {
    const { clock, disk } = world();
    Object.assign(disk.faults, { delayMs: 5, syncDelayMs: 20 });
    const file = await run(clock, disk.open('a', { create: 'must' }));
    const start = clock.now();
    await run(clock, file.appendAndSync(0, [ones(1)]));
    expect(clock.now() - start).toBeGreaterThanOrEqual(30);
  });
});
