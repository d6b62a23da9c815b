// One request of a client's, from its first attempt to its outcome. Attempts come and go; the call, its deadline and
// its caller's promise stay.

import type { Failure } from '../../core/errors.ts';
import { OperationError } from '../../core/errors.ts';
import { Deadline } from '../native/timeout-wheel.ts';

/** What takes attempts to an endpoint. */
export interface Carrier {
  readonly isOpen: boolean;
  /** In the clock's time: bytes came then. */
  readonly lastHeard: number;
  /** Why it is not open. */
  readonly lastError: OperationError | undefined;
  /** Only while open. */
  send(call: Call, deadlineMs: number): void;
  /** The answer is not awaited any more. */
  forget(call: Call): void;
  /** The other side is silent: whatever is under way is to be tried elsewhere. */
  abandon(): void;
  /** Now, even if it would otherwise wait. */
  dial(): void;
}

/** May it be sent again when nobody knows whether it happened? */
export type Repeat = 'freely' | 'never';
/** Whom it should go to: the leader, anybody, or one endpoint and no other. */
export type Route = 'leader' | 'any' | Carrier;

export interface CallOwner {
  /** An attempt's or the call's time is up. */
  expired(call: Call): void;
  /** Takes it out of wherever it waits. */
  forget(call: Call): void;
}

export abstract class Call extends Deadline {
  abstract readonly type: number;
  /** Bytes it holds on to, about. */
  readonly weight: number;
  /** When its caller stops waiting, in the clock's time. */
  readonly end: number;
  readonly route: Route;
  readonly repeat: Repeat;
  readonly #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  owner: CallOwner | undefined;
  /** Where the present attempt is, under which number, and since when. */
  channel: Carrier | undefined;
  stream = 0;
  attemptStart = 0;
  attempts = 0;
  /** Where the last attempt failed: elsewhere is better, if there is an elsewhere. */
  avoid: Carrier | undefined;
  /** An attempt may have happened without our knowing. */
  isAmbiguous = false;
  /** What the last attempt met; says more than that time is up. */
  lastFailure: Failure | undefined;
  isOver = false;

  constructor(weight: number, end: number, route: Route, repeat: Repeat, signal: AbortSignal | undefined) {
    super();
    this.weight = weight;
    this.end = end;
    this.route = route;
    this.repeat = repeat;
    this.#signal = signal;
  }

  /** The body of an attempt, with how long it may take. */
  abstract head(deadlineMs: number): Uint8Array;
  abstract payload(): Uint8Array | undefined;
  protected abstract answered(body: Uint8Array): void;
  protected abstract refused(error: OperationError): void;

  /** Watches the caller's signal; false: it has been given already, and the call is over. */
  watch(): boolean {
    const signal = this.#signal;
    if (signal === undefined) return true;
    if (signal.aborted) {
      this.reject(aborted(signal));
      return false;
    }
    this.#onAbort = () => this.reject(aborted(signal));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    return true;
  }

  resolve(body: Uint8Array): void {
    if (!this.isOver) this.answered(body);
  }

  reject(error: OperationError): void {
    if (this.isOver) return;
    this.finish();
    this.refused(error);
  }

  /** Lets go of everything; what is told to the caller is for whoever calls this. */
  finish(): void {
    this.isOver = true;
    this.owner?.forget(this);
    if (this.#onAbort !== undefined) this.#signal!.removeEventListener('abort', this.#onAbort);
  }

  expire(): void {
    this.owner?.expired(this);
  }
}

function aborted(signal: AbortSignal): OperationError {
  return new OperationError({ code: 'ABORTED' }, { cause: signal.reason });
}

/** A call whose body is fixed and whose answer goes straight to a promise. */
export class SimpleCall<T> extends Call {
  readonly type: number;
  readonly #head: (deadlineMs: number) => Uint8Array;
  readonly #payload: Uint8Array | undefined;
  readonly #decode: (body: Uint8Array) => T;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    type: number,
    options: { readonly weight: number; readonly end: number; readonly route: Route; readonly repeat: Repeat; readonly signal?: AbortSignal | undefined },
    body: { head(deadlineMs: number): Uint8Array; readonly payload?: Uint8Array; decode(answer: Uint8Array): T },
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    super(options.weight, options.end, options.route, options.repeat, options.signal);
    this.type = type;
    this.#head = (deadlineMs) => body.head(deadlineMs);
    this.#payload = body.payload;
    this.#decode = (answer) => body.decode(answer);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  head(deadlineMs: number): Uint8Array {
    return this.#head(deadlineMs);
  }

  payload(): Uint8Array | undefined {
    return this.#payload;
  }

  protected answered(body: Uint8Array): void {
    this.finish();
    try {
      this.#resolve(this.#decode(body));
    } catch (error) {
      this.#reject(error);
    }
  }

  protected refused(error: OperationError): void {
    this.#reject(error);
  }
}
