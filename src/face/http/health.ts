// HTTP on the member's port: health, readiness, metrics, version.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface HealthSource {
  readonly version: string;
  /** The process works. */
  healthy(): boolean;
  /** It serves: started, not leaving, a leader is known. */
  ready(): boolean;
  metrics(): string;
}

const requestMs = 5000;
const connectionsMax = 256;

/**
 * HTTP over connections that are handed to it. Node's server enforces its time limits, and knows its connections, only
 * where it listens itself; so both is done here: who has not sent a whole request in time is sent away, and when
 * there are too many, the oldest.
 */
export class HealthServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #deadlines = new WeakMap<Socket, NodeJS.Timeout>();

  constructor(source: HealthSource) {
    this.#server = createServer({ maxHeaderSize: 8192, keepAliveTimeout: requestMs }, (request, response) => {
      const { socket } = request;
      this.#expect(socket, false);
      response.once('finish', () => this.#expect(socket, true));
      answer(source, request, response);
    });
    this.#server.maxRequestsPerSocket = 1000;
  }

  take(socket: Socket): void {
    if (this.#sockets.size >= connectionsMax) {
      const [oldest] = this.#sockets;
      this.#sockets.delete(oldest!);
      oldest!.destroy();
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#expect(socket, false);
      this.#sockets.delete(socket);
    });
    this.#expect(socket, true);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Whether a request is to come, within its time. */
  #expect(socket: Socket, wanted: boolean): void {
    clearTimeout(this.#deadlines.get(socket));
    if (!wanted || socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), requestMs);
    timer.unref();
    this.#deadlines.set(socket, timer);
  }
}

function answer(source: HealthSource, request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? '/', 'http://member').pathname;
  const head = request.method === 'HEAD';
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(head ? undefined : body);
  };
  if (request.method !== 'GET' && !head) {
    response.setHeader('allow', 'GET, HEAD');
    return send(405, 'application/json', '{"error":"METHOD_NOT_ALLOWED"}\n');
  }
  switch (path) {
    case '/healthz':
      return source.healthy() ? send(200, 'text/plain', 'ok\n') : send(503, 'text/plain', 'failed\n');
    case '/readyz':
      return source.ready() ? send(200, 'text/plain', 'ready\n') : send(503, 'text/plain', 'not ready\n');
    case '/metrics':
      return send(200, 'text/plain; version=0.0.4', source.metrics());
    case '/version':
      return send(200, 'application/json', `${JSON.stringify({ thole: source.version })}\n`);
    default:
      return send(404, 'application/json', '{"error":"NOT_FOUND"}\n');
  }
}
