// One group's share of the log, in memory: what it promised, and where its live entries are.

import { EntryKind, decodeConfiguration, noConfiguration, noHardState } from '../../core/raft/index.ts';
import type { Configuration, GroupId, HardState, SnapshotMarker } from '../../core/raft/index.ts';
import { EntryPlaces } from './entry-places.ts';
import { RecordKind, decodeHardState, decodeMarker, entryKindOf } from './record.ts';
import type { RecordBody } from './record.ts';
import type { Segment } from './segment.ts';
import type { ConfigurationAt, GroupCheckpoint } from './segment-header.ts';
import type { GroupState } from './writes.ts';

export class LogGroup {
  readonly id: GroupId;
  readonly places: EntryPlaces = new EntryPlaces();
  #hardState: HardState = noHardState;
  #marker: SnapshotMarker | undefined;
  /** Of entries behind the marker: a suffix cut goes back to the one before. */
  #configurations: ConfigurationAt[] = [];

  constructor(id: GroupId) {
    this.id = id;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get state(): GroupState {
    const { firstIndex, lastIndex } = this.places;
    return { hardState: this.#hardState, marker: this.#marker, configuration: this.#configuration, firstIndex, lastIndex };
  }

  /** Does what a record says: the same when it has just been written and when it is read back. */
  apply(record: RecordBody, segment: Segment, position: number, bytes: number): void {
    switch (record.kind) {
      case RecordKind.entry:
        this.places.push(record.index, segment, position, bytes);
        if (entryKindOf(record.detail) === EntryKind.configuration) {
          this.#configurations.push({ index: record.index, configuration: decodeConfiguration(record.payload) });
        }
        break;
      case RecordKind.hardState:
        this.#hardState = decodeHardState(record.payload);
        break;
      case RecordKind.cut:
        this.places.cut(record.index);
        this.#configurations = this.#configurations.filter(({ index }) => index < record.index);
        break;
      case RecordKind.snapshot:
        this.#mark(decodeMarker(record.payload), record.detail === 1);
        break;
      case RecordKind.drop:
        this.places.drop(Math.min(record.index, this.places.lastIndex));
        break;
    }
  }

  checkpoint(): GroupCheckpoint {
    const { firstIndex, lastIndex } = this.places;
    return { group: this.id, hardState: this.#hardState, marker: this.#marker, firstIndex, lastIndex, configurations: this.#configurations };
  }

  /** Takes what the first segment that is left says of the time before it. */
  begin(checkpoint: GroupCheckpoint): void {
    this.#hardState = checkpoint.hardState;
    this.#marker = checkpoint.marker;
    this.#configurations = [...checkpoint.configurations];
    this.places.assume(checkpoint.firstIndex, checkpoint.lastIndex);
  }

  get #configuration(): Configuration {
    return this.#configurations.at(-1)?.configuration ?? this.#marker?.configuration ?? noConfiguration;
  }

  #mark(marker: SnapshotMarker, replacesAll: boolean): void {
    this.#marker = marker;
    if (replacesAll) this.places.reset(marker.index + 1);
    this.#configurations = replacesAll ? [] : this.#configurations.filter(({ index }) => index > marker.index);
  }
}
