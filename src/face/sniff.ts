// One port: whoever connects is told by the first bytes, under a deadline and a limit, and handed to the face that
// speaks it. Whoever says nothing in time, or anything else, is sent away; how many may keep us waiting is limited:
// who has kept us waiting longest makes room for who comes, so that those who say nothing keep nobody out.

import { utf8 } from '../core/bytes.ts';
import type { Clock, Connection, Logger } from '../engine/ports.ts';
import { FirstBytes } from './first-bytes.ts';
import type { Spoken } from './first-bytes.ts';

/**
 * Who takes what; what is missing here is refused on this listener. A target takes over with `connection.handle`, or
 * detaches the socket, at once; `bytes` are what has been read so far.
 */
export interface SniffTargets {
  /** `settled` is called when it has said whom it is, or is gone: until then it may be sent away to make room. */
  readonly native?: (connection: Connection, bytes: Uint8Array, settled: () => void) => void;
  readonly http?: (connection: Connection, bytes: Uint8Array) => void;
  readonly http2?: (connection: Connection, bytes: Uint8Array) => void;
}

export interface SnifferOptions {
  /** How long the first line may take. @default 5000 */
  readonly deadlineMs?: number;
  /** Connections that have not said yet what they are. @default 1024 */
  readonly undecidedMax?: number;
}

/** Who speaks this is told no in its own words; to others there is nothing to say. */
const refusals: Partial<Record<Spoken, { readonly bytes: Uint8Array; readonly message: string }>> = {
  resp: { bytes: utf8('-ERR RESP is not spoken on this port; Thole speaks gRPC, HTTP and its own protocol here\r\n'), message: 'a connection speaks RESP, which is not spoken here' },
  // Alert (21), TLS 1.2, two bytes: fatal, handshake_failure.
  tls: { bytes: Uint8Array.of(21, 3, 3, 0, 2, 2, 40), message: 'a connection begins with TLS, which this port does not speak' },
  gossip: { bytes: new Uint8Array(0), message: 'a connection speaks memberlist’s gossip, which is not spoken here' },
};

export class Sniffer {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #targets: SniffTargets;
  readonly #deadlineMs: number;
  readonly #undecidedMax: number;
  readonly #undecided = new Set<Connection>();
  #makingRoom = false;

  constructor(clock: Clock, logger: Logger, targets: SniffTargets, options: SnifferOptions = {}) {
    this.#clock = clock;
    this.#logger = logger;
    this.#targets = targets;
    this.#deadlineMs = options.deadlineMs ?? 5000;
    this.#undecidedMax = options.undecidedMax ?? 1024;
  }

  get undecidedCount(): number {
    return this.#undecided.size;
  }

  /** Must be called in the turn the connection was accepted. */
  take(connection: Connection): void {
    this.#undecided.add(connection);
    if (this.#undecided.size > this.#undecidedMax) this.#makeRoomSoon();
    const first = new FirstBytes();
    const cancel = this.#clock.after(this.#deadlineMs, () => connection.destroy());
    const settled = (): void => void this.#undecided.delete(connection);
    let over = false;
    connection.handle({
      data: (bytes) => {
        if (over) return;
        const spoken = first.push(bytes);
        if (spoken === undefined) return;
        over = true;
        cancel();
        if (spoken === 'native' && this.#targets.native !== undefined) return this.#targets.native(connection, first.bytes, settled);
        settled();
        if (spoken === 'http' && this.#targets.http !== undefined) return this.#targets.http(connection, first.bytes);
        if (spoken === 'http2' && this.#targets.http2 !== undefined) return this.#targets.http2(connection, first.bytes);
        this.#refuse(connection, spoken);
      },
      closed: () => {
        over = true;
        cancel();
        settled();
      },
      drained: () => undefined,
    });
  }

  close(): void {
    for (const connection of this.#undecided) connection.destroy();
  }

  /**
   * The first bytes of connections that came in one turn are read in the next: whoever has spoken by then is not
   * among those who keep us waiting, however many came at once.
   */
  #makeRoomSoon(): void {
    if (this.#makingRoom) return;
    this.#makingRoom = true;
    this.#clock.nextTurn(() => this.#clock.nextTurn(() => {
      this.#makingRoom = false;
      for (const oldest of this.#undecided) {
        if (this.#undecided.size <= this.#undecidedMax) return;
        this.#undecided.delete(oldest);
        oldest.destroy();
      }
    }));
  }

  #refuse(connection: Connection, spoken: Spoken): void {
    const refusal = refusals[spoken];
    const message = refusal?.message ?? (spoken === 'unknown' ? 'a connection speaks no known protocol' : 'a connection speaks what this listener does not take');
    this.#logger.log('info', message, { remote: connection.remote, spoken });
    if (refusal === undefined || refusal.bytes.length === 0) return connection.destroy();
    // Closed with its word sent; what it still says meanwhile is not listened to.
    connection.write(refusal.bytes);
    connection.close();
  }
}
