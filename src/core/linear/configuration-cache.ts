// Lowe's cache ("Testing for linearizability", 2017): a configuration, which is the set of operations placed so far
// and the state they lead to, is worth visiting once. Entries live in a few typed arrays, about 40 bytes each beside
// their state, because an illegal history of 100,000 operations visits millions.

/** What a set is made of. Completed operations are numbered by their calls, so nearly all placed ones lie below `low`. */
export interface ConfigurationKey {
  /** Of the completed operations; the state's own hash may be mixed in. Crashed operations must not be. */
  readonly hash: number;
  /** The first completed operation that is not placed: all below are. */
  readonly low: number;
  /** The placed ones around and above `low`, 32 to a word; `to` is exclusive and leaves out zero words at the end. */
  readonly placed: Int32Array;
  readonly from: number;
  readonly to: number;
  /** Which of the operations that never returned were used. */
  readonly crashed: Int32Array;
}

export class ConfigurationCache<State> {
  readonly #equal: (a: State, b: State) => boolean;
  readonly #states: State[] = [];
  #heads = new Int32Array(1024);
  #links = new Int32Array(1024);
  #hashes = new Int32Array(1024);
  #offsets = new Int32Array(1025);
  #words = new Int32Array(8192);

  constructor(equal: (a: State, b: State) => boolean) {
    this.#equal = equal;
  }

  get size(): number {
    return this.#states.length;
  }

  /**
   * Remembers a configuration and says true, or says false if it, or a better one, was there. Better is the same set
   * and state with fewer crashed operations used up: whatever can be placed from here could be placed from there.
   * A worse one that is met on the way gives its entry up, which keeps the rivals of a set and state few.
   */
  add(key: ConfigurationKey, state: State): boolean {
    const slot = key.hash & (this.#heads.length - 1);
    let worse = -1;
    for (let link = this.#heads[slot]!; link !== 0; link = this.#links[link - 1]!) {
      const entry = link - 1;
      if (this.#hashes[entry] !== key.hash || !this.#isSameSet(entry, key)) continue;
      const isBetter = this.#uses(entry, key, false);
      if (!isBetter && (worse >= 0 || !this.#uses(entry, key, true))) continue;
      if (!this.#equal(this.#states[entry]!, state)) continue;
      if (isBetter) return false;
      worse = entry;
    }
    if (worse < 0) this.#insert(key, state);
    else this.#words.set(key.crashed, this.#offsets[worse + 1]! - key.crashed.length);
    return true;
  }

  #isSameSet(entry: number, key: ConfigurationKey): boolean {
    const words = this.#words;
    let at = this.#offsets[entry]!;
    if (this.#offsets[entry + 1]! - at !== 1 + key.to - key.from + key.crashed.length || words[at++] !== key.low) return false;
    for (let i = key.from; i < key.to; i++) {
      if (words[at++] !== key.placed[i]) return false;
    }
    return true;
  }

  /** Does the entry use no crashed operation that the key does not (or, `all`, every one that the key does)? */
  #uses(entry: number, { crashed }: ConfigurationKey, all: boolean): boolean {
    let at = this.#offsets[entry + 1]! - crashed.length;
    for (let i = 0; i < crashed.length; i++, at++) {
      const surplus = all ? crashed[i]! & ~this.#words[at]! : this.#words[at]! & ~crashed[i]!;
      if (surplus !== 0) return false;
    }
    return true;
  }

  #insert(key: ConfigurationKey, state: State): void {
    const entry = this.#states.length;
    let at = this.#offsets[entry]!;
    const end = at + 1 + key.to - key.from + key.crashed.length;
    if (entry === this.#links.length) this.#growEntries();
    if (end > this.#words.length) this.#words = grown(this.#words, Math.max(end, this.#words.length * 2));
    this.#words[at++] = key.low;
    for (let i = key.from; i < key.to; i++) this.#words[at++] = key.placed[i]!;
    for (let i = 0; i < key.crashed.length; i++) this.#words[at++] = key.crashed[i]!;
    this.#offsets[entry + 1] = at;
    this.#hashes[entry] = key.hash;
    this.#states.push(state);
    this.#link(entry);
  }

  #link(entry: number): void {
    const slot = this.#hashes[entry]! & (this.#heads.length - 1);
    this.#links[entry] = this.#heads[slot]!;
    this.#heads[slot] = entry + 1;
  }

  #growEntries(): void {
    const count = this.#states.length;
    // `heads` is indexed by mask, so all lengths are powers of two; `offsets` has one more, the end of the last.
    this.#links = grown(this.#links, count * 2);
    this.#hashes = grown(this.#hashes, count * 2);
    this.#offsets = grown(this.#offsets, count * 2 + 1);
    this.#heads = new Int32Array(this.#links.length);
    for (let entry = 0; entry < count; entry++) this.#link(entry);
  }
}

function grown(words: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(words);
  return larger;
}
