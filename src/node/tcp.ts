// The Network port over TCP. All writes of one turn of the loop leave in one system call: per-message system calls
// are what costs, not bytes.

import { createServer, connect } from 'node:net';
import type { Socket } from 'node:net';
import { OperationError } from '../core/errors.ts';
import { DialError } from '../engine/ports.ts';
import type { Address, Connection, ConnectionHandlers, Listener, Network } from '../engine/ports.ts';

/** Queued bytes from which `write` answers false. */
const highMark = 1 << 20;
const largeBytes = 16 << 10;
const joinedBytesMax = 128 << 10;
const keepAliveMs = 15_000;

export class TcpConnection implements Connection {
  readonly remote: Address;
  readonly socket: Socket;
  #handlers: ConnectionHandlers | undefined;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #flushing = false;
  #full = false;
  #closing = false;
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    socket.setNoDelay(true);
    // A machine that lost its power says nothing: the system asks, so that what it held here is let go of.
    socket.setKeepAlive(true, keepAliveMs);
    socket.on('error', (error) => {
      this.#error = error;
    });
  }

  handle(handlers: ConnectionHandlers): void {
    const first = this.#handlers === undefined;
    this.#handlers = handlers;
    if (!first) return;
    this.socket.on('data', (bytes: Buffer) => {
      // What still comes in is read, so that the other end's end is seen, and is for nobody.
      if (!this.#closing) this.#handlers!.data(plain(bytes));
    });
    this.socket.on('drain', () => this.#drained());
    // Half-open serves nobody here: an end is an end.
    this.socket.on('end', () => this.destroy());
    this.socket.on('close', () => this.#over());
    if (this.socket.destroyed) setImmediate(() => this.#over());
  }

  /** Gives the bare socket up, with what was read of it put back: another server takes over. */
  detach(unread: Uint8Array): Socket {
    for (const event of ['data', 'drain', 'end', 'close', 'error']) this.socket.removeAllListeners(event);
    this.socket.pause();
    this.socket.unshift(Buffer.from(unread));
    return this.socket;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing || this.socket.destroyed) return true;
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    if (!this.#flushing) {
      this.#flushing = true;
      // After the callbacks of this turn and their promises, before the next poll.
      setImmediate(() => this.#flush());
    }
    if (this.queuedBytes > highMark) this.#full = true;
    return !this.#full;
  }

  get queuedBytes(): number {
    return this.#queued + (this.socket.destroyed ? 0 : this.socket.writableLength);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    if (this.#closing) return;
    this.#flush();
    this.#closing = true;
    this.socket.end();
    // A peer that never ends its side must not keep ours.
    const timer = setTimeout(() => this.socket.destroy(), 1000);
    timer.unref();
    this.socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#forget();
    this.socket.destroy();
  }

  #over(): void {
    this.#forget();
    this.#handlers!.closed(this.#error);
  }

  /** What had not left is nobody's any more, and holds no memory. */
  #forget(): void {
    this.#queue = [];
    this.#queued = 0;
  }

  #flush(): void {
    this.#flushing = false;
    const queue = this.#queue;
    if (queue.length === 0 || this.socket.destroyed) return;
    this.#forget();
    if (queue.length === 1) {
      this.socket.write(queue[0]!);
      return;
    }
    this.socket.cork();
    for (const part of joined(queue)) this.socket.write(part);
    this.socket.uncork();
  }

  #drained(): void {
    if (!this.#full || this.queuedBytes > highMark) return;
    this.#full = false;
    this.#handlers?.drained();
  }
}

/** A Buffer's `slice` is a view, a Uint8Array's a copy: nobody above is to be surprised. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Many small parts are cheaper copied together than handed over one by one; large ones are not. */
function joined(parts: readonly Uint8Array[]): Uint8Array[] {
  const result: Uint8Array[] = [];
  let first = 0;
  let bytes = 0;
  const join = (end: number): void => {
    if (end - first === 1) result.push(parts[first]!);
    else if (end > first) result.push(Buffer.concat(parts.slice(first, end), bytes));
    first = end;
    bytes = 0;
  };
  for (let at = 0; at < parts.length; at++) {
    const { length } = parts[at]!;
    if (length > largeBytes || bytes + length > joinedBytesMax) join(at);
    bytes += length;
    if (length > largeBytes) join(at + 1);
  }
  join(parts.length);
  return result;
}

export const nodeNetwork: Network = {
  dial({ host, port }, { timeoutMs }) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new DialError(`no answer from ${host}:${port} in ${timeoutMs} ms`, false));
      }, timeoutMs);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new TcpConnection(socket));
      });
      socket.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(new DialError(`${host}:${port}: ${error.message}`, error.code === 'ECONNREFUSED'));
      });
    });
  },

  listen(address, onConnection) {
    return new Promise<Listener>((resolve, reject) => {
      const server = createServer({ noDelay: true, pauseOnConnect: false }, (socket) => onConnection(new TcpConnection(socket)));
      server.once('error', (error: NodeJS.ErrnoException) => {
        const where = `${address.host}:${address.port}`;
        if (error.code === 'EADDRINUSE') reject(new OperationError({ code: 'PORT_IN_USE', detail: `${where} is already in use` }, { cause: error }));
        else reject(new OperationError({ code: 'INVALID_CONFIG', detail: `cannot listen on ${where}: ${error.message}` }, { cause: error }));
      });
      server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
        const bound = server.address();
        resolve({
          address: bound === null || typeof bound === 'string' ? address : { host: bound.address, port: bound.port },
          close: () => new Promise((done) => server.close(() => done())),
        });
      });
    });
  },
};
