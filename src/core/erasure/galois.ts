// GF(2⁸): bytes as polynomials over one bit, modulo a primitive polynomial of degree 8. Addition is XOR, so
// everything is its own negative; every byte but 0 is a power of x, so multiplication adds logarithms.

import { assert } from '../assert.ts';

export const fieldSize = 256;

/** x⁸ + x⁴ + x³ + x² + 1 without its leading term: the field of every shard we write. */
export const generatingPolynomial = 0x1d;

/**
 * Logarithms to the base x, log 0 = −1. Throws when x does not reach every byte, which is to say when the
 * polynomial is not primitive: a repeated power would leave some byte without a logarithm.
 */
export function generateLogTable(polynomial: number): Int16Array {
  const table = new Int16Array(fieldSize).fill(-1);
  let power = 1;
  for (let log = 0; log < fieldSize - 1; log++) {
    assert(table[power] === -1, `a logarithm occurs twice: ${polynomial} is not a primitive polynomial`);
    table[power] = log;
    power <<= 1;
    if (power >= fieldSize) power = (power ^ polynomial) & (fieldSize - 1);
  }
  return table;
}

/** The inverse of a log table, twice over: a sum of two logarithms (≤ 508) needs no modulo. */
export function generateExpTable(logTable: Int16Array): Uint8Array {
  const table = new Uint8Array(fieldSize * 2 - 2);
  for (let byte = 1; byte < fieldSize; byte++) {
    const log = logTable[byte]!;
    table[log] = byte;
    table[log + fieldSize - 1] = byte;
  }
  return table;
}

/** Every polynomial that generates a field of bytes: the sixteen primitive ones. Found, not listed. */
export function primitivePolynomials(): number[] {
  const found: number[] = [];
  for (let polynomial = 0; polynomial < fieldSize; polynomial++) if (isPrimitive(polynomial)) found.push(polynomial);
  return found;
}

function isPrimitive(polynomial: number): boolean {
  let power = 1;
  for (let order = 1; order < fieldSize; order++) {
    power = (power << 1) ^ (power & 0x80 ? polynomial : 0);
    power &= fieldSize - 1;
    if (power === 1) return order === fieldSize - 1;
  }
  return false;
}

export const logTable: Int16Array = generateLogTable(generatingPolynomial);
export const expTable: Uint8Array = generateExpTable(logTable);

export function add(a: number, b: number): number {
  return a ^ b;
}

/** The same as {@link add}: −b is b. */
export function subtract(a: number, b: number): number {
  return a ^ b;
}

export function multiply(a: number, b: number): number {
  if (a === 0 || b === 0) return 0;
  return expTable[logTable[a]! + logTable[b]!]!;
}

export function divide(a: number, b: number): number {
  assert(b !== 0, 'nothing is divided by zero');
  if (a === 0) return 0;
  return expTable[logTable[a]! - logTable[b]! + fieldSize - 1]!;
}

/** a to the power n ≥ 0. a⁰ is 1, even for 0. */
export function exponent(a: number, n: number): number {
  if (n === 0) return 1;
  if (a === 0) return 0;
  return expTable[(logTable[a]! * n) % (fieldSize - 1)]!;
}

/** Row a holds a·0 … a·255, at a·256. */
export function generateMultiplicationTable(): Uint8Array {
  const table = new Uint8Array(fieldSize * fieldSize);
  for (let a = 0; a < fieldSize; a++) for (let b = 0; b < fieldSize; b++) table[a * fieldSize + b] = multiply(a, b);
  return table;
}

/** The one table of products, for kernels and matrices. */
export const products: Uint8Array = generateMultiplicationTable();
