// The search for one partition: Wing & Gong's ("Testing and verifying concurrent objects", 1993) with Lowe's cache
// (2017), cut into budgets so that whoever runs it may look at a clock or a signal in between.
//
//   place an operation that was called before any unplaced one returned, if the model allows it there;
//   when none fits, the first unplaced return cannot be explained this way: take back the last one, try its neighbour;
//   never try the same set of operations with the same state twice.
//
// Beyond the papers: an operation that only reads is placed the moment it fits, with no alternatives, since moving a
// read forward to a state that answers it the same changes nothing for the others. Operations that never returned are
// optional: the search ends when the completed ones are placed, uses a crashed one only where no completed one leads
// on, only if it changes the state, and the oldest of several equal ones first.

import { ConfigurationCache } from './configuration-cache.ts';
import { EventList } from './event-list.ts';
import type { Operation } from './history.ts';
import { illegal, type Model } from './model.ts';
import { equalValues } from './value.ts';

export type SearchVerdict = 'ok' | 'illegal';

/** How far an order got: `order` are operations of the history given, `blocked` the one whose return could not be passed. */
export interface Progress {
  readonly order: readonly number[];
  readonly blocked: number | undefined;
  /** Completed operations called before `blocked` returned, and not in `order`. */
  readonly unplaced: readonly number[];
}

const phaseCompleted = 0;
const phaseCrashed = 1;
const phaseForced = 2;

interface Frame<State> {
  /** Completed operations are 0 … n−1, crashed ones n … */
  readonly operation: number;
  readonly before: State;
  readonly phase: number;
  /** Where the scan goes on when this choice is taken back: a candidate, or a crashed operation. */
  readonly cursor: number;
  /** The node's candidates lie in `#candidates` from here to where those of the next node begin. */
  readonly candidates: number;
}

