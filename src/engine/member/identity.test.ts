import { expect, it } from 'vitest';
import { eagerClock } from '../../../test/support/eager-clock.ts';
import { nextUint32, seedRandom } from '../../core/random.ts';
import { SimDisk } from '../../sim/disk.ts';
import { Acquaintances } from './identity.ts';

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
