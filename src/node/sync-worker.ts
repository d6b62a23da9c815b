// A thread that writes and syncs, one request after the other, with synchronous calls. Descriptors are numbers that
// all threads of a process share. Its source is a string, because a worker needs a file of plain JavaScript and this
// one has to run from the sources as well as from the build.

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
    fdatasyncSync(fd);
  } catch (error) {
    parentPort.postMessage({ id, code: error.code, message: error.message });
    return;
  }
  parentPort.postMessage({ id });
  // After the answer: the note is only ever a lower bound, and nobody waits for it.
  try { if (note !== undefined) writeAll(note.fd, note.bytes, 0); } catch {}
});
`;

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

export class SyncWorker {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #closed = false;

  /** Writes the parts at `position` and syncs. With no parts it only syncs. */
  append(fd: number, position: number, parts: readonly Uint8Array[], note: { readonly fd: number; readonly bytes: Uint8Array } | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      const bytes = parts.length === 0 ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
      const worker = this.#started();
      worker.ref();
      worker.postMessage({ id, fd, position, bytes, note });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(source, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 } });
    worker.on('message', ({ id, code, message }: { id: number; code?: string; message?: string }) => {
      const waiting = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      if (message === undefined) waiting.resolve();
      else waiting.reject(Object.assign(new Error(message), { code }));
    });
    const fail = (error: unknown): void => {
      for (const waiting of this.#waiting.values()) waiting.reject(error);
      this.#waiting.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => {
      if (!this.#closed) fail(new Error('the thread that syncs ended'));
    });
    this.#worker = worker;
    return worker;
  }
}
