// The MIT labs' network as a world's: calls that are late, lost either way or overtaken by later ones, and hosts that
// are cut off as a whole. What SimNetwork has besides (asymmetry, resets, windows) the labs do not know.

import type { Clock, Connection, ConnectionHandlers, Network } from '../engine/ports.ts';
import { LabNetwork } from './lab-network.ts';
import type { Gate, SimNetworkOptions, WorldNetwork } from './network.ts';
import type { LabConditions } from './schedule.ts';

export class LabWorldNetwork implements WorldNetwork {
  readonly #clock: Clock;
  readonly #network: LabNetwork;
  readonly #observe: NonNullable<SimNetworkOptions['observe']>;
  readonly #cut = new Map<string, readonly [string, string]>();

  constructor(clock: Clock, seed: number, conditions: LabConditions, observe: NonNullable<SimNetworkOptions['observe']>) {
    this.#clock = clock;
    this.#network = new LabNetwork(clock, seed);
    Object.assign(this.#network, conditions);
    this.#observe = observe;
  }

  get losses(): number {
    return this.#network.lost;
  }

  of(host: string, gate: Gate = (work) => work()): Network {
    const network = this.#network.of(host);
    return {
      dial: (address, options) =>
        new Promise((resolve, reject) => {
          network.dial(address, options).then(
            (connection) => gate(() => resolve(this.#gated(connection, host, address.host, gate))),
            (error: unknown) => gate(() => reject(error)),
          );
        }),
      listen: (address, onConnection) => network.listen(address, (connection) => gate(() => onConnection(this.#gated(connection, host, connection.remote.host, gate)))),
    };
  }

  revive(host: string): void {
    this.#network.revive(host);
  }

  kill(host: string): void {
    this.#network.kill(host);
  }

  /** The labs' ends are cut both ways. */
  partition(from: string, to: string): void {
    this.#cut.set(`${from}>${to}`, [from, to]);
    this.#network.enable(from, to, false);
  }

  heal(from?: string, to?: string): void {
    for (const [key, [a, b]] of this.#cut) if (from === undefined || (a === from && b === to)) this.#cut.delete(key);
    this.#network.enableAllBut([...this.#cut.values()]);
    if (from === undefined) Object.assign(this.#network, { reliable: true, longReordering: false, longDelays: false });
  }

  clog(from: string, to: string, ms: number): void {
    this.partition(from, to);
    this.#clock.after(ms, () => this.heal(from, to));
  }

  reset(): void {
    // A call of the labs' is a connection of its own.
  }

  vanish(): void {
    // Whoever is cut off there is told nothing of it anyway.
  }

  link(): void {
    // All links are as the switches have them.
  }

  /** What a process that is dead or stands still must not hear. */
  #gated(connection: Connection, host: string, other: string, gate: Gate): Connection {
    return {
      remote: connection.remote,
      get queuedBytes() {
        return connection.queuedBytes;
      },
      write: (bytes) => connection.write(bytes),
      pause: () => connection.pause(),
      resume: () => connection.resume(),
      close: () => connection.close(),
      destroy: () => connection.destroy(),
      handle: (handlers: ConnectionHandlers) =>
        connection.handle({
          data: (bytes) => {
            this.#observe('data', other, host, bytes);
            gate(() => handlers.data(bytes));
          },
          drained: () => gate(() => handlers.drained()),
          closed: (reason) => gate(() => handlers.closed(reason)),
        }),
    };
  }
}
