import { describe, expect, test } from 'vitest';
import { ValueStore } from './value-store.ts';

describe('the values a store keeps', () => {
  test('are copies: what they came in may change, and neighbours do not touch each other', () => {
    const values = new ValueStore();
    const kept: { readonly bytes: Uint8Array; readonly length: number; readonly fill: number }[] = [];
    for (let n = 0; n < 500; n++) {
      const length = (n * 37) % 700;
      const source = new Uint8Array(length + 2).fill(n & 0xff);
      // As a command's value is: a view into something larger.
      const bytes = values.keep(source.subarray(1, length + 1));
      source.fill(0xee);
      kept.push({ bytes, length, fill: n & 0xff });
    }
    for (const { bytes, length, fill } of kept) {
      expect(bytes.length).toBe(length);
      expect(bytes.every((byte) => byte === fill)).toBe(true);
    }
  });

  test('share buffers, but one alone never holds much more than itself', () => {
    const values = new ValueStore();
    const batch = new Uint8Array(1 << 20);
    const buffers = new Set<ArrayBufferLike>();
    for (let n = 0; n < 80; n++) buffers.add(values.keep(batch.subarray(n, n + 256)).buffer);
    expect(buffers.size).toBe(10);
    for (const length of [0, 1, 64, 65, 256, 512, 513, 5000, 1 << 20]) {
      expect(values.keep(batch.subarray(0, length)).buffer.byteLength).toBeLessThanOrEqual(Math.max(2048, length));
    }
  });
});
