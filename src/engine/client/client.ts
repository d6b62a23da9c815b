// A client of a cluster: one multiplexed connection per endpoint, writes and linearizable reads to whoever leads,
// other reads in turn, everything retried that may be, until the caller's time is up.

import { emptyBytes } from '../../core/bytes.ts';
import { OperationError } from '../../core/errors.ts';
import { parseEndpoint } from '../address.ts';
import { ClientFrame, decodeHashKv, decodeMembers, decodeMembershipResult, decodeStatus, encodeMembershipChange, encodeDeadline, encodeNumber } from '../native/message.ts';
import type { Ports } from '../ports.ts';
import type { HashKvResult, MemberListRow, MemberStatus, MembershipChange, MembershipResult } from '../service.ts';
import { SimpleCall } from './call.ts';
import type { Repeat, Route } from './call.ts';
import { Dispatcher } from './dispatcher.ts';
import { KvClient } from './kv.ts';
import type { CallOptions } from './kv.ts';
import { Writes } from './writes.ts';

export interface ClientOptions {
  /** `host:port`, one or several, also separated by commas. */
  readonly endpoints: string | readonly string[];
  /** How long a call is tried unless it says otherwise. @default 5000 */
  readonly timeoutMs?: number | undefined;
  /** Shown in logs. */
  readonly name?: string | undefined;
  /** Gives up connecting, and later closes the client. */
  readonly signal?: AbortSignal | undefined;
  /** Only this cluster will do. @default the first one met */
  readonly cluster?: number | undefined;
  /** How long one member is waited for before the next is asked. @default 2000 */
  readonly attemptTimeoutMs?: number | undefined;
  /** Bytes of requests under way and waiting; beyond, OVERLOADED. @default 64 MiB */
  readonly bytesMax?: number | undefined;
  /** The cluster forgets the session of a client that vanished after so long. @default 60000 */
  readonly sessionTtlMs?: number | undefined;
}

export type ClientPorts = Pick<Ports, 'clock' | 'random' | 'network' | 'logger'>;

export class Client implements AsyncDisposable {
  readonly kv: KvClient;
  readonly endpoints: readonly string[];
  readonly #ports: ClientPorts;
  readonly #dispatcher: Dispatcher;
  readonly #writes: Writes;
  readonly #timeoutMs: number;
  readonly #stopListening: () => void;
  #closing: Promise<void> | undefined;

  /** {@link connect} waits until somebody has answered; this does not. */
  constructor(options: ClientOptions, given: ClientPorts) {
    const { name } = options;
    const ports: ClientPorts =
      name === undefined ? given : { ...given, logger: { log: (level, message, facts) => given.logger.log(level, message, { client: name, ...facts }) } };
    const { timeoutMs = 5000, attemptTimeoutMs = 2000, bytesMax = 64 << 20, sessionTtlMs = 60_000, cluster = 0, signal } = options;
    this.endpoints = toEndpoints(options.endpoints);
    this.#ports = ports;
    this.#timeoutMs = timeoutMs;
    const addresses = this.endpoints.map(parseEndpoint);
    this.#dispatcher = new Dispatcher(ports, { endpoints: addresses, cluster, attemptMs: attemptTimeoutMs, bytesMax });
    this.#writes = new Writes(ports, this.#dispatcher, { sessionTtlMs, openTimeoutMs: timeoutMs, queueBytesMax: Math.ceil(bytesMax / 2) });
    const context = { dispatcher: this.#dispatcher, writes: this.#writes, now: () => ports.clock.now(), timeoutMs };
    this.kv = new KvClient(context);
    const abort = (): void => void this.close();
    signal?.addEventListener('abort', abort, { once: true });
    this.#stopListening = () => signal?.removeEventListener('abort', abort);
  }

  /** Of the member at one endpoint, as it sees things now. */
  status(endpoint: string, options: CallOptions = {}): Promise<MemberStatus> {
    return this.#call(ClientFrame.status, emptyBytes, decodeStatus, this.#dispatcher.channel(endpoint), 'freely', options);
  }

  /** As one member, the leader if it is known, sees them now. */
  members(options: CallOptions = {}): Promise<readonly MemberListRow[]> {
    return this.#call(ClientFrame.members, emptyBytes, decodeMembers, 'leader', 'freely', options);
  }

  /** As they are committed, with all that was committed before the call. */
  agreedMembers(options: CallOptions = {}): Promise<readonly MemberListRow[]> {
    return this.#call(ClientFrame.members, encodeDeadline, decodeMembers, 'leader', 'freely', options);
  }

  /** @param revision 0: the newest. */
  hashKv(endpoint: string, revision = 0, options: CallOptions = {}): Promise<HashKvResult> {
    return this.#call(ClientFrame.hashKv, encodeNumber(revision), decodeHashKv, this.#dispatcher.channel(endpoint), 'freely', options);
  }

  /** Asks the leader to hand over to the member with this id. */
  moveLeader(target: number, options: CallOptions = {}): Promise<void> {
    return this.#call(ClientFrame.moveLeader, encodeNumber(target), () => undefined, 'leader', 'never', options);
  }

  /** Adds, promotes, removes or moves a member; resolves once that is committed. */
  changeMembership(change: MembershipChange, options: CallOptions = {}): Promise<MembershipResult> {
    const body = (deadlineMs: number): Uint8Array => encodeMembershipChange(deadlineMs, change);
    return this.#call(ClientFrame.changeMembership, body, decodeMembershipResult, 'leader', 'never', options);
  }

  /** Resolves when any endpoint answers. */
  ping(options: CallOptions = {}): Promise<void> {
    return this.#call(ClientFrame.ping, emptyBytes, () => undefined, 'any', 'freely', options);
  }

  /** Who leads as far as this client has heard: 0 and '' if it has not. */
  get leader(): { readonly id: number; readonly address: string } {
    const { leader, address } = this.#dispatcher.leader;
    return { id: leader, address };
  }

  /** Calls under way end with CLOSED; the session is closed if that can be done at once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#stopListening();
    await this.#writes.close();
    this.#dispatcher.close();
  }

  #call<T>(type: number, body: Uint8Array | ((deadlineMs: number) => Uint8Array), decode: (answer: Uint8Array) => T, route: Route, repeat: Repeat, options: CallOptions): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new OperationError({ code: 'CLOSED' }));
    return new Promise((resolve, reject) => {
      const end = this.#ports.clock.now() + (options.timeoutMs ?? this.#timeoutMs);
      const call = new SimpleCall<T>(type, { weight: body.length + 64, end, route, repeat, signal: options.signal }, { head: typeof body === 'function' ? body : () => body, decode }, resolve, reject);
      this.#dispatcher.submit(call);
    });
  }
}

/** Resolves once an endpoint has answered; rejects with what all of them said when none does in time. */
export async function connect(options: ClientOptions, ports: ClientPorts): Promise<Client> {
  const client = new Client(options, ports);
  try {
    await client.ping({ signal: options.signal });
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}

function toEndpoints(endpoints: string | readonly string[]): readonly string[] {
  const list = (typeof endpoints === 'string' ? [endpoints] : endpoints)
    .flatMap((each) => each.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (list.length === 0) throw new OperationError({ code: 'INVALID_CONFIG', detail: 'no endpoints were given' });
  return [...new Set(list)];
}
