// A disk that keeps its promises and no others: what was synced survives a crash; of what was only submitted, some
// prefix may, and it may end in the middle of a persist (a torn tail).

import { noHardState } from '../../src/core/raft/index.ts';
import type { Configuration, Entry, HardState, LogIndex, Persist, Restored, SnapshotMarker, Term } from '../../src/core/raft/index.ts';

/** What a log on disk says of a group. */
export interface RaftImage {
  hardState: HardState;
  marker: SnapshotMarker | undefined;
  /** Behind this the entries begin. */
  offset: LogIndex;
  offsetTerm: Term;
  entries: Entry[];
}

type Write =
  | { readonly type: 'reset'; readonly marker: SnapshotMarker }
  | { readonly type: 'cut'; readonly from: LogIndex }
  | { readonly type: 'hardState'; readonly hardState: HardState }
  | { readonly type: 'entry'; readonly entry: Entry }
  | { readonly type: 'mark'; readonly marker: SnapshotMarker; readonly through: LogIndex };

interface Submission {
  readonly writes: readonly Write[];
  readonly due: number;
  readonly durable: () => void;
}

export class RaftDisk {
  readonly image: RaftImage = { hardState: noHardState, marker: undefined, offset: 0, offsetTerm: 0, entries: [] };
  readonly #first: Configuration;
  #queue: Submission[] = [];

  /** `first`: who is there before anything was written. */
  constructor(first: Configuration) {
    this.#first = first;
  }

  get lastIndex(): LogIndex {
    return this.image.offset + this.image.entries.length;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0;
  }

  /** Undefined: not there, or compacted. */
  termAt(index: LogIndex): Term | undefined {
    const { offset, offsetTerm, entries } = this.image;
    return index === offset ? offsetTerm : entries[index - offset - 1]?.term;
  }

  /** Is the entry, or a snapshot that covers it, durable here? */
  holds(index: LogIndex, term: Term): boolean {
    return index <= this.image.offset || this.termAt(index) === term;
  }

  submit(persist: Persist | undefined, due: number, durable: () => void): void {
    const writes: Write[] = [];
    if (persist?.reset !== undefined) writes.push({ type: 'reset', marker: persist.reset });
    if (persist?.cutFrom !== undefined) writes.push({ type: 'cut', from: persist.cutFrom });
    if (persist?.hardState !== undefined) writes.push({ type: 'hardState', hardState: persist.hardState });
    for (const entry of persist?.entries ?? []) writes.push({ type: 'entry', entry });
    this.#push(writes, due, durable);
  }

  /** A snapshot of our own: its marker first, then the prefix goes. */
  submitMark(marker: SnapshotMarker, through: LogIndex, due: number, durable: () => void): void {
    this.#push([{ type: 'mark', marker, through }], due, durable);
  }

  #push(writes: readonly Write[], due: number, durable: () => void): void {
    if (writes.length === 0 && this.isIdle) return durable();
    // In order: nothing is durable before what was submitted earlier.
    this.#queue.push({ writes, due: Math.max(due, this.#queue.at(-1)?.due ?? 0), durable });
  }

  /** Everything due becomes durable, as one sync, then says so. */
  sync(now: number): void {
    let count = 0;
    while (count < this.#queue.length && this.#queue[count]!.due <= now) count++;
    const done = this.#queue.splice(0, count);
    for (const { writes } of done) for (const write of writes) this.#write(write);
    for (const { durable } of done) durable();
  }

  /** Unsynced writes are lost, but for the first `survivors`. */
  crash(survivors: number): void {
    const writes = this.#queue.flatMap((submission) => submission.writes);
    this.#queue = [];
    for (const write of writes.slice(0, survivors)) this.#write(write);
  }

  #write(write: Write): void {
    const { image } = this;
    switch (write.type) {
      case 'reset':
        image.marker = write.marker;
        [image.offset, image.offsetTerm, image.entries] = [write.marker.index, write.marker.term, []];
        break;
      case 'cut':
        if (write.from <= image.offset) throw new Error(`a suffix cut at ${write.from} reaches into what is compacted`);
        if (write.from > this.lastIndex + 1) throw new Error(`a cut at ${write.from} behind the end ${this.lastIndex}`);
        image.entries.length = write.from - image.offset - 1;
        break;
      case 'hardState':
        if (write.hardState.term < image.hardState.term) throw new Error('a durable term went back');
        if (write.hardState.term === image.hardState.term && image.hardState.vote !== 0 && write.hardState.vote !== image.hardState.vote) {
          throw new Error(`a durable vote of term ${write.hardState.term} was changed`);
        }
        image.hardState = write.hardState;
        break;
      case 'entry':
        if (write.entry.index !== this.lastIndex + 1) throw new Error(`entry ${write.entry.index} written behind ${this.lastIndex}`);
        image.entries.push(write.entry);
        break;
      case 'mark': {
        image.marker = write.marker;
        if (write.through <= image.offset) break;
        const term = this.termAt(write.through);
        if (term === undefined) throw new Error('a prefix drop beyond the end');
        image.entries.splice(0, write.through - image.offset);
        [image.offset, image.offsetTerm] = [write.through, term];
        break;
      }
    }
  }

  /** What a member that starts now finds. Terms before a kept tail are not stored, so its first entry takes their place. */
  restored(applied: LogIndex): Restored {
    const { hardState, marker, offset, offsetTerm, entries } = this.image;
    const base = { hardState, marker, applied, configuration: marker?.configuration ?? this.#first };
    if (marker === undefined || offset === marker.index || entries.length === 0) return { ...base, entries: [...entries], offset, offsetTerm };
    const first = entries[0]!;
    return { ...base, entries: entries.slice(1), offset: first.index, offsetTerm: first.term };
  }
}
