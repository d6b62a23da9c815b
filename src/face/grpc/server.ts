// gRPC over HTTP/2: the framing of node:http2, and of gRPC what a member needs. Every call is one stream: headers,
// one message, one answer, trailers. What the streams of all clients hold together is bounded, and so is what one
// connection may hold: who does not read its answers costs only itself.

import { constants, createServer } from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock, Logger } from '../../engine/ports.ts';
import { messageType } from './codec.ts';
import { MessageReader, encodeMessage, parseTimeout } from './frames.ts';
import { greet } from './greeting.ts';
import { MendedSocket } from './mended-socket.ts';
import { methods, offeredServices } from './methods.ts';
import type { Edge, Method } from './methods.ts';
import { reflect } from './reflection.ts';
import { GrpcError, grpcCodes, statusOfError } from './status.ts';
import type { GrpcStatus } from './status.ts';

export interface GrpcServerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Connections beyond are closed. @default 4096 */
  readonly connectionsMax?: number;
  /** Calls of one connection under way at once, as HTTP/2 tells the client. @default 1024 */
  readonly streamsMax?: number;
  /** Bytes of requests under way and answers not yet taken, of all connections: beyond, "too many requests". @default 128 MiB */
  readonly bytesMax?: number;
  /** As the one before, of one connection. @default 32 MiB */
  readonly connectionBytesMax?: number;
  /** A request that is not whole, or an answer that is not taken, after so long ends its stream; also one that has no end. @default 30000 */
  readonly stuckMs?: number;
  /** For a client's settings to come. @default 5000 */
  readonly greetingMs?: number;
  /** Who has been quiet for so long is sent a ping. @default 5000 */
  readonly quietMs?: number;
  /** And has so long to answer it. @default 10000 */
  readonly pongMs?: number;
}

/** What a call waits for when its client does not say: etcd's own patience. */
const patienceMs = 7000;
const healthPollMs = 250;
const sweepMs = 1000;
/** A call's own weight, beside its message. */
const callBytes = 1024;
/** A request of a call without an end names a service or a symbol. It weighs so much from the start: nothing of it is counted later. */
const endlessRequestBytesMax = 4096;
/** What a connection may hold though all together hold too much. */
const reserveBytes = 64 << 10;
/** Messages come in frames of many kilobytes. So many small ones are for nothing but to cost us time. */
const partsFree = 1000;
const partBytesMin = 64;

interface Connection {
  readonly session: ServerHttp2Session;
  heldBytes: number;
}

/** A socket handed over, and what has become of it. */
interface Handed {
  connection: Connection | undefined;
  /** Its client's settings have come: it speaks HTTP/2. */
  isGreeted: boolean;
  /** When bytes came last, and how many had come by then. */
  heardAt: number;
  heardBytes: number;
  /** It was quiet, and was asked then whether it is still there. */
  askedAt: number | undefined;
}

export class GrpcServer {
  readonly #edge: Edge;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: Required<Omit<GrpcServerOptions, 'clock' | 'logger'>>;
  readonly #server: Http2Server;
  readonly #connections = new Set<Connection>();
  readonly #bySession = new WeakMap<object, Connection>();
  readonly #handed = new Map<Socket, Handed>();
  #taking: Handed | undefined;
  readonly #calls = new Set<GrpcCall>();
  #cancelSweep: (() => void) | undefined;
  readonly #watches = new Set<() => void>();
  #cancelLook: (() => void) | undefined;
  #closing = false;
  heldBytes = 0;

