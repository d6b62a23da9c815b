// A state under construction: what a batch of commands makes of the published one. Nobody sees it before it is
// finished, and what it was begun from stays as it was.

import type { Digest } from './digest.ts';
import { MapEdit } from './ordered-map.ts';
import type { MapRoot } from './ordered-map.ts';
import type { AppendRequest, AppendResponse, DeleteRequest, DeleteResponse, KeyValue, PutRequest, PutResponse, Revision } from './request.ts';
import { eachLive } from './range.ts';
import type { Work } from './range.ts';
import { ValueStore } from './value-store.ts';
import { isLive, newVersion, toKeyValue, versionAt, versionOverheadBytes } from './version.ts';
import type { Version } from './version.ts';
import { concatBytes } from '../bytes.ts';

/** A revision that made an older version of `key` superfluous, once compaction has passed it. */
export interface Superseded {
  readonly revision: Revision;
  readonly key: Uint8Array;
}

const noBytes = new Uint8Array(0);
const putDone: PutResponse = { type: 'put' };

export class Workspace {
  readonly edit: MapEdit<Version>;
  readonly digest: Digest;
  readonly superseded: Superseded[] = [];
  revision: Revision;
  /** Change of live keys and of stored bytes. */
  keys = 0;
  bytes = 0;
  /** The command at hand has written: its revision is `revision + 1`. */
  #written = false;

  readonly #values: ValueStore;

  constructor(root: MapRoot<Version>, revision: Revision, digest: Digest, values: ValueStore = new ValueStore()) {
    this.#values = values;
    this.edit = new MapEdit(root);
    this.revision = revision;
    this.digest = digest;
  }

  /** The revision that a write of the command at hand gets. */
  get writing(): Revision {
    return this.revision + 1;
  }

  /** One revision for all a command wrote; none if it wrote nothing. */
  endCommand(): void {
    if (this.#written) this.revision++;
    this.#written = false;
  }

  live(key: Uint8Array): Version | undefined {
    const version = this.edit.get(key);
    return isLive(version) ? version : undefined;
  }

  put(request: PutRequest): PutResponse {
    const older = this.edit.get(request.key);
    const before = isLive(older) ? older : undefined;
    const value = request.ignoreValue === true ? before!.value : this.#values.keep(request.value);
    const lease = request.ignoreLease === true ? before!.lease : (request.lease ?? 0n);
    this.#store(request.key, older, value, lease);
    return request.prevKv === true && before !== undefined ? { type: 'put', prevKv: toKeyValue(request.key.slice(), before) } : putDone;
  }

  append(request: AppendRequest): AppendResponse {
    const older = this.edit.get(request.key);
    const before = isLive(older) ? older : undefined;
    const value = concatBytes([before?.value ?? noBytes, request.value]);
    this.#store(request.key, older, value, before?.lease ?? 0n);
    return { type: 'append', length: value.length };
  }

  *delete(request: DeleteRequest): Work<DeleteResponse> {
    const doomed: { readonly key: Uint8Array; readonly version: Version }[] = [];
    yield* eachLive(this.edit.root, request, Number.MAX_SAFE_INTEGER, (key, version) => {
      doomed.push({ key, version });
      return true;
    });
    const prevKvs: KeyValue[] = [];
    let sinceYield = 0;
    for (const { key, version } of doomed) {
      this.#written = true;
      this.keys--;
      this.#push(key, { modRevision: this.writing, createRevision: 0, version: 0, value: noBytes, lease: 0n, older: version });
      if (request.prevKv === true) prevKvs.push(toKeyValue(key, version));
      if (++sinceYield === 32) {
        sinceYield = 0;
        yield 96;
      }
    }
    return { type: 'delete', deleted: doomed.length, prevKvs };
  }

  /** Removes versions of `key` that nobody can ask for any more once `revision` is compacted. */
  trim(key: Uint8Array, revision: Revision): void {
    const newest = this.edit.get(key);
    if (newest === undefined) return;
    const kept = versionAt(newest, revision);
    if (kept === undefined) return;
    for (let version = kept.older; version !== undefined; version = version.older) this.#drop(key, version);
    // The newest at the compacted revision stays, unless it is a tombstone: then the key was not there.
    const base = isLive(kept) ? { ...kept, older: undefined } : undefined;
    if (base === undefined) this.#drop(key, kept);
    const chain = rebuilt(newest, kept, base);
    if (chain === undefined) this.edit.delete(key);
    else this.edit.set(key, chain);
  }

  #store(key: Uint8Array, older: Version | undefined, value: Uint8Array, lease: bigint): void {
    const before = isLive(older) ? older : undefined;
    this.#written = true;
    const revision = this.writing;
    if (before === undefined) this.keys++;
    this.#push(key, {
      modRevision: revision,
      createRevision: before?.createRevision ?? revision,
      version: (before?.version ?? 0) + 1,
      value,
      lease,
      older,
    });
  }

  #push(key: Uint8Array, fields: Parameters<typeof newVersion>[1]): void {
    // A second write of the key in one command replaces the first: a revision has one version of a key.
    const twin = fields.older?.modRevision === fields.modRevision ? fields.older : undefined;
    // Not the array it came in: that one is a view, and would hold the whole batch for as long as the key is held.
    const stored = fields.older === undefined ? key.slice() : this.edit.ownKey(key);
    const version = newVersion(key, twin === undefined ? fields : { ...fields, older: twin.older });
    if (twin !== undefined) this.#drop(key, twin);
    if (version.older !== undefined || version.version === 0) this.superseded.push({ revision: version.modRevision, key: stored });
    this.digest.add(version.hashA, version.hashB);
    this.bytes += key.length + version.value.length + versionOverheadBytes;
    this.edit.set(fields.older === undefined ? stored : key, version);
  }

  #drop(key: Uint8Array, version: Version): void {
    this.digest.remove(version.hashA, version.hashB);
    this.bytes -= key.length + version.value.length + versionOverheadBytes;
  }
}

/** The chain from `newest` down to where `kept` was, with `base` in its place. */
function rebuilt(newest: Version, kept: Version, base: Version | undefined): Version | undefined {
  const above: Version[] = [];
  for (let version = newest; version !== kept; version = version.older!) above.push(version);
  return above.reduceRight<Version | undefined>((older, version) => ({ ...version, older }), base);
}
