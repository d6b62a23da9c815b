// The Network port in memory, under virtual time and a seed: connections of ordered bytes between named hosts, over
// links that are slow, clog, lose one direction or break. Nothing is reordered or lost inside a connection, as TCP
// would not either; a connection that cannot deliver stays silent until it is healed or broken. One that has vanished
// stays silent for ever.

import { OperationError } from '../core/errors.ts';
import { nextBelow, nextUnit, seedRandom } from '../core/random.ts';
import type { RandomState } from '../core/random.ts';
import { DialError } from '../engine/ports.ts';
import type { Address, Clock, Connection, ConnectionHandlers, Listener, Network } from '../engine/ports.ts';
import { Pipe } from './pipe.ts';

export interface SimNetworkOptions {
  /** How late bytes arrive, from and below. @default [0, 2] */
  readonly delayMs?: readonly [number, number];
  /** Bytes under way in one direction of a connection; the rest waits with the sender. @default 256 KiB */
  readonly windowBytes?: number;
  /** Told of every delivery. The bytes are a view. */
  readonly observe?: (kind: 'data' | 'open' | 'closed' | 'refused', from: string, to: string, bytes: Uint8Array | undefined) => void;
}

/** How one direction between two hosts is. */
export interface LinkConditions {
  readonly delayMs: readonly [number, number];
  /** The chance that a segment is lost. Inside a connection that is a wait until it is sent again. */
  readonly lossRate: number;
}

/** Runs work when the process it is for does: at once, when it goes on, or never. */
export type Gate = (work: () => void) => void;
const always: Gate = (work) => work();

/** What a world asks of its network. */
export interface WorldNetwork {
  of(host: string, gate?: Gate): Network;
  /** A process begins on the host. */
  revive(host: string): void;
  kill(host: string): void;
  reset(host: string): void;
  vanish(a: string, b: string): void;
  partition(from: string, to: string): void;
  heal(from?: string, to?: string): void;
  clog(from: string, to: string, ms: number): void;
  link(from: string, to: string, conditions: LinkConditions | undefined): void;
  /** Segments, or messages, that were lost. */
  readonly losses: number;
}

/** How long a system waits before it sends a lost segment again, the first time. */
const retransmitMs = 200;

/** A peer that never takes the rest must not keep us. */
const lingerMs = 1000;

class SimConnection implements Connection {
  readonly remote: Address;
  readonly from: string;
  readonly to: string;
  /** Written here, and towards here; set once both ends exist. */
  out!: Pipe;
  in!: Pipe;
  other!: SimConnection;
  readonly #forget: (connection: SimConnection) => void;
  readonly gate: Gate;
  handlers: ConnectionHandlers | undefined;
  isClosed = false;
  #userPaused = false;

  constructor(from: string, to: string, remote: Address, forget: (connection: SimConnection) => void, gate: Gate) {
    this.gate = gate;
    this.from = from;
    this.to = to;
    this.remote = remote;
    this.#forget = forget;
  }

  handle(handlers: ConnectionHandlers): void {
    const first = this.handlers === undefined;
    this.handlers = handlers;
    if (!first || this.#userPaused) return;
    this.in.paused = false;
    this.in.schedule();
  }

  write(bytes: Uint8Array): boolean {
    return this.isClosed ? true : this.out.write(bytes);
  }

  get queuedBytes(): number {
    return this.out.queuedBytes;
  }

  pause(): void {
    this.#userPaused = true;
    this.in.paused = true;
  }

  resume(): void {
    this.#userPaused = false;
    this.in.paused = this.handlers === undefined;
    this.in.schedule();
  }

  close(): void {
    // What arrives from here on is for nobody; what was written still leaves.
    this.in.paused = true;
    this.out.end();
    this.closing();
  }

  destroy(): void {
    this.over(undefined);
    // The other side hears of it over the same slow link, without what was still queued.
    this.out.kill();
    this.other.peerGone();
  }

  over(reason: Error | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.in.kill();
    this.#forget(this);
    this.notify(reason);
  }

  notify: (reason: Error | undefined) => void = (reason) => this.handlers?.closed(reason);
  closing: () => void = () => undefined;
  /** The other end was destroyed; over a blocked link nobody hears of it until it is healed. */
  isOrphan = false;
  /** Neither end hears anything of the other any more. */
  hasVanished = false;
  peerGone: () => void = () => undefined;
}

export class SimNetwork implements WorldNetwork {
  readonly #clock: Clock;
  readonly #random: RandomState;
  #delayMs: readonly [number, number];
  readonly #windowBytes: number;
  readonly #observe: NonNullable<SimNetworkOptions['observe']>;
  readonly #links = new Map<string, LinkConditions>();
  readonly #listeners = new Map<string, { readonly host: string; readonly gate: Gate; readonly onConnection: (connection: Connection) => void }>();
  /** Segments that had to be sent again. */
  losses = 0;
  readonly #connections = new Set<SimConnection>();
  readonly #blocked = new Set<string>();
  #portNext = 40_000;

