// The Disk port for a tool that is given paths: any place, read-only where only reading is asked for, modes as the
// user's umask has them. A member's data directory is another matter (disk.ts): it is locked, private, and synced by
// a thread of its own.

import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DiskError, type Disk, type DiskFile } from '../engine/ports.ts';
import { toDiskError } from './disk.ts';

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof DiskError ? error : toDiskError(path, error);
  }
}

/** Paths are the host's: absolute, or relative to the working directory. */
export function toolDisk(): Disk {
  const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = constants;
  const flags = { must: O_RDWR | O_CREAT | O_EXCL, may: O_RDWR | O_CREAT, never: O_RDONLY };
  return {
    open: (path, options) => guarded(path, async () => toolFile(path, await open(resolve(path), flags[options.create]))),
    list: (directory) =>
      guarded(directory, async () => {
        try {
          return (await readdir(resolve(directory))).toSorted();
        } catch (error) {
          if (toDiskError(directory, error).code === 'NOT_FOUND') return [];
          throw error;
        }
      }),
    makeDirectory: (directory) => guarded(directory, async () => void (await mkdir(resolve(directory), { recursive: true }))),
    rename: (from, to) => guarded(from, () => rename(resolve(from), resolve(to))),
    remove: (path) => guarded(path, () => rm(resolve(path), { force: true })),
    syncDirectory: (directory) => guarded(directory, () => syncDirectory(directory)),
    lock: (directory) => Promise.reject(new DiskError('IO', directory, 'a tool takes no directory for itself')),
  };
}

async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(resolve(directory), constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function toolFile(path: string, handle: FileHandle): DiskFile {
  const write = async (position: number, parts: readonly Uint8Array[]): Promise<void> => {
    const { bytesWritten } = await handle.writev([...parts], position);
    const wanted = parts.reduce((total, part) => total + part.length, 0);
    // A short write is rare (a full disk, a signal): the rest goes piece by piece, or fails with its reason.
    let skip = bytesWritten;
    let at = position;
    for (const part of bytesWritten === wanted ? [] : parts) {
      for (let done = Math.min(skip, part.length); done < part.length; ) {
        done += (await handle.write(part, done, part.length - done, at + done)).bytesWritten;
      }
      skip = Math.max(0, skip - part.length);
      at += part.length;
    }
  };
  return {
    path,
    size: () => guarded(path, async () => (await handle.stat()).size),
    read: (position, length) =>
      guarded(path, async () => {
        const bytes = new Uint8Array(Math.min(length, Math.max(0, (await handle.stat()).size - position)));
        let done = 0;
        while (done < bytes.length) {
          const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        return bytes.subarray(0, done);
      }),
    write: (position, parts) => guarded(path, () => write(position, parts)),
    appendAndSync: (position, parts) =>
      guarded(path, async () => {
        await write(position, parts);
        await handle.datasync();
      }),
    sync: () => guarded(path, () => handle.sync()),
    truncate: (length) => guarded(path, () => handle.truncate(length)),
    close: () => guarded(path, () => handle.close()),
  };
}
