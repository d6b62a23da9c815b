// Reading a snapshot back, block by block.

import { OperationError } from '../errors.ts';
import { Reader } from '../wire/index.ts';
import { checkKnown, clusterVersions } from './cluster-version.ts';
import { Digest } from './digest.ts';
import { Kv } from './kv.ts';
import { MapEdit, emptyRoot } from './ordered-map.ts';
import type { Session } from './session.ts';
import { RecordType, snapshotVersion, versionedSnapshot } from './snapshot.ts';
import type { KvState } from './state.ts';
import { ValueStore } from './value-store.ts';
import { isLive, newVersion, versionOverheadBytes } from './version.ts';
import type { Version } from './version.ts';
import type { Superseded } from './workspace.ts';

/** Builds a Kv from blocks, in order; it replaces, it never merges (law 8). */
export class KvRestore {
  readonly #edit = new MapEdit<Version>(emptyRoot);
  readonly #digest = new Digest();
  readonly #sessions = new Map<number, Session>();
  readonly #superseded: Superseded[] = [];
  readonly #values = new ValueStore();
  #state: KvState | undefined;
  #live = 0;
  #bytes = 0;
  #keys = 0;
  #ended = false;

  add(block: Uint8Array): void {
    // The block is the caller's: what is kept of it is copied once, here.
    const reader = new Reader(block.slice());
    while (reader.remaining > 0) this.#record(reader);
  }

  finish(): Kv {
    if (!this.#ended || this.#state === undefined) throw corrupt('has no end');
    // Compaction looks at what was superseded in order of revision, whatever key it was.
    this.#superseded.sort((a, b) => a.revision - b.revision);
    const state = { ...this.#state, root: this.#edit.finish(), keys: this.#live, bytes: this.#bytes };
    return new Kv(state, this.#digest, this.#sessions, this.#superseded);
  }

  #record(reader: Reader): void {
    const type = reader.u8();
    if (this.#ended || (type === RecordType.head) !== (this.#state === undefined)) throw corrupt('has records out of place');
    switch (type) {
      case RecordType.head:
        return this.#head(reader);
      case RecordType.session:
        return this.#session(reader);
      case RecordType.key:
        return this.#key(reader);
      case RecordType.end:
        if (reader.u53() !== this.#keys || reader.u53() !== this.#sessions.size) throw corrupt('lacks records');
        this.#ended = true;
        return undefined;
      default:
        throw corrupt(`has a record of type ${type}`);
    }
  }

  #head(reader: Reader): void {
    const version = reader.u16();
    if (version !== snapshotVersion && version !== versionedSnapshot) throw new OperationError({ code: 'UNSUPPORTED', detail: `a state of version ${version}` });
    const [revision, compactRevision, appliedIndex, appliedTerm, stampMs] = [reader.u53(), reader.u53(), reader.u53(), reader.u53(), reader.u53()];
    const clusterVersion = version === versionedSnapshot ? checkKnown(reader.u16()) : clusterVersions.lowest;
    this.#state = { root: emptyRoot, revision, compactRevision, appliedIndex, appliedTerm, stampMs, keys: 0, bytes: 0, clusterVersion };
  }

  #session(reader: Reader): void {
    const [id, ttlMs, touchedMs, lowest] = [reader.u53(), reader.u53(), reader.u53(), reader.u53()];
    const replies = new Map<number, Uint8Array>();
    let repliesBytes = 0;
    for (let left = reader.u32(); left > 0; left--) {
      const sequence = reader.u53();
      const reply = reader.bytes();
      replies.set(sequence, reply.slice());
      repliesBytes += reply.length;
    }
    this.#sessions.set(id, { id, ttlMs, touchedMs, lowest, replies, repliesBytes, epoch: 0 });
  }

  #key(reader: Reader): void {
    const key = reader.bytes().slice();
    let older: Version | undefined;
    for (let left = reader.u32(); left > 0; left--) {
      const [modRevision, createRevision, version, lease] = [reader.u53(), reader.u53(), reader.u53(), reader.i64()];
      const next = newVersion(key, { modRevision, createRevision, version, lease, value: this.#values.keep(reader.bytes()), older });
      if (older !== undefined || version === 0) this.#superseded.push({ revision: modRevision, key });
      this.#digest.add(next.hashA, next.hashB);
      this.#bytes += key.length + next.value.length + versionOverheadBytes;
      older = next;
    }
    if (older === undefined) throw corrupt('has a key without versions');
    if (isLive(older)) this.#live++;
    this.#keys++;
    this.#edit.set(key, older);
  }
}

function corrupt(what: string): OperationError {
  return new OperationError({ code: 'CORRUPT', detail: `a stored state ${what}` });
}
