// A persistent ordered map: a B+tree whose nodes are shared between versions and copied when they change. A version
// is its root, so a snapshot costs nothing. Nodes made under the current edit token are its own and change in place.

import { assert } from '../assert.ts';
import { compareBytes } from '../bytes.ts';

const fanout = 32;

interface Leaf<V> {
  readonly leaf: true;
  owner: object;
  keys: Uint8Array[];
  guide: Guide | undefined;
  values: V[];
}
interface Branch<V> {
  readonly leaf: false;
  owner: object;
  /** The lowest key of each child. */
  keys: Uint8Array[];
  guide: Guide | undefined;
  children: Node<V>[];
}
type Node<V> = Leaf<V> | Branch<V>;

/** An immutable version. */
export interface MapRoot<V> {
  readonly node: Node<V> | undefined;
  readonly size: number;
}

export const emptyRoot: MapRoot<never> = { node: undefined, size: 0 };

/**
 * A node's keys seen from above. Keys lie scattered in memory, and going there is what a search costs: with the guide
 * it goes to the first and, as a rule, to one more. Made when a node is searched, gone when its keys change; never
 * changed itself, so copies of a node share it.
 */
interface Guide {
  /** So many bytes all keys have in common. */
  readonly shared: number;
  /** Of each key the four bytes behind, in the order of keys; equal ones say nothing. */
  readonly heads: readonly number[];
}

function guideOf(keys: readonly Uint8Array[]): Guide {
  const first = keys[0]!;
  const last = keys.at(-1)!;
  let shared = 0;
  const most = Math.min(first.length, last.length);
  while (shared < most && first[shared] === last[shared]) shared++;
  return { shared, heads: keys.map((key) => headOf(key, shared)) };
}

/** Four bytes as a number that sorts as they do: signed, what is not there being 0. */
function headOf(key: Uint8Array, at: number): number {
  const { length } = key;
  if (at + 4 <= length) return ((key[at]! << 24) | (key[at + 1]! << 16) | (key[at + 2]! << 8) | key[at + 3]!) ^ -0x8000_0000;
  let head = 0;
  for (let i = at; i < at + 4; i++) head = (head << 8) | (i < length ? key[i]! : 0);
  return head ^ -0x8000_0000;
}

/** Do the first `count` bytes of `key` equal those of `other`, which has so many? */
function beginsAs(key: Uint8Array, other: Uint8Array, count: number): boolean {
  if (key.length < count) return false;
  for (let i = 0; i < count; i++) if (key[i] !== other[i]) return false;
  return true;
}

/** The guide after `key`, which shares what all share, came to stand at `at`. */
function guideWith({ shared, heads }: Guide, at: number, key: Uint8Array): Guide {
  const more = heads.slice();
  more.splice(at, 0, headOf(key, shared));
  return { shared, heads: more };
}

