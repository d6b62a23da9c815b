// A client's connection to one endpoint, redialed with jittered backoff while it is wanted. It carries attempts and
// says how each ended; what to do about that is the dispatcher's.

import { OperationError } from '../../core/errors.ts';
import type { Failure } from '../../core/errors.ts';
import { FrameReader, HelloReader, checkAnswer, decodeFailure, encodeFrame, encodeHello, newHello } from '../../core/wire/index.ts';
import type { Hello } from '../../core/wire/index.ts';
import { formatAddress } from '../address.ts';
import { ClientFrame, answerBytesMax, decodeLeader } from '../native/message.ts';
import type { LeaderNotice } from '../native/message.ts';
import type { Address, Connection, Ports } from '../ports.ts';
import type { Call, Carrier } from './call.ts';

const dialTimeoutMs = 1000;
const helloTimeoutMs = 2000;
/** `met`: for addresses that only other members told us. They may not be reachable from here, ever. */
const backoffMs = { first: 20, max: 500, met: 5000, refused: 2000 };

export interface ChannelHandlers {
  /** The cluster met so far; 0: none yet. */
  cluster(): number;
  opened(channel: Channel): void;
  /** `pending` were under way on it. */
  closed(channel: Channel, pending: readonly Call[]): void;
  /** It could not be opened; it will be tried again. */
  failed(channel: Channel): void;
  failure(call: Call, failure: Failure): void;
  leader(notice: LeaderNotice): void;
}

export class Channel implements Carrier {
  readonly address: Address;
  readonly name: string;
  readonly #ports: Pick<Ports, 'clock' | 'random' | 'network' | 'logger'>;
  readonly #handlers: ChannelHandlers;
  readonly #pending = new Map<number, Call>();
  #connection: Connection | undefined;
  #cancelRedial: (() => void) | undefined;
  readonly #backoffMax: number;
  #backoff = backoffMs.first;
  #stream = 0;
  #isClosed = false;
  #isDialing = false;
  /** The member at the other end, once it has said so; 0: not yet. */
  member = 0;
  cluster = 0;
  isOpen = false;
  lastHeard = 0;
  lastError: OperationError | undefined;

  /** @param isConfigured by the caller, not only heard of */
  constructor(address: Address, isConfigured: boolean, ports: Pick<Ports, 'clock' | 'random' | 'network' | 'logger'>, handlers: ChannelHandlers) {
    this.address = address;
    this.name = formatAddress(address);
    this.#backoffMax = isConfigured ? backoffMs.max : backoffMs.met;
    this.#ports = ports;
    this.#handlers = handlers;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  dial(): void {
    this.#cancelRedial?.();
    this.#cancelRedial = undefined;
    if (this.isOpen || this.#isDialing || this.#isClosed) return;
    this.#isDialing = true;
    void this.#dial();
  }

  send(call: Call, deadlineMs: number): void {
    do this.#stream = (this.#stream + 1) >>> 0;
    while (this.#stream === 0 || this.#pending.has(this.#stream));
    call.channel = this;
    call.stream = this.#stream;
    this.#pending.set(call.stream, call);
    this.#connection!.write(encodeFrame(call.type, call.stream, call.head(deadlineMs), call.payload()));
  }

  forget(call: Call): void {
    if (this.#pending.get(call.stream) !== call) return;
    this.#pending.delete(call.stream);
    if (this.isOpen) this.#connection!.write(encodeFrame(ClientFrame.cancel, call.stream, new Uint8Array(0)));
  }

  abandon(): void {
    this.#connection?.destroy();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRedial?.();
    this.#connection?.close();
  }

  async #dial(): Promise<void> {
    try {
      const connection = await this.#ports.network.dial(this.address, { timeoutMs: dialTimeoutMs });
      if (this.#isClosed) return connection.destroy();
      this.#connected(connection);
    } catch (error) {
      this.#down(new OperationError({ code: 'UNAVAILABLE', detail: error instanceof Error ? error.message : String(error) }, { cause: error }));
    }
  }

  #connected(connection: Connection): void {
    this.#connection = connection;
    const hello = new HelloReader();
    const frames = new FrameReader(answerBytesMax);
    let error: OperationError | undefined;
    const cancelDeadline = this.#ports.clock.after(helloTimeoutMs, () => {
      error = new OperationError({ code: 'UNAVAILABLE', detail: `${this.name} did not answer the hello` });
      connection.destroy();
    });
    connection.handle({
      data: (bytes) => {
        this.lastHeard = this.#ports.clock.now();
        try {
          let rest = bytes;
          if (!this.isOpen) {
            const answer = hello.push(bytes);
            if (answer === undefined) return;
            cancelDeadline();
            this.#opened(checkAnswer(answer.hello));
            ({ rest } = answer);
          }
          for (const { type, stream, body } of frames.push(rest)) this.#frame(type, stream, body);
        } catch (reason) {
          if (!(reason instanceof OperationError)) throw reason;
          error = reason;
          connection.destroy();
        }
      },
      closed: (reason) => {
        cancelDeadline();
        this.#connection = undefined;
        this.#down(error ?? new OperationError({ code: 'UNAVAILABLE', detail: `the connection to ${this.name} broke` }, { cause: reason }));
      },
      drained: () => undefined,
    });
    connection.write(encodeHello(newHello('client', this.#handlers.cluster(), 0)));
  }

  #opened(answer: Hello): void {
    this.#isDialing = false;
    this.isOpen = true;
    this.member = answer.member;
    this.lastError = undefined;
    this.#backoff = backoffMs.first;
    this.cluster = answer.cluster;
    this.#ports.logger.log('debug', 'connected', { endpoint: this.name, member: answer.member });
    this.#handlers.opened(this);
  }

  #frame(type: number, stream: number, body: Uint8Array): void {
    if (type === ClientFrame.leader) return this.#handlers.leader(decodeLeader(body));
    // Stream 0 is about the connection, which is about to end.
    if (type === ClientFrame.failure && stream === 0) throw new OperationError(decodeFailure(body));
    const call = this.#pending.get(stream);
    // Cancelled meanwhile; or a kind of news that a later version has.
    if (call === undefined) return;
    if (type === ClientFrame.answer) {
      this.#pending.delete(stream);
      call.resolve(body);
    } else if (type === ClientFrame.failure) {
      this.#pending.delete(stream);
      this.#handlers.failure(call, decodeFailure(body));
    }
  }

  #down(error: OperationError): void {
    const wasOpen = this.isOpen;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.isOpen = false;
    this.#isDialing = false;
    this.lastError = error;
    if (!this.#isClosed) {
      if (wasOpen) this.#ports.logger.log('info', 'disconnected', { endpoint: this.name, error: error.message, underWay: pending.length });
      // Everybody who lost the same member comes back to it: spread out, and at first almost at once.
      const spread = 0.5 + this.#ports.random.uint32() / 0x1_0000_0000;
      this.#cancelRedial = this.#ports.clock.after((error.retry === 'never' ? backoffMs.refused : this.#backoff) * spread, () => this.dial());
      this.#backoff = Math.min(this.#backoff * 2, this.#backoffMax);
    }
    if (wasOpen) this.#handlers.closed(this, pending);
    else this.#handlers.failed(this);
  }
}
