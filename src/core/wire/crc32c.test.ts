import { expect, it, vi } from 'vitest';
import { utf8 } from '../bytes.ts';
import { crc32c } from './crc32c.ts';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

/** The definition, bit by bit. */
export function slowCrc32c(bytes: Uint8Array, seed = 0): number {
  let state = ~seed;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0);
  }
  return ~state >>> 0;
}

const noise = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 3) * 17 + ((i * i) >> 5)) & 0xff);

it('meets the check value of the catalogue', () => {
  expect(crc32c(utf8('123456789'))).toBe(0xe3069283);
});

it('meets the vectors of RFC 3720 §B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c);
});

it('equals the definition at every length up to 4,096, at odd alignments and with a seed', () => {
  const whole = noise(4100);
  for (let length = 0; length <= 4096; length++) {
    const part = whole.subarray(length & 3, (length & 3) + length);
    if (crc32c(part) !== slowCrc32c(part)) expect.fail(`differs at length ${length}`);
  }
  const part = whole.subarray(1, 3000);
  expect(crc32c(part, 0xdeadbeef)).toBe(slowCrc32c(part, 0xdeadbeef));
});

it('continues from a previous checksum', () => {
  const whole = noise(1000);
  for (const cut of [0, 1, 7, 8, 63, 500, 1000]) {
    expect(crc32c(whole.subarray(cut), crc32c(whole.subarray(0, cut)))).toBe(crc32c(whole));
  }
});
