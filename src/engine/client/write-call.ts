// A write on its way through a session: the same (session, sequence) in every attempt, so that it is applied once
// however many arrive.

import { OperationError } from '../../core/errors.ts';
import { decodeReply, encodeCommand } from '../../core/kv/index.ts';
import type { Revision, WriteRequest, WriteResponse } from '../../core/kv/index.ts';
import { ClientFrame, encodeProposeHead } from '../native/message.ts';
import { Call } from './call.ts';
import type { Session } from './session.ts';

export interface WriteResult {
  readonly revision: Revision;
  readonly response: WriteResponse;
}

export interface WriteOptions {
  readonly weight: number;
  /** In the clock's time. */
  readonly end: number;
  readonly signal: AbortSignal | undefined;
}

export interface WriteOwner {
  /** The session is gone, and this write certainly did not happen in it. */
  relaunch(write: WriteCall): void;
  /** The session is gone; whatever comes needs another. */
  sessionGone(session: Session): void;
  /** Its sequence is awaited no more. */
  done(write: WriteCall): void;
}

const overheadBytes = 128;

export class WriteCall extends Call {
  readonly type: number = ClientFrame.propose;
  readonly request: WriteRequest;
  readonly #writes: WriteOwner;
  readonly #resolve: (result: WriteResult) => void;
  readonly #reject: (error: unknown) => void;
  session: Session | undefined;
  sequence = 0;
  /** Waits for a session, or for room in its window. */
  isQueued = false;

  constructor(
    request: WriteRequest,
    options: WriteOptions,
    writes: WriteOwner,
    resolve: (result: WriteResult) => void,
    reject: (error: unknown) => void,
  ) {
    super(options.weight + overheadBytes, options.end, 'leader', 'freely', options.signal);
    this.request = request;
    this.#writes = writes;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  head(deadlineMs: number): Uint8Array {
    return encodeProposeHead(deadlineMs);
  }

  payload(): Uint8Array {
    const { session } = this;
    return encodeCommand({ type: 'write', request: this.request, session: session!.id, sequence: this.sequence, lowest: session!.lowest });
  }

  override finish(): void {
    super.finish();
    this.#writes.done(this);
  }

  protected answered(body: Uint8Array): void {
    let reply: ReturnType<typeof decodeReply>;
    try {
      reply = decodeReply(body);
    } catch (error) {
      this.finish();
      return this.#reject(error);
    }
    if ('failure' in reply) return this.#failed(reply.failure.code, new OperationError(reply.failure));
    this.finish();
    if (reply.response.type === 'ack') return this.#reject(new OperationError({ code: 'PROTOCOL', detail: 'an answer to something else' }));
    this.#resolve({ revision: reply.revision, response: reply.response });
  }

  protected refused(error: OperationError): void {
    this.#reject(error);
  }

  /** What the state machine says is final: it was not applied, or was applied and answers so. */
  #failed(code: string, error: OperationError): void {
    if (code === 'SESSION_EXPIRED') this.#writes.sessionGone(this.session!);
    const isGone = code === 'SESSION_EXPIRED' || code === 'SESSION_WINDOW';
    // An earlier attempt may have been applied while the session lived; nobody can tell any more, and only the
    // caller knows whether doing it again is right.
    if (isGone && !this.isAmbiguous) return this.#writes.relaunch(this);
    this.finish();
    this.#reject(error);
  }
}
