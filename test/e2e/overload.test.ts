// The overload's short form, at one real member; `npm run overload` is the long one, at three.

import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { Running, cleanUp, freePorts, root } from './support/processes.ts';

vi.setConfig({ testTimeout: 120_000 });
afterAll(cleanUp);

it('who begins much and finishes nothing costs a bounded memory, and nobody else an answer', async () => {
  const words = ['--members', '1', '--state-mb', '4', '--connections', '200', '--seconds', '1', '--rest', '0.2', '--grown-mb', '900', '--base-port', String(await freePorts(1))];
  const overload = new Running(process.execPath, [join(root, 'scripts/overload.mjs'), ...words, '--only', 'half-written']);
  const { code } = await overload.end(110_000);
  expect([code, overload.out + overload.err]).toEqual([0, expect.stringMatching(/^overload: ok$/m)]);
  expect(overload.out.match(/^overload: .*: RSS MB \d+ → \d+ → \d+; calm [1-9]/gm)?.length).toBe(3);
});
