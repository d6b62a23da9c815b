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
  /** The next call of this kind fails, and does nothing. */
  failNext: DiskCall | undefined;
  /** Bytes by which files may still grow. */
  spaceLeftBytes: number;
  /** The next write to a path that ends with this is answered and never stored. */
  loseWriteTo: string | undefined;
  /** The next write lands this many bytes from where it should. */
  misdirectBytes: number;
  /** Only writes to paths that end with this are misdirected. */
  misdirectTo: string;
  /** What every call takes, and what a sync takes besides. 0: a turn of the loop. */
  delayMs: number;
  syncDelayMs: number;
}

/** Whoever wants to know of every call: what, on which file, how many bytes. It may end the process right there. */
export type DiskObserver = (kind: DiskCall, path: string, bytes: readonly Uint8Array[]) => void;
export type DiskCall = 'open' | 'list' | 'makeDirectory' | 'rename' | 'remove' | 'syncDirectory' | 'lock' | 'size' | 'read' | 'write' | 'sync' | 'truncate' | 'close';

/** What a loss of power took. */
export interface CrashReport {
  /** Files of which some unsynced changes reached the disk and some did not. */
  torn: number;
  /** Files all of whose unsynced changes were lost. */
  lost: number;
  /** Changes of names that were lost. */
  lostEntries: number;
}

/** A call that failed because it was to: what a member says of its disk for this reason is true. */
export class InflictedError extends DiskError {}

