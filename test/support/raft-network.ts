// A network that may be late, lose, double and reorder whatever it carries, and be cut in one direction only. It
// outlives the members: a message may arrive after both its ends have died and come back.

import { nextBelow, nextUnit } from '../../src/core/random.ts';
import type { RandomState } from '../../src/core/random.ts';
import type { MemberId, Message } from '../../src/core/raft/index.ts';

export interface NetworkFaults {
  /** Units of time, at least 1. */
  latencyMax: number;
  dropRate: number;
  doubleRate: number;
  /** How often a message takes ten times as long. */
  straggleRate: number;
}

interface Flying {
  readonly message: Message;
  readonly due: number;
}

export class RaftNetwork {
  faults: NetworkFaults = { latencyMax: 1, dropRate: 0, doubleRate: 0, straggleRate: 0 };
  readonly #random: RandomState;
  #flying: Flying[] = [];
  readonly #cut = new Set<string>();

  constructor(random: RandomState) {
    this.#random = random;
  }

  send(message: Message, now: number): void {
    const { faults } = this;
    if (this.isCut(message.from, message.to)) return;
    if (faults.dropRate > 0 && nextUnit(this.#random) < faults.dropRate) return;
    const copies = faults.doubleRate > 0 && nextUnit(this.#random) < faults.doubleRate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.#flying.push({ message, due: now + this.#latency() });
  }

  #latency(): number {
    const { latencyMax, straggleRate } = this.faults;
    const latency = 1 + nextBelow(this.#random, latencyMax);
    return straggleRate > 0 && nextUnit(this.#random) < straggleRate ? latency * 10 : latency;
  }

  /** What arrives now, in order of sending unless latencies differ. A cut made since loses it too. */
  arrivals(now: number): readonly Message[] {
    const arrived = this.#flying.filter(({ due }) => due <= now);
    if (arrived.length === 0) return [];
    this.#flying = this.#flying.filter(({ due }) => due > now);
    return arrived.filter(({ message }) => !this.isCut(message.from, message.to)).map(({ message }) => message);
  }

  /** Every message of these that is under way, for scripts that deliver by hand. */
  take(wanted: (message: Message) => boolean): readonly Message[] {
    const taken = this.#flying.filter(({ message }) => wanted(message)).map(({ message }) => message);
    this.#flying = this.#flying.filter(({ message }) => !wanted(message));
    return taken;
  }

  get isQuiet(): boolean {
    return this.#flying.length === 0;
  }

  cut(from: MemberId, to: MemberId): void {
    this.#cut.add(`${from}>${to}`);
  }

  isCut(from: MemberId, to: MemberId): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  get hasCuts(): boolean {
    return this.#cut.size > 0;
  }

  heal(): void {
    this.#cut.clear();
  }
}
