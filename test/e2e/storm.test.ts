// The storm's short form; `npm run storm` is the long one.

import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { Running, cleanUp, freePorts, root } from './support/processes.ts';

vi.setConfig({ testTimeout: 120_000 });
afterAll(cleanUp);

it('the storm of six seconds loses nothing and doubles nothing', async () => {
  const storm = new Running(process.execPath, [join(root, 'scripts/storm.mjs'), '--seconds', '6', '--base-port', String(await freePorts(3))]);
  const { code } = await storm.end(100_000);
  expect([code, storm.out + storm.err]).toEqual([0, expect.stringMatching(/^storm: ok$/m)]);
  expect(storm.out).toMatch(/[5-9] leaders|\d\d leaders/);
  expect(storm.out).toContain('1 times all killed');
});
