import { describe, expect, it, vi } from 'vitest';
import {
  add,
  divide,
  exponent,
  generateExpTable,
  generateLogTable,
  generateMultiplicationTable,
  generatingPolynomial,
  multiply,
  primitivePolynomials,
  subtract,
} from './galois.ts';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

/** Multiplication as it is defined: shift, add, reduce. */
function slowMultiply(a: number, b: number, polynomial = generatingPolynomial): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ (product & 0x80 ? 0x100 | polynomial : 0);
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

/** Runs the check over all bytes without paying for an expectation each. */
function always(arity: 1 | 2, check: (a: number, b: number) => boolean): void {
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < (arity === 1 ? 1 : 256); b++) if (!check(a, b)) expect.fail(`fails for a=${a} b=${b}`);
  }
}

describe('GF(2⁸)', () => {
  it('multiplies as the definition does', () => always(2, (a, b) => multiply(a, b) === slowMultiply(a, b)));

  it('has neutral elements, and every byte is its own negative', () => {
    always(1, (a) => add(a, 0) === a && multiply(a, 1) === a && subtract(add(a, 77), 77) === a && add(a, a) === 0);
  });

  it('is commutative', () => always(2, (a, b) => add(a, b) === add(b, a) && multiply(a, b) === multiply(b, a)));

  it('is associative and distributive', () => {
    for (let c = 0; c < 256; c++) {
      always(
        2,
        (a, b) =>
          add(a, add(b, c)) === add(add(a, b), c) &&
          multiply(a, multiply(b, c)) === multiply(multiply(a, b), c) &&
          multiply(a, add(b, c)) === add(multiply(a, b), multiply(a, c)),
      );
    }
  });

  it('divides: what was multiplied comes back', () => {
    always(2, (a, b) => b === 0 || (divide(multiply(a, b), b) === a && multiply(divide(a, b), b) === a));
    expect(() => divide(1, 0)).toThrow('nothing is divided by zero');
  });

  it('raises to a power as repeated multiplication does', () => {
    always(1, (a) => {
      let power = 1;
      for (let n = 0; n < 256; n++) {
        if (exponent(a, n) !== power) return false;
        power = multiply(power, a);
      }
      return true;
    });
  });

  it('tabulates every product', () => {
    const table = generateMultiplicationTable();
    always(2, (a, b) => table[a * 256 + b] === multiply(a, b));
  });
});

describe('tables', () => {
  it('exist for exactly the sixteen primitive polynomials', () => {
    expect(primitivePolynomials()).toEqual([29, 43, 45, 77, 95, 99, 101, 105, 113, 135, 141, 169, 195, 207, 231, 245]);
    for (let polynomial = 0; polynomial < 256; polynomial++) {
      if (primitivePolynomials().includes(polynomial)) continue;
      expect(() => generateLogTable(polynomial)).toThrow('is not a primitive polynomial');
    }
  });

  it.each(primitivePolynomials())('of polynomial %i multiply as its field does', (polynomial) => {
    const log = generateLogTable(polynomial);
    const exp = generateExpTable(log);
    expect(log[0]).toBe(-1);
    expect([log[1], log[2], log[4], log[128]]).toEqual([0, 1, 2, 7]);
    expect(exp.length).toBe(510);
    always(2, (a, b) => a === 0 || b === 0 || exp[log[a]! + log[b]!] === slowMultiply(a, b, polynomial));
  });

  it('of the polynomial in use begin and end as known', () => {
    const log = generateLogTable(generatingPolynomial);
    expect(Array.from(log.subarray(0, 9))).toEqual([-1, 0, 1, 25, 2, 50, 26, 198, 3]);
    expect(Array.from(log.subarray(-6))).toEqual([244, 234, 168, 80, 88, 175]);
  });
});
