// Names of files and directories, twice: as seen and as stored. A change of names is durable when each directory it
// touches was synced; until then a crash keeps a prefix of the changes, in their order, as a journal would.

import type { Random } from '../engine/ports.ts';
import type { Inode } from './inode.ts';

/** A file, or a directory. */
export type Node = Inode | 'directory';

type Change =
  | { readonly type: 'link'; readonly path: string; readonly node: Node }
  | { readonly type: 'unlink'; readonly path: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string };

export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}

export class Namespace {
  #seen = new Map<string, Node>([['', 'directory']]);
  readonly #stored = new Map<string, Node>([['', 'directory']]);
  #pending: Change[] = [];

  get(path: string): Node | undefined {
    return this.#seen.get(path);
  }

  /** Names directly in a directory. */
  list(directory: string): readonly string[] {
    const names: string[] = [];
    for (const path of this.#seen.keys()) {
      if (path !== '' && parentOf(path) === directory) names.push(path.slice(directory === '' ? 0 : directory.length + 1));
    }
    return names.toSorted();
  }

  files(): readonly (readonly [string, Inode])[] {
    const files: [string, Inode][] = [];
    for (const [path, node] of this.#seen) if (node !== 'directory') files.push([path, node]);
    return files.toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  change(change: Change): void {
    apply(this.#seen, change);
    this.#pending.push(change);
  }

  syncDirectory(directory: string): void {
    this.#pending = this.#pending.filter((change) => {
      const touched = change.type === 'rename' ? [parentOf(change.from), parentOf(change.to)] : [parentOf(change.path)];
      if (!touched.includes(directory)) return true;
      apply(this.#stored, change);
      return false;
    });
  }

  /** How many changes were lost. */
  crash(random: Random): number {
    const kept = random.uint32() % 2 === 0 ? 0 : random.uint32() % (this.#pending.length + 1);
    for (const change of this.#pending.slice(0, kept)) apply(this.#stored, change);
    const lost = this.#pending.length - kept;
    this.#pending = [];
    // A directory that is not there takes with it what it held.
    for (const path of [...this.#stored.keys()].toSorted()) {
      if (path !== '' && this.#stored.get(parentOf(path)) === undefined) this.#stored.delete(path);
    }
    this.#seen = new Map(this.#stored);
    return lost;
  }
}

function apply(names: Map<string, Node>, change: Change): void {
  if (change.type === 'link') names.set(change.path, change.node);
  else if (change.type === 'unlink') names.delete(change.path);
  else {
    const node = names.get(change.from);
    names.delete(change.from);
    if (node !== undefined) names.set(change.to, node);
    // What is in a directory goes with it.
    if (node !== 'directory') return;
    for (const [path, inside] of [...names]) {
      if (!path.startsWith(`${change.from}/`)) continue;
      names.delete(path);
      names.set(change.to + path.slice(change.from.length), inside);
    }
  }
}
