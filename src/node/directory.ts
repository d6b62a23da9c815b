// Directories that stay: a new one is an entry in its parent, and that is durable only when the parent was synced.

import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { whenOneIsFree } from './descriptors.ts';

/** Creates the directory and its parents, each of them durably. */
export async function makeDirectory(full: string): Promise<void> {
  const first = await mkdir(full, { recursive: true });
  if (first === undefined) return;
  for (let directory = full; directory.length >= first.length; directory = dirname(directory)) await syncDirectory(dirname(directory));
}

export async function syncDirectory(full: string): Promise<void> {
  // Windows cannot open directories; its file systems journal their entries.
  if (process.platform === 'win32') return;
  const handle = await whenOneIsFree(() => open(full, constants.O_RDONLY));
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
