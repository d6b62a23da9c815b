// HTTP on the member's port: health, readiness, metrics, version. No state of its own.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export interface HealthSource {
  readonly version: string;
  /** The process works. */
  healthy(): boolean;
  /** It serves: started, not leaving, a leader is known. */
  ready(): boolean;
  metrics(): string;
}

/** A server without a socket of its own: connections are handed to it. */
export function healthServer(source: HealthSource): Server {
  const server = createServer({ maxHeaderSize: 8192, requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 5000 }, (request, response) => {
    answer(source, request, response);
  });
  server.maxRequestsPerSocket = 1000;
  return server;
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
