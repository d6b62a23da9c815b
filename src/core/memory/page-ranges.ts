// Which consecutive page numbers are taken: first fit, over a list of taken ranges sorted by where they begin.

interface Taken {
  readonly first: number;
  readonly count: number;
}

export class PageRanges {
  readonly #limit: number;
  #taken: Taken[] = [];
  #pages = 0;

  /** At most `limit` pages are taken at once; numbers are not bounded by it, so that holes never exhaust them. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#taken.length;
  }

  /** The first of `count` consecutive numbers, or undefined beyond the limit. */
  take(count: number): number | undefined {
    if (this.#pages + count > this.#limit) return undefined;
    let first = 0;
    let at = 0;
    for (; at < this.#taken.length; at++) {
      const next = this.#taken[at]!;
      if (next.first - first >= count) break;
      first = next.first + next.count;
    }
    this.#taken.splice(at, 0, { first, count });
    this.#pages += count;
    return first;
  }

  /** Gives back the range that begins at `first`; how many pages it had, or undefined when none begins there. */
  give(first: number): number | undefined {
    const at = this.#taken.findIndex((range) => range.first === first);
    if (at === -1) return undefined;
    const [range] = this.#taken.splice(at, 1);
    this.#pages -= range!.count;
    return range!.count;
  }

  clear(): void {
    this.#taken = [];
    this.#pages = 0;
  }
}