export class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #operations: readonly Operation<Input, Output>[];
  /** Indexes into `operations`: the completed by call, then the crashed by call. */
  readonly #index: readonly number[];
  readonly #completed: number;
  readonly #events: EventList;
  readonly #readOnly: Uint8Array;
  /** By crashed operation: the last event before its call, and an equal crashed operation that was called earlier. */
  readonly #crashedAfter: Int32Array;
  readonly #twin: Int32Array;
  readonly #placed: Int32Array;
  readonly #crashed: Int32Array;
  readonly #cache: ConfigurationCache<State>;
  readonly #equal: (a: State, b: State) => boolean;
  readonly #stack: Frame<State>[] = [];
  #state: State;
  #hash = 0;
  #phase = phaseForced;
  #cursor = 0;
  /** By node of the stack, the completed operations to try there. */
  readonly #candidates: number[] = [];
  #nodeCandidates = 0;
  #verdict: SearchVerdict | undefined;
  /** The longest order so far, whose first `#bestShared` choices are still those on the stack. */
  readonly #best: number[] = [];
  #bestShared = 0;
  #bestReturn = -1;

  constructor(model: Model<State, Input, Output>, operations: readonly Operation<Input, Output>[]) {
    this.#model = model;
    this.#operations = operations;
    this.#equal = model.equal ?? Object.is;
    this.#state = model.init();
    const byCall = [...operations.keys()].toSorted((a, b) => operations[a]!.call - operations[b]!.call || a - b);
    const isReadOnly = (i: number): boolean => model.readOnly?.(operations[i]!.input) === true;
    const completed = byCall.filter((i) => operations[i]!.return !== Infinity);
    const crashed = byCall.filter((i) => operations[i]!.return === Infinity && !isReadOnly(i));
    this.#index = [...completed, ...crashed];
    this.#completed = completed.length;
    this.#events = new EventList(completed.map((i) => operations[i]!));
    this.#readOnly = Uint8Array.from(completed, (i) => (isReadOnly(i) ? 1 : 0));
    this.#crashedAfter = Int32Array.from(crashed, (i) => this.#events.lastBefore(operations[i]!.call));
    this.#twin = twins(crashed.map((i) => operations[i]!));
    this.#placed = new Int32Array((completed.length + 31) >> 5);
    this.#crashed = new Int32Array((crashed.length + 31) >> 5);
    this.#cache = new ConfigurationCache(this.#equal);
  }

  /** How many configurations were visited: what the cache holds. */
  get configurations(): number {
    return this.#cache.size;
  }

  /** Tries up to `budget` steps of the model; undefined means that the budget ran out first. */
  step(budget: number): SearchVerdict | undefined {
    for (let left = budget; this.#verdict === undefined && left > 0; ) {
      if (this.#events.first === 0) {
        this.#keepBest(Infinity);
        this.#verdict = 'ok';
      } else if (this.#phase === phaseForced) {
        left -= this.#placeReads();
      } else {
        left -= this.#placeNext();
      }
    }
    return this.#verdict;
  }

  progress(): Progress {
    if (this.#verdict === undefined && this.#events.first !== 0) this.#keepBest(this.#firstReturn());
    const order = this.#best.map((operation) => this.#index[operation]!);
    const at = this.#bestReturn;
    if (at === Infinity || at < 0) return { order, blocked: undefined, unplaced: [] };
    const inOrder = new Set(this.#best);
    const unplaced: number[] = [];
    for (let i = 0; i < this.#events.callsBefore(at); i++) if (!inOrder.has(i)) unplaced.push(this.#index[i]!);
    return { order, blocked: this.#index[this.#events.operation(at)]!, unplaced };
  }

  /** Places what only reads and fits now; the rest of this node is left to {@link #placeNext}. */
  #placeReads(): number {
    const events = this.#events;
    let steps = 1;
    for (let event = events.first; event !== 0 && events.isCall(event); ) {
      const operation = events.operation(event);
      event = events.after(event);
      if (this.#readOnly[operation] === 0) continue;
      steps++;
      if (this.#try(operation) === illegal) continue;
      this.#push(operation, this.#state, phaseForced, 0);
      // The operation's own return may have been what ended the scan.
      if (event !== 0 && !events.isCall(event)) event = events.first;
    }
    this.#gatherCandidates();
    return steps;
  }

  /**
   * Whoever has to return first goes first: systems answer in about the order in which things happened, and where they
   * do, this finds the order of a legal history without ever taking a choice back.
   */
  #gatherCandidates(): void {
    const events = this.#events;
    this.#phase = phaseCompleted;
    this.#nodeCandidates = this.#candidates.length;
    for (let event = events.first; events.isCall(event); event = events.after(event)) {
      const operation = events.operation(event);
      if (this.#readOnly[operation] === 1) continue;
      const returns = events.returnOf(operation);
      let at = this.#candidates.length;
      for (; at > this.#nodeCandidates && events.returnOf(this.#candidates[at - 1]!) > returns; at--) {
        this.#candidates[at] = this.#candidates[at - 1]!;
      }
      this.#candidates[at] = operation;
    }
    this.#cursor = this.#nodeCandidates;
  }

  #placeNext(): number {
    if (this.#phase === phaseCompleted) {
      if (this.#cursor < this.#candidates.length) return this.#placeCompleted();
      this.#phase = phaseCrashed;
      this.#cursor = 0;
    }
    if (this.#cursor < this.#crashedAfter.length) return this.#placeCrashed();
    this.#backtrack();
    return 1;
  }

  #placeCompleted(): number {
    const operation = this.#candidates[this.#cursor++]!;
    const after = this.#try(operation);
    if (after === illegal) return 1;
    this.#enter(operation, after, phaseCompleted, this.#cursor);
    return 1;
  }

  #placeCrashed(): number {
    const crashed = this.#cursor++;
    if (isSet(this.#crashed, crashed) || this.#crashedAfter[crashed]! >= this.#firstReturn()) return 1;
    const twin = this.#twin[crashed]!;
    if (twin >= 0 && !isSet(this.#crashed, twin)) return 1;
    const after = this.#try(this.#completed + crashed);
    if (after === illegal || this.#equal(after, this.#state)) return 1;
    this.#enter(this.#completed + crashed, after, phaseCrashed, this.#cursor);
    return 1;
  }

  #try(operation: number): State | typeof illegal {
    const { input, output } = this.#operations[this.#index[operation]!]!;
    return this.#model.step(this.#state, input, output);
  }

  /** Makes a choice, unless what it leads to was seen before. */
  #enter(operation: number, after: State, phase: number, cursor: number): void {
    const bound = this.#events.callsBefore(this.#firstReturn());
    this.#push(operation, after, phase, cursor);
    const first = this.#events.first;
    if (first === 0) return;
    const low = this.#events.operation(first);
    let to = (bound + 31) >> 5;
    while (to > low >> 5 && this.#placed[to - 1] === 0) to--;
    const hash = this.#model.hash === undefined ? this.#hash : this.#hash ^ mix(this.#model.hash(after));
    const key = { hash, low, placed: this.#placed, from: low >> 5, to: Math.max(to, low >> 5), crashed: this.#crashed };
    if (!this.#cache.add(key, after)) this.#pop();
  }

  #push(operation: number, after: State, phase: number, cursor: number): void {
    this.#stack.push({ operation, before: this.#state, phase, cursor, candidates: this.#nodeCandidates });
    this.#state = after;
    this.#toggle(operation);
    if (operation < this.#completed) this.#events.lift(operation);
    if (phase === phaseForced) return;
    this.#phase = phaseForced;
    this.#nodeCandidates = this.#candidates.length;
  }

  #pop(): Frame<State> {
    const frame = this.#stack.pop()!;
    if (frame.operation < this.#completed) this.#events.unlift(frame.operation);
    this.#toggle(frame.operation);
    this.#state = frame.before;
    this.#phase = frame.phase;
    this.#cursor = frame.cursor;
    if (frame.phase !== phaseForced) this.#candidates.length = this.#nodeCandidates;
    this.#nodeCandidates = frame.candidates;
    if (this.#stack.length < this.#bestShared) this.#bestShared = this.#stack.length;
    return frame;
  }

  /** Nothing fits here: remember how far this went, and go back to the last choice that had a neighbour. */
  #backtrack(): void {
    this.#keepBest(this.#firstReturn());
    while (this.#stack.length > 0) {
      if (this.#pop().phase !== phaseForced) return;
    }
    this.#verdict = 'illegal';
  }

  /** An order is better the later the return that it cannot pass; of those, the longer. Copies only what differs. */
  #keepBest(blockedReturn: number): void {
    const length = this.#stack.length;
    if (blockedReturn < this.#bestReturn || (blockedReturn === this.#bestReturn && length <= this.#best.length)) return;
    this.#bestReturn = blockedReturn;
    this.#best.length = this.#bestShared;
    for (let i = this.#bestShared; i < length; i++) this.#best.push(this.#stack[i]!.operation);
    this.#bestShared = length;
  }

  #firstReturn(): number {
    const events = this.#events;
    let event = events.first;
    while (events.isCall(event)) event = events.after(event);
    return event;
  }

  #toggle(operation: number): void {
    const crashed = operation - this.#completed;
    if (crashed >= 0) {
      this.#crashed[crashed >> 5]! ^= 1 << (crashed & 31);
      return;
    }
    this.#placed[operation >> 5]! ^= 1 << (operation & 31);
    this.#hash ^= mix(operation);
  }
}

function isSet(words: Int32Array, bit: number): boolean {
  return (words[bit >> 5]! & (1 << (bit & 31))) !== 0;
}

/** Spreads an integer over 32 bits (Mueller's finalizer), so that XOR of the members hashes a set. */
function mix(n: number): number {
  let z = Math.imul(n ^ (n >>> 16) ^ 0x5bd1e995, 0x45d9f3b);
  z = Math.imul(z ^ (z >>> 16), 0x45d9f3b);
  return z ^ (z >>> 16);
}

/** For each operation the last earlier one with equal input and output, or −1. */
function twins(operations: readonly Operation<unknown, unknown>[]): Int32Array {
  return Int32Array.from(operations, (operation, i) => {
    for (let j = i - 1; j >= 0; j--) {
      const other = operations[j]!;
      if (equalValues(other.input, operation.input) && equalValues(other.output, operation.output)) return j;
    }
    return -1;
  });
}
