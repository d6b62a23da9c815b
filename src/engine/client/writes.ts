// A client's writes: a session opened with the first of them and kept alive, a window of sequences under way, and a
// bounded queue behind it.

import { OperationError } from '../../core/errors.ts';
import { toId } from '../../core/ids.ts';
import { decodeReply, encodeCommand } from '../../core/kv/index.ts';
import type { Command, WriteRequest } from '../../core/kv/index.ts';
import { ClientFrame, encodeProposeHead } from '../native/message.ts';
import type { Ports } from '../ports.ts';
import { SimpleCall } from './call.ts';
import type { Dispatcher } from './dispatcher.ts';
import { Session } from './session.ts';
import { WriteCall } from './write-call.ts';
import type { WriteOptions, WriteOwner, WriteResult } from './write-call.ts';

export interface WritesOptions {
  /** A session not heard of for so long is forgotten by the cluster. */
  readonly sessionTtlMs: number;
  readonly openTimeoutMs: number;
  /** Bytes that may wait behind the window. */
  readonly queueBytesMax: number;
}

const closeTimeoutMs = 500;

export class Writes implements WriteOwner {
  readonly #ports: Pick<Ports, 'clock' | 'random'>;
  readonly #dispatcher: Dispatcher;
  readonly #options: WritesOptions;
  #session: Session | undefined;
  #isOpening = false;
  /** Waiting for a session or for room in its window; those over meanwhile are skipped when their turn comes. */
  #queue: WriteCall[] = [];
  #queueAt = 0;
  #queuedBytes = 0;
  #dead = 0;
  #lastUse = 0;
  #cancelTouch: (() => void) | undefined;
  #closed = false;

  constructor(ports: Pick<Ports, 'clock' | 'random'>, dispatcher: Dispatcher, options: WritesOptions) {
    this.#ports = ports;
    this.#dispatcher = dispatcher;
    this.#options = options;
  }

  get sessionId(): number {
    return this.#session?.id ?? 0;
  }

  /** `decode` makes of the result what the caller gets: a promise chained for this would cost more than the rest. */
  write<T>(request: WriteRequest, options: WriteOptions, decode: (result: WriteResult) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const write = new WriteCall(request, options, this, (result) => settle(result, decode, resolve, reject), reject);
      if (this.#closed) return write.reject(new OperationError({ code: 'CLOSED' }));
      const session = this.#session;
      if (session !== undefined && !session.isFull && this.#queueAt === this.#queue.length) {
        this.#number(write, session);
        return this.#dispatcher.submit(write);
      }
      if (this.#queuedBytes + write.weight > this.#options.queueBytesMax) return write.reject(new OperationError({ code: 'OVERLOADED', detail: 'too many writes are waiting in this client' }));
      if (!write.watch()) return;
      this.#dispatcher.adopt(write);
      this.#enqueue(write);
    });
  }

  relaunch(write: WriteCall): void {
    write.session?.done(write.sequence);
    write.session = undefined;
    write.channel = undefined;
    this.#dispatcher.park(write);
    this.#enqueue(write);
  }

