// A thread that writes and syncs, one request after the other, with synchronous calls: libuv's four threads are
// shared with everything else in the process, and a sync behind eight password hashes takes 400 ms instead of a
// fraction of one. Descriptors are numbers that all threads of a process share, so the thread needs no files of its
// own. Its source is a string, because a worker needs plain JavaScript and this one has to run from the TypeScript
// sources as well as from the build.
//
// A request lies in memory that both threads see, and a count that grows announces it; so does another the answer. A
// pair of messages would take the processor twice as long, at every commit of every member.

import { Worker } from 'node:worker_threads';

/** Bytes written at a time; the sync follows the last of them. */
const windowBytes = 512 << 10;
const noteBytesMax = 256;

/** Where things lie in the shared memory: eight numbers of 32 bits, two positions, a note, what is to be written. */
const slot = { asked: 0, answered: 1, fd: 2, length: 3, isLast: 4, noteFd: 5, noteLength: 6, failed: 7 } as const;
const positionsAt = 32;
const noteAt = 64;
const windowAt: number = noteAt + noteBytesMax;
/** A descriptor that is none. */
const none = -1;

const source = `
const { parentPort, workerData } = require('node:worker_threads');
const { writeSync, fdatasyncSync } = require('node:fs');
const numbers = new Int32Array(workerData, 0, 8);
const positions = new Float64Array(workerData, ${positionsAt}, 2);
const window = new Uint8Array(workerData, ${windowAt});
function writeAll(fd, bytes, length, position) {
  for (let done = 0; done < length; ) done += writeSync(fd, bytes, done, length - done, position + done);
}
for (let served = 0; ; ) {
  while (Atomics.load(numbers, ${slot.asked}) === served) Atomics.wait(numbers, ${slot.asked}, served);
  served = Atomics.load(numbers, ${slot.asked});
  const fd = numbers[${slot.fd}], noteFd = numbers[${slot.noteFd}], noteAt = positions[1];
  // Its own copy: once the answer is given the next request may lie there.
  const note = noteFd === ${none} ? undefined : Uint8Array.from(new Uint8Array(workerData, ${noteAt}, numbers[${slot.noteLength}]));
  let failure;
  try {
    if (fd !== ${none}) {
      writeAll(fd, window, numbers[${slot.length}], positions[0]);
      if (numbers[${slot.isLast}] === 1) fdatasyncSync(fd);
    }
  } catch (error) {
    failure = { code: error.code, message: error.message };
  }
  numbers[${slot.failed}] = failure === undefined ? 0 : 1;
  Atomics.store(numbers, ${slot.answered}, served);
  Atomics.notify(numbers, ${slot.answered});
  // Behind the answer: it is what lets the next request be made.
  if (failure !== undefined) parentPort.postMessage(failure);
  // So is the note, which is only ever a lower bound, and waited for by nobody.
  else if (note !== undefined) try { writeAll(noteFd, note, note.length, noteAt); } catch {}
}
`;

/** The thread's share of memory: what it writes lies outside its heap. */
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 4 } as const;

export interface SyncNote {
  readonly fd: number;
  readonly position: number;
  readonly bytes: Uint8Array;
}

interface Request {
  readonly fd: number;
  readonly parts: readonly Uint8Array[];
  readonly note: SyncNote | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Where what is left of the parts begins, and where it goes. */
  part: number;
  offset: number;
  position: number;
}

interface Failed {
  readonly code?: string;
  readonly message: string;
}

export class SyncWorker {
  readonly #memory = new SharedArrayBuffer(windowAt + windowBytes);
  readonly #numbers = new Int32Array(this.#memory, 0, 8);
  readonly #positions = new Float64Array(this.#memory, positionsAt, 2);
  readonly #note = new Uint8Array(this.#memory, noteAt, noteBytesMax);
  readonly #window = new Uint8Array(this.#memory, windowAt);
  #worker: Worker | undefined;
  /** Of the last piece that was asked for. */
  #serial = 0;
  /** The first is the thread's; the others wait. */
  readonly #requests: Request[] = [];
  /** Set once, by {@link close} or by the thread's own end: nothing is accepted behind it. */
  #ended: Error | undefined;

