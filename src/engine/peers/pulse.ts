// Whether somebody still lives at the other end of a connection. A cable that is pulled, a filter that drops, a machine
// that loses its power: none of them says so, and TCP alone finds out minutes later, if it has something to send. So who
// dialed asks (`ping`) whenever it heard nothing for a beat, and who accepted answers (`pong`), as its hello has said: an
// older member's does not, and its silence says nothing. Who accepted says so unasked, too, while bytes come: on a slow
// line the question waits for long behind what was sent before it.
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
/** While bytes come it says so at least so often. */
const sayMs = 1000;

/** The dialer's side of one connection, to one who answers. Begins with a question, so that the other side knows one who asks. */
export class Pulse {
  readonly #clock: Clock;
  readonly #connection: Pick<Connection, 'write'>;
  readonly #dead: () => void;
  #cancel: (() => void) | undefined;
  #asked = 0;
  #unanswered = 0;
  #heard = false;

  /** `dead`: nobody answers any more. Called once, and it is over then. */
  constructor(clock: Clock, connection: Pick<Connection, 'write'>, dead: () => void) {
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

  stop(): void {
    this.#cancel?.();
  }

  #next(): void {
    this.#cancel = this.#clock.after(askMs, () => this.#beat());
  }

  #beat(): void {
    if (this.#unanswered >= unansweredMax) return this.#dead();
    if (!this.#heard) this.#ask();
    this.#heard = false;
    this.#next();
  }

  #ask(): void {
    this.#unanswered++;
    this.#connection.write(encodeFrame(PeerFrame.ping, 0, encodeNumber(++this.#asked)));
  }
}

/**
 * The acceptor's side: a dialer that has asked once asks as long as it lives. What a dead one left behind would stay for
 * ever, since who accepted may have nothing to send.
 */
export class Watch {
  readonly #clock: Clock;
  readonly #say: (number: number) => void;
  readonly #dead: () => void;
  #cancel: (() => void) | undefined;
  #isOver = false;
  #silent = 0;
  #saidAt = 0;

  /** `say`: answers with a number; 0 where nothing was asked. */
  constructor(clock: Clock, say: (number: number) => void, dead: () => void) {
    this.#clock = clock;
    this.#say = say;
    this.#dead = dead;
  }

  asked(number: number): void {
    if (this.#isOver) return;
    if (this.#cancel === undefined) this.#next();
    this.#answer(number);
  }

  /** Bytes came, of whatever. */
  heard(): void {
    this.#silent = 0;
    if (this.#cancel !== undefined && !this.#isOver && this.#clock.now() - this.#saidAt >= sayMs) this.#answer(0);
  }

  stop(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  #answer(number: number): void {
    this.#saidAt = this.#clock.now();
    this.#say(number);
  }

  #next(): void {
    this.#cancel = this.#clock.after(watchMs, () => (++this.#silent > silentMax ? this.#dead() : this.#next()));
  }
}
