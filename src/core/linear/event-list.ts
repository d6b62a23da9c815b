// The ends of the completed operations of one partition, in time order, as a doubly linked list from which an
// operation is lifted when it is placed and into which it is put back when the search backs out (Wing & Gong 1993).
// Undoing in reverse order makes both O(1): a lifted event still knows its neighbours.

export interface Interval {
  readonly call: number;
  readonly return: number;
}

/** Events are 1 … 2n, in the order of time; 0 is the head. Operations are 0 … n−1, in the order of their calls. */
export class EventList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #callAt: Int32Array;
  readonly #returnAt: Int32Array;
  /** By event: its operation, and how many calls stand before it. */
  readonly #operationAt: Int32Array;
  readonly #callsBefore: Int32Array;
  readonly #isCall: Uint8Array;
  readonly #times: Float64Array;

  /** Intervals sorted by `call`, all with a finite `return`. */
  constructor(intervals: readonly Interval[]) {
    const n = intervals.length;
    const size = 2 * n + 1;
    this.#next = new Int32Array(size);
    this.#previous = new Int32Array(size);
    this.#callAt = new Int32Array(n);
    this.#returnAt = new Int32Array(n);
    this.#operationAt = new Int32Array(size);
    this.#callsBefore = new Int32Array(size);
    this.#isCall = new Uint8Array(size);
    this.#times = new Float64Array(size);
    const byReturn = Int32Array.from(intervals.keys()).toSorted((a, b) => intervals[a]!.return - intervals[b]!.return || a - b);
    for (let event = 1, calls = 0, returns = 0; event < size; event++) {
      // Intervals are closed: at one instant every call precedes every return, so that the two are concurrent.
      const returning = byReturn[returns]!;
      const isCall = calls < n && intervals[calls]!.call <= intervals[returning]!.return;
      const operation = isCall ? calls : returning;
      this.#operationAt[event] = operation;
      this.#callsBefore[event] = calls;
      this.#isCall[event] = isCall ? 1 : 0;
      this.#times[event] = isCall ? intervals[operation]!.call : intervals[operation]!.return;
      if (isCall) this.#callAt[calls++] = event;
      else this.#returnAt[byReturn[returns++]!] = event;
      this.#previous[event] = event - 1;
      this.#next[event - 1] = event;
    }
  }

  /** The first event left, 0 when none is. */
  get first(): number {
    return this.#next[0]!;
  }

  after(event: number): number {
    return this.#next[event]!;
  }

  isCall(event: number): boolean {
    return this.#isCall[event] === 1;
  }

  operation(event: number): number {
    return this.#operationAt[event]!;
  }

  callsBefore(event: number): number {
    return this.#callsBefore[event]!;
  }

  returnOf(operation: number): number {
    return this.#returnAt[operation]!;
  }

  /** Where an operation that never returned stands: the last event that is certainly before its call. */
  lastBefore(call: number): number {
    let low = 0;
    let high = this.#times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const before = this.#times[middle]! < call || (this.#times[middle] === call && this.isCall(middle));
      if (before) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  lift(operation: number): void {
    this.#unlink(this.#callAt[operation]!);
    this.#unlink(this.#returnAt[operation]!);
  }

  unlift(operation: number): void {
    this.#relink(this.#returnAt[operation]!);
    this.#relink(this.#callAt[operation]!);
  }

  #unlink(event: number): void {
    const next = this.#next[event]!;
    const previous = this.#previous[event]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #relink(event: number): void {
    this.#next[this.#previous[event]!] = event;
    this.#previous[this.#next[event]!] = event;
  }
}
