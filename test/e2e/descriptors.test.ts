// Where a process has no descriptors left, the disk has not failed.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const built = pathToFileURL(join(import.meta.dirname, '../../dist/node/disk.js')).href;

/** What a process says that may have 100 files, has taken them all, and gives some back after `ms`. */
async function crowded(ms: number): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'thole-descriptors-'));
  const program = `
    const { openSync, closeSync } = await import('node:fs');
    const { nodeDisk } = await import(${JSON.stringify(built)});
    const disk = nodeDisk(${JSON.stringify(root)});
    await disk.makeDirectory('d');
    const taken = [];
    try { for (;;) taken.push(openSync('/dev/null')); } catch (error) { console.log(error.code); }
    const timer = setTimeout(() => taken.splice(0, 10).forEach(closeSync), ${ms});
    try {
      const file = await disk.open('d/f', { create: 'must' });
      await file.write(0, [Buffer.from('x')]);
      await file.close();
      await disk.syncDirectory('d');
      console.log(await disk.list('d'));
    } catch (error) { console.log(error.code); }
    clearTimeout(timer);
    await disk.close();`;
  try {
    const child = spawn('sh', ['-c', 'ulimit -n 100; exec "$0" --input-type=module --eval "$1"', process.execPath, program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    for await (const chunk of child.stdout) out += String(chunk);
    return out;
  } finally {
    rmSync(root, { recursive: true });
  }
}

it('a file is opened when a descriptor is free again', async () => {
  expect(await crowded(700)).toBe("EMFILE\n[ 'f' ]\n");
}, 30_000);

it('and not waited for without end', async () => {
  expect(await crowded(60_000)).toBe('EMFILE\nIO\n');
}, 30_000);
