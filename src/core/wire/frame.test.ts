import { describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { OperationError } from '../errors.ts';
import { nextBelow, nextUint32, seedRandom } from '../random.ts';
import { FrameReader, encodeFrame, frameOverheadBytes } from './frame.ts';

const describeError = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error instanceof OperationError ? error.code : error;
  }
};

describe('frame', () => {
  it('a head before bytes that exist is the same as both joined', () => {
    expect(encodeFrame(1, 2, utf8('ab'), utf8('cd'))).toEqual(encodeFrame(1, 2, utf8('abcd')));
  });

  it('frames survive any cutting of their bytes', () => {
    const random = seedRandom(5);
    const frames = Array.from({ length: 200 }, (_, i) => ({
      type: nextBelow(random, 256), stream: nextUint32(random), body: new Uint8Array(nextBelow(random, i % 10 === 0 ? 5000 : 60)).fill(i),
    }));
    const parts = frames.map(({ type, stream, body }) => encodeFrame(type, stream, body));
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let filled = 0;
    for (const part of parts) {
      whole.set(part, filled);
      filled += part.length;
    }
    for (const most of [1, 2, 3, 7, 100, 6000, whole.length]) {
      const reader = new FrameReader(8192);
      const read = [];
      for (let at = 0; at < whole.length; ) {
        const chunk = whole.slice(at, at + 1 + nextBelow(random, most));
        at += chunk.length;
        read.push(...reader.push(chunk));
        // What was pushed may be reused at once.
        chunk.fill(0xff);
      }
      expect(read).toEqual(frames);
      expect(reader.heldBytes).toBe(0);
    }
  });

  it('a flip of any bit is PROTOCOL, or more bytes are awaited; never another frame', () => {
    const frame = encodeFrame(3, 70_000, utf8('a body of some length'));
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = frame.slice();
      flipped[bit >> 3] = (frame.at(bit >> 3) ?? 0) ^ (1 << (bit & 7));
      const outcome = describeError(() => new FrameReader(1 << 20).push(flipped));
      expect(outcome === 'PROTOCOL' || (Array.isArray(outcome) && outcome.length === 0)).toBe(true);
    }
  });

  it('refuses a length on its fourth byte, however it comes', () => {
    const announced = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
    expect(describeError(() => new FrameReader(1000).push(announced))).toBe('PROTOCOL');
    const reader = new FrameReader(1000);
    for (const byte of announced.subarray(0, 3)) reader.push(Uint8Array.of(byte));
    expect(describeError(() => reader.push(announced.subarray(3)))).toBe('PROTOCOL');
    expect(describeError(() => new FrameReader(1000).push(Uint8Array.of(8, 0, 0, 0)))).toBe('PROTOCOL');
    const largest = encodeFrame(1, 1, new Uint8Array(1000 - frameOverheadBytes));
    expect(new FrameReader(1000).push(largest)).toHaveLength(1);
    expect(describeError(() => new FrameReader(999).push(largest))).toBe('PROTOCOL');
  });

  it('copies out of a Buffer, too, whose slice would be a view', () => {
    const buffer = Buffer.from(encodeFrame(1, 1, utf8('kept')));
    const [frame] = new FrameReader(1000).push(buffer);
    buffer.fill(0);
    expect(frame?.body).toEqual(utf8('kept'));
  });

  it('small bodies that came together share an array, but none holds on to much', () => {
    const frames = Array.from({ length: 100 }, (_, i) => encodeFrame(1, i, new Uint8Array(100).fill(i)));
    const read = new FrameReader(8192).push(Buffer.concat([...frames, encodeFrame(2, 0, new Uint8Array(7000))]));
    expect(new Set(read.map(({ body }) => body.buffer)).size).toBeLessThan(10);
    for (const { body } of read.slice(0, -1)) expect(body.buffer.byteLength).toBeLessThan(3000);
    expect(read.at(-1)!.body.buffer.byteLength, 'a large one is by itself').toBe(7000);
  });

  it('holds what arrived, not what was announced', () => {
    const reader = new FrameReader(16 << 20);
    reader.push(encodeFrame(1, 1, new Uint8Array(15 << 20)).subarray(0, 100));
    expect(reader.heldBytes).toBe(100);
  });
});
