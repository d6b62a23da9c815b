// The Disk port over real files. What must be durable is written and synced by a thread of its own (sync-worker.ts);
// everything else goes through libuv's.

import { constants } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { DiskError } from '../engine/ports.ts';
import type { Disk, DiskErrorCode, DiskFile, DiskNote, OpenOptions } from '../engine/ports.ts';
import { whenOneIsFree } from './descriptors.ts';
import { makeDirectory, syncDirectory } from './directory.ts';
import { lockDirectory } from './directory-lock.ts';
import { SyncWorker } from './sync-worker.ts';
import type { SyncNote } from './sync-worker.ts';

const codes: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'NOT_FOUND', EEXIST: 'EXISTS', ENOSPC: 'NO_SPACE', EDQUOT: 'NO_SPACE', EROFS: 'READ_ONLY', EACCES: 'READ_ONLY', EPERM: 'READ_ONLY', ENOTDIR: 'READ_ONLY',
};

export function toDiskError(path: string, error: unknown): DiskError {
  return new DiskError(codes[errnoOf(error)] ?? 'IO', path, error instanceof Error ? error.message : String(error), { cause: error });
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
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
    // Relative, and downwards only: by the words of the path, not by where they happen to lead.
    if (isAbsolute(path) || path.split(/[/\\]/).includes('..')) throw new DiskError('IO', path, 'a path outside the data directory');
    return join(base, path);
  };
  return {
    open: (path, options) => guarded(path, () => openFile(worker, path, at(path), options)),
    list: (directory) =>
      guarded(directory, async () => {
        try {
          return (await whenOneIsFree(() => readdir(at(directory)))).toSorted();
        } catch (error) {
          if (errnoOf(error) === 'ENOENT') return [];
          throw error;
        }
      }),
    makeDirectory: (directory) => guarded(directory, () => makeDirectory(at(directory))),
    rename: (from, to) => guarded(from, () => rename(at(from), at(to))),
    remove: (path) => guarded(path, () => rm(at(path), { force: true })),
    syncDirectory: (directory) => guarded(directory, () => syncDirectory(at(directory))),
    lock: (directory) => guarded(directory, () => lockDirectory(at(directory), directory)),
    close: () => worker.close(),
  };
}

async function openFile(worker: SyncWorker, path: string, full: string, options: OpenOptions): Promise<DiskFile> {
  const { O_RDWR, O_CREAT, O_EXCL } = constants;
  const flags = { must: O_RDWR | O_CREAT | O_EXCL, may: O_RDWR | O_CREAT, never: O_RDWR }[options.create];
  return new NodeFile(worker, path, await whenOneIsFree(() => open(full, flags, 0o600)));
}

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #worker: SyncWorker;
  readonly #handle: FileHandle;
  /** Has the thread been given this file's number? */
  #known = false;

  constructor(worker: SyncWorker, path: string, handle: FileHandle) {
    this.#worker = worker;
    this.path = path;
    this.#handle = handle;
  }

  /** Asked for where the thread is asked: the number of a closed file is another's. */
  #forThread(): number {
    const { fd } = this.#handle;
    if (fd < 0) throw new DiskError('IO', this.path, 'the file is closed');
    this.#known = true;
    return fd;
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

  appendAndSync(position: number, parts: readonly Uint8Array[], note?: DiskNote): Promise<void> {
    return guarded(this.path, () => this.#worker.append(this.#forThread(), position, parts, note && noteOf(note)));
  }

  // Not by the thread: what others sync may be long, and the log's next append would wait behind it.
  sync(): Promise<void> {
    return guarded(this.path, () => this.#handle.datasync());
  }

  truncate(length: number): Promise<void> {
    return guarded(this.path, () => this.#handle.truncate(length));
  }

  close(): Promise<void> {
    return guarded(this.path, async () => {
      // The system gives a closed number to the next file that opens: what the thread still has to write must not
      // land there.
      if (this.#known) await this.#worker.drained().catch(() => undefined);
      await this.#handle.close();
    });
  }

  /** Undefined: the file is closed, and what was to be noted in it is nobody's loss. */
  note({ position, bytes }: DiskNote): SyncNote | undefined {
    return this.#handle.fd < 0 ? undefined : { fd: this.#forThread(), position, bytes: bytes.slice() };
  }
}

function noteOf(note: DiskNote): SyncNote | undefined {
  if (!(note.file instanceof NodeFile)) throw new DiskError('IO', note.file.path, 'a note for a file of another disk');
  return note.file.note(note);
}
