// The network of the MIT labs (labrpc), for members that speak over connections: what travels inside is cut into
// whole frames, and each frame is a message of its own that can be late, lost or overtaken by others. A request is
// counted, its answer is not, so a pair of both is one RPC. What sets a connection up (hello, introduction, news of
// the leader, the chunks of a snapshot behind its offer) has no counterpart there: it keeps its order and is never
// lost, only held back while the link is down.

import { OperationError } from '../core/errors.ts';
import { nextBelow, nextUnit, seedRandom } from '../core/random.ts';
import type { RandomState } from '../core/random.ts';
import { HelloReader } from '../core/wire/index.ts';
import type { Purpose } from '../core/wire/index.ts';
import { ClientFrame } from '../engine/native/message.ts';
import { PeerFrame } from '../engine/peers/frames.ts';
import { messageTypeOf } from '../engine/peers/message-codec.ts';
import { DialError } from '../engine/ports.ts';
import type { Address, Clock, Connection, ConnectionHandlers, Listener, Network } from '../engine/ports.ts';

export interface LabNetworkOptions {
  /** What every message takes at least. The labs' own reliable network takes nothing but the processor. @default 1 */
  readonly wireMs?: number;
}

/** The labs' figures. */
const labFigures = {
  requestDelayMs: 27, dropRequest: 0.1, dropReply: 0.1, reorder: 2 / 3, reorderMs: { least: 200, more: 2000 },
  deadMs: { short: 100, long: 7000 },
} as const;

type Kind = 'session' | 'request' | 'reply';

const frameHeadBytes = 13;
const redialMs = 20;

class LabConnection implements Connection {
  readonly remote: Address;
  readonly from: string;
  readonly to: string;
  /** The side that dialed asks; the other answers. */
  readonly isDialer: boolean;
  readonly #network: LabNetwork;
  other!: LabConnection;
  handlers: ConnectionHandlers | undefined;
  purpose: Purpose = 'client';
  /** What was written and is not a whole unit yet. */
  #unsent: Uint8Array = new Uint8Array(0);
  #saidHello = false;
  /** Delivered and not read, because nobody reads. */
  #inbox: Uint8Array[] = [];
  /** In order, whatever happens. */
  session: Uint8Array[] = [];
  #paused = false;
  isClosed = false;

  constructor(network: LabNetwork, from: string, to: string, remote: Address, isDialer: boolean) {
    this.#network = network;
    this.from = from;
    this.to = to;
    this.remote = remote;
    this.isDialer = isDialer;
  }

  handle(handlers: ConnectionHandlers): void {
    this.handlers = handlers;
    this.#network.soon(() => this.#flush());
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return true;
    const whole = new Uint8Array(this.#unsent.length + bytes.length);
    whole.set(this.#unsent);
    whole.set(bytes, this.#unsent.length);
    let at = 0;
    for (let length = this.#unit(whole, at); length > 0; length = this.#unit(whole, at)) {
      const unit = whole.slice(at, at + length);
      at += length;
      this.#network.carry(this, unit, this.#kindOf(unit));
    }
    this.#unsent = whole.slice(at);
    return true;
  }

  /** Bytes of the unit that begins at `at`; 0: not whole. */
  #unit(bytes: Uint8Array, at: number): number {
    const left = bytes.length - at;
    if (left < 6) return 0;
    const length = this.#saidHello
      ? 4 + ((bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0)
      : 6 + (bytes[at + 4]! | (bytes[at + 5]! << 8));
    return left < length ? 0 : length;
  }

  #kindOf(unit: Uint8Array): Kind {
    if (!this.#saidHello) {
      this.#saidHello = true;
      if (this.isDialer) this.purpose = this.other.purpose = new HelloReader().push(unit)!.hello.purpose;
      return 'session';
    }
    const type = unit[8]!;
    switch (this.purpose) {
      case 'client':
        if (!this.isDialer) return type === ClientFrame.leader ? 'session' : 'reply';
        return type === ClientFrame.cancel ? 'session' : 'request';
      case 'control': {
        if (type !== PeerFrame.raft) return 'session';
        return messageTypeOf(unit.subarray(frameHeadBytes))!.endsWith('Reply') ? 'reply' : 'request';
      }
      case 'bulk':
        return type === PeerFrame.snapshotOffer ? 'request' : type === PeerFrame.snapshotDone ? 'reply' : 'session';
    }
  }

  receive(unit: Uint8Array): void {
    if (this.isClosed) return;
    this.#inbox.push(unit);
    this.#flush();
  }

  #flush(): void {
    while (this.handlers !== undefined && !this.#paused && !this.isClosed && this.#inbox.length > 0) {
      const unit = this.#inbox.shift()!;
      this.handlers.data(unit);
      // The view is only good for the call.
      unit.fill(0xa5);
    }
  }

  get queuedBytes(): number {
    return 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#network.soon(() => this.#flush());
  }

  close(): void {
    this.#network.part(this);
  }

  destroy(): void {
    this.#network.part(this);
  }

  over(reason: Error | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#network.soon(() => this.handlers?.closed(reason));
  }
}

export class LabNetwork {
  readonly #clock: Clock;
  readonly #random: RandomState;
  readonly #wireMs: number;
  readonly #listeners = new Map<string, { readonly host: string; readonly onConnection: (connection: Connection) => void }>();
  readonly #connections = new Set<LabConnection>();
  readonly #cut = new Set<string>();
  readonly #dead = new Set<string>();
  #portNext = 40_000;
  /** The labs' switches. */
  reliable = true;
  longDelays = false;
  longReordering = false;
  /** Requests, as sent; bytes of both ways, hellos included. */
  rpcs = 0;
  bytes = 0;
  lost = 0;
  overtaken = 0;
  /** Requests by the host they were sent to. */
  readonly served: Map<string, number> = new Map();

