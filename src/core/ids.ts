// Identities of 53 bits. Founders' and clusters' are derived from what every founder is told, so that all agree
// before they have met; joiners' are drawn.

import { utf8 } from './bytes.ts';

/** A number in [1, 2^53) that depends on every byte of `text` (two lanes of FNV-1a, mixed by Murmur3's finalizer). */
export function deriveId(text: string): number {
  let a = 0x811c9dc5;
  let b = 0x2b5ad5c4;
  for (const byte of utf8(text)) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte ^ (a >>> 24), 0x01000193);
  }
  return toId(mix(a), mix(b ^ a));
}

/** From 64 random bits. */
export function toId(low: number, high: number): number {
  const id = (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0);
  return id === 0 ? 1 : id;
}

function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** As clients and people see it: 16 hex digits at most, as etcd prints ids. */
export function formatId(id: number): string {
  return id.toString(16);
}
