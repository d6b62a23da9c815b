// The lock of a data directory dies with its process, however that ends.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { nodeDisk } from '../../src/node/disk.ts';

it('a killed process leaves no lock behind', async () => {
  const root = mkdtempSync(join(tmpdir(), 'thole-lock-'));
  const built = pathToFileURL(join(import.meta.dirname, '../../dist/node/disk.js')).href;
  const program = `const { nodeDisk } = await import(${JSON.stringify(built)}); await nodeDisk(${JSON.stringify(root)}).lock('d'); console.log('locked'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const disk = nodeDisk(root);
  await expect(disk.lock('d')).rejects.toMatchObject({ code: 'IN_USE' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await disk.lock('d')).release();
  await disk.close();
  rmSync(root, { recursive: true });
}, 20_000);
