// One port, told apart by the first byte: ours begin with 0xD1, HTTP/1 with a method, HTTP/2 with its preface. Whoever says nothing in time,
// or anything else, is sent away; how many may keep us waiting is limited: who has kept us waiting longest makes
// room for who comes, so that those who say nothing keep nobody out.

import type { Clock, Connection, Logger } from '../engine/ports.ts';

export interface SniffTargets {
  native(connection: Connection, firstBytes: Uint8Array): void;
  http(connection: Connection, firstBytes: Uint8Array): void;
  h2(connection: Connection, firstBytes: Uint8Array): void;
}

const deadlineMs = 5000;
const undecidedMax = 1024;
const httpMethod = /^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) /;
const h2Preface = 'PRI * HTTP/2.0\r\n';
const sniffBytesMax = 16;

export class Sniffer {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #targets: SniffTargets;
  readonly #undecided = new Set<Connection>();

  constructor(clock: Clock, logger: Logger, targets: SniffTargets) {
    this.#clock = clock;
    this.#logger = logger;
    this.#targets = targets;
  }

  /** Must be called in the turn the connection was accepted. */
  take(connection: Connection): void {
    if (this.#undecided.size >= undecidedMax) {
      const [oldest] = this.#undecided;
      this.#undecided.delete(oldest!);
      oldest!.destroy();
    }
    this.#undecided.add(connection);
    let held = new Uint8Array(0);
    const cancel = this.#clock.after(deadlineMs, () => connection.destroy());
    const decided = (): void => {
      cancel();
      this.#undecided.delete(connection);
    };
    connection.handle({
      data: (bytes) => {
        const whole = new Uint8Array(held.length + bytes.length);
        whole.set(held);
        whole.set(bytes, held.length);
        held = whole;
        if (held[0] === 0xd1) {
          decided();
          return this.#targets.native(connection, held);
        }
        const start = Buffer.from(held.subarray(0, sniffBytesMax)).toString('latin1');
        if (httpMethod.test(start)) {
          decided();
          return this.#targets.http(connection, held);
        }
        if (start === h2Preface) {
          decided();
          return this.#targets.h2(connection, held);
        }
        if (h2Preface.startsWith(start)) return;
        // An HTTP method may come byte by byte; nothing else that begins with a capital letter is spoken here.
        if (/^[A-Z]{1,7}$/.test(start)) return;
        decided();
        this.#logger.log('info', 'a connection speaks no known protocol', { remote: connection.remote });
        connection.destroy();
      },
      closed: decided,
      drained: () => undefined,
    });
  }

  close(): void {
    for (const connection of this.#undecided) connection.destroy();
  }
}
