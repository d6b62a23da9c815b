// Every story in test/golden/raft happens as it is told. `npm run golden -- --rewrite` tells them anew; read the diff.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { retell } from '../support/golden.ts';

const directory = new URL('./raft/', import.meta.url);

describe('golden: raft', () => {
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.txt')).toSorted()) {
    const file = new URL(name, directory);
    const text = readFileSync(file, 'utf8');
    it(`${name.replace('.txt', '')}: ${text.split('\n', 1)[0]!.replace(/^# /, '')}`, () => {
      const told = retell(text);
      if (process.env['THOLE_GOLDEN'] === 'rewrite') writeFileSync(file, told);
      else expect(told, 'to accept what happens now: npm run golden -- --rewrite').toBe(text);
    });
  }
});
