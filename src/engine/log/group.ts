// One group's share of the log, in memory: its state, and where each of its live entries is stored.

import { assert } from '../../core/assert.ts';
import { EntryKind, decodeConfiguration, noConfiguration, noHardState } from '../../core/raft/index.ts';
import type { Configuration, Entry, GroupId, HardState, LogIndex, SnapshotMarker } from '../../core/raft/index.ts';
import { decodeHardState, decodeMarkerBytes, RecordKind } from './format.ts';
import type { GroupCheckpoint, StoredRecord } from './format.ts';

/** Where an entry's record is. */
export interface Place {
  /** First lsn of its segment. */
  readonly segment: number;
  readonly position: number;
  readonly bytes: number;
}

export class LogGroup {
  readonly id: GroupId;
  hardState: HardState = noHardState;
  marker: SnapshotMarker | undefined;
  firstIndex: LogIndex = 1;
  /** Of the entries firstIndex …, in order. */
  #places: Place[] = [];
  #configurations: { readonly index: LogIndex; readonly configuration: Configuration }[] = [];
  #bytes = 0;

  constructor(id: GroupId) {
    this.id = id;
  }

  get lastIndex(): LogIndex {
    return this.firstIndex + this.#places.length - 1;
  }

  get configuration(): Configuration {
    return this.#configurations.at(-1)?.configuration ?? this.marker?.configuration ?? noConfiguration;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest segment that still holds something of this group; undefined: none does. */
  get oldestSegment(): number | undefined {
    return this.#places[0]?.segment;
  }

  place(index: LogIndex): Place | undefined {
    return this.#places[index - this.firstIndex];
  }

  append(entry: Pick<Entry, 'index' | 'kind' | 'data'>, place: Place): void {
    assert(entry.index === this.lastIndex + 1, 'a log has no gaps');
    this.#places.push(place);
    this.#bytes += place.bytes;
    if (entry.kind === EntryKind.configuration) this.#configurations.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
  }

  /** Suffix truncation: a conflict was found at `from`. */
  cut(from: LogIndex): void {
    assert(from >= this.firstIndex, 'a suffix cut leaves the compacted prefix alone');
    for (const { bytes } of this.#places.splice(from - this.firstIndex)) this.#bytes -= bytes;
    while (this.#configurations.length > 0 && this.#configurations.at(-1)!.index >= from) this.#configurations.pop();
  }

  /** Prefix truncation: everything up to `through` is in a durable snapshot. */
  drop(through: LogIndex): void {
    assert(this.marker !== undefined && through <= this.marker.index, 'only what a snapshot holds is dropped');
    if (through < this.firstIndex) return;
    for (const { bytes } of this.#places.splice(0, through - this.firstIndex + 1)) this.#bytes -= bytes;
    this.firstIndex = through + 1;
  }

  mark(marker: SnapshotMarker, reset: boolean): void {
    this.marker = marker;
    if (!reset) return;
    this.#places = [];
    this.#bytes = 0;
    this.firstIndex = marker.index + 1;
    this.#configurations = [];
  }

  checkpoint(): GroupCheckpoint {
    const { id: group, hardState, marker, configuration, firstIndex, lastIndex } = this;
    return { group, hardState, marker, configuration, firstIndex, lastIndex };
  }

  /** Takes what the first segment that is left says of the time before it. */
  begin(checkpoint: GroupCheckpoint): void {
    this.hardState = checkpoint.hardState;
    this.marker = checkpoint.marker;
    this.firstIndex = checkpoint.lastIndex + 1;
    this.#configurations = [{ index: checkpoint.lastIndex, configuration: checkpoint.configuration }];
  }

  /** Repeats what a record says. Reading back is the same as having written. */
  replay(record: StoredRecord, segment: number): void {
    switch (record.kind) {
      case RecordKind.entry: {
        const kind = record.payload[0] as EntryKind;
        const place = { segment, position: record.position, bytes: record.end - record.position };
        this.append({ index: record.index, kind, data: record.payload.subarray(1) }, place);
        break;
      }
      case RecordKind.hardState:
        this.hardState = decodeHardState(record.payload);
        break;
      case RecordKind.cut:
        this.cut(Math.max(record.index, this.firstIndex));
        break;
      case RecordKind.snapshot:
        this.mark(decodeMarkerBytes(record.payload.subarray(1)), record.payload[0] === 1);
        break;
      case RecordKind.drop:
        if (record.index >= this.firstIndex) this.drop(Math.min(record.index, this.lastIndex));
        break;
    }
  }
}
