// What a system should do when nothing is concurrent: a plain record of functions. The checker looks for an order of
// the recorded operations in which every `step` is legal, so a model is the whole of what it knows about a system.

import type { Value } from './value.ts';

/** What `step` returns when the output could not have come from that state. */
export const illegal: unique symbol = Symbol('illegal');
export type Illegal = typeof illegal;

export interface ModelRecipe {
  readonly name: string;
  readonly initial?: Value;
}

export interface Model<State, Input, Output> {
  readonly name: string;
  /** The state before the first operation. */
  readonly init: () => State;
  /**
   * The state after `input` answered `output`, or {@link illegal}. `undefined` means that nobody knows the output:
   * accept whatever the state would have answered. Must be pure, must not change `state`, and must always say the same.
   */
  readonly step: (state: State, input: Input, output: Output | undefined) => State | Illegal;
  /** Are two states the same from here on? @default Object.is */
  readonly equal?: (a: State, b: State) => boolean;
  /** Any 32 bits such that equal states agree. Worth having where many states meet the same set of operations. */
  readonly hash?: (state: State) => number;
  /**
   * Does this input leave *every* state as it is? Such an operation is placed as soon as it fits, and its
   * alternatives are never tried, which is most of the speed on histories that mostly read.
   */
  readonly readOnly?: (input: Input) => boolean;
  /**
   * Operations with different keys never influence each other, and are judged apart (Herlihy & Wing 1990, Theorem 1: a
   * history is linearizable if and only if it is for each object by itself).
   */
  readonly partition?: (input: Input) => string;
  /** How another thread makes the same model: functions do not travel. Models made by `modelOf` have it. */
  readonly recipe?: ModelRecipe;
  readonly describeOperation: (input: Input, output: Output | undefined) => string;
  readonly describeState: (state: State) => string;
}

/** A model of any kind, where only the checker's own types matter. */
// oxlint-disable-next-line typescript/no-explicit-any -- functions are contravariant: `unknown` would admit no model.
export type AnyModel = Model<any, any, any>;
