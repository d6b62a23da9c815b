import { expect, it } from 'vitest';
import { eagerClock } from '../../../test/support/eager-clock.ts';
import { nextUint32, seedRandom } from '../../core/random.ts';
import { Writer } from '../../core/wire/index.ts';
import { SimDisk } from '../../sim/disk.ts';
import { Acquaintances, acquaintancesMax } from './identity.ts';
import { readSmallFile, writeSmallFile } from './small-file.ts';

it('a birth whose record failed is not taken for recorded', async () => {
  const seed = seedRandom(1);
  const random = { uint32: () => nextUint32(seed) };
  const disk = new SimDisk(eagerClock, random);
  const acquaintances = await Acquaintances.open(disk);
  disk.faults.syncsUntilFailure = 1;
  const first = acquaintances.meet(7, 70);
  const second = acquaintances.meet(7, 70);
  await expect(first).rejects.toMatchObject({ code: 'IO' });
  expect(await second).toBe(false);
  expect(acquaintances.birthOf(7)).toBeUndefined();
  expect(await acquaintances.meet(7, 70)).toBe(true);
  const recovered = await Acquaintances.open(disk.crash(random));
  expect(recovered.birthOf(7)).toBe(70);
  expect(await recovered.meet(7, 71)).toBe(false);
});

it('strangers fill the record up to a bound, behind which only members of the configuration are put on it', async () => {
  const seed = seedRandom(2);
  const random = { uint32: () => nextUint32(seed) };
  const disk = new SimDisk(eagerClock, random);
  const writer = new Writer().u32(acquaintancesMax - 1);
  for (let id = 1; id < acquaintancesMax; id++) writer.u53(id).u53(id * 10);
  await writeSmallFile(disk, 'acquaintances', 1, writer.finish());
  const acquaintances = await Acquaintances.open(disk);
  expect(await acquaintances.meet(9001, 1)).toBe(true);
  await expect(acquaintances.meet(9002, 2)).rejects.toMatchObject({ code: 'OVERLOADED' });
  expect(acquaintances.birthOf(9002)).toBeUndefined();
  expect(await acquaintances.meet(9002, 2, true)).toBe(true);
  expect(await acquaintances.meet(7, 70), 'who is on record is heard').toBe(true);
  expect(await acquaintances.meet(7, 71)).toBe(false);
  const recovered = await Acquaintances.open(disk.crash(random));
  expect([7, 9001, 9002].map((id) => recovered.birthOf(id))).toEqual([70, 1, 2]);
});

it('a small file is never written longer than it is read', async () => {
  const seed = seedRandom(3);
  const disk = new SimDisk(eagerClock, { uint32: () => nextUint32(seed) });
  const overheadBytes = 10;
  const largest = new Uint8Array((1 << 20) - overheadBytes).fill(1);
  await writeSmallFile(disk, 'large', 1, largest);
  await expect(writeSmallFile(disk, 'large', 1, new Uint8Array(largest.length + 1))).rejects.toThrow('a small file is read whole');
  expect(Buffer.compare((await readSmallFile(disk, 'large', 1))!, largest)).toBe(0);
});
