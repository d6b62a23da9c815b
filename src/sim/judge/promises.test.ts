// The judge of promises, with lives and deaths made by hand: the simulator would have to be lucky to show each of these.

import { describe, expect, it } from 'vitest';
import type { Message, Term } from '../../core/raft/index.ts';
import type { LogWrite } from '../../engine/log/index.ts';
import { Coverage } from '../coverage.ts';
import type { Sight } from './checker.ts';
import { Ledger } from './ledger.ts';
import { Promises } from './promises.ts';

/** A life of the one machine there is, whose log holds entries of these terms, 1 and on. Writes are durable when `sync` is called. */
class HandMade {
  readonly #promises: Promises;
  readonly #terms: Term[];
  readonly #disk: Term[];
  readonly #waiting: (() => void)[] = [];
  readonly sight: Sight;

  constructor(promises: Promises, terms: readonly Term[]) {
    this.#promises = promises;
    this.#terms = [...terms];
    this.#disk = [...terms];
    const [own, disk, waiting] = [this.#terms, this.#disk, this.#waiting];
    const round = {
      submit(writes: readonly LogWrite[], durable: () => void): void {
        waiting.push(() => {
          for (const write of writes) {
            if (write.type === 'cut') disk.length = write.from - 1;
            if (write.type === 'entries') disk.push(...write.entries.map(({ term }) => term));
          }
          durable();
        });
      },
    };
    const raft = {
      get state() {
        return { term: own.at(-1) ?? 0, log: { offset: 0, offsetTerm: 0, entries: own.map((term, at) => ({ index: at + 1, term })) } };
      },
      get lastIndex() {
        return own.length;
      },
      termAt: (index: number) => (index === 0 ? 0 : own[index - 1]),
    };
    const log = { state: () => ({ hardState: { term: own.at(-1) ?? 0 }, lastIndex: disk.length }) };
    this.sight = { machine: { at: 0, name: 'n1' }, life: { member: { round, log } }, replica: {}, raft } as unknown as Sight;
    promises.met(this.sight);
  }

  /** Entries of these terms take the place of all from `from` on, in memory at once. */
  write(from: number, terms: readonly Term[]): void {
    const writes: LogWrite[] = from <= this.#terms.length ? [{ type: 'cut', group: 1, from }] : [];
    this.#terms.length = from - 1;
    this.#terms.push(...terms);
    writes.push({ type: 'entries', group: 1, entries: terms.map((term, at) => ({ index: from + at, term, kind: 0, data: new Uint8Array(0) })) } as LogWrite);
    this.sight.life.member!.round.submit(writes, () => undefined);
  }

  sync(): void {
    for (const durable of this.#waiting.splice(0)) durable();
  }

  acknowledge(index: number): void {
    this.#promises.sends(this.sight, { type: 'appendReply', from: 1, to: 2, term: this.sight.raft.state.term, index, rejected: false, hintIndex: 0, hintTerm: 0 } as Message);
  }
}

describe('the judge of promises', () => {
  const begin = (): Promises => new Promises(new Ledger(new Coverage()));

  it('misses after a death what was promised, though nobody had committed it', () => {
    const promises = begin();
    const life = new HandMade(promises, [1, 1]);
    life.write(3, [2, 2]);
    life.sync();
    life.acknowledge(4);
    expect(() => new HandMade(promises, [1, 1, 2])).toThrow('promised entry 4 of term 2, and came back with a log that ends at 3');
    expect(() => new HandMade(promises, [1, 1, 2, 3])).toThrow('promised entry 4 of term 2, and came back with one of term 3');
    expect(() => new HandMade(promises, [1, 1, 2, 2, 2])).not.toThrow();
  });

  it('holds nobody to what was only written, nor to what it lost with its disk', () => {
    const promises = begin();
    const life = new HandMade(promises, [1]);
    life.write(2, [2]);
    life.sync();
    life.acknowledge(2);
    life.write(3, [2]);
    life.sync();
    expect(() => new HandMade(promises, [1, 2])).not.toThrow();
    promises.lostDisk(0);
    expect(() => new HandMade(promises, [])).not.toThrow();
  });

  it('does not take an old suffix for what came in its place', () => {
    const life = new HandMade(begin(), [1, 2, 2, 2, 2]);
    life.write(3, [3, 3]);
    expect(() => life.acknowledge(4)).toThrow('acknowledges 4 of term 3, and its disk has 2 there');
    life.sync();
    expect(() => life.acknowledge(4)).not.toThrow();
  });

  it('holds nobody to what a later leader’s entries replace, also while they are on their way to the disk', () => {
    const promises = begin();
    const life = new HandMade(promises, [1, 2, 2]);
    life.acknowledge(3);
    life.write(2, [3]);
    // It dies before it hears of the write: the disk has taken it, or not.
    expect(() => new HandMade(promises, [1, 3])).not.toThrow();
    expect(() => new HandMade(promises, [1, 2, 2])).not.toThrow();
    expect(() => new HandMade(promises, [2])).toThrow('promised entry 1 of term 1, and came back with one of term 2');
  });
});