  constructor(edge: Edge, options: GrpcServerOptions) {
    this.#edge = edge;
    this.#clock = options.clock;
    this.#logger = options.logger;
    const { connectionsMax = 4096, streamsMax = 1024, bytesMax = 128 << 20, connectionBytesMax = 32 << 20, stuckMs = 30_000, greetingMs = 5000, quietMs = 5000, pongMs = 10_000 } = options;
    this.#limits = { connectionsMax, streamsMax, bytesMax, connectionBytesMax, stuckMs, greetingMs, quietMs, pongMs };
    // Floods of settings, pings and resets are nghttp2's to end, at the limits it ships with.
    this.#server = createServer({
      settings: { maxConcurrentStreams: streamsMax, maxHeaderListSize: 16 << 10, initialWindowSize: 1 << 20, enablePush: false },
      maxSessionMemory: 64,
      maxHeaderListPairs: 64,
    });
    this.#server.on('session', (session) => this.#welcome(session));
    this.#server.on('sessionError', () => undefined);
    this.#server.on('stream', (stream, headers) => this.#serve(stream, headers));
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get callCount(): number {
    return this.#calls.size;
  }

  /** A connection that began with HTTP/2's preface, which is still to be read of it. */
  take(socket: Socket): void {
    if (this.#closing || socket.destroyed || (this.#handed.size >= this.#limits.connectionsMax && !this.#makeRoom())) {
      socket.destroy();
      return;
    }
    // A session that its client breaks says GOAWAY and waits for the client to close, without reading: it never learns
    // that it has. Nor does it mind a client that never goes on. Both are looked for.
    const handed: Handed = { connection: undefined, isGreeted: false, heardAt: this.#clock.now(), heardBytes: 0, askedAt: undefined };
    this.#handed.set(socket, handed);
    socket.once('close', () => this.#handed.delete(socket));
    this.#sweepSoon();
    const broken = (): void => void socket.destroy();
    socket.on('error', broken);
    greet(socket, this.#clock, (isMended) => {
      socket.removeListener('error', broken);
      if (this.#closing) return broken();
      this.#taking = handed;
      this.#server.emit('connection', isMended ? new MendedSocket(socket) : socket);
      this.#taking = undefined;
      // Its 'end' may have been read by whoever had the socket before.
      socket.once('end', broken);
    });
  }

  /** No new calls (GOAWAY); answers what is under way, until `timeoutMs` have passed. */
  async drain(timeoutMs: number): Promise<void> {
    this.#closing = true;
    for (const { session } of this.#connections) session.close();
    const end = this.#clock.now() + timeoutMs;
    while ([...this.#calls].some((call) => !call.isEndless) && this.#clock.now() < end) await new Promise<void>((resolve) => void this.#clock.after(10, resolve));
    this.close();
  }

  close(): void {
    this.#closing = true;
    this.#cancelSweep?.();
    this.#cancelLook?.();
    for (const { session } of this.#connections) session.destroy();
    for (const socket of this.#handed.keys()) socket.destroy();
  }

  #welcome(session: ServerHttp2Session): void {
    const connection: Connection = { session, heldBytes: 0 };
    this.#connections.add(connection);
    this.#bySession.set(session, connection);
    // Its own word for its socket is a stand-in; but it begins within `take`.
    const handed = this.#taking;
    if (handed !== undefined) {
      handed.connection = connection;
      session.once('remoteSettings', () => void (handed.isGreeted = true));
    }
    session.on('error', (error) => this.#logger.log('debug', 'a gRPC connection failed', { error: error.message }));
    session.once('close', () => this.#connections.delete(connection));
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // What breaks a stream closes it as well.
    stream.on('error', () => undefined);
    const connection = stream.session === undefined ? undefined : this.#bySession.get(stream.session);
    if (connection === undefined) {
      stream.destroy();
      return;
    }
    const type = headers['content-type'];
    if (headers[':method'] !== 'POST' || type === undefined || !/^application\/grpc($|[+;])/.test(type)) {
      stream.respond({ ':status': headers[':method'] === 'POST' ? 415 : 405 }, { endStream: true });
      stream.close(constants.NGHTTP2_NO_ERROR);
      return;
    }
    const call = new GrpcCall(this, connection, stream, this.#clock.now());
    this.#calls.add(call);
    this.#sweepSoon();
    stream.once('close', () => {
      this.#calls.delete(call);
      call.release();
    });
    try {
      if (this.#closing) throw new GrpcError('Unavailable', 'etcdserver: server stopped');
      const encoding = headers['grpc-encoding'];
      if (encoding !== undefined && encoding !== 'identity') throw new GrpcError('Unimplemented', `grpc: Decompressor is not installed for grpc-encoding "${String(encoding)}"`);
      const timeout = headers['grpc-timeout'];
      call.deadline(parseTimeout(timeout === undefined ? undefined : String(timeout)));
      this.#route(call, String(headers[':path']));
    } catch (error) {
      call.refuse(error);
    }
  }

  #route(call: GrpcCall, path: string): void {
    const method = methods.get(path);
    if (method !== undefined) return call.unary(method, this.#edge);
    const [, service = '', name = ''] = path.split('/');
    if (/^grpc\.reflection\.v1(alpha)?\.ServerReflection$/.test(service) && name === 'ServerReflectionInfo') return call.reflection(service);
    if (service === 'grpc.health.v1.Health' && name === 'Watch') return call.watchHealth(this.#edge);
    // Whoever knows etcd asks for it by these names: it is the version here that lacks it, not the name that is wrong.
    if (/^(etcdserverpb|v3lockpb|v3electionpb)\./.test(service)) throw new GrpcError('Unimplemented', `thole: ${service}/${name} is not offered yet`);
    throw new GrpcError('Unimplemented', `unknown service ${service}`);
  }

  /** @internal */
  get clock(): Clock {
    return this.#clock;
  }

  /** @internal What it holds besides counts from here on; refused when that is too much. */
  hold(connection: Connection, bytes: number): void {
    const { bytesMax, connectionBytesMax } = this.#limits;
    const wanted = connection.heldBytes + bytes;
    // Who holds little is served, whatever others hold; and who holds nothing else may have one answer of any size.
    const isTooMuch = wanted > reserveBytes && (this.heldBytes + bytes > bytesMax || (wanted > connectionBytesMax && connection.heldBytes > reserveBytes));
    if (isTooMuch) throw new GrpcError('ResourceExhausted', 'etcdserver: too many requests');
    this.held(connection, bytes);
  }

  /** @internal */
  held(connection: Connection, bytes: number): void {
    this.heldBytes += bytes;
    connection.heldBytes += bytes;
  }

  /** @internal Looks now, and again and again until it is told not to: one clock for all, however many watch. */
  watch(look: () => void): () => void {
    this.#watches.add(look);
    this.#lookSoon();
    look();
    return () => void this.#watches.delete(look);
  }

  #lookSoon(): void {
    this.#cancelLook ??= this.#clock.after(healthPollMs, () => {
      this.#cancelLook = undefined;
      for (const look of this.#watches) look();
      if (this.#watches.size > 0) this.#lookSoon();
    });
  }

  /** @internal */
  unforeseen(error: unknown): void {
    this.#logger.log('error', 'a gRPC call failed unforeseen', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }

  /** Whether a socket's client is still there. */
  #look(socket: Socket, handed: Handed, now: number): void {
    const { greetingMs, quietMs, pongMs } = this.#limits;
    const session = handed.connection?.session;
    if (session === undefined || session.destroyed) {
      if (now - handed.heardAt > greetingMs || session !== undefined) socket.destroy();
    } else if (socket.bytesRead !== handed.heardBytes) {
      handed.heardBytes = socket.bytesRead;
      handed.heardAt = now;
      handed.askedAt = undefined;
    } else if (handed.askedAt !== undefined) {
      if (now - handed.askedAt > pongMs) socket.destroy();
    } else if (now - handed.heardAt > quietMs) {
      handed.askedAt = now;
      if (!handed.isGreeted || !session.ping(() => undefined)) socket.destroy();
    }
  }

  /** Sends away whoever has been quiet for longest and waits for nothing; false: everybody waits for something. */
  #makeRoom(): boolean {
    let quietest: [Socket, Handed] | undefined;
    for (const each of this.#handed) {
      if ((each[1].connection?.heldBytes ?? 0) === 0 && (quietest === undefined || each[1].heardAt < quietest[1].heardAt)) quietest = each;
    }
    if (quietest === undefined) return false;
    // Not when it is closed: who comes in the same turn would send away the same one again, and find room that is not there.
    this.#handed.delete(quietest[0]);
    quietest[0].destroy();
    return true;
  }

  #sweepSoon(): void {
    this.#cancelSweep ??= this.#clock.after(Math.min(sweepMs, this.#limits.quietMs / 2), () => {
      this.#cancelSweep = undefined;
      const now = this.#clock.now();
      for (const call of this.#calls) call.sweep(now, this.#limits.stuckMs);
      for (const [socket, handed] of this.#handed) this.#look(socket, handed, now);
      if ((this.#calls.size > 0 || this.#handed.size > 0) && !this.#closing) this.#sweepSoon();
    });
  }
}

class GrpcCall {
  readonly #server: GrpcServer;
  readonly #connection: Connection;
  readonly #stream: ServerHttp2Stream;
  readonly #reader = new MessageReader();
  #movedAt: number;
  /** In the clock's time; undefined: the client waits for ever. */
  #deadline: number | undefined;
  #heldBytes = 0;
  #abort: AbortController | undefined;
  #parts = 0;
  /** Of the answer, before it is one. */
  #admittedBytes = 0;
  #state: 'receiving' | 'working' | 'answered' = 'receiving';
  #isReleased = false;
  /** Said on a call without an end, and not taken yet. */
  #untaken = 0;
  #takenAt = 0;
  #unwatch: (() => void) | undefined;
  isEndless = false;

  constructor(server: GrpcServer, connection: Connection, stream: ServerHttp2Stream, now: number) {
    this.#server = server;
    this.#connection = connection;
    this.#stream = stream;
    this.#movedAt = now;
  }

  deadline(timeoutMs: number | undefined): void {
    if (timeoutMs !== undefined) this.#deadline = this.#movedAt + timeoutMs;
    this.#hold(callBytes);
  }

  release(): void {
    this.#server.held(this.#connection, -this.#heldBytes);
    this.#heldBytes = 0;
    this.#isReleased = true;
    this.#state = 'answered';
    this.#unwatch?.();
    this.#abort?.abort();
  }

  /** One message, one answer. */
  unary(method: Method, edge: Edge): void {
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => this.#guarded(() => {
      if (this.#state !== 'receiving') return;
      this.#hold(chunk.length);
      this.#reader.add(chunk);
      if (++this.#parts > partsFree && this.#reader.heldBytes < this.#parts * partBytesMin) throw new GrpcError('ResourceExhausted', 'grpc: a message came in too many small frames');
    }));
    stream.on('end', () => this.#guarded(() => {
      if (this.#state !== 'receiving') return;
      const bytes = this.#reader.next();
      if (bytes === undefined || this.#reader.heldBytes > 0) throw new GrpcError('Internal', 'grpc: one whole message was expected');
      const request = method.input.decode(bytes);
      this.#state = 'working';
      const leftMs = this.#deadline === undefined ? patienceMs : this.#deadline - this.#server.clock.now();
      if (leftMs <= 0) throw new GrpcError('DeadlineExceeded', 'context deadline exceeded');
      const signal = (): AbortSignal => (this.#abort ??= new AbortController()).signal;
      method.handle(edge, request, { deadlineMs: Math.min(leftMs, patienceMs), signal, admit: (size) => this.#admit(size) }).then(
        (answer) => this.#guarded(() => this.#answer(method.output.encodeFrame(answer))),
        (error: unknown) => this.refuse(error),
      );
    }));
  }

  /** Answers each request as it comes. */
  reflection(service: string): void {
    const name = (side: string): string => `.${service}${side}`;
    const [input, output] = [messageType(name('Request')), messageType(name('Response'))];
    this.#endless();
    this.#begin();
    this.#stream.on('data', (chunk: Buffer) => this.#guarded(() => {
      if (this.#state === 'answered') return;
      // The time for a request runs from its first byte.
      if (this.#reader.heldBytes === 0) this.#movedAt = this.#server.clock.now();
      this.#reader.add(chunk);
      for (let bytes = this.#reader.next(); bytes !== undefined; bytes = this.#reader.next()) {
        this.#movedAt = this.#server.clock.now();
        this.#say(output.encodeFrame({ ...reflect(input.decode(bytes)) }));
      }
    }));
    this.#stream.on('end', () => this.#finish({ code: 'OK', message: '' }));
  }

  /** Says how the service is, and again whenever that changes. */
  watchHealth(edge: Edge): void {
    const { output, input } = methods.get('/grpc.health.v1.Health/Check')!;
    this.#endless();
    this.#stream.on('data', (chunk: Buffer) => this.#guarded(() => {
      if (this.#state !== 'receiving') return;
      this.#reader.add(chunk);
      const bytes = this.#reader.next();
      if (bytes === undefined) return;
      if (this.#reader.heldBytes > 0) throw new GrpcError('Internal', 'grpc: one whole message was expected');
      const { service = '' } = input.decode(bytes) as { service?: string };
      const isKnown = service === '' || offeredServices.includes(service);
      this.#begin();
      let said: number | undefined;
      this.#unwatch = this.#server.watch(() => this.#guarded(() => {
        if (this.#state === 'answered') return;
        // 3: SERVICE_UNKNOWN; the stream goes on, as the service's definition asks.
        const status = isKnown ? (edge.service.ready ? 1 : 2) : 3;
        // Who has not taken the last one is told the newest when it has.
        if (status === said || this.#untaken > 0) return;
        said = status;
        this.#say(output.encodeFrame({ status }));
      }));
    }));
  }

  #endless(): void {
    this.isEndless = true;
    this.#reader.messageBytesMax = endlessRequestBytesMax;
    this.#hold(endlessRequestBytesMax);
  }

  /** One answer of many: it is held until it is taken. */
  #say(frame: Uint8Array): void {
    if (this.#isGone) return;
    this.#hold(frame.length);
    if (this.#untaken++ === 0) this.#takenAt = this.#server.clock.now();
    this.#stream.write(frame, () => {
      // With the call everything is let go of.
      if (this.#isReleased) return;
      this.#untaken--;
      this.#takenAt = this.#server.clock.now();
      this.#heldBytes -= frame.length;
      this.#server.held(this.#connection, -frame.length);
    });
  }

  refuse(error: unknown): void {
    try {
      this.#refuse(error);
    } catch (unforeseen) {
      // There is no stream any more that this could be said on.
      this.#server.unforeseen(unforeseen);
      this.#stream.destroy();
    }
  }

  #refuse(error: unknown): void {
    const foreseen = statusOfError(error);
    if (foreseen === undefined) this.#server.unforeseen(error);
    const status = foreseen ?? { code: 'Internal' as const, message: 'etcdserver: an internal error' };
    // The client's own deadline has another name than our patience.
    const isLate = this.#deadline !== undefined && this.#server.clock.now() >= this.#deadline - 1 && status.message === 'etcdserver: request timed out';
    this.#finish(isLate ? { code: 'DeadlineExceeded', message: 'context deadline exceeded' } : status);
  }

  /** Ends what has stood still, or is past its client's deadline. */
  sweep(now: number, stuckMs: number): void {
    const isReceiving = this.#state === 'receiving' || (this.isEndless && this.#reader.heldBytes > 0);
    if (this.#state === 'answered') {
      // Its client does not read: nothing more can be said to it.
      if (now - this.#movedAt > stuckMs) this.#stream.close(constants.NGHTTP2_CANCEL);
    } else if (this.#deadline !== undefined && now > this.#deadline) this.refuse(new GrpcError('DeadlineExceeded', 'context deadline exceeded'));
    else if (isReceiving && now - this.#movedAt > stuckMs) this.refuse(new GrpcError('DeadlineExceeded', 'the request did not come whole in time'));
    else if (this.#untaken > 0 && now - this.#takenAt > stuckMs) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.refuse(error);
    }
  }

  #hold(bytes: number): void {
    this.#server.hold(this.#connection, bytes);
    this.#heldBytes += bytes;
  }

  /** A stream that its client has reset is closed some time before it is destroyed; nothing can be said on either. */
  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  #admit(bytes: number): void {
    if (this.#state === 'answered') throw new GrpcError('Canceled', 'context canceled');
    this.#hold(bytes);
    this.#admittedBytes += bytes;
  }

  #begin(): void {
    this.#state = 'working';
    if (!this.#isGone) this.#stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  }

  #answer(frame: Uint8Array): void {
    if (this.#state === 'answered' || this.#isGone) return;
    // What an admitted one was made of is let go of; it is about as large.
    if (this.#admittedBytes === 0) this.#hold(frame.length);
    this.#begin();
    this.#finish({ code: 'OK', message: '' }, frame);
  }

  #finish(status: GrpcStatus, last?: Uint8Array): void {
    if (this.#state === 'answered') return;
    this.#state = 'answered';
    this.#movedAt = this.#server.clock.now();
    const stream = this.#stream;
    if (this.#isGone) return;
    const trailers = status.code === 'OK' ? okTrailers : { 'grpc-status': String(grpcCodes[status.code]), 'grpc-message': encodeMessage(status.message) };
    if (stream.headersSent) {
      stream.once('wantTrailers', () => void (this.#isGone || stream.sendTrailers(trailers)));
      if (last === undefined) stream.end();
      else stream.end(last);
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': 'identity', ...trailers }, { endStream: true });
    // Whatever of the request is still to come is not read.
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

const okTrailers = { 'grpc-status': '0' };
