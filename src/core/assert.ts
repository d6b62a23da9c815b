// Assertions stay on in production: an error hides a bug, an assertion surfaces it. `assert` is for our own
// mistakes; what the world does wrong is an OperationError (errors.ts).

export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** Throws {@link AssertionFailure} naming the law that was broken. */
export function assert(condition: boolean, law: string): asserts condition {
  if (!condition) throw new AssertionFailure(`assertion failed: ${law}`);
}

/** For the `default` of a switch over a union: the compiler proves it unreachable, the assertion keeps it so. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${JSON.stringify(value)}`);
}

/** Asserts that a number is an integer that JavaScript can hold exactly, 0 ≤ n ≤ 2^53 − 1, and returns it. */
export function safe(value: number, what: string): number {
  assert(Number.isSafeInteger(value) && value >= 0, `${what} is a safe non-negative integer, not ${value}`);
  return value;
}
