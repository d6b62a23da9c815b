// The whole state as ordered records in blocks, version 1 or 2: a head, then sessions by id, then keys in order, each
// with its versions oldest first. Equal states give equal bytes on every member.

import { Writer } from '../wire/index.ts';
import { clusterVersions } from './cluster-version.ts';
import { Cursor } from './ordered-map.ts';
import type { Session } from './session.ts';
import type { Version } from './version.ts';
import type { KvState } from './state.ts';

/** Written while the cluster is at its lowest version, and any member may be of a build that reads nothing else. */
export const snapshotVersion = 1;
/** The head says the cluster version. */
export const versionedSnapshot = 2;
const blockBytes = 64 << 10;
export const RecordType = { head: 1, session: 2, key: 3, end: 4 } as const;

export interface SnapshotSource {
  readonly state: KvState;
  readonly sessions: ReadonlyMap<number, Session>;
}

/** Blocks of about 64 KiB, one a call; a key with a long history may make a larger one. */
export function snapshotBlocks(source: SnapshotSource): { next(): Uint8Array | undefined } {
  const records = recordsOf(source);
  let ended = false;
  return {
    next() {
      if (ended) return undefined;
      const writer = new Writer(blockBytes + 4096);
      while (writer.length < blockBytes) {
        const { done, value } = records.next();
        if (done === true) {
          ended = true;
          break;
        }
        value(writer);
      }
      return writer.finish();
    },
  };
}

function* recordsOf({ state, sessions }: SnapshotSource): Generator<(writer: Writer) => void, void, void> {
  yield (writer) => {
    const isVersioned = state.clusterVersion > clusterVersions.lowest;
    writer.u8(RecordType.head).u16(isVersioned ? versionedSnapshot : snapshotVersion).u53(state.revision).u53(state.compactRevision);
    writer.u53(state.appliedIndex).u53(state.appliedTerm).u53(state.stampMs);
    if (isVersioned) writer.u16(state.clusterVersion);
  };
  for (const id of [...sessions.keys()].sort((a, b) => a - b)) yield (writer) => writeSession(writer, sessions.get(id)!);
  let keys = 0;
  for (const cursor = new Cursor(state.root, new Uint8Array(0)); !cursor.done; cursor.next()) {
    const { key, value } = cursor;
    keys++;
    yield (writer) => writeKey(writer, key, value);
  }
  const total = keys;
  yield (writer) => void writer.u8(RecordType.end).u53(total).u53(sessions.size);
}

function writeSession(writer: Writer, session: Session): void {
  writer.u8(RecordType.session).u53(session.id).u53(session.ttlMs).u53(session.touchedMs).u53(session.lowest).u32(session.replies.size);
  for (const sequence of [...session.replies.keys()].sort((a, b) => a - b)) writer.u53(sequence).bytes(session.replies.get(sequence)!);
}

function writeKey(writer: Writer, key: Uint8Array, newest: Version): void {
  const versions: Version[] = [];
  for (let version: Version | undefined = newest; version !== undefined; version = version.older) versions.push(version);
  writer.u8(RecordType.key).bytes(key).u32(versions.length);
  for (const version of versions.reverse()) {
    writer.u53(version.modRevision).u53(version.createRevision).u53(version.version).i64(version.lease).bytes(version.value);
  }
}
