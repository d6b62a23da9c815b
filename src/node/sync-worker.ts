// A thread that writes and syncs, one request after the other, with synchronous calls: libuv's four threads are
// shared with everything else in the process, and a sync behind eight password hashes takes 400 ms instead of a
// fraction of one. Descriptors are numbers that all threads of a process share, so the thread needs no files of its
// own. Its source is a string, because a worker needs plain JavaScript and this one has to run from the TypeScript
// sources as well as from the build.

import { Worker } from 'node:worker_threads';

const source = `
const { parentPort } = require('node:worker_threads');
const { writeSync, fdatasyncSync } = require('node:fs');
function writeAll(fd, bytes, position) {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}
parentPort.on('message', ({ id, fd, position, bytes, note }) => {
  try {
    if (bytes !== undefined) writeAll(fd, bytes, position);
    if (fd !== undefined) fdatasyncSync(fd);
  } catch (error) {
    parentPort.postMessage({ id, code: error.code, message: error.message });
    return;
  }
  parentPort.postMessage({ id });
  // After the answer: a note is only ever a lower bound, and nobody waits for it.
  try { if (note !== undefined) writeAll(note.fd, note.bytes, note.position); } catch {}
});
`;

/** The thread's share of memory: it holds one request at a time, whose bytes lie outside its heap. */
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 4 } as const;

export interface SyncNote {
  readonly fd: number;
  readonly position: number;
  readonly bytes: Uint8Array;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Answer {
  readonly id: number;
  readonly code?: string;
  readonly message?: string;
}

export class SyncWorker {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  /** Set once, by {@link close} or by the thread's own end: nothing is accepted behind it. */
  #ended: Error | undefined;

  /** Writes the parts at `position` and syncs. With no parts it only syncs. */
  append(fd: number, position: number, parts: readonly Uint8Array[], note: SyncNote | undefined): Promise<void> {
    return this.#ask({ fd, position, bytes: parts.length === 0 ? undefined : joined(parts), note });
  }

  /** Resolves when the thread is done with all that was asked before, notes included: then a descriptor may be closed. */
  async drained(): Promise<void> {
    if (this.#worker === undefined || this.#ended !== undefined) return;
    await this.#ask({ fd: undefined, position: 0, bytes: undefined, note: undefined });
  }

  async close(): Promise<void> {
    await this.drained();
    this.#ended ??= new Error('the disk was closed');
    await this.#worker?.terminate();
  }

  #ask(request: { fd: number | undefined; position: number; bytes: Uint8Array<ArrayBuffer> | undefined; note: SyncNote | undefined }): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const worker = this.#started();
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      if (this.#waiting.size === 1) worker.ref();
      worker.postMessage({ id, ...request }, request.bytes === undefined ? [] : [request.bytes.buffer]);
    });
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    // No execArgv: what loads the main thread's sources is neither needed nor cheap there.
    const worker = new Worker(source, { eval: true, execArgv: [], resourceLimits });
    worker.on('message', ({ id, code, message }: Answer) => {
      const { resolve, reject } = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      // A thread that has nothing to do keeps no process alive.
      if (this.#waiting.size === 0) worker.unref();
      if (message === undefined) resolve();
      else reject(Object.assign(new Error(message), { code }));
    });
    const end = (error: Error): void => {
      this.#ended ??= error;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on('error', end);
    worker.on('exit', () => end(new Error('the thread that syncs has ended')));
    this.#worker = worker;
    return worker;
  }
}

/** One buffer of its own: the thread takes it without a further copy, and the caller keeps its parts. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
