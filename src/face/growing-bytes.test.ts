import { expect, it } from 'vitest';
import { GrowingBytes } from './growing-bytes.ts';

it('what came in parts is what was sent, whatever the parts are', () => {
  const whole = Uint8Array.from({ length: 5000 }, (_, at) => (at * 31) & 0xff);
  for (const size of [1, 2, 3, 64, 4999, 5000]) {
    for (const expected of [0, 5000, 10, 1e9]) {
      const bytes = new GrowingBytes();
      for (let at = 0; at < whole.length; at += size) bytes.add(whole.slice(at, at + size), expected);
      expect(bytes.bytes.equals(whole)).toBe(true);
      bytes.drop(1234);
      bytes.add(Uint8Array.of(9));
      expect(bytes.bytes.equals(Buffer.concat([whole.subarray(1234), Uint8Array.of(9)]))).toBe(true);
      bytes.drop(bytes.length);
      expect([bytes.length, bytes.bytes.length]).toEqual([0, 0]);
    }
  }
});

it('an announced length is believed once half of it has come', () => {
  const bytes = new GrowingBytes();
  bytes.add(new Uint8Array(10), 1000);
  bytes.add(new Uint8Array(10), 1000);
  expect(bytes.bytes.buffer.byteLength).toBeLessThan(100);
  bytes.add(new Uint8Array(500), 1000);
  expect(bytes.bytes.buffer.byteLength).toBe(1000);
});

it('a hundred thousand parts of one byte cost about what they weigh', () => {
    const bytes = new GrowingBytes();
  for (let at = 0; at < 100_000; at++) bytes.add(new Uint8Array(1));
  // The same buffer, never a part of it: what is kept is one.
  expect(bytes.bytes.buffer.byteLength).toBeLessThanOrEqual(200_000);
});

it('little of a large read keeps nothing of the rest, much of it is not copied', () => {
  const read = Buffer.alloc(60_000, 7);
  const [little, much] = [new GrowingBytes(), new GrowingBytes()];
  little.add(read.subarray(100, 103));
  expect([little.bytes.toString('hex'), little.bytes.buffer.byteLength]).toEqual(['070707', 3]);
  much.add(read.subarray(100, 40_000));
  expect(much.bytes.buffer).toBe(read.buffer);
});
