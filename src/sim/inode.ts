// A file's bytes, twice: as the running system sees them, and as the disk has them. What lies between is what a
// crash may take, sector by sector.

import type { Random } from '../engine/ports.ts';

export const sectorBytes = 512;

type Change =
  | { readonly type: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: 'truncate'; readonly length: number };

export class Inode {
  #seen: Bytes = new Bytes();
  #stored: Bytes = new Bytes();
  #pending: Change[] = [];

  get size(): number {
    return this.#seen.length;
  }

  get isSynced(): boolean {
    return this.#pending.length === 0;
  }

  read(position: number, length: number): Uint8Array {
    return this.#seen.slice(position, length);
  }

  write(position: number, bytes: Uint8Array): void {
    this.#change({ type: 'write', position, bytes: bytes.slice() });
  }

  truncate(length: number): void {
    this.#change({ type: 'truncate', length });
  }

  /** The running system sees the bytes, and nothing will ever bring them to the disk: a drive that lied. */
  writeLost(position: number, bytes: Uint8Array): void {
    this.#seen.write(position, bytes);
  }

  sync(): void {
    for (const change of this.#pending) apply(this.#stored, change);
    this.#pending = [];
  }

  /** After this nobody knows what is stored, and no later sync will make up for it: the system thinks the pages clean. */
  failSync(random: Random): void {
    this.#tear(random);
    this.#pending = [];
  }

  /** What became of the unsynced changes; `kept` if there were none. */
  crash(random: Random): 'kept' | 'torn' | 'lost' {
    const { pending, mood } = { pending: this.#pending.length, mood: this.#tear(random) };
    this.#pending = [];
    this.#seen = this.#stored.copy();
    if (pending === 0 || mood === 1) return 'kept';
    return mood === 0 ? 'lost' : 'torn';
  }

  /** Damage of the medium: in what is stored, and so in what is seen. */
  flip(position: number, mask: number): void {
    for (const bytes of [this.#seen, this.#stored]) bytes.write(position, Uint8Array.of((bytes.slice(position, 1)[0] ?? 0) ^ mask));
  }

  #change(change: Change): void {
    apply(this.#seen, change);
    this.#pending.push(change);
  }

  /**
   * Some of what was pending reaches the disk. Each sector is a version of its own: as it was after any number of the
   * changes, because the system writes pages back when it likes and in any order. Now and then all or nothing does.
   */
  #tear(random: Random): number {
    const count = this.#pending.length;
    const mood = random.uint32() % 4;
    const cutoff = (): number => (mood === 0 ? 0 : mood === 1 ? count : random.uint32() % (count + 1));
    const versions = new Map<number, number>();
    const versionOf = (sector: number): number => {
      const version = versions.get(sector) ?? cutoff();
      versions.set(sector, version);
      return version;
    };
    const lengthVersion = cutoff();
    let { length } = this.#stored;
    this.#pending.forEach((change, at) => {
      if (change.type === 'truncate') {
        if (at < lengthVersion) {
          apply(this.#stored, change);
          ({ length } = change);
        }
        return;
      }
      const end = change.position + change.bytes.length;
      if (at < lengthVersion) length = Math.max(length, end);
      for (let start = change.position; start < end; ) {
        const sector = Math.floor(start / sectorBytes);
        const stop = Math.min(end, (sector + 1) * sectorBytes);
        if (at < versionOf(sector)) this.#stored.write(start, change.bytes.subarray(start - change.position, stop - change.position));
        start = stop;
      }
    });
    // Sectors behind the stored length are nobody's; a stored length without its sectors reads as zeros.
    this.#stored.truncate(length);
    return mood;
  }
}

function apply(bytes: Bytes, change: Change): void {
  if (change.type === 'write') bytes.write(change.position, change.bytes);
  else bytes.truncate(change.length);
}

/** Bytes that grow; gaps are zeros. */
class Bytes {
  #bytes = new Uint8Array(0);
  length = 0;

  slice(position: number, length: number): Uint8Array {
    return this.#bytes.slice(position, Math.max(position, Math.min(this.length, position + length)));
  }

  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    if (end > this.length) this.truncate(end);
    this.#bytes.set(bytes, position);
  }

  truncate(length: number): void {
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    if (length < this.length) this.#bytes.fill(0, length, this.length);
    this.length = length;
  }

  copy(): Bytes {
    const copy = new Bytes();
    copy.#bytes = this.#bytes.slice(0, this.length);
    copy.length = this.length;
    return copy;
  }
}
