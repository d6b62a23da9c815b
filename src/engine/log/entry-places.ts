// Where each live entry of one group is stored: runs of entries per segment, eight bytes an entry, because a log of
// millions of entries must not cost the collector millions of objects.

import { assert } from '../../core/assert.ts';
import type { LogIndex } from '../../core/raft/index.ts';
import type { Segment } from './segment.ts';

/** Where an entry's record is. */
export interface Place {
  readonly segment: Segment;
  readonly position: number;
  readonly bytes: number;
}

/** Consecutive entries whose records lie in one segment. */
interface Run {
  /** Undefined: known only by a later segment's header, so the records must have been dropped since, or are lost. */
  readonly segment: Segment | undefined;
  /** Index of the entry at offset 0 of the arrays. */
  readonly base: LogIndex;
  /** Offsets of the first live entry and behind the last one. */
  from: number;
  to: number;
  positions: Uint32Array;
  lengths: Uint32Array;
}

const none = new Uint32Array(0);

export class EntryPlaces {
  readonly #runs: Run[] = [];
  firstIndex: LogIndex = 1;
  lastIndex: LogIndex = 0;
  /** Of the live entries' records. */
  bytes = 0;

  /** The oldest run's segment: `undefined` if it is missing, `null` if there is no entry at all. */
  get oldest(): Segment | undefined | null {
    const run = this.#runs[0];
    return run === undefined ? null : run.segment;
  }

  at(index: LogIndex): Place {
    const run = this.#runs[this.#runOf(index)]!;
    assert(run.segment !== undefined, 'what a segment held is read only while the segment is there');
    const offset = index - run.base;
    return { segment: run.segment, position: run.positions[offset]!, bytes: run.lengths[offset]! };
  }

  push(index: LogIndex, segment: Segment, position: number, bytes: number): void {
    assert(index === this.lastIndex + 1, 'a log has no gaps');
    let run = this.#runs.at(-1);
    if (run?.segment !== segment) {
      run = { segment, base: index, from: 0, to: 0, positions: new Uint32Array(16), lengths: new Uint32Array(16) };
      this.#runs.push(run);
    }
    if (run.to === run.positions.length) {
      run.positions = grown(run.positions);
      run.lengths = grown(run.lengths);
    }
    run.positions[run.to] = position;
    run.lengths[run.to++] = bytes;
    this.bytes += bytes;
    this.lastIndex = index;
  }

  cut(from: LogIndex): void {
    for (let run = this.#runs.at(-1); run !== undefined && run.base + run.to > from; run = this.#runs.at(-1)) {
      const keep = Math.max(run.from, from - run.base);
      this.bytes -= bytesOf(run, keep, run.to);
      run.to = keep;
      if (run.to > run.from) break;
      this.#runs.pop();
    }
    this.lastIndex = Math.min(this.lastIndex, from - 1);
  }

  drop(through: LogIndex): void {
    while (this.#runs.length > 0 && this.#runs[0]!.base + this.#runs[0]!.from <= through) {
      const run = this.#runs[0]!;
      const next = Math.min(run.to, through + 1 - run.base);
      this.bytes -= bytesOf(run, run.from, next);
      run.from = next;
      if (run.from < run.to) break;
      this.#runs.shift();
    }
    this.firstIndex = Math.max(this.firstIndex, through + 1);
  }

  /** Nothing is left, and the next entry is `firstIndex`. */
  reset(firstIndex: LogIndex): void {
    this.#runs.length = 0;
    this.bytes = 0;
    this.firstIndex = firstIndex;
    this.lastIndex = firstIndex - 1;
  }

  /** What a header says of entries in segments before it, none of which has been seen. */
  assume(firstIndex: LogIndex, lastIndex: LogIndex): void {
    this.reset(firstIndex);
    if (lastIndex < firstIndex) return;
    this.#runs.push({ segment: undefined, base: firstIndex, from: 0, to: lastIndex - firstIndex + 1, positions: none, lengths: none });
    this.lastIndex = lastIndex;
  }

  #runOf(index: LogIndex): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#runs[middle]!.base <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function grown(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function bytesOf(run: Run, from: number, to: number): number {
  if (run.segment === undefined) return 0;
  let sum = 0;
  for (let offset = from; offset < to; offset++) sum += run.lengths[offset]!;
  return sum;
}
