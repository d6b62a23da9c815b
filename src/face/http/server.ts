// HTTP/1 over connections that are handed to it. Node's server keeps its time limits, and knows its connections, only
// where it listens itself; so both is done here. One request of a connection is under way at a time, whatever it has
// pipelined; bodies and answers are bounded in bytes, each and all together; who does not send, or does not read, is
// sent away.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { OperationError } from '../../core/errors.ts';
import type { Logger } from '../../engine/ports.ts';
import { GrowingBytes } from '../growing-bytes.ts';

export interface HttpRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Uint8Array;
  /** Makes room for an answer before it is made; throws OVERLOADED where there is none. */
  readonly admit: (bytes: number) => void;
}

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string | HttpTexts;
}

/** A large body, made while it is sent: `bytes` is what is held for it until it has been taken. */
export interface HttpTexts {
  readonly bytes: number;
  texts(): Iterable<string>;
}

/** What is done at a path. */
export interface HttpHandler {
  readonly method: 'GET' | 'POST';
  answer(request: HttpRequest): HttpAnswer | Promise<HttpAnswer>;
  /** What is said here instead of an answer; undefined: what is said everywhere. */
  failure?(failure: HttpFailure): HttpAnswer | undefined;
}

export interface HttpServerOptions {
  readonly logger: Logger;
  /** What is at a path; undefined: nothing. */
  route(path: string): HttpHandler | undefined;
  /** What is said instead of an answer. */
  failure(failure: HttpFailure): HttpAnswer;
  readonly limits?: Partial<HttpLimits>;
}

export type HttpFailure = 'notFound' | 'methodNotAllowed' | 'bodyTooLarge' | 'answerTooLarge' | 'overloaded' | 'malformed' | 'internal';

export interface HttpLimits {
  /** Beyond, the oldest makes room. @default 256 */
  readonly connectionsMax: number;
  /** For the next request's line and headers; also how long a connection may idle. @default 5000 */
  readonly headersMs: number;
  /** For a whole body, from its headers. @default 10000 */
  readonly bodyMs: number;
  /** For every 256 KiB of an answer to be taken. @default 10000 */
  readonly takenMs: number;
  /** Of a request's line and headers. @default 8192 */
  readonly headerBytesMax: number;
  /** Of one body: the largest request in base64, and JSON around it. @default 4 MiB */
  readonly bodyBytesMax: number;
  /** Of one answer. @default 64 MiB */
  readonly answerBytesMax: number;
  /** Of all bodies and answers together; beyond, 503 to what is not small. @default 128 MiB */
  readonly bytesMax: number;
  /** Requests that may wait, pipelined, behind the one under way. @default 64 */
  readonly pipelinedMax: number;
}

const defaults: HttpLimits = {
  connectionsMax: 256, headersMs: 5000, bodyMs: 10_000, takenMs: 10_000, headerBytesMax: 8192,
  bodyBytesMax: 4 << 20, answerBytesMax: 64 << 20, bytesMax: 128 << 20, pipelinedMax: 64,
};
const requestsPerConnectionMax = 10_000;
const headersMax = 64;
const partBytes = 256 << 10;
const lingerMs = 1000;
const drainPollMs = 10;
/** So many parts of a body may be small. More are for nothing but to cost us time. */
const partsFree = 1000;
const partBytesMin = 64;
/** So much is answered to everybody, whatever others occupy. */
const smallBytes = 64 << 10;

/** A connection and what it has asked for. */
class HttpConnection {
  readonly socket: Socket;
  readonly waiting: [IncomingMessage, ServerResponse][] = [];
  isBusy = false;
  /** It has asked, and it is for us to answer. */
  isServed = false;
  deadline: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Sent away unless something else is expected of it before. */
  expect(ms: number): void {
    clearTimeout(this.deadline);
    if (this.socket.destroyed) return;
    this.deadline = setTimeout(() => this.socket.destroy(), ms);
    this.deadline.unref();
  }

  expectNothing(): void {
    clearTimeout(this.deadline);
  }
}

