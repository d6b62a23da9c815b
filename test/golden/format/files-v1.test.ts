// The bytes of the other files of version 1, as released: a snapshot, and the shards of an erasure-coded file.

import { describe, expect, it, vi } from 'vitest';
import { localCoder, decodeShards, encodeFile, repairShards } from '../../../src/engine/erasure/index.ts';
import { readSnapshot, snapshotPath, writeSnapshot } from '../../../src/engine/replica/snapshot-file.ts';
import type { StateSnapshot } from '../../../src/engine/replica/state-machine.ts';
import { SimDisk } from '../../../src/sim/disk.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { eagerClock } from '../../support/eager-clock.ts';
import { GoldenBytes, written } from '../../support/golden-bytes.ts';
import { seeded } from '../../support/log-world.ts';

// Seconds on an idle machine; nothing here is about time.
vi.setConfig({ testTimeout: 60_000 });

const header = {
  group: 0xffff_fffe,
  cluster: 2 ** 53 - 1,
  marker: { index: 900, term: 6, producer: 0x1_2345_6789, id: 77, configuration: { voters: [1, 2], outgoing: [], learners: [3], witnesses: [2], members: [{ id: 1, name: 'ä', address: 'h:1' }] } },
};
const blocks = [utf8('the first block'), utf8('x'), new Uint8Array(100).fill(7)];
const original = Uint8Array.from({ length: 300 }, (_, i) => (i * 7) & 0xff);
const k = 2;
const m = 2;

function pieces(): StateSnapshot {
  const left = [...blocks];
  return { next: () => left.shift() };
}

const disk = (): SimDisk => new SimDisk(eagerClock, seeded(1));

async function snapshotFile(): Promise<Uint8Array> {
  const on = disk();
  await on.makeDirectory('s');
  const { path } = await writeSnapshot({ disk: on, clock: eagerClock }, 's', header, pieces(), 1e12);
  return on.contents().get(path)!;
}

async function shardFiles(): Promise<Record<string, Uint8Array>> {
  const on = disk();
  on.place(new Map([['d/file', original]]));
  const { paths } = await encodeFile({ disk: on, random: seeded(1) }, localCoder(k, m), 'd/file', 'd', { blockBytes: 64 });
  return Object.fromEntries(paths.map((path) => [path.slice(2), on.contents().get(path)!]));
}

const cases = { 'a snapshot': await snapshotFile(), ...(await shardFiles()) };
const golden = new GoldenBytes('files-v1', import.meta.url, cases);
const shards = Object.keys(cases).filter((name) => name.endsWith('.shard'));

describe('files, version 1', () => {
  it('are written as they always were', () => {
    expect(written(cases)).toEqual(golden.lines);
  });

  it('a snapshot’s name says everything that tells it from others', () => {
    expect(snapshotPath('s', header.group, header.marker)).toBe('s/4294967294-00000000000000000900-123456789-77.snap');
  });

  it('a snapshot is read: its header, its blocks', async () => {
    const on = disk();
    on.place(new Map([['old.snap', golden.bytes('a snapshot')]]));
    const found: Uint8Array[] = [];
    expect(await readSnapshot(on, 'old.snap', (block) => void found.push(block))).toEqual(header);
    expect(found).toEqual(blocks);
  });

  it('a snapshot with any byte changed is refused, and one that ends early', async () => {
    const whole = golden.bytes('a snapshot');
    for (let at = 0; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at]! ^= 0x41;
      const on = disk();
      on.place(new Map([['damaged.snap', damaged], ['short.snap', whole.subarray(0, at)]]));
      // The version is a promise of its own: a later one is not damage.
      const code = at === 4 || at === 5 ? 'UNSUPPORTED' : 'CORRUPT';
      await expect(readSnapshot(on, 'damaged.snap', () => undefined), `byte ${at}`).rejects.toMatchObject({ code });
      await expect(readSnapshot(on, 'short.snap', () => undefined), `cut at ${at}`).rejects.toMatchObject({ code: 'CORRUPT' });
    }
  });

  it('shards are read: any two of four are the file, and the others are written as they were', async () => {
    expect(shards).toHaveLength(k + m);
    for (let a = 0; a < shards.length; a++) {
      for (let b = a + 1; b < shards.length; b++) {
        const on = disk();
        const left = [shards[a]!, shards[b]!].map((name) => `d/${name}`);
        on.place(new Map(left.map((path) => [path, golden.bytes(path.slice(2))])));
        expect(await decodeShards(on, left, 'd/out')).toMatchObject({ type: 'ok' });
        expect(on.contents().get('d/out')).toEqual(original);
        expect(await repairShards(on, left, 'd')).toMatchObject({ type: 'ok' });
        for (const name of shards) expect(on.contents().get(`d/${name}`), name).toEqual(golden.bytes(name));
      }
    }
  });

  it('names every stored case, and stores every named one', () => {
    expect(Object.keys(golden.lines)).toEqual(Object.keys(cases));
  });
});