  sessionGone(session: Session): void {
    if (this.#session === session) this.#session = undefined;
  }

  done(write: WriteCall): void {
    if (write.session === undefined) return this.#forgetQueued(write);
    write.session.done(write.sequence);
    write.session = undefined;
    this.#lastUse = this.#ports.clock.now();
    if (this.#queueAt < this.#queue.length) this.#drain();
  }

  /** Lets the cluster forget the session, if it can be told at once. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTouch?.();
    if (this.#session === undefined || this.#dispatcher.openCount === 0) return;
    await this.#command({ type: 'closeSession', id: this.#session.id }, closeTimeoutMs).catch(() => undefined);
  }

  #number(write: WriteCall, session: Session): void {
    write.session = session;
    write.sequence = session.take();
  }

  #enqueue(write: WriteCall): void {
    write.isQueued = true;
    this.#queue.push(write);
    this.#queuedBytes += write.weight;
    this.#drain();
  }

  #forgetQueued(write: WriteCall): void {
    if (!write.isQueued) return;
    write.isQueued = false;
    this.#queuedBytes -= write.weight;
    // While no session can be had nothing leaves the queue at its front: what is dead in it must not pile up.
    if (++this.#dead > 1024 && this.#dead * 2 > this.#queue.length - this.#queueAt) this.#compact();
  }

  #drain(): void {
    const session = this.#session;
    if (session === undefined) return this.#openSession();
    while (this.#queueAt < this.#queue.length && !session.isFull) {
      const write = this.#queue[this.#queueAt++]!;
      if (!write.isQueued) continue;
      write.isQueued = false;
      this.#queuedBytes -= write.weight;
      this.#number(write, session);
      this.#dispatcher.route(write);
      if (this.#session !== session) break;
    }
    if (this.#queueAt > 1024 || this.#queueAt === this.#queue.length) {
      this.#queue = this.#queue.slice(this.#queueAt);
      this.#queueAt = 0;
    }
  }

  #openSession(): void {
    if (this.#isOpening || this.#closed) return;
    this.#isOpening = true;
    const { random } = this.#ports;
    const id = toId(random.uint32(), random.uint32());
    const { sessionTtlMs, openTimeoutMs } = this.#options;
    void this.#command({ type: 'openSession', id, ttlMs: sessionTtlMs }, openTimeoutMs).then(
      () => this.#opened(new Session(id)),
      (error: unknown) => this.#openingFailed(error instanceof OperationError ? error : new OperationError({ code: 'INTERNAL', detail: String(error) })),
    );
  }

  #opened(session: Session): void {
    this.#isOpening = false;
    this.#session = session;
    this.#lastUse = this.#ports.clock.now();
    this.#touchLater();
    this.#drain();
  }

  /** What would only fail again is told to all who wait; otherwise those whose time is not up wait for another try. */
  #openingFailed(error: OperationError): void {
    this.#isOpening = false;
    const now = this.#ports.clock.now();
    for (const write of this.#queue.slice(this.#queueAt)) {
      if (error.retry === 'never' || error.code === 'OVERLOADED' || write.end <= now) write.reject(error);
    }
    this.#compact();
    if (this.#queue.length > 0) this.#openSession();
  }

  #compact(): void {
    this.#queue = this.#queue.slice(this.#queueAt).filter(({ isQueued }) => isQueued);
    this.#queueAt = 0;
    this.#dead = 0;
  }

  /** One timer for the life of the session; a session in use needs no touching. */
  #touchLater(): void {
    this.#cancelTouch?.();
    const interval = this.#options.sessionTtlMs / 3;
    this.#cancelTouch = this.#ports.clock.after(interval, () => {
      const session = this.#session;
      if (session === undefined || this.#closed) return;
      this.#touchLater();
      if (this.#ports.clock.now() - this.#lastUse < interval) return;
      // A touch that fails is followed by another in time; if none gets through, the next write hears of it.
      this.#command({ type: 'touchSession', ids: [session.id] }, interval).catch(() => undefined);
    });
  }

  /** Commands about sessions may be repeated freely: doing them twice is doing them once. */
  #command(command: Command, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const payload = encodeCommand(command);
      const call = new SimpleCall<void>(
        ClientFrame.propose,
        { weight: payload.length, end: this.#ports.clock.now() + timeoutMs, route: 'leader', repeat: 'freely' },
        { head: encodeProposeHead, payload, decode: decodeAck },
        resolve,
        reject,
      );
      this.#dispatcher.submit(call);
    });
  }
}

function decodeAck(answer: Uint8Array): void {
  const reply = decodeReply(answer);
  if ('failure' in reply) throw new OperationError(reply.failure);
}

function settle<T>(result: WriteResult, decode: (result: WriteResult) => T, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(decode(result));
  } catch (error) {
    reject(error);
  }
}