export class HttpServer {
  readonly #server: Server;
  readonly #options: HttpServerOptions;
  readonly #limits: HttpLimits;
  readonly #connections = new Map<Socket, HttpConnection>();
  #heldBytes = 0;
  #draining = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#limits = { ...defaults, ...options.limits };
    const { headersMs, bodyMs, headerBytesMax } = this.#limits;
    this.#server = createServer(
      { maxHeaderSize: headerBytesMax, headersTimeout: headersMs, requestTimeout: headersMs + bodyMs, keepAliveTimeout: headersMs },
      (request, response) => this.#arrived(request, response),
    );
    this.#server.maxHeadersCount = headersMax;
    this.#server.maxRequestsPerSocket = requestsPerConnectionMax;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Bytes of bodies and answers held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  take(socket: Socket): void {
    if (this.#connections.size >= this.#limits.connectionsMax) this.#makeRoom();
    const connection = new HttpConnection(socket);
    this.#connections.set(socket, connection);
    socket.once('close', () => {
      connection.expectNothing();
      this.#connections.delete(socket);
    });
    connection.expect(this.#limits.headersMs);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  /** Until what has been asked is answered, or `timeoutMs` have passed. Whoever asks anew is still told how things stand. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    const end = performance.now() + timeoutMs;
    // An answer given is not yet one that has left.
    const isBusy = (): boolean => [...this.#connections.values()].some((connection) => connection.isBusy || connection.socket.writableLength > 0);
    while (isBusy() && performance.now() < end) await new Promise((resolve) => void setTimeout(resolve, drainPollMs));
  }

  close(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  /** The oldest of those who keep us waiting; if there are none, the oldest. */
  #makeRoom(): void {
    let [leaving] = this.#connections.keys();
    for (const [socket, connection] of this.#connections) {
      if (connection.isServed) continue;
      leaving = socket;
      break;
    }
    this.#connections.delete(leaving!);
    leaving!.destroy();
  }

  #arrived(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    // Sent away already; its parser had more.
    if (connection === undefined || connection.socket.destroyed) return;
    if (connection.waiting.length >= this.#limits.pipelinedMax) return void connection.socket.destroy();
    // A body or an answer that breaks off is its connection's end, and nobody else's business.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    connection.waiting.push([request, response]);
    if (!connection.isBusy) void this.#serve(connection);
  }

  async #serve(connection: HttpConnection): Promise<void> {
    connection.isBusy = true;
    for (let next = connection.waiting.shift(); next !== undefined; next = connection.waiting.shift()) {
      connection.expectNothing();
      try {
        await this.#exchange(connection, ...next);
      } catch {
        // The connection is gone, or the bytes on it made no sense: there is nobody to tell.
        connection.socket.destroy();
      }
      if (connection.socket.destroyed) break;
    }
    connection.isBusy = false;
    connection.expect(this.#limits.headersMs);
  }

  async #exchange(connection: HttpConnection, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = parseUrl(request.url);
    const path = url?.pathname ?? '/';
    const isHead = request.method === 'HEAD';
    const handler = url === undefined ? undefined : this.#options.route(path);
    const refusal = (failure: HttpFailure): HttpAnswer => handler?.failure?.(failure) ?? this.#options.failure(failure);
    const refuse = (failure: HttpFailure): Promise<void> => this.#send(connection, response, refusal(failure), isHead);
    if (url === undefined) return refuse('malformed');
    if (handler === undefined) return refuse('notFound');
    if (request.method !== handler.method && !(isHead && handler.method === 'GET')) {
      response.setHeader('allow', handler.method === 'GET' ? 'GET, HEAD' : 'POST');
      return refuse('methodNotAllowed');
    }
    const body = handler.method === 'POST' ? await this.#read(connection, request) : new Uint8Array(0);
    if (typeof body === 'string') {
      // Nothing can follow on this connection; but who still sends hears why before it is closed, not a reset.
      response.setHeader('connection', 'close');
      response.shouldKeepAlive = false;
      return this.#send(connection, response, refusal(body), isHead, request);
    }
    let admitted = 0;
    const admit = (wanted: number): void => {
      if (connection.socket.destroyed) throw new OperationError({ code: 'ABORTED' });
      if (wanted > smallBytes && this.#heldBytes + wanted > this.#limits.bytesMax) throw new OperationError({ code: 'OVERLOADED' });
      this.#heldBytes += wanted;
      admitted += wanted;
    };
    try {
      connection.isServed = true;
      const answer = await this.#answer(handler, { path, query: url.searchParams, headers: request.headers, body, admit });
      connection.isServed = false;
      this.#heldBytes -= admitted;
      admitted = 0;
      if (typeof answer === 'string') return await refuse(answer);
      const bytes = typeof answer.body === 'string' ? answer.body.length : answer.body.bytes;
      if (bytes > this.#limits.answerBytesMax) return await refuse('answerTooLarge');
      if (bytes > smallBytes && this.#heldBytes + bytes > this.#limits.bytesMax) return await refuse('overloaded');
      await this.#send(connection, response, answer, isHead);
    } finally {
      this.#heldBytes -= body.length + admitted;
    }
  }

  async #answer(handler: HttpHandler, request: HttpRequest): Promise<HttpAnswer | HttpFailure> {
    try {
      return await handler.answer(request);
    } catch (error) {
      if (error instanceof OperationError && error.code === 'OVERLOADED') return 'overloaded';
      this.#options.logger.log('error', 'an HTTP request failed for a reason of our own', { path: request.path, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      return 'internal';
    }
  }

  /** The whole body, counted as held; or why it is not read. Rejects when it breaks off. */
  #read(connection: HttpConnection, request: IncomingMessage): Promise<Uint8Array | HttpFailure> {
    const { bodyBytesMax, bytesMax, bodyMs } = this.#limits;
    if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) return Promise.resolve('bodyTooLarge');
    connection.expect(bodyMs);
    return new Promise((resolve, reject) => {
      const whole = new GrowingBytes();
      const announced = Number(request.headers['content-length'] ?? 0);
      let bytes = 0;
      let parts = 0;
      const over = (): void => {
        request.off('data', data).off('end', ended).off('close', brokeOff);
        connection.expectNothing();
      };
      const refuse = (failure: HttpFailure): void => {
        over();
        this.#heldBytes -= bytes;
        resolve(failure);
      };
      const data = (part: Buffer): void => {
        bytes += part.length;
        this.#heldBytes += part.length;
        if (bytes > bodyBytesMax) return refuse('bodyTooLarge');
        if (bytes > smallBytes && this.#heldBytes > bytesMax) return refuse('overloaded');
        // Reading on, even to say no, is what this is for.
        if (++parts > partsFree && bytes < parts * partBytesMin) return void request.socket.destroy();
        whole.add(part, announced);
      };
      const ended = (): void => {
        over();
        resolve(whole.bytes);
      };
      const brokeOff = (): void => {
        over();
        this.#heldBytes -= bytes;
        reject(new Error('the body broke off'));
      };
      request.on('data', data).on('end', ended).on('close', brokeOff);
    });
  }

  /** Resolves when it has been taken, or nobody is there to take it. */
  async #send(connection: HttpConnection, response: ServerResponse, { status, type, body }: HttpAnswer, isHead: boolean, unread?: IncomingMessage): Promise<void> {
    const whole = typeof body === 'string' ? Buffer.from(body) : undefined;
    const heldBytes = whole === undefined ? (body as HttpTexts).bytes : whole.length;
    this.#heldBytes += heldBytes;
    try {
      // Its connection ends with the member: nothing is to be sent on it that would be lost.
      if (this.#draining) response.shouldKeepAlive = false;
      response.writeHead(status, { 'content-type': type, ...(whole === undefined ? {} : { 'content-length': whole.length }) });
      if (isHead) return void response.end();
      for (const part of whole === undefined ? joined((body as HttpTexts).texts()) : cut(whole)) {
        if (response.destroyed) break;
        if (response.write(part)) continue;
        connection.expect(this.#limits.takenMs);
        await drained(response);
        connection.expectNothing();
      }
      if (unread !== undefined) await discarded(unread);
      response.end();
    } finally {
      this.#heldBytes -= heldBytes;
    }
  }
}

function* cut(bytes: Buffer): Generator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}

function* joined(texts: Iterable<string>): Generator<Buffer, void, void> {
  let text = '';
  for (const each of texts) {
    text += each;
    if (text.length < partBytes) continue;
    yield* cut(Buffer.from(text));
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      response.off('drain', over).off('close', over);
      resolve();
    };
    response.once('drain', over).once('close', over);
  });
}

/** What still comes of a body goes nowhere, for a moment. */
function discarded(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, lingerMs);
    timer.unref();
    const over = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.once('end', over).once('close', over);
    request.resume();
  });
}

/** A target may be anything a parser of HTTP lets through: not every one is a URL. */
function parseUrl(target: string | undefined): URL | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined;
  try {
    // Not as a base's relative reference: `//host/path` would be another host's.
    return new URL(`http://member${target}`);
  } catch {
    return undefined;
  }
}
