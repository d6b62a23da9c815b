// The Disk port over real files. What must be durable is written and synced by a worker thread of its own, with
// synchronous calls: libuv's four threads are shared with everything else in the process, and a sync behind eight
// password hashes takes 400 ms instead of a fraction of one.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve, sep } from 'node:path';
import { DiskError } from '../engine/ports.ts';
import type { Disk, DiskErrorCode, DiskFile, OpenOptions } from '../engine/ports.ts';
import { SyncWorker } from './sync-worker.ts';

const codes: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'NOT_FOUND', EEXIST: 'EXISTS', ENOSPC: 'NO_SPACE', EDQUOT: 'NO_SPACE', EROFS: 'READ_ONLY', EACCES: 'READ_ONLY', EPERM: 'READ_ONLY', ENOTDIR: 'READ_ONLY',
};

export function toDiskError(path: string, error: unknown): DiskError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new DiskError(codes[code] ?? 'IO', path, message, { cause: error });
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof DiskError ? error : toDiskError(path, error);
  }
}

/** A Disk whose paths lie under `root`, which is created when first needed. */
export function nodeDisk(root: string): Disk & { close(): Promise<void> } {
  const base = resolve(root);
  const worker = new SyncWorker();
  const at = (path: string): string => {
    const full = resolve(join(base, path));
    if (full !== base && !full.startsWith(base + sep)) throw new DiskError('IO', path, 'a path outside the data directory');
    return full;
  };
  return {
    open: (path, options) => guarded(path, () => openFile(worker, path, at(path), options)),
    list: (directory) =>
      guarded(directory, async () => {
        try {
          return (await readdir(at(directory))).sort();
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
          throw error;
        }
      }),
    makeDirectory: (directory) => guarded(directory, async () => void (await mkdir(at(directory), { recursive: true }))),
    rename: (from, to) => guarded(from, () => rename(at(from), at(to))),
    remove: (path) => guarded(path, () => rm(at(path), { force: true })),
    syncDirectory: (directory) =>
      guarded(directory, async () => {
        // Windows cannot open directories; its file systems journal their entries.
        if (process.platform === 'win32') return;
        const handle = await open(at(directory), constants.O_RDONLY);
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
      }),
    lock: (directory) => guarded(directory, () => lockDirectory(at(directory), directory)),
    close: () => worker.close(),
  };
}

async function openFile(worker: SyncWorker, path: string, full: string, options: OpenOptions): Promise<DiskFile> {
  const { O_RDWR, O_CREAT, O_EXCL } = constants;
  const flags = { must: O_RDWR | O_CREAT | O_EXCL, may: O_RDWR | O_CREAT, never: O_RDWR }[options.create];
  return new NodeFile(worker, path, await open(full, flags, 0o600));
}

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #worker: SyncWorker;
  readonly #handle: FileHandle;

  constructor(worker: SyncWorker, path: string, handle: FileHandle) {
    this.#worker = worker;
    this.path = path;
    this.#handle = handle;
  }

  get fd(): number {
    return this.#handle.fd;
  }

  size(): Promise<number> {
    return guarded(this.path, async () => (await this.#handle.stat()).size);
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return guarded(this.path, async () => {
      const { size } = await this.#handle.stat();
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - position)));
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done === bytes.length ? bytes : bytes.subarray(0, done);
    });
  }

  write(position: number, parts: readonly Uint8Array[]): Promise<void> {
    return guarded(this.path, async () => {
      let at = position;
      for (const part of parts) {
        for (let done = 0; done < part.length; ) {
          const { bytesWritten } = await this.#handle.write(part, done, part.length - done, at + done);
          done += bytesWritten;
        }
        at += part.length;
      }
    });
  }

  appendAndSync(position: number, parts: readonly Uint8Array[], note?: { readonly file: DiskFile; readonly bytes: Uint8Array }): Promise<void> {
    const noted = note === undefined ? undefined : { fd: (note.file as NodeFile).fd, bytes: note.bytes };
    return guarded(this.path, () => this.#worker.append(this.fd, position, parts, noted));
  }

  sync(): Promise<void> {
    return guarded(this.path, () => this.#worker.append(this.fd, 0, [], undefined));
  }

  truncate(length: number): Promise<void> {
    return guarded(this.path, () => this.#handle.truncate(length));
  }

  close(): Promise<void> {
    return guarded(this.path, () => this.#handle.close());
  }
}

/**
 * The lock must die with the process, kill -9 included, so it is no file. On Linux it is an abstract socket named
 * after the directory's inode: the kernel holds it for exactly as long as a process does. Elsewhere a socket
 * (or pipe) under a name of its own does the same, but a stale one is told from a live one by connecting to it.
 */
async function lockDirectory(full: string, path: string): Promise<{ release(): Promise<void> }> {
  await mkdir(full, { recursive: true });
  const probe = await open(join(full, '.writable'), 'w');
  await probe.close();
  await rm(join(full, '.writable'), { force: true });
  const { dev, ino } = await stat(full);
  const name = `thole-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)}`;
  const address = process.platform === 'linux' ? `\0${name}` : process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(full, '.lock');
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((done, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new DiskError('IN_USE', path, 'another process holds the directory') : error),
    );
    server.listen(address, done);
  });
  server.unref();
  return { release: () => new Promise((done) => server.close(() => done())) };
}
