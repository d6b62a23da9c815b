// What the store keeps of a key: its versions, newest first, sharing their tails between states.
//
//   put(2) put(3) delete(4) put(5):   5 → 4† → 3 → 2        compact(4) keeps 5        compact(3) keeps 5 → 4† → 3
//
// A tombstone ends a life: the put after it starts again at version 1.

import { crc32c } from '../wire/index.ts';
import type { KeyValue, Revision } from './request.ts';

export interface Version {
  readonly modRevision: Revision;
  readonly createRevision: Revision;
  /** 0: a tombstone. */
  readonly version: number;
  readonly value: Uint8Array;
  readonly lease: bigint;
  readonly older: Version | undefined;
  /** Its share of the digest: two lanes of 32 bits. */
  readonly hashA: number;
  readonly hashB: number;
}

/** What a version counts for beside its key and value. */
export const versionOverheadBytes = 96;

/** The newest version that was there at `revision`, tombstones included. */
export function versionAt(newest: Version | undefined, revision: Revision): Version | undefined {
  let version = newest;
  while (version !== undefined && version.modRevision > revision) version = version.older;
  return version;
}

export function isLive(version: Version | undefined): version is Version {
  return version !== undefined && version.version > 0;
}

export function toKeyValue(key: Uint8Array, version: Version, withValue = true): KeyValue {
  const { value, createRevision, modRevision, lease } = version;
  return { key, value: withValue ? value : noBytes, createRevision, modRevision, version: version.version, lease };
}

const noBytes = new Uint8Array(0);
const scratch = new DataView(new ArrayBuffer(40));
const scratchBytes = new Uint8Array(scratch.buffer);

export function newVersion(
  key: Uint8Array,
  fields: Pick<Version, 'modRevision' | 'createRevision' | 'version' | 'value' | 'lease' | 'older'>,
): Version {
  scratch.setFloat64(0, fields.modRevision);
  scratch.setFloat64(8, fields.createRevision);
  scratch.setFloat64(16, fields.version);
  scratch.setBigInt64(24, fields.lease);
  scratch.setUint32(32, key.length);
  scratch.setUint32(36, fields.value.length);
  const ofKey = crc32c(key, crc32c(scratchBytes));
  const ofAll = crc32c(fields.value, ofKey);
  const { modRevision, createRevision, version, value, lease, older } = fields;
  return { modRevision, createRevision, version, value, lease, older, hashA: mix(ofAll ^ 0x9e3779b9), hashB: mix(Math.imul(ofKey, 0x85ebca6b) ^ ofAll) };
}

/**
 * Spreads a checksum, which is linear, so that sums of shares tell different sets apart. Signed: half of the unsigned
 * ones would take an object of their own wherever they are kept.
 */
export function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x21f0aaad);
  h ^= h >>> 15;
  h = Math.imul(h, 0x735a2d97);
  return h ^ (h >>> 15);
}
