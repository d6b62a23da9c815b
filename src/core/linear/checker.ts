// The whole check: a history is split by the model's keys, every part is searched by itself, and the parts take turns
// so that one hard part hides neither an illegal neighbour nor what the easy ones have to say.

import { assert } from '../assert.ts';
import { type History, type Operation, validateHistory } from './history.ts';
import type { Model } from './model.ts';
import { Search } from './search.ts';

/** `unknown`: the search was stopped before it knew. Never to be read as `ok`. */
export type Verdict = 'ok' | 'illegal' | 'unknown';

/** What was found about one partition. All operations are named by their index in the history. */
export interface PartitionReport {
  readonly key: string;
  readonly verdict: Verdict;
  readonly operations: readonly number[];
  /** The longest linearizable prefix: the order in which operations could be placed. All of them, if the verdict is ok. */
  readonly order: readonly number[];
  /** The operation whose return no order could pass; undefined if the verdict is ok. */
  readonly blocked: number | undefined;
  /** What was called before `blocked` returned, has returned, and could not be placed: `blocked` among them. */
  readonly unplaced: readonly number[];
  readonly configurations: number;
}

export interface Report {
  readonly verdict: Verdict;
  readonly partitions: readonly PartitionReport[];
}

/** The operations of each key, in the order in which the keys appear. Without a key function, all of them under ''. */
export function partitionsOf<Input>(
  model: { readonly partition?: (input: Input) => string },
  history: readonly { readonly input: Input }[],
): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  history.forEach((operation, index) => {
    const key = model.partition?.(operation.input) ?? '';
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  });
  return groups;
}

class Partition<State, Input, Output> {
  readonly #key: string;
  readonly #operations: readonly number[];
  readonly #start: () => Search<State, Input, Output>;
  #search: Search<State, Input, Output> | undefined;
  #report: PartitionReport | undefined;

  constructor(
    key: string,
    operations: readonly number[],
    model: Model<State, Input, Output>,
    history: readonly Operation<Input, Output>[],
  ) {
    this.#key = key;
    this.#operations = operations;
    this.#start = () => new Search(model, operations.map((index) => history[index]!));
  }

  step(budget: number): Verdict | undefined {
    this.#search ??= this.#start();
    const verdict = this.#search.step(budget);
    if (verdict === undefined) return undefined;
    this.#report = this.#describe(this.#search, verdict);
    // The cache of a finished search is most of its memory, and nobody will ask it again.
    this.#search = undefined;
    return verdict;
  }

  get configurations(): number {
    return this.#report?.configurations ?? this.#search?.configurations ?? 0;
  }

  report(): PartitionReport {
    return this.#report ?? this.#describe((this.#search ??= this.#start()), 'unknown');
  }

  #describe(search: Search<State, Input, Output>, verdict: Verdict): PartitionReport {
    const { order, blocked, unplaced } = search.progress();
    const inHistory = (index: number): number => this.#operations[index]!;
    return {
      key: this.#key,
      verdict,
      operations: this.#operations,
      order: order.map(inHistory),
      blocked: blocked === undefined ? undefined : inHistory(blocked),
      unplaced: unplaced.map(inHistory),
      configurations: search.configurations,
    };
  }
}

/** Steps a partition gets in the first round; it doubles, so that turns cost nothing in the long run. */
const firstSlice = 4096;

export class Checker<State, Input, Output> {
  readonly #partitions: readonly Partition<State, Input, Output>[];
  #live: readonly Partition<State, Input, Output>[];
  #turn = 0;
  #slice = firstSlice;
  #sliceLeft = firstSlice;
  #illegal = false;

  constructor(model: Model<State, Input, Output>, history: History<Input, Output>) {
    validateHistory(history);
    this.#partitions = [...partitionsOf(model, history)].map(
      ([key, operations]) => new Partition(key, operations, model, history),
    );
    this.#live = this.#partitions;
  }

  /** Tries up to about `budget` steps of the model. Undefined: not all is known yet, call again. */
  step(budget: number): 'ok' | 'illegal' | undefined {
    assert(budget > 0, 'a budget is positive');
    for (let left = budget; this.#live.length > 0 && left > 0; ) {
      const portion = Math.min(left, this.#sliceLeft);
      const verdict = this.#live[this.#turn]!.step(portion);
      if (verdict === 'illegal') this.#illegal = true;
      left -= portion;
      this.#sliceLeft -= portion;
      if (verdict !== undefined) this.#live = this.#live.toSpliced(this.#turn, 1);
      else if (this.#sliceLeft === 0) this.#turn++;
      else continue;
      this.#nextTurn();
    }
    if (this.#live.length > 0) return undefined;
    return this.#illegal ? 'illegal' : 'ok';
  }

  /** How many partitions are still being searched. */
  get unfinished(): number {
    return this.#live.length;
  }

  /** How many configurations were visited: a measure of work, and of the memory that the searches under way hold. */
  get configurations(): number {
    return this.#partitions.reduce((sum, partition) => sum + partition.configurations, 0);
  }

  /** What is known now. A partition whose search has not ended is `unknown`, with the best order it has met. */
  report(): Report {
    const partitions = this.#partitions.map((partition) => partition.report());
    return { verdict: summarize(partitions.map(({ verdict }) => verdict)), partitions };
  }

  #nextTurn(): void {
    if (this.#turn >= this.#live.length) {
      this.#turn = 0;
      this.#slice *= 2;
    }
    this.#sliceLeft = this.#slice;
  }
}

/** One illegal part makes the whole illegal (Herlihy & Wing's locality); short of that, one unknown makes it unknown. */
export function summarize(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('illegal')) return 'illegal';
  return verdicts.includes('unknown') ? 'unknown' : 'ok';
}