/** The position of the last key ≤ `key`, −1 if all are greater. */
function floor(node: { readonly keys: readonly Uint8Array[]; guide: Guide | undefined }, key: Uint8Array): number {
  const { keys } = node;
  const { shared, heads } = (node.guide ??= guideOf(keys));
  const first = keys[0]!;
  const most = key.length < shared ? key.length : shared;
  for (let i = 0; i < most; i++) {
    const difference = key[i]! - first[i]!;
    if (difference !== 0) return difference < 0 ? -1 : keys.length - 1;
  }
  if (key.length < shared) return -1;
  const head = headOf(key, shared);
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = heads[middle]!;
    if (other < head || (other === head && compareBytes(keys[middle]!, key) <= 0)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function getFrom<V>(root: MapRoot<V>, key: Uint8Array): V | undefined {
  let { node } = root;
  while (node !== undefined && !node.leaf) node = node.children[Math.max(0, floor(node, key))];
  if (node === undefined) return undefined;
  const at = floor(node, key);
  return at >= 0 && compareBytes(node.keys[at]!, key) === 0 ? node.values[at] : undefined;
}

/** A place in one version, moving upwards. */
export class Cursor<V> {
  readonly #path: { readonly node: Node<V>; at: number }[] = [];

  /** At the first key ≥ `from`. */
  constructor(root: MapRoot<V>, from: Uint8Array) {
    let { node } = root;
    while (node !== undefined) {
      const at = floor(node, from);
      if (node.leaf) {
        const exact = at >= 0 && compareBytes(node.keys[at]!, from) === 0;
        this.#path.push({ node, at: exact ? at : at + 1 });
        break;
      }
      this.#path.push({ node, at: Math.max(0, at) });
      node = node.children[Math.max(0, at)];
    }
    this.#settle();
  }

  get done(): boolean {
    return this.#path.length === 0;
  }

  get key(): Uint8Array {
    const { node, at } = this.#path.at(-1)!;
    return node.keys[at]!;
  }

  get value(): V {
    const { node, at } = this.#path.at(-1)!;
    return (node as Leaf<V>).values[at]!;
  }

  next(): void {
    this.#path.at(-1)!.at++;
    this.#settle();
  }

  /** From one behind the end of a leaf to the start of the next. */
  #settle(): void {
    for (;;) {
      const top = this.#path.at(-1);
      if (top === undefined) return;
      if (top.at < top.node.keys.length) {
        if (top.node.leaf) return;
        this.#path.push({ node: top.node.children[top.at]!, at: 0 });
      } else {
        this.#path.pop();
        const parent = this.#path.at(-1);
        if (parent !== undefined) parent.at++;
      }
    }
  }
}

/** A version under construction. What it was begun from stays as it was. */
export class MapEdit<V> {
  readonly #token = {};
  #node: Node<V> | undefined;
  #size: number;
  /** The way to the key that {@link get} found last, for the `set` that usually follows; good until the next change. */
  #foundKey: Uint8Array | undefined;
  #ownKey: Uint8Array | undefined;
  readonly #way: number[] = [];

  constructor(root: MapRoot<V>) {
    this.#node = root.node;
    this.#size = root.size;
  }

  get size(): number {
    return this.#size;
  }

  /** The version so far: a view that changes with the edit until {@link finish}. */
  get root(): MapRoot<V> {
    return { node: this.#node, size: this.#size };
  }

  get(key: Uint8Array): V | undefined {
    this.#foundKey = undefined;
    let node = this.#node;
    if (node === undefined) return undefined;
    let depth = 0;
    while (!node.leaf) {
      const child: number = Math.max(0, floor(node, key));
      this.#way[depth++] = child;
      node = node.children[child]!;
    }
    const at = floor(node, key);
    if (at < 0 || compareBytes(node.keys[at]!, key) !== 0) return undefined;
    this.#way[depth] = at;
    this.#foundKey = key;
    this.#ownKey = node.keys[at];
    return node.values[at];
  }

  /** The map's own array for a key it has: who keeps a key keeps this one, and not what it came in. */
  ownKey(key: Uint8Array): Uint8Array {
    if (this.#foundKey !== key) this.get(key);
    assert(this.#foundKey === key, 'the map has the key');
    return this.#ownKey!;
  }

  set(key: Uint8Array, value: V): void {
    // The same array, not only an equal one: nobody has to be asked again where it is.
    if (this.#foundKey === key) return this.#replaceFound(value);
    this.#foundKey = undefined;
    if (this.#node === undefined) {
      this.#node = { leaf: true, owner: this.#token, keys: [key], guide: undefined, values: [value] };
      this.#size = 1;
      return;
    }
    const [left, right] = this.#set(this.#node, key, value);
    this.#node = right === undefined ? left : { leaf: false, owner: this.#token, keys: [left.keys[0]!, right.keys[0]!], guide: undefined, children: [left, right] };
  }

  delete(key: Uint8Array): boolean {
    this.#foundKey = undefined;
    if (this.#node === undefined) return false;
    const before = this.#size;
    let node = this.#delete(this.#node, key);
    while (node !== undefined && !node.leaf && node.children.length === 1) node = node.children[0];
    this.#node = node;
    return this.#size < before;
  }

  /** The finished version. The edit is spent: whoever holds the version may rely on it. */
  finish(): MapRoot<V> {
    return { node: this.#node, size: this.#size };
  }

  /** No key comes or goes, so nothing but the nodes on the way changes, and the way stays good. */
  #replaceFound(value: V): void {
    let node = this.#own(this.#node!);
    this.#node = node;
    let depth = 0;
    while (!node.leaf) {
      const at: number = this.#way[depth++]!;
      const child: Node<V> = this.#own(node.children[at]!);
      node.children[at] = child;
      node = child;
    }
    node.values[this.#way[depth]!] = value;
  }

  #own(node: Node<V>): Node<V> {
    if (node.owner === this.#token) return node;
    return node.leaf
      ? { leaf: true, owner: this.#token, keys: node.keys.slice(), guide: node.guide, values: node.values.slice() }
      : { leaf: false, owner: this.#token, keys: node.keys.slice(), guide: node.guide, children: node.children.slice() };
  }

  #set(shared: Node<V>, key: Uint8Array, value: V): [Node<V>, Node<V> | undefined] {
    const node = this.#own(shared);
    const at = floor(node, key);
    if (node.leaf) {
      if (at >= 0 && compareBytes(node.keys[at]!, key) === 0) {
        node.values[at] = value;
        return [node, undefined];
      }
      node.guide = beginsAs(key, node.keys[0]!, node.guide!.shared) ? guideWith(node.guide!, at + 1, key) : undefined;
      node.keys.splice(at + 1, 0, key);
      node.values.splice(at + 1, 0, value);
      this.#size++;
    } else {
      const child = Math.max(0, at);
      const [left, right] = this.#set(node.children[child]!, key, value);
      node.children[child] = left;
      if (node.keys[child] !== left.keys[0]) {
        node.keys[child] = left.keys[0]!;
        node.guide = undefined;
      }
      if (right !== undefined) {
        node.guide = undefined;
        node.children.splice(child + 1, 0, right);
        node.keys.splice(child + 1, 0, right.keys[0]!);
      }
    }
    return node.keys.length <= fanout ? [node, undefined] : [node, this.#split(node)];
  }

  /** The upper half. Growth at the end, as of ordered keys, leaves the lower node nearly full. */
  #split(node: Node<V>): Node<V> {
    const half = fanout >> 1;
    const keys = node.keys.splice(half);
    node.guide = undefined;
    if (node.leaf) return { leaf: true, owner: this.#token, keys, guide: undefined, values: node.values.splice(half) };
    return { leaf: false, owner: this.#token, keys, guide: undefined, children: node.children.splice(half) };
  }

  #delete(shared: Node<V>, key: Uint8Array): Node<V> | undefined {
    const at = floor(shared, key);
    if (shared.leaf) {
      if (at < 0 || compareBytes(shared.keys[at]!, key) !== 0) return shared;
      this.#size--;
      if (shared.keys.length === 1) return undefined;
      const leaf = this.#own(shared) as Leaf<V>;
      leaf.guide = undefined;
      leaf.keys.splice(at, 1);
      leaf.values.splice(at, 1);
      return leaf;
    }
    const position = Math.max(0, at);
    const child = this.#delete(shared.children[position]!, key);
    if (child === shared.children[position] && child !== undefined && child.keys[0] === shared.keys[position]) return shared;
    const branch = this.#own(shared) as Branch<V>;
    branch.guide = undefined;
    if (child === undefined) {
      if (branch.children.length === 1) return undefined;
      branch.children.splice(position, 1);
      branch.keys.splice(position, 1);
      return branch;
    }
    branch.children[position] = child;
    branch.keys[position] = child.keys[0]!;
    if (child.keys.length < fanout >> 2) this.#merge(branch, position);
    return branch;
  }

  /** A thin child joins its neighbour where both fit in one node. */
  #merge(branch: Branch<V>, position: number): void {
    const left = position > 0 ? position - 1 : position;
    const [a, b] = [branch.children[left], branch.children[left + 1]];
    if (a === undefined || b === undefined || a.keys.length + b.keys.length > fanout) return;
    const joined = this.#own(a);
    joined.guide = undefined;
    joined.keys.push(...b.keys);
    if (joined.leaf) joined.values.push(...(b as Leaf<V>).values);
    else joined.children.push(...(b as Branch<V>).children);
    branch.children.splice(left, 2, joined);
    branch.keys.splice(left, 2, joined.keys[0]!);
  }
}
