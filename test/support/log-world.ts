// A log on the simulated disk, for tests.

import { nextUint32, seedRandom } from '../../src/core/random.ts';
import { EntryKind, noConfiguration } from '../../src/core/raft/index.ts';
import type { Entry, GroupId, SnapshotMarker } from '../../src/core/raft/index.ts';
import { openLog } from '../../src/engine/log/index.ts';
import type { Log, LogOptions } from '../../src/engine/log/index.ts';
import type { Random } from '../../src/engine/ports.ts';
import { SimDisk } from '../../src/sim/disk.ts';
import { eagerClock } from './eager-clock.ts';

export const directory = 'log';

export function seeded(seed: number): Random {
  const state = seedRandom(seed);
  return { uint32: () => nextUint32(state) };
}

export class LogWorld {
  disk: SimDisk;
  readonly random: Random;
  readonly warnings: string[] = [];
  readonly #options: Partial<LogOptions>;

  constructor(options: Partial<LogOptions> = {}, seed = 1) {
    this.random = seeded(seed);
    this.disk = new SimDisk(eagerClock, this.random);
    this.#options = options;
  }

  open(options: Partial<LogOptions> = {}): Promise<Log> {
    const logger = { log: (_: string, message: string) => void this.warnings.push(message) };
    const ports = { disk: this.disk, random: this.random, clock: eagerClock, logger };
    return openLog(ports, { directory, cluster: 7, member: 8, segmentBytes: 4096, ...this.#options, ...options });
  }

  /** Paths of the segments, oldest first. */
  segments(): string[] {
    return [...this.disk.contents().keys()].filter((path) => path.endsWith('.log'));
  }

  segment(at: number): string {
    return this.segments().at(at) ?? '';
  }
}

/** Bytes none of which is zero, so that they are never taken for a sector that was not written. */
export function payload(length: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 1 + ((i * 7 + salt * 13) % 255));
}

export function entry(index: number, term = 1, length = 16): Entry {
  return { index, term, kind: EntryKind.batch, data: payload(length, index + term * 100) };
}

/** Entries `from` … `to` of one term. */
export function entries(from: number, to: number, term = 1, length = 16): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term, length));
}

export function marker(index: number, term = 1, group: GroupId = 1): SnapshotMarker {
  return { index, term, producer: 8, id: group * 1000 + index, configuration: { ...noConfiguration, voters: [index, group] } };
}