export class SimDisk implements Disk {
  readonly faults: DiskFaults = { syncsUntilFailure: 0, failNext: undefined, spaceLeftBytes: Infinity, loseWriteTo: undefined, misdirectBytes: 0, misdirectTo: '', delayMs: 0, syncDelayMs: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #names: Namespace;
  readonly #locked = new Set<string>();
  #isDead = false;
  /** Syncs done, for those who count them. */
  syncs = 0;
  /** By path: where the newest and the one before of the synced appends of this life begin. */
  readonly appends: Map<string, { newest: number; before: number }> = new Map();
  observe: DiskObserver = () => undefined;

  constructor(clock: Clock, random: Random, names: Namespace = new Namespace()) {
    this.#clock = clock;
    this.#random = random;
    this.#names = names;
  }

  /**
   * The machine loses power, and what it finds when it starts again is the result. This one never answers anything
   * any more, neither what was asked before nor what those ask who do not know yet that they are dead.
   */
  crash(random: Random = this.#random, report: CrashReport = { torn: 0, lost: 0, lostEntries: 0 }): SimDisk {
    this.#isDead = true;
    report.lostEntries += this.#names.crash(random);
    for (const [, inode] of this.#names.files()) {
      const fate = inode.crash(random);
      if (fate === 'torn') report.torn++;
      else if (fate === 'lost') report.lost++;
    }
    return this.#successor(this.#clock);
  }

  /** The process dies and the machine lives on: what was written is there, synced or not. */
  exit(clock: Clock = this.#clock): SimDisk {
    this.#isDead = true;
    return this.#successor(clock);
  }

  #successor(clock: Clock): SimDisk {
    const restarted = new SimDisk(clock, this.#random, this.#names);
    Object.assign(restarted.faults, this.faults);
    return restarted;
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
  place(contents: ReadonlyMap<string, Uint8Array>): void {
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

  open(path: string, options: OpenOptions): Promise<DiskFile> {
    return this.call('open', path, [], () => {
      const name = checked(path);
      const found = this.#names.get(name);
      if (found !== undefined && options.create === 'must') throw new DiskError('EXISTS', path, 'the file exists');
      if (found === 'directory') throw new DiskError('IO', path, 'a directory is no file');
      if (found !== undefined) return new SimFile(this, path, found);
      this.#checkDirectory(parentOf(name), path);
      if (options.create === 'never') throw new DiskError('NOT_FOUND', path, 'no such file');
      const inode = new Inode();
      this.#names.change({ type: 'link', path: name, node: inode });
      return new SimFile(this, path, inode);
    });
  }

  list(directory: string): Promise<readonly string[]> {
    return this.call('list', directory, [], () => {
      const name = checked(directory);
      if (this.#names.get(name) instanceof Inode) throw new DiskError('READ_ONLY', directory, 'a file is no directory');
      return this.#names.list(name);
    });
  }

  makeDirectory(directory: string): Promise<void> {
    return this.call('makeDirectory', directory, [], () => {
      const name = checked(directory);
      if (this.#names.get(name) instanceof Inode) throw new DiskError('EXISTS', directory, 'a file stands there');
      for (let above = parentOf(name); above !== ''; above = parentOf(above)) {
        if (this.#names.get(above) instanceof Inode) throw new DiskError('READ_ONLY', directory, 'a file is no directory');
      }
      this.#link(name, 'directory');
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.call('rename', to, [], () => {
      const [source, target] = [checked(from), checked(to)];
      if (this.#names.get(source) === undefined) throw new DiskError('NOT_FOUND', from, 'no such file');
      this.#checkDirectory(parentOf(target), to);
      if (target !== source && this.#names.get(target) === 'directory') throw new DiskError('IO', to, 'a directory is not replaced');
      if (target !== source) this.#names.change({ type: 'rename', from: source, to: target });
    });
  }

  remove(path: string): Promise<void> {
    return this.call('remove', path, [], () => {
      const name = checked(path);
      const found = this.#names.get(name);
      if (found === 'directory') throw new DiskError('IO', path, 'a directory is no file');
      if (found !== undefined) this.#names.change({ type: 'unlink', path: name });
    });
  }

  syncDirectory(directory: string): Promise<void> {
    return this.call('syncDirectory', directory, [], () => {
      const name = checked(directory);
      if (this.#names.get(name) !== 'directory') throw new DiskError('NOT_FOUND', directory, 'no such directory');
      this.#names.syncDirectory(name);
    }, this.faults.syncDelayMs);
  }

  lock(directory: string): Promise<{ release(): Promise<void> }> {
    return this.call('lock', directory, [], () => {
      const name = checked(directory);
      if (this.#locked.has(name)) throw new DiskError('IN_USE', directory, 'another process holds the directory');
      this.#locked.add(name);
      this.#link(name, 'directory');
      let isHeld = true;
      return {
        release: () => this.call('lock', directory, [], () => {
          if (isHeld) this.#locked.delete(name);
          isHeld = false;
        }),
      };
    });
  }

  /** Does it after the delay, by the clock, and answers. Behind a crash nothing is done and nobody is answered. */
  call<T>(kind: DiskCall, path: string, bytes: readonly Uint8Array[], work: () => T, moreMs = 0): Promise<T> {
    if (!this.#isDead) this.observe(kind, path, bytes);
    const delay = this.faults.delayMs + moreMs;
    return new Promise((resolve, reject) => {
      const act = (): void => {
        if (this.#isDead) return;
        try {
          if (this.faults.failNext === kind) {
            this.faults.failNext = undefined;
            throw new InflictedError('IO', path, 'input/output error');
          }
          resolve(work());
        } catch (error) {
          reject(error);
        }
      };
      if (delay > 0) this.#clock.after(delay, act);
      else this.#clock.nextTurn(act);
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
    if (growth > faults.spaceLeftBytes) throw new InflictedError('NO_SPACE', path, 'no space left on device');
    faults.spaceLeftBytes -= growth;
    const isMisdirected = length > 0 && path.endsWith(faults.misdirectTo);
    let at = position + (isMisdirected ? faults.misdirectBytes : 0);
    if (isMisdirected) faults.misdirectBytes = 0;
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
      throw new InflictedError('IO', path, 'input/output error');
    }
    this.syncs++;
    inode.sync();
  }

  #checkDirectory(name: string, path: string): void {
    const found = this.#names.get(name);
    if (found === undefined) throw new DiskError('NOT_FOUND', path, 'no such directory');
    if (found !== 'directory') throw new DiskError('READ_ONLY', path, 'a file is no directory');
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
  #isClosed = false;

  constructor(disk: SimDisk, path: string, inode: Inode) {
    this.#disk = disk;
    this.path = path;
    this.#inode = inode;
  }

  size(): Promise<number> {
    return this.#call('size', [], () => this.#inode.size);
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#call('read', [], () => this.#inode.read(position, length));
  }

  write(position: number, parts: readonly Uint8Array[]): Promise<void> {
    return this.#call('write', parts, () => this.#disk.store(this.path, this.#inode, position, parts));
  }

  // The bytes are on their way first and durable at the end: a crash between finds any part of them.
  async appendAndSync(position: number, parts: readonly Uint8Array[], note?: DiskNote): Promise<void> {
    await this.write(position, parts);
    await this.#call('sync', [], () => {
      this.#disk.syncInode(this.path, this.#inode);
      this.#disk.appends.set(this.path, { newest: position, before: this.#disk.appends.get(this.path)?.newest ?? 0 });
      if (note?.file instanceof SimFile && !note.file.#isClosed) note.file.#inode.write(note.position, note.bytes);
    }, this.#disk.faults.syncDelayMs);
  }

  sync(): Promise<void> {
    return this.#call('sync', [], () => this.#disk.syncInode(this.path, this.#inode), this.#disk.faults.syncDelayMs);
  }

  truncate(length: number): Promise<void> {
    return this.#call('truncate', [], () => this.#inode.truncate(length));
  }

  close(): Promise<void> {
    return this.#disk.call('close', this.path, [], () => {
      this.#isClosed = true;
    });
  }

  #call<T>(kind: DiskCall, bytes: readonly Uint8Array[], work: () => T, moreMs = 0): Promise<T> {
    return this.#disk.call(kind, this.path, bytes, () => {
      if (this.#isClosed) throw new DiskError('IO', this.path, 'the file is closed');
      return work();
    }, moreMs);
  }
}

/** The path without needless parts; refused if it leaves the disk. */
function checked(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.includes('..')) throw new DiskError('IO', path, 'a path outside the data directory');
  return parts.join('/');
}
