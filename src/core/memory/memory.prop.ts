import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { Arena } from './arena.ts';
import { Container } from './container.ts';
import { Frames, pageBytes } from './frames.ts';
import { isFault } from './virtual-memory.ts';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

const frames = (): Frames => new Frames({ memoryBytesMax: 2 * 65_536, limit: 64 });

const step = fc.oneof(
  fc.record({ type: fc.constant('allocate' as const), who: fc.nat(1), size: fc.integer({ min: 1, max: 5 * pageBytes }) }),
  fc.record({ type: fc.constant('free' as const), who: fc.nat(1), which: fc.nat(20) }),
  fc.record({ type: fc.constant('write' as const), who: fc.nat(1), at: fc.nat(40 * pageBytes), length: fc.nat(9000), byte: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ type: fc.constant('read' as const), who: fc.nat(1), at: fc.nat(40 * pageBytes), length: fc.nat(9000) }),
);

/** A container as one map from address to byte: slow and obvious. */
class Oracle {
  readonly bytes = new Map<number, number>();
  readonly starts = new Map<number, number>();
}

it('two containers behave like two plain maps under random operations', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      using shared = frames();
      const containers = [new Container(shared), new Container(shared)];
      const oracles = [new Oracle(), new Oracle()];
      for (const s of steps) {
        const container = containers[s.who]!;
        const { bytes, starts } = oracles[s.who]!;
        const mapped = (at: number, length: number): boolean => Array.from({ length }, (_, i) => at + i).every((a) => bytes.has(a));
        if (s.type === 'allocate') {
          const address = container.allocate(s.size);
          const pages = Math.ceil(s.size / pageBytes);
          const used = (oracles[0]!.bytes.size + oracles[1]!.bytes.size) / pageBytes;
          expect(isFault(address)).toBe(used + pages > 64);
          if (isFault(address)) continue;
          starts.set(address, pages);
          for (let a = address; a < address + pages * pageBytes; a++) {
            if (bytes.has(a)) expect.fail('an address is handed out once');
            bytes.set(a, 0);
          }
        } else if (s.type === 'free') {
          const address = [...starts.keys()][s.which] ?? s.which;
          expect(container.free(address) === undefined).toBe(starts.has(address));
          for (let a = address; a < address + (starts.get(address) ?? 0) * pageBytes; a++) bytes.delete(a);
          starts.delete(address);
        } else if (s.type === 'write') {
          const fault = container.write(s.at, new Uint8Array(s.length).fill(s.byte));
          expect(fault === undefined).toBe(mapped(s.at, s.length));
          if (fault === undefined) for (let a = s.at; a < s.at + s.length; a++) bytes.set(a, s.byte);
        } else {
          const found = container.read(s.at, s.length);
          expect(!isFault(found)).toBe(mapped(s.at, s.length));
          if (!isFault(found) && !found.every((byte, i) => byte === bytes.get(s.at + i))) expect.fail('another byte than was written');
        }
      }
    }),
    { numRuns: 60 },
  );
});

it('an arena behaves like a plain map under random operations', () => {
  const operation = fc.tuple(fc.nat(3), fc.oneof(fc.nat(64), fc.nat(3000), fc.nat(20_000)), fc.nat(255));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
      using shared = frames();
      const arena = new Arena(shared);
      const oracle = new Map<number, Uint8Array>();
      for (const [verb, number, byte] of operations) {
        const known = [...oracle.keys()][number % Math.max(1, oracle.size)];
        if (verb < 2) {
          const value = new Uint8Array(number).fill(byte);
          const handle = arena.put(value);
          if (handle !== undefined) oracle.set(handle, value);
        } else if (known !== undefined && verb === 2) {
          arena.release(known);
          oracle.delete(known);
        } else if (known !== undefined) {
          const value = oracle.get(known)!;
          const offset = Math.floor(value.length / 3);
          const part = new Uint8Array(Math.floor(value.length / 2)).fill(byte ^ 255);
          arena.write(known, offset, part);
          value.set(part, offset);
        }
        for (const [handle, value] of oracle) if (Buffer.compare(arena.get(handle), value) !== 0) expect.fail('another value');
        const total = [...oracle.values()].reduce((sum, value) => sum + value.length, 0);
        expect(arena.statistics).toMatchObject({ values: oracle.size, bytes: total });
      }
      arena.close();
      expect(shared.statistics.used).toBe(0);
    }),
    { numRuns: 100 },
  );
});
