// The member's side of the native protocol: every client's connection, one timer for all their deadlines, and the
// news of who leads. What a request does is the MemberService's; what a connection may cost is decided here.

import { OperationError } from '../../core/errors.ts';
import { encodeFailure, encodeFrame } from '../../core/wire/index.ts';
import type { Clock, Connection, Logger } from '../ports.ts';
import type { MemberService } from '../service.ts';
import { acceptHello } from './accept.ts';
import type { AcceptOptions } from './accept.ts';
import { ClientFrame, encodeLeader } from './message.ts';
import type { LeaderNotice } from './message.ts';
import { ServerConnection } from './server-connection.ts';
import type { ConnectionHost, Request } from './server-connection.ts';
import { TimeoutWheel } from './timeout-wheel.ts';

export interface NativeServerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Beyond, who has been quiet for longest and waits for nothing makes room; if nobody is, who comes is told OVERLOADED. @default 4096 */
  readonly connectionsMax?: number;
  /** Requests of one connection under way at once; beyond, nothing is read from it. @default 8192 */
  readonly requestsMax?: number;
  /**
   * Bytes one connection may occupy: requests under way, answers expected (estimated from its last ones) and answers
   * it has not read. Beyond, nothing is read from it. At least 2 MiB. @default 16 MiB
   */
  readonly connectionBytesMax?: number;
  /** As the one before, of all connections together; each keeps a small reserve. @default 256 MiB */
  readonly bytesMax?: number;
  /** Bytes of frames that are not whole yet, of all connections: beyond, whoever began his first is sent away. @default 64 MiB */
  readonly halfBytesMax?: number;
  /** A connection that has taken no byte of its answers, or has not finished a frame, for so long is closed. @default 30000 */
  readonly stuckMs?: number;
}

/** Deadlines are late by this much at most. */
const tickMs = 20;
/** Who leads is looked up so often, while anybody is there to be told. */
const leaderPollMs = 100;
/** Answers that wait to be made; more are refused. */
const waitingForRoomMax = 256;

export class NativeServer implements ConnectionHost {
  readonly service: MemberService;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly wheel: TimeoutWheel;
  readonly limits: Required<Omit<NativeServerOptions, 'clock' | 'logger'>>;
  readonly #connections = new Set<ServerConnection>();
  /** Those in the middle of a frame, in the order they began it. */
  readonly #halfWritten = new Map<ServerConnection, { bytes: number; readonly since: number }>();
  #halfBytes = 0;
  readonly #waitingForRoom = new Set<{ readonly request: Request; readonly bytes: number; readonly resolve: () => void; readonly reject: (error: OperationError) => void }>();
  #leader: LeaderNotice = { leader: 0, term: 0, address: '' };
  #cancelPoll: (() => void) | undefined;
  #closed = false;
  occupiedBytes = 0;
  heldBytes = 0;
  readonly starved: Set<ServerConnection> = new Set();
  requests = 0;
  failures = 0;

