import { describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { Arena } from './arena.ts';
import { Container } from './container.ts';
import { Frames, pageBytes } from './frames.ts';
import { MemoryPool } from './pool.ts';
import { isFault, VirtualMemory } from './virtual-memory.ts';

const small = { memoryBytesMax: 65_536 };

describe('virtual memory', () => {
  it('allocates a page once, and again after it was freed', () => {
    using memory = new VirtualMemory({ pages: 10 });
    expect([memory.allocatePage(3), memory.allocatePage(3)]).toEqual([true, false]);
    expect([memory.freePage(3), memory.freePage(3), memory.allocatePage(3)]).toEqual([true, false, true]);
  });

  it('reads what was written, and zeros before', () => {
    using memory = new VirtualMemory({ pages: 1024 });
    memory.allocatePage(1023);
    expect([memory.read(1023, 4095), memory.write(1023, 4095, 42), memory.read(1023, 4095)]).toEqual([0, undefined, 42]);
  });

  it('answers a fault for what is unmapped, out of range or past the end', () => {
    using memory = new VirtualMemory({ pages: 10 });
    memory.allocatePage(0);
    expect(memory.allocatePage(10)).toBe(false);
    expect(memory.read(0, 4096)).toEqual({ type: 'fault', reason: 'past the end', address: 4096 });
    expect(memory.read(1, 0)).toEqual({ type: 'fault', reason: 'unmapped', address: 4096 });
    expect(memory.write(10, 5, 1)).toEqual({ type: 'fault', reason: 'out of range', address: 40_965 });
    for (const page of [-1, 0.5, NaN, 2 ** 60]) expect(isFault(memory.read(page, 0))).toBe(true);
    for (const offset of [-1, 0.5, NaN]) expect(isFault(memory.write(0, offset, 1))).toBe(true);
  });

  it('shows zeros in a page that was used before', () => {
    using memory = new VirtualMemory({ pages: 2 });
    memory.allocatePage(0);
    memory.write(0, 7, 99);
    memory.freePage(0);
    memory.allocatePage(1);
    expect(memory.read(1, 7)).toBe(0);
  });
});

describe('containers', () => {
  it('write and read across pages', () => {
    using frames = new Frames();
    using container = new Container(frames);
    expect(container.allocate(10_000)).toBe(0);
    expect(container.write(4090, utf8('across the edge'))).toBeUndefined();
    expect(container.read(4090, 15)).toEqual(utf8('across the edge'));
  });

  it('do not see one another', () => {
    using frames = new Frames();
    using a = new Container(frames);
    using b = new Container(frames);
    expect([a.allocate(100), b.allocate(100)]).toEqual([0, 0]);
    a.write(0, utf8('mine'));
    expect(b.read(0, 4)).toEqual(new Uint8Array(4));
  });

  it('write nothing when any byte of the range is unmapped', () => {
    using frames = new Frames();
    using container = new Container(frames);
    container.allocate(pageBytes);
    expect(container.write(4090, utf8('too far'))).toEqual({ type: 'fault', reason: 'unmapped', address: 4096 });
    expect(container.read(4090, 6)).toEqual(new Uint8Array(6));
    expect(container.read(0, 2 ** 50)).toEqual({ type: 'fault', reason: 'unmapped', address: 4096 });
  });

  it('stop at their limit and at that of the machine, keeping nothing of what failed', () => {
    using frames = new Frames({ limit: 4 });
    using container = new Container(frames, { limitBytes: 8 * pageBytes });
    expect(container.allocate(9 * pageBytes)).toEqual({ type: 'fault', reason: 'limit', address: 0 });
    expect(container.allocate(5 * pageBytes)).toEqual({ type: 'fault', reason: 'limit', address: 4 * pageBytes });
    expect(frames.statistics.used).toBe(0);
    expect(container.allocate(4 * pageBytes)).toBe(0);
    expect(container.statistics).toEqual({ pages: 4, bytes: 16_384, limitBytes: 32_768, allocations: 1, faults: 2 });
  });

  it('reuse addresses that were freed', () => {
    using frames = new Frames();
    using container = new Container(frames);
    const addresses = [1, 2, 3].map(() => container.allocate(pageBytes * 2));
    expect(container.free(8192)).toBeUndefined();
    expect(container.free(8192)).toMatchObject({ reason: 'unmapped' });
    expect(container.free(4096)).toMatchObject({ reason: 'unmapped' });
    expect([container.allocate(pageBytes * 3), container.allocate(1)]).toEqual([24_576, 8192]);
    expect(addresses).toEqual([0, 8192, 16_384]);
  });
});

describe('frames', () => {
  it('spread over several memories, which go back to their pool', () => {
    const pool = new MemoryPool();
    {
      using frames = new Frames({ ...small, pool });
      const taken = Array.from({ length: 40 }, () => frames.allocate()!);
      for (const frame of taken) frames.write(frame, 4095, frame + 1);
      expect(taken.map((frame) => frames.read(frame, 4095))).toEqual(taken.map((frame) => frame + 1));
      expect(pool.statistics).toMatchObject({ made: 3, lent: 3 });
    }
    using frames = new Frames({ ...small, pool });
    expect(frames.read(frames.allocate()!, 4095)).toBe(0);
    expect(pool.statistics).toMatchObject({ made: 3, lent: 1, idle: 2, idleBytes: 131_072 });
  });

  it('refuse a frame that is not allocated and a range that leaves it', () => {
    using frames = new Frames();
    const frame = frames.allocate()!;
    expect(() => frames.read(frame, 4096)).toThrow('within its frame');
    expect(() => frames.view(frame, 4000, 97)).toThrow('within its frame');
    frames.free(frame);
    expect(() => frames.read(frame, 0)).toThrow('allocated while it is touched');
    expect(() => frames.free(frame)).toThrow('allocated while it is touched');
    frames.close();
    expect(() => frames.read(0, 0)).toThrow('allocated while it is touched');
  });
});

describe('arena', () => {
  it('refuses a handle after release, even when its slot serves another', () => {
    using frames = new Frames();
    const arena = new Arena(frames);
    const first = arena.put(utf8('first'))!;
    arena.release(first);
    const second = arena.put(utf8('second'))!;
    expect(() => arena.get(first)).toThrow('between allocation and release');
    expect(() => arena.get(second + 1)).toThrow('between allocation and release');
    expect(arena.get(second)).toEqual(utf8('second'));
  });

  it('gives its pages back', () => {
    using frames = new Frames();
    const arena = new Arena(frames);
    const handles = Array.from({ length: 1000 }, () => arena.allocate(100)!);
    expect(arena.statistics).toEqual({ values: 1000, bytes: 100_000, held: 32 * pageBytes });
    for (const handle of handles) arena.release(handle);
    expect(frames.statistics.used).toBe(1);
    arena.put(new Uint8Array(100_000));
    arena.close();
    expect([frames.statistics.used, arena.statistics.held]).toEqual([0, 0]);
  });
});