  constructor(clock: Clock, seed: number, options: SimNetworkOptions = {}) {
    this.#clock = clock;
    this.#random = seedRandom(seed);
    this.#delayMs = options.delayMs ?? [0, 2];
    this.#windowBytes = options.windowBytes ?? 256 << 10;
    this.#observe = options.observe ?? (() => undefined);
  }

  /** The network as a process on `host` sees it; links are between hosts. Nothing reaches it but through its gate. */
  of(host: string, gate: Gate = always): Network {
    return {
      dial: (address, { timeoutMs }) => this.#dial(host, address, timeoutMs, gate),
      listen: (address, onConnection) => this.#listen(address, onConnection, gate),
    };
  }

  /** One direction differs from the rest; undefined: no more. */
  link(from: string, to: string, conditions: LinkConditions | undefined): void {
    if (conditions === undefined) this.#links.delete(`${from}>${to}`);
    else this.#links.set(`${from}>${to}`, conditions);
  }

  set delayMs(range: readonly [number, number]) {
    this.#delayMs = range;
  }

  /** Nothing passes from one host to another, until {@link heal}. The other direction lives on. */
  partition(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`);
    this.#applyBlocks();
  }

  heal(from?: string, to?: string): void {
    if (from === undefined || to === undefined) this.#blocked.clear();
    else this.#blocked.delete(`${from}>${to}`);
    this.#applyBlocks();
  }

  /** As {@link partition}, for a while. */
  clog(from: string, to: string, ms: number): void {
    this.partition(from, to);
    this.#clock.after(ms, () => this.heal(from, to));
  }

  /** Breaks every connection between two hosts; without the second, all of the first. */
  reset(a: string, b?: string): void {
    for (const connection of this.#connections) {
      const { from, to } = connection;
      // Where it vanished, that vanishes too: it is over only for who is told at home.
      if (connection.hasVanished && from !== a) continue;
      if ((from === a && (b === undefined || to === b)) || (to === a && (b === undefined || from === b))) this.#break(connection);
    }
  }

  /**
   * The connections that two hosts have now are lost without a word, as to a cable, a filter, a power supply: what is on
   * its way or written from here on is nobody's, and no end hears that the other is gone. Later ones are not concerned.
   */
  vanish(a: string, b: string): void {
    for (const connection of this.#connections) {
      const { from, to } = connection;
      if ((from === a && to === b) || (from === b && to === a)) connection.hasVanished = true;
    }
    this.#applyBlocks();
  }

  /** A host without a process refuses whoever dials; one with a process has nothing left of an earlier one. */
  revive(_host: string): void {
    // Listeners are the process's own.
  }

  /** The host's process is gone: its listeners refuse, its connections break. */
  kill(host: string): void {
    for (const [key, listener] of this.#listeners) if (listener.host === host) this.#listeners.delete(key);
    this.reset(host);
  }

  get connectionCount(): number {
    return this.#connections.size / 2;
  }

  #delay(from: string, to: string): number {
    const conditions = this.#links.get(`${from}>${to}`);
    const [low, high] = conditions?.delayMs ?? this.#delayMs;
    let delay = low + nextUnit(this.#random) * (high - low);
    const lossRate = conditions?.lossRate ?? 0;
    for (let wait = retransmitMs; lossRate > 0 && wait <= retransmitMs * 8 && nextUnit(this.#random) < lossRate; wait *= 2) {
      this.losses++;
      delay += wait;
    }
    return Math.floor(delay * 1000) / 1000;
  }

  #listen(address: Address, onConnection: (connection: Connection) => void, gate: Gate): Promise<Listener> {
    const port = address.port === 0 ? 30_000 + nextBelow(this.#random, 10_000) : address.port;
    const key = `${address.host}:${port}`;
    if (this.#listeners.has(key)) return Promise.reject(new OperationError({ code: 'PORT_IN_USE', detail: `${key} is already in use` }));
    const listener = { host: address.host, gate, onConnection };
    this.#listeners.set(key, listener);
    return Promise.resolve({
      address: { host: address.host, port },
      close: () => {
        if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
        return Promise.resolve();
      },
    });
  }

  #dial(from: string, address: Address, timeoutMs: number, gate: Gate): Promise<Connection> {
    const { host: to, port } = address;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const late = this.#clock.after(timeoutMs, () => {
        isLate = true;
        gate(() => reject(new DialError(`no answer from ${to}:${port} in ${timeoutMs} ms`, false)));
      });
      this.#clock.after(this.#delay(from, to) + this.#delay(to, from), () =>
        // A process that died meanwhile has dialed nobody.
        gate(() => {
          // A handshake needs both ways; what does not come back looks like nobody there.
          // Nor does who gave up meanwhile take what comes: the listener would keep a connection that nobody holds.
          if (isLate || this.#isBlocked(from, to) || this.#isBlocked(to, from)) return;
          late();
          const listener = this.#listeners.get(`${to}:${port}`);
          this.#observe(listener === undefined ? 'refused' : 'open', from, to, undefined);
          if (listener === undefined) return reject(new DialError(`${to}:${port} refused`, true));
          const [near, far] = this.#pair(from, address, gate, listener.gate);
          listener.gate(() => listener.onConnection(far));
          resolve(near);
        }),
      );
    });
  }

  #pair(from: string, address: Address, nearGate: Gate, farGate: Gate): readonly [SimConnection, SimConnection] {
    const forget = (connection: SimConnection): void => void this.#connections.delete(connection);
    const near = new SimConnection(from, address.host, address, forget, nearGate);
    const far = new SimConnection(address.host, from, { host: from, port: this.#portNext++ }, forget, farGate);
    near.other = far;
    far.other = near;
    near.out = far.in = this.#pipe(near, far);
    far.out = near.in = this.#pipe(far, near);
    for (const connection of [near, far]) {
      connection.notify = (reason) => void this.#clock.after(0, () => connection.gate(() => {
        this.#observe('closed', connection.to, connection.from, undefined);
        connection.handlers?.closed(reason);
      }));
      connection.closing = () => void this.#clock.after(lingerMs, () => (connection.isClosed ? undefined : connection.destroy()));
      connection.peerGone = () => {
        connection.isOrphan = true;
        this.#clock.after(this.#delay(connection.to, connection.from), () => this.#buryOrphan(connection));
      };
      this.#connections.add(connection);
    }
    this.#applyBlocks();
    return [near, far];
  }

  #pipe(source: SimConnection, target: SimConnection): Pipe {
    return new Pipe(this.#clock, this.#random, () => this.#delay(source.from, source.to), {
      gate: target.gate,
      data: (bytes) => {
        this.#observe('data', source.from, source.to, bytes);
        target.handlers?.data(bytes);
      },
      drained: () => source.gate(() => source.handlers?.drained()),
      // Half-open serves nobody here: an end is an end, both ways.
      ended: () => {
        target.over(undefined);
        source.over(undefined);
      },
    }, this.#windowBytes);
  }

  #break(connection: SimConnection): void {
    const reason = new Error('connection reset');
    connection.out.kill();
    connection.over(reason);
    if (!connection.hasVanished) connection.other.over(reason);
  }

  #isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`);
  }

  #applyBlocks(): void {
    for (const connection of this.#connections) {
      connection.out.blocked = connection.hasVanished || this.#isBlocked(connection.from, connection.to);
      connection.out.schedule();
      this.#buryOrphan(connection);
    }
  }

  #buryOrphan(connection: SimConnection): void {
    if (connection.isOrphan && !connection.hasVanished && !this.#isBlocked(connection.to, connection.from)) connection.over(undefined);
  }
}