  constructor(clock: Clock, seed: number, options: LabNetworkOptions = {}) {
    this.#clock = clock;
    this.#random = seedRandom(seed);
    this.#wireMs = options.wireMs ?? 1;
  }

  of(host: string): Network {
    return {
      dial: (address, { timeoutMs }) => this.#dial(host, address, timeoutMs),
      listen: (address, onConnection) => this.#listen(address, onConnection),
    };
  }

  /** The ends between two hosts, both ways. */
  enable(a: string, b: string, on: boolean): void {
    for (const pair of [`${a}>${b}`, `${b}>${a}`]) {
      if (on) this.#cut.delete(pair);
      else this.#cut.add(pair);
    }
  }

  /** Every pair of ends, but these. */
  enableAllBut(pairs: readonly (readonly [string, string])[]): void {
    this.#cut.clear();
    for (const [a, b] of pairs) this.enable(a, b, false);
  }

  isEnabled(a: string, b: string): boolean {
    return !this.#cut.has(`${a}>${b}`) && !this.#dead.has(a) && !this.#dead.has(b);
  }

  /** The host's process is gone: nobody answers, and what it had open breaks. It hears nothing of that itself. */
  kill(host: string): void {
    this.#dead.add(host);
    for (const [key, listener] of this.#listeners) if (listener.host === host) this.#listeners.delete(key);
    for (const connection of this.#connections) {
      if (connection.from !== host) continue;
      connection.isClosed = true;
      connection.other.over(new Error('connection reset'));
      this.#forget(connection);
    }
  }

  revive(host: string): void {
    this.#dead.delete(host);
  }

  soon(callback: () => void): void {
    this.#clock.after(0, callback);
  }

  /** One unit on its way. */
  carry(source: LabConnection, unit: Uint8Array, kind: Kind): void {
    this.bytes += unit.length;
    if (kind === 'session') {
      source.session.push(unit);
      if (source.session.length === 1) this.#carrySession(source);
      return;
    }
    const { from, to } = source;
    if (kind === 'request') {
      this.rpcs++;
      this.served.set(to, (this.served.get(to) ?? 0) + 1);
    }
    if (!this.isEnabled(from, to)) {
      const { short, long } = labFigures.deadMs;
      this.#clock.after(nextBelow(this.#random, this.longDelays ? long : short), () => this.#lose(source));
      return;
    }
    let delay = this.#wireMs;
    if (!this.reliable) {
      if (kind === 'request') delay += nextBelow(this.#random, labFigures.requestDelayMs);
      if (nextUnit(this.#random) < (kind === 'request' ? labFigures.dropRequest : labFigures.dropReply)) return this.#lose(source);
    }
    if (kind === 'reply' && this.longReordering && nextUnit(this.#random) < labFigures.reorder) {
      const { least, more } = labFigures.reorderMs;
      delay += least + nextBelow(this.#random, 1 + nextBelow(this.#random, more));
      this.overtaken++;
    }
    this.#clock.after(delay, () => {
      if (source.isClosed) return;
      if (this.isEnabled(from, to)) source.other.receive(unit);
      else this.#lose(source);
    });
  }

  #carrySession(source: LabConnection): void {
    this.#clock.after(this.#wireMs, () => {
      if (source.isClosed) return;
      if (this.isEnabled(source.from, source.to)) source.other.receive(source.session.shift()!);
      if (source.session.length > 0) this.#carrySession(source);
    });
  }

  /** In the labs the caller learns at once that a call failed. A member's link expects loss; a client learns it by its connection. */
  #lose(source: LabConnection): void {
    this.lost++;
    if (source.purpose === 'control' || source.isClosed) return;
    const reason = new Error('the call was lost');
    this.soon(() => {
      for (const end of [source, source.other]) {
        end.over(reason);
        this.#forget(end);
      }
    });
  }

  /** One end closed: the other hears of it behind what was sent. */
  part(connection: LabConnection): void {
    if (connection.isClosed) return;
    this.#clock.after(this.#wireMs, () => {
      connection.over(undefined);
      connection.other.over(undefined);
      this.#forget(connection);
      this.#forget(connection.other);
    });
  }

  #forget(connection: LabConnection): void {
    this.#connections.delete(connection);
  }

  #listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener> {
    const key = `${address.host}:${address.port}`;
    if (this.#listeners.has(key)) return Promise.reject(new OperationError({ code: 'PORT_IN_USE', detail: `${key} is already in use` }));
    this.#listeners.set(key, { host: address.host, onConnection });
    return Promise.resolve({ address, close: () => Promise.resolve(void this.#listeners.delete(key)) });
  }

  /** Asks until somebody answers or time is up: a host that is away is silent, it does not refuse. */
  #dial(from: string, address: Address, timeoutMs: number): Promise<Connection> {
    const end = this.#clock.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      const ask = (): void => {
        const listener = this.#listeners.get(`${address.host}:${address.port}`);
        if (listener !== undefined && this.isEnabled(from, address.host)) {
          const [near, far] = this.#pair(from, address);
          listener.onConnection(far);
          return resolve(near);
        }
        if (this.#clock.now() + redialMs > end) return reject(new DialError(`no answer from ${address.host}:${address.port} in ${timeoutMs} ms`, false));
        this.#clock.after(redialMs, ask);
      };
      this.#clock.after(this.#wireMs, ask);
    });
  }

  #pair(from: string, address: Address): readonly [LabConnection, LabConnection] {
    const near = new LabConnection(this, from, address.host, address, true);
    const far = new LabConnection(this, address.host, from, { host: from, port: this.#portNext++ }, false);
    near.other = far;
    far.other = near;
    this.#connections.add(near).add(far);
    return [near, far];
  }
}
