// Why an order stops where it stops, from the model's own words: what each placed operation left behind, and when the
// one that could not be placed would last have been right.

import type { PartitionReport } from '../checker.ts';
import type { History } from '../history.ts';
import { illegal, type Model } from '../model.ts';

export interface Explanation {
  readonly initial: string;
  /** After each operation of the order. */
  readonly states: readonly string[];
  /** Of each operation that could not be placed: would the model accept it at the end of the order? */
  readonly fitsAtEnd: readonly boolean[];
  /** How many operations of the order had been placed when the blocked one would last have fitted; −1 if it never did. */
  readonly lastFit: number;
}

export function explain<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: History<Input, Output>,
  partition: PartitionReport,
): Explanation {
  const fits = (state: State, index: number): boolean => {
    const { input, output } = history[index]!;
    return model.step(state, input, output) !== illegal;
  };
  const { blocked } = partition;
  const states: string[] = [];
  let state = model.init();
  let lastFit = blocked !== undefined && fits(state, blocked) ? 0 : -1;
  for (const index of partition.order) {
    const { input, output } = history[index]!;
    const after = model.step(state, input, output);
    if (after === illegal) break;
    state = after;
    states.push(model.describeState(state));
    if (blocked !== undefined && fits(state, blocked)) lastFit = states.length;
  }
  return {
    initial: model.describeState(model.init()),
    states,
    fitsAtEnd: partition.unplaced.map((index) => fits(state, index)),
    lastFit,
  };
}