  constructor(service: MemberService, options: NativeServerOptions) {
    this.service = service;
    this.clock = options.clock;
    this.logger = options.logger;
    this.wheel = new TimeoutWheel(options.clock, tickMs);
    const { connectionsMax = 4096, requestsMax = 8192, connectionBytesMax = 16 << 20, bytesMax = 256 << 20, halfBytesMax = 64 << 20, stuckMs = 30_000 } = options;
    // Below a connection's high mark nobody says that a queue has shrunk: a bound there could never be lifted.
    this.limits = { connectionsMax, requestsMax, connectionBytesMax: Math.max(connectionBytesMax, 2 << 20), bytesMax, halfBytesMax, stuckMs };
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Requests under way, of all connections. */
  get requestCount(): number {
    let count = 0;
    for (const connection of this.#connections) count += connection.requestCount;
    return count;
  }

  /** A connection whose hello (already answered) said that a client dialed it, and what came behind the hello. */
  serve(connection: Connection, rest: Uint8Array): void {
    if (this.#closed) return connection.destroy();
    if (this.#connections.size >= this.limits.connectionsMax && !this.#makeRoom()) {
      connection.handle({ data: () => undefined, closed: () => undefined, drained: () => undefined });
      connection.write(encodeFrame(ClientFrame.failure, 0, encodeFailure({ code: 'OVERLOADED', detail: 'too many connections' })));
      return connection.close();
    }
    const served: ServerConnection = new ServerConnection(this, connection, () => this.#connections.delete(served));
    this.#connections.add(served);
    this.announceLeader();
    served.send(ClientFrame.leader, 0, encodeLeader(this.#leader));
    served.begin(rest);
  }

  #makeRoom(): boolean {
    let quietest: ServerConnection | undefined;
    for (const each of this.#connections) {
      if (each.requestCount === 0 && (quietest === undefined || each.heardAt < quietest.heardAt)) quietest = each;
    }
    quietest?.leave();
    return quietest !== undefined;
  }

  halfWritten(connection: ServerConnection, bytes: number, isAnother: boolean): void {
    const before = this.#halfWritten.get(connection);
    this.#halfBytes += bytes - (before?.bytes ?? 0);
    if (isAnother || bytes === 0) this.#halfWritten.delete(connection);
    if (bytes > 0) {
      if (before === undefined || isAnother) this.#halfWritten.set(connection, { bytes, since: this.clock.now() });
      else before.bytes = bytes;
    }
    while (this.#halfBytes > this.limits.halfBytesMax) {
      const [oldest] = this.#halfWritten.keys();
      oldest!.sendAway();
    }
  }

  /** Frames that have been under way for too long are not waited for. */
  #lookForUnfinished(): void {
    const now = this.clock.now();
    for (const [connection, { since }] of this.#halfWritten) {
      if (now - since < this.limits.stuckMs) return;
      connection.sendAway();
    }
  }

  waitForRoom(request: Request, bytes: number): Promise<void> {
    if (this.#waitingForRoom.size >= waitingForRoomMax) throw new OperationError({ code: 'OVERLOADED', detail: 'too many answers are waiting to be read' });
    return new Promise((resolve, reject) => void this.#waitingForRoom.add({ request, bytes, resolve, reject }));
  }

  /** Answers that have waited, then connections that have not been read. */
  wakeStarved(): void {
    for (const waiting of this.#waitingForRoom) {
      const { request, bytes, resolve, reject } = waiting;
      if (request.over) reject(new OperationError({ code: 'ABORTED' }));
      else if (request.connection.tryAdmit(request, bytes)) resolve();
      else continue;
      this.#waitingForRoom.delete(waiting);
    }
    for (const connection of this.starved) {
      if (this.occupiedBytes > this.limits.bytesMax) return;
      this.starved.delete(connection);
      connection.goOn();
    }
  }

  /** Tells all clients who leads, if that has changed. The server looks by itself, too, a little later. */
  announceLeader(): void {
    const { leader, term, leaderAddress: address } = this.service.status();
    if (leader !== this.#leader.leader || term !== this.#leader.term || address !== this.#leader.address) {
      this.#leader = { leader, term, address };
      const notice = encodeLeader(this.#leader);
      for (const connection of this.#connections) connection.send(ClientFrame.leader, 0, notice);
    }
    if (this.#connections.size === 0) return;
    this.#cancelPoll ??= this.clock.after(leaderPollMs, () => {
      this.#cancelPoll = undefined;
      if (this.#closed) return;
      this.announceLeader();
      this.#lookForUnfinished();
      if (this.starved.size === 0 && this.#waitingForRoom.size === 0) return;
      // Queues below their mark shrink without a word.
      for (const connection of this.#connections) connection.report();
      this.wakeStarved();
    });
  }

  /** Answers what is under way, until `timeoutMs` have passed, then closes. New requests are the service's to refuse. */
  async drain(timeoutMs: number): Promise<void> {
    const end = this.clock.now() + timeoutMs;
    while (this.requestCount > 0 && this.clock.now() < end) await new Promise<void>((resolve) => void this.clock.after(10, resolve));
    this.close();
  }

  close(): void {
    this.#closed = true;
    this.#cancelPoll?.();
    this.wheel.close();
    for (const connection of this.#connections) connection.close();
  }
}

/** A connection just handed over, from its first byte: hello, then requests. Peers' hellos are not for here. */
export function serveNative(connection: Connection, server: NativeServer, options: AcceptOptions): void {
  acceptHello(connection, options, (accepted, hello, rest) => {
    if (hello.purpose === 'client') server.serve(accepted, rest);
    else accepted.destroy();
  });
}
