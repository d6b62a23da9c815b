// The Disk port as the worst disk that keeps its word: what was not synced is lost in a crash, or half of it is, in
// any order; names are lost whose directory was not synced. And switches for a disk that does not keep its word.

import { DiskError } from '../engine/ports.ts';
import type { Clock, Disk, DiskFile, DiskNote, OpenOptions, Random } from '../engine/ports.ts';
import { Inode } from './inode.ts';
import { Namespace, parentOf } from './namespace.ts';

/** What goes wrong, and when. All off at first; set at any time. */
export interface DiskFaults {
  /** Syncs until one fails: 1 is the next. 0: none will. */
  syncsUntilFailure: number;
  /** Bytes by which files may still grow. */
  spaceLeftBytes: number;
  /** The next write to a path that ends with this is answered and never stored. */
  loseWriteTo: string | undefined;
  /** The next write lands this many bytes from where it should. */
  misdirectBytes: number;
  /** What every call takes, and what a sync takes besides. 0: a turn of the loop. */
  delayMs: number;
  syncDelayMs: number;
}

export class SimDisk implements Disk {
  readonly faults: DiskFaults = { syncsUntilFailure: 0, spaceLeftBytes: Infinity, loseWriteTo: undefined, misdirectBytes: 0, delayMs: 0, syncDelayMs: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #names = new Namespace();
  readonly #locked = new Set<string>();
  /** Crashes so far: what was asked before one is never answered after it. */
  life = 0;
  /** Syncs done, for those who count them. */
  syncs = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The machine loses power. Calls under way are never answered; every file has to be opened again. */
  crash(random: Random = this.#random): void {
    this.life++;
    this.#locked.clear();
    this.#names.crash(random);
    for (const [, inode] of this.#names.files()) inode.crash(random);
  }

  /** Damage of the medium. */
  flip(path: string, position: number, mask = 1): void {
    this.inode(path).flip(position, mask);
  }

  /** Every file's bytes as they are seen, by path. */
  contents(): Map<string, Uint8Array> {
    return new Map(this.#names.files().map(([path, inode]) => [path, inode.read(0, inode.size)]));
  }

  /** Makes files exist, durably, without a call. */
  fill(contents: ReadonlyMap<string, Uint8Array>): void {
    for (const [path, bytes] of contents) {
      const inode = new Inode();
      inode.write(0, bytes);
      inode.sync();
      this.#link(path, inode);
      for (let directory = parentOf(path); ; directory = parentOf(directory)) {
        this.#names.syncDirectory(directory);
        if (directory === '') break;
      }
    }
  }

  async open(path: string, options: OpenOptions): Promise<DiskFile> {
    const name = checked(path);
    await this.settle();
    const found = this.#names.get(name);
    if (found === 'directory') throw new DiskError('IO', path, 'a directory is no file');
    if (found !== undefined && options.create === 'must') throw new DiskError('EXISTS', path, 'the file exists');
    if (found !== undefined) return new SimFile(this, path, found);
    if (options.create === 'never') throw new DiskError('NOT_FOUND', path, 'no such file');
    if (this.#names.get(parentOf(name)) !== 'directory') throw new DiskError('NOT_FOUND', path, 'no such directory');
    const inode = new Inode();
    this.#names.change({ type: 'link', path: name, node: inode });
    return new SimFile(this, path, inode);
  }

  async list(directory: string): Promise<readonly string[]> {
    await this.settle();
    return this.#names.list(checked(directory));
  }

  async makeDirectory(directory: string): Promise<void> {
    const name = checked(directory);
    await this.settle();
    this.#link(name, 'directory');
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [checked(from), checked(to)];
    await this.settle();
    if (this.#names.get(source) === undefined) throw new DiskError('NOT_FOUND', from, 'no such file');
    if (this.#names.get(parentOf(target)) !== 'directory') throw new DiskError('NOT_FOUND', to, 'no such directory');
    this.#names.change({ type: 'rename', from: source, to: target });
  }

  async remove(path: string): Promise<void> {
    const name = checked(path);
    await this.settle();
    if (this.#names.get(name) !== undefined) this.#names.change({ type: 'unlink', path: name });
  }

  async syncDirectory(directory: string): Promise<void> {
    const name = checked(directory);
    await this.settle(this.faults.syncDelayMs);
    if (this.#names.get(name) !== 'directory') throw new DiskError('NOT_FOUND', directory, 'no such directory');
    this.#names.syncDirectory(name);
  }

  async lock(directory: string): Promise<{ release(): Promise<void> }> {
    const name = checked(directory);
    await this.settle();
    if (this.#locked.has(name)) throw new DiskError('IN_USE', directory, 'another process holds the directory');
    this.#locked.add(name);
    this.#link(name, 'directory');
    return {
      release: async () => {
        await this.settle();
        this.#locked.delete(name);
      },
    };
  }

  /** Resolves after the delay, by the clock; never, if there was a crash meanwhile. */
  settle(moreMs = 0): Promise<void> {
    const { life } = this;
    const delay = this.faults.delayMs + moreMs;
    return new Promise((resolve) => {
      const answer = (): void => {
        if (this.life === life) resolve();
      };
      if (delay > 0) this.#clock.after(delay, answer);
      else this.#clock.nextTurn(answer);
    });
  }

  inode(path: string): Inode {
    const node = this.#names.get(path);
    if (node === undefined || node === 'directory') throw new DiskError('NOT_FOUND', path, 'no such file');
    return node;
  }

  /** Writes as the switches have it. */
  store(path: string, inode: Inode, position: number, parts: readonly Uint8Array[]): void {
    const { faults } = this;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const growth = Math.max(0, position + length - inode.size);
    if (growth > faults.spaceLeftBytes) throw new DiskError('NO_SPACE', path, 'no space left on device');
    faults.spaceLeftBytes -= growth;
    let at = position + (length > 0 ? faults.misdirectBytes : 0);
    if (length > 0) faults.misdirectBytes = 0;
    const isLost = faults.loseWriteTo !== undefined && path.endsWith(faults.loseWriteTo);
    if (isLost) faults.loseWriteTo = undefined;
    for (const part of parts) {
      if (isLost) inode.writeLost(at, part);
      else inode.write(at, part);
      at += part.length;
    }
  }

  syncInode(path: string, inode: Inode): void {
    if (this.faults.syncsUntilFailure > 0 && --this.faults.syncsUntilFailure === 0) {
      inode.failSync(this.#random);
      throw new DiskError('IO', path, 'input/output error');
    }
    this.syncs++;
    inode.sync();
  }

  /** Links a node, and the directories above it that are missing. */
  #link(path: string, node: Inode | 'directory'): void {
    if (path === '') return;
    this.#link(parentOf(path), 'directory');
    if (node === 'directory' && this.#names.get(path) === 'directory') return;
    this.#names.change({ type: 'link', path, node });
  }
}

class SimFile implements DiskFile {
  readonly path: string;
  readonly #disk: SimDisk;
  readonly #inode: Inode;
  readonly #life: number;
  #isClosed = false;

  constructor(disk: SimDisk, path: string, inode: Inode) {
    this.#disk = disk;
    this.path = path;
    this.#inode = inode;
    this.#life = disk.life;
  }

  async size(): Promise<number> {
    await this.#begin();
    return this.#inode.size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    await this.#begin();
    return this.#inode.read(position, length);
  }

  async write(position: number, parts: readonly Uint8Array[]): Promise<void> {
    await this.#begin();
    this.#disk.store(this.path, this.#inode, position, parts);
  }

  // The bytes are on their way at once and durable at the end: a crash between finds any part of them.
  async appendAndSync(position: number, parts: readonly Uint8Array[], note?: DiskNote): Promise<void> {
    await this.#begin();
    this.#disk.store(this.path, this.#inode, position, parts);
    await this.#disk.settle(this.#disk.faults.syncDelayMs);
    this.#disk.syncInode(this.path, this.#inode);
    if (note?.file instanceof SimFile) note.file.#inode.write(note.position, note.bytes);
  }

  async sync(): Promise<void> {
    await this.#disk.settle(this.#disk.faults.syncDelayMs);
    this.#check();
    this.#disk.syncInode(this.path, this.#inode);
  }

  async truncate(length: number): Promise<void> {
    await this.#begin();
    this.#inode.truncate(length);
  }

  async close(): Promise<void> {
    await this.#disk.settle();
    this.#isClosed = true;
  }

  async #begin(): Promise<void> {
    this.#check();
    await this.#disk.settle();
    this.#check();
  }

  #check(): void {
    if (this.#isClosed || this.#life !== this.#disk.life) throw new DiskError('IO', this.path, 'the file is closed');
  }
}

/** The path without needless parts; refused if it leaves the disk. */
function checked(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.includes('..')) throw new DiskError('IO', path, 'a path outside the data directory');
  return parts.join('/');
}
