// The fuzz's short form; `npm run fuzz -- --inputs 1000000` is the long one.

import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { Running, cleanUp, freePorts, root } from './support/processes.ts';

vi.setConfig({ testTimeout: 120_000 });
afterAll(cleanUp);

it('bytes that nobody should send crash no member, disturb nobody and leave nothing behind', async () => {
  const fuzz = new Running(process.execPath, [join(root, 'scripts/fuzz.mjs'), '--inputs', '2000', '--seed', '20260101', '--base-port', String(await freePorts(3))]);
  const { code } = await fuzz.end(110_000);
  expect([code, fuzz.out + fuzz.err]).toEqual([0, expect.stringMatching(/^fuzz: ok$/m)]);
  expect(fuzz.out).toMatch(/^fuzz: 2000 inputs in \d+ s; calm client [1-9]\d* operations/m);
});
