// Whether a connection is read. Several may hold it up at once, each for a reason of its own, and it goes on when the
// last of them is done: what a sender says meanwhile waits with the sender, and not in our memory.

import type { Connection } from '../ports.ts';

/** Bytes of frames that wait for the disk beyond which no more are read. A sender of ours has far less under way. */
export const waitingBytesMax: number = 4 << 20;

export class Valve {
  readonly #connection: Pick<Connection, 'pause' | 'resume'>;
  #holds = 0;
  #waitingBytes = 0;

  constructor(connection: Pick<Connection, 'pause' | 'resume'>) {
    this.#connection = connection;
  }

  pause(): void {
    if (this.#holds++ === 0) this.#connection.pause();
  }

  resume(): void {
    if (--this.#holds === 0) this.#connection.resume();
  }

  /** So many bytes wait until `done` settles. */
  wait(bytes: number, done: Promise<void>): void {
    const before = this.#waitingBytes;
    this.#waitingBytes += bytes;
    if (before <= waitingBytesMax && this.#waitingBytes > waitingBytesMax) this.pause();
    const release = (): void => {
      const held = this.#waitingBytes;
      this.#waitingBytes -= bytes;
      if (held > waitingBytesMax && this.#waitingBytes <= waitingBytesMax) this.resume();
    };
    done.then(release, release);
  }
}
