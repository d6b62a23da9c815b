// A batch of writes as the bytes of one append.

import type { LogWrite } from './writes.ts';
import { encodeHardState, encodeMarkerBytes, recordBytes, recordHeadBytes, sealRecord, RecordKind } from './format.ts';
import type { RecordHead } from './format.ts';
import type { LogGroup } from './group.ts';

/** One record to be: its head but for what depends on its place, and its payload in one or two parts. */
export interface Draft {
  readonly kind: RecordKind;
  readonly term: number;
  readonly index: number;
  readonly prefix: Uint8Array;
  readonly payload: Uint8Array;
}

const nothing = new Uint8Array(0);
const kindPrefixes = [Uint8Array.of(0), Uint8Array.of(1), Uint8Array.of(2)];

export function draftBytes(draft: Draft): number {
  return recordBytes(draft.prefix.length + draft.payload.length);
}

/** The records a write becomes. `group` is as the write finds it. */
export function draftsOf(write: LogWrite, group: LogGroup): readonly Draft[] {
  const { term } = group.hardState;
  switch (write.type) {
    case 'entries':
      return write.entries.map((entry) => ({ kind: RecordKind.entry, term: entry.term, index: entry.index, prefix: kindPrefixes[entry.kind]!, payload: entry.data }));
    case 'cut':
      return [
        { kind: RecordKind.cut, term, index: write.from, prefix: nothing, payload: nothing },
        // Whatever voted or knew a term in the part that is now void says so again.
        { kind: RecordKind.hardState, term, index: 0, prefix: nothing, payload: encodeHardState(group.hardState) },
      ];
    case 'hardState':
      return [{ kind: RecordKind.hardState, term: write.hardState.term, index: 0, prefix: nothing, payload: encodeHardState(write.hardState) }];
    case 'snapshot':
      return [{ kind: RecordKind.snapshot, term: write.marker.term, index: write.marker.index, prefix: Uint8Array.of(write.reset ? 1 : 0), payload: encodeMarkerBytes(write.marker) }];
    case 'drop':
      return [{ kind: RecordKind.drop, term, index: write.through, prefix: nothing, payload: nothing }];
  }
}

/** Collects records for one append to one segment. */
export class AppendBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  readonly #start: number;
  readonly #segment: number;

  constructor(segment: number, start: number, capacity: number) {
    this.#segment = segment;
    this.#start = start;
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** The position the next record would have. */
  get position(): number {
    return this.#start + this.#length;
  }

  get start(): number {
    return this.#start;
  }

  add(draft: Draft, group: number, lsn: number): void {
    const payloadLength = draft.prefix.length + draft.payload.length;
    const at = this.#length;
    this.#reserve(recordBytes(payloadLength));
    this.#bytes.set(draft.prefix, at + recordHeadBytes);
    this.#bytes.set(draft.payload, at + recordHeadBytes + draft.prefix.length);
    const head: RecordHead = { kind: draft.kind, group, term: draft.term, index: draft.index, lsn, batchOffset: at };
    sealRecord(this.#bytes, this.#view, at, payloadLength, this.#segment, this.#start + at, head);
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    this.#length += count;
    if (this.#length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