  /** Writes the parts at `position` and syncs. With no parts it only syncs. */
  append(fd: number, position: number, parts: readonly Uint8Array[], note: SyncNote | undefined): Promise<void> {
    return this.#ask(fd, position, parts, note);
  }

  /** Resolves when the thread is done with all that was asked before, notes included: then a descriptor may be closed. */
  async drained(): Promise<void> {
    if (this.#worker === undefined || this.#ended !== undefined) return;
    await this.#ask(none, 0, [], undefined);
  }

  async close(): Promise<void> {
    await this.drained();
    this.#end(new Error('the disk was closed'));
    await this.#worker?.terminate();
  }

  #ask(fd: number, position: number, parts: readonly Uint8Array[], note: SyncNote | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#requests.push({ fd, parts, note, resolve, reject, part: 0, offset: 0, position });
      if (this.#requests.length > 1) return;
      // A thread that has something to do keeps the process alive, which waiting for shared memory would not.
      this.#started().ref();
      this.#announce();
    });
  }

  /** Lays the next piece of the first request out, and wakes the thread. */
  #announce(): void {
    const numbers = this.#numbers;
    const request = this.#requests[0]!;
    const { fd, note } = request;
    this.#positions[0] = request.position;
    const length = this.#fill(request);
    const isLast = request.part === request.parts.length;
    request.position += length;
    numbers[slot.fd] = fd;
    numbers[slot.length] = length;
    numbers[slot.isLast] = isLast ? 1 : 0;
    numbers[slot.noteFd] = none;
    if (isLast && note !== undefined) {
      numbers[slot.noteFd] = note.fd;
      numbers[slot.noteLength] = note.bytes.length;
      this.#positions[1] = note.position;
      this.#note.set(note.bytes);
    }
    const before = this.#serial;
    // 32 bits, as in the memory: a busy member goes round in days.
    const serial = (before + 1) | 0;
    this.#serial = serial;
    Atomics.store(numbers, slot.asked, serial);
    Atomics.notify(numbers, slot.asked);
    const answer = Atomics.waitAsync(numbers, slot.answered, before);
    if (answer.async) void answer.value.then(() => this.#answered(serial));
    else queueMicrotask(() => this.#answered(serial));
  }

  /** As much of what is left as the window holds; how much that is. */
  #fill(request: Request): number {
    let filled = 0;
    while (request.part < request.parts.length) {
      const part = request.parts[request.part]!;
      const count = Math.min(part.length - request.offset, windowBytes - filled);
      this.#window.set(count === part.length ? part : part.subarray(request.offset, request.offset + count), filled);
      filled += count;
      request.offset += count;
      if (request.offset < part.length) break;
      request.part++;
      request.offset = 0;
    }
    return filled;
  }

  #answered(serial: number): void {
    // What went wrong is told by a message, which comes before this or behind; if before, something else may be under way.
    if (this.#ended !== undefined || serial !== this.#serial || this.#numbers[slot.failed] === 1) return;
    const request = this.#requests[0]!;
    if (request.part < request.parts.length) return this.#announce();
    this.#finished();
    request.resolve();
  }

  #failed({ code, message }: Failed): void {
    const request = this.#requests[0];
    if (request === undefined) return;
    this.#finished();
    request.reject(Object.assign(new Error(message), { code }));
  }

  #finished(): void {
    this.#requests.shift();
    if (this.#requests.length > 0) this.#announce();
    else this.#worker?.unref();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#requests.splice(0)) reject(error);
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    // No execArgv: what loads the main thread's sources is neither needed nor cheap there.
    const worker = new Worker(source, { eval: true, execArgv: [], resourceLimits, workerData: this.#memory });
    worker.on('message', (failed: Failed) => this.#failed(failed));
    worker.on('error', (error) => this.#end(error));
    worker.on('exit', () => this.#end(new Error('the thread that syncs has ended')));
    this.#worker = worker;
    return worker;
  }
}
