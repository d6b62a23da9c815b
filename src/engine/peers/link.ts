// A connection this member dials to another and keeps: hello, then frames; when it breaks, or nobody answers on it any
// more (pulse.ts), it is dialed again, with jitter, until closed. What is sent while it is down is dropped: Raft expects loss, and asks again.

import { FrameReader, HelloFeature, HelloReader, checkAnswer, encodeFrame, encodeHello } from '../../core/wire/index.ts';
import type { Hello } from '../../core/wire/index.ts';
import { DialError } from '../ports.ts';
import type { Address, Connection, Ports } from '../ports.ts';
import { PeerFrame, peerFrameBytesMax } from './frames.ts';
import { Pulse } from './pulse.ts';

const dialTimeoutMs = 1000;
const backoffMs = { first: 20, max: 1000 };
/** Bytes queued on a connection beyond which it takes no more: the other side does not read. */
export const queuedBytesMax: number = 64 << 20;

export interface LinkHandlers {
  /** Hello was answered. Runs before anything queued by others. */
  opened(answer: Hello): void;
  frame(type: number, stream: number, body: Uint8Array): void;
  /** `refused`: nobody listens at the address any more. */
  closed(refused: boolean): void;
}

export class Link {
  readonly #ports: Pick<Ports, 'clock' | 'random' | 'network' | 'logger'>;
  readonly #address: Address;
  readonly #hello: Hello;
  readonly #handlers: LinkHandlers;
  #connection: Connection | undefined;
  /** Of the connection, while it is open; none where the other side said nothing of answering. */
  #pulse: Pulse | undefined;
  #open = false;
  #closed = false;
  #backoff = backoffMs.first;
  #openedAt = 0;
  /** Connections in a row that broke soon after they opened: the other side will not have us. */
  #shortLived = 0;
  #cancelRedial: (() => void) | undefined;

  constructor(ports: Pick<Ports, 'clock' | 'random' | 'network' | 'logger'>, address: Address, hello: Hello, handlers: LinkHandlers) {
    this.#ports = ports;
    this.#address = address;
    this.#hello = hello;
    this.#handlers = handlers;
    void this.#dial();
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** False: dropped, because the link is down or its queue is full. */
  send(type: number, stream: number, body: Uint8Array): boolean {
    if (!this.#open || this.#connection === undefined || this.#connection.queuedBytes > queuedBytesMax) return false;
    this.#connection.write(encodeFrame(type, stream, body));
    return true;
  }

  /** What was agreed on this connection does not hold: it is given up, and dialed again in time. */
  breakOff(): void {
    this.#connection?.destroy();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRedial?.();
    this.#pulse?.stop();
    this.#connection?.close();
  }

  async #dial(): Promise<void> {
    try {
      const connection = await this.#ports.network.dial(this.#address, { timeoutMs: dialTimeoutMs });
      if (this.#closed) return connection.destroy();
      this.#connected(connection);
    } catch (error) {
      this.#down(error instanceof DialError && error.refused);
    }
  }

  #connected(connection: Connection): void {
    this.#connection = connection;
    const hello = new HelloReader();
    const frames = new FrameReader(peerFrameBytesMax);
    const deadline = this.#ports.clock.after(dialTimeoutMs * 2, () => connection.destroy());
    connection.handle({
      data: (bytes) => {
        try {
          let rest = bytes;
          if (!this.#open) {
            const answer = hello.push(bytes);
            if (answer === undefined) return;
            deadline();
            this.#answered(connection, answer.hello);
            rest = answer.rest;
          }
          this.#pulse?.heard();
          for (const { type, stream, body } of frames.push(rest)) {
            if (type !== PeerFrame.pong) this.#handlers.frame(type, stream, body);
          }
        } catch (error) {
          this.#ports.logger.log('warn', 'a peer does not speak the protocol', { address: this.#address, error: String(error) });
          connection.destroy();
        }
      },
      closed: () => {
        deadline();
        this.#pulse?.stop();
        this.#pulse = undefined;
        this.#connection = undefined;
        this.#down(false);
      },
      drained: () => undefined,
    });
    connection.write(encodeHello(this.#hello));
  }

  #answered(connection: Connection, answer: Hello): void {
    checkAnswer(answer);
    this.#open = true;
    this.#backoff = backoffMs.first;
    this.#openedAt = this.#ports.clock.now();
    // Before anything that may be long: behind it the first question would be late.
    if ((answer.features & HelloFeature.answersPings) !== 0) this.#pulse = this.#pulseOf(connection);
    this.#handlers.opened(answer);
  }

  #pulseOf(connection: Connection): Pulse {
    return new Pulse(this.#ports.clock, connection, () => {
      this.#ports.logger.log('warn', 'a peer does not answer any more: the connection is given up', { address: this.#address, purpose: this.#hello.purpose });
      connection.destroy();
    });
  }

  #down(refused: boolean): void {
    const wasOpen = this.#open;
    this.#open = false;
    if (this.#closed) return;
    if (wasOpen || refused) this.#handlers.closed(refused);
    this.#cancelRedial = this.#ports.clock.after(this.#redialDelay(wasOpen), () => void this.#dial());
  }

  #redialDelay(wasOpen: boolean): number {
    const jitter = 0.5 + this.#ports.random.uint32() / 0x1_0000_0000;
    if (!wasOpen) {
      const delay = this.#backoff * jitter;
      this.#backoff = Math.min(this.#backoff * 2, backoffMs.max);
      return delay;
    }
    // Right after a break the first try is immediate: it tells a lost connection from a lost process. But who says
    // yes and breaks, again and again, is not asked in a circle.
    if (this.#ports.clock.now() - this.#openedAt >= backoffMs.max) this.#shortLived = 0;
    const delay = this.#shortLived === 0 ? 0 : Math.min(backoffMs.first * 2 ** this.#shortLived, backoffMs.max) * jitter;
    this.#shortLived++;
    return delay;
  }
}
