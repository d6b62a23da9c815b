import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32c } from '../wire/index.ts';
import { blockBytesMax, blockChecksum, blockCount, blockLength, blockPosition, decodeHeader, encodeHeader, headerBytes, parseShardName, shardFileBytes, shardLength, shardName, type ShardHeader } from './shard.ts';

const header: fc.Arbitrary<ShardHeader> = fc
  .record({
    data: fc.integer({ min: 1, max: 200 }),
    parity: fc.nat(56),
    blockBytes: fc.integer({ min: 1, max: blockBytesMax / 64 }).map((n) => n * 64),
    length: fc.oneof(fc.nat(1_000_000), fc.maxSafeNat()),
    setId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    originalCrc: fc.nat(0xffff_ffff),
    pick: fc.nat(),
  })
  .map(({ pick, ...set }) => ({ ...set, index: pick % (set.data + set.parity) }));

it('a header reads back as it was written', () => {
  fc.assert(fc.property(header, (h) => {
    expect(decodeHeader(encodeHeader(h))).toEqual({ type: 'ok', header: h });
  }));
});

it('a header with any bit flipped is refused', () => {
  fc.assert(
    fc.property(header, fc.nat(headerBytes * 8 - 1), (h, bit) => {
      const bytes = encodeHeader(h);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeHeader(bytes).type).toBe('bad');
    }),
  );
});

it('any bytes give an answer, and none with a valid checksum describes an impossible shard', () => {
  const start = encodeHeader({ data: 1, parity: 0, blockBytes: 64, length: 0, setId: new Uint8Array(16), originalCrc: 0, index: 0 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 48, maxLength: 48 }), (any, body) => {
      expect(decodeHeader(any).type).toBe('bad');
      const forged = start.slice();
      forged.set(body, 12);
      new DataView(forged.buffer).setUint32(60, crc32c(forged.subarray(0, 60)), true);
      const reading = decodeHeader(forged);
      if (reading.type === 'bad') {
        expect(reading.reason).toBe('damaged');
        return;
      }
      const h = reading.header;
      expect(h.data + h.parity <= 256 && h.index < h.data + h.parity && h.blockBytes <= blockBytesMax).toBe(true);
    }),
  );
});

it('blocks tile the shard and its file', () => {
  fc.assert(
    fc.property(header, (h) => {
      const blocks = blockCount(h);
      if (blocks === 0) {
        expect([shardLength(h), shardFileBytes(h)]).toEqual([0, headerBytes]);
        return;
      }
      const last = blockLength(h, blocks - 1);
      expect(last >= 1 && last <= h.blockBytes).toBe(true);
      expect(blockPosition(h, blocks - 1) + last + 4).toBe(shardFileBytes(h));
    }),
  );
});

it('a block verifies in its own place only', () => {
  const set = { data: 2, parity: 1, blockBytes: 64, length: 500, setId: new Uint8Array(16).fill(7), originalCrc: 0 };
  const bytes = new Uint8Array(64).fill(9);
  const sums = [[0, 0], [1, 0], [0, 1], [1, 1]].map(([index, block]) => blockChecksum(set, index!, block!, bytes));
  sums.push(blockChecksum({ ...set, setId: new Uint8Array(16) }, 0, 0, bytes));
  expect(new Set(sums).size).toBe(5);
});

it('names say the index, with three digits beyond a hundred shards', () => {
  expect([shardName('db', 3, 14), shardName('db', 7, 101), shardName('db', 7, 100)]).toEqual(['db.03.shard', 'db.007.shard', 'db.07.shard']);
  expect(parseShardName('a.b.tar.013.shard')).toEqual({ name: 'a.b.tar', index: 13 });
  expect(parseShardName('x.shard')).toBeUndefined();
});
