// Whether somebody still lives at the other end of a connection. A cable that is pulled, a filter that drops, a machine
// that loses its power: none of them says so, and TCP alone finds out minutes later, if it has something to send. So who
// dialed asks (`ping`) whenever it heard nothing for a beat, and who accepted answers (`pong`), as its hello has said: an
// older member's does not, and its silence says nothing.
//
// What is counted is beats without a sign of life, never time: a process that stood still finds its timer due before its
// sockets are read, and would take its own absence for the other's. Each beat is set when the one before has passed, so
// that a pause costs one, however long it was.

import { encodeFrame } from '../../core/wire/index.ts';
import type { Clock, Connection } from '../ports.ts';
import { PeerFrame, encodeNumber } from './frames.ts';

/** Who dialed asks so often, and gives up after so many questions in a row that nothing followed. */
const askMs = 1000;
const unansweredMax = 5;
/** Who accepted is in no hurry: all it has to lose is memory. */
const watchMs = 10_000;
const silentMax = 6;

/** The dialer's side of one connection, to one who answers. Begins with a question, so that the other side knows one who asks. */
export class Pulse {
  readonly #clock: Clock;
  readonly #connection: Pick<Connection, 'write' | 'queuedBytes'>;
  readonly #dead: () => void;
  #cancel: (() => void) | undefined;
  #asked = 0;
  #unanswered = 0;
  #heard = false;
  #written = 0;
  /** At the last beat. */
  #queued = 0;
  #taken = 0;

  /** `dead`: nobody answers any more. Called once, and it is over then. */
  constructor(clock: Clock, connection: Pick<Connection, 'write' | 'queuedBytes'>, dead: () => void) {
    this.#clock = clock;
    this.#connection = connection;
    this.#dead = dead;
    this.#ask();
    this.#next();
  }

  /** Anything came: whoever speaks lives. */
  heard(): void {
    this.#heard = true;
    this.#unanswered = 0;
  }

  /** So many bytes were written to the connection. */
  wrote(bytes: number): void {
    this.#written += bytes;
  }

  stop(): void {
    this.#cancel?.();
  }

  #next(): void {
    this.#cancel = this.#clock.after(askMs, () => this.#beat());
  }

  #beat(): void {
    if (this.#hasMoved()) this.heard();
    if (this.#unanswered >= unansweredMax) return this.#dead();
    if (!this.#heard) this.#ask();
    this.#heard = false;
    this.#next();
  }

  /**
   * What waited to be sent has begun to leave: somebody takes it, though our question waits behind it. Without a queue
   * that says nothing: the system takes a little of anything, and for nobody.
   */
  #hasMoved(): boolean {
    const queued = this.#connection.queuedBytes;
    const taken = this.#written - queued;
    const moved = this.#queued > 0 && taken > this.#taken;
    this.#queued = queued;
    this.#taken = taken;
    return moved;
  }

  #ask(): void {
    const frame = encodeFrame(PeerFrame.ping, 0, encodeNumber(++this.#asked));
    this.#unanswered++;
    this.wrote(frame.length);
    this.#connection.write(frame);
  }
}

/**
 * The acceptor's side: a dialer that has asked once asks as long as it lives. What a dead one left behind would stay for
 * ever, since who accepted may have nothing to send.
 */
export class Watch {
  readonly #clock: Clock;
  readonly #dead: () => void;
  #cancel: (() => void) | undefined;
  #isOver = false;
  #silent = 0;

  constructor(clock: Clock, dead: () => void) {
    this.#clock = clock;
    this.#dead = dead;
  }

  asked(): void {
    if (this.#cancel === undefined && !this.#isOver) this.#next();
  }

  heard(): void {
    this.#silent = 0;
  }

  stop(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  #next(): void {
    this.#cancel = this.#clock.after(watchMs, () => (++this.#silent > silentMax ? this.#dead() : this.#next()));
  }
}
