// The checksum of a concatenation from the checksums of its parts: shards and blocks are summed where they are, in any
// order or thread, and the whole follows without reading a byte again.

import { assert } from '../assert.ts';
import { polynomial } from './crc32c-tables.ts';

/** a · b modulo P, both with their highest power in bit 0, as the register has it. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= shifted;
    shifted = (shifted >>> 1) ^ (shifted & 1 ? polynomial : 0);
  }
  return product;
}

/** Entry i is x^(8 · 2^i): the effect of 2^i zero bytes. */
const powers: number[] = [];

function power(exponent: number): number {
  // x⁸ in reflected order: bit 31 is 1, bit 23 is x⁸.
  for (let i = powers.length; i <= exponent; i++) powers.push(i === 0 ? 1 << 23 : multiply(powers[i - 1]!, powers[i - 1]!));
  return powers[exponent]!;
}

/** crc32c of A followed by B, from crc32c(A), crc32c(B) and the length of B. */
export function combineCrc32c(crcA: number, crcB: number, lengthB: number): number {
  assert(Number.isSafeInteger(lengthB) && lengthB >= 0, 'a length is a safe non-negative integer');
  // Appending B to A is appending as many zeros and adding B; the inversions at both ends cancel.
  let shifted = crcA;
  let rest = lengthB;
  for (let i = 0; rest > 0; i++) {
    if (rest % 2 === 1) shifted = multiply(power(i), shifted);
    rest = Math.floor(rest / 2);
  }
  return (shifted ^ crcB) >>> 0;
}
