import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Reader, Writer } from './codec.ts';

const u53 = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.constantFrom(0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER));
const u32 = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff));
const i64 = fc.oneof(fc.bigInt(-(1n << 63n), (1n << 63n) - 1n), fc.constantFrom(0n, -1n, 1n << 32n, -(1n << 63n), (1n << 63n) - 1n));

describe('numbers on the wire', () => {
  test('are little-endian, as a DataView writes them', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(0xffff), u32, u53, i64, (a, b, c, d, e) => {
        const view = new DataView(new ArrayBuffer(23));
        view.setUint8(0, a);
        view.setUint16(1, b, true);
        view.setUint32(3, c, true);
        view.setBigUint64(7, BigInt(d), true);
        view.setBigInt64(15, e, true);
        // Too small a capacity: it has to grow on the way.
        const bytes = new Writer(2).u8(a).u16(b).u32(c).u53(d).i64(e).finish();
        expect([...bytes]).toEqual([...new Uint8Array(view.buffer)]);
      }),
    );
  });

  test('come back as they were, wherever in a larger buffer they lie', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(0xffff), u32, u53, i64, fc.uint8Array(), fc.nat(9), (a, b, c, d, e, f, offset) => {
        const bytes = new Writer().u8(a).u16(b).u32(c).u53(d).i64(e).bytes(f).finish();
        const shifted = new Uint8Array(bytes.length + offset + 3).fill(0xaa);
        shifted.set(bytes, offset);
        const reader = new Reader(shifted.subarray(offset, offset + bytes.length));
        expect([reader.u8(), reader.u16(), reader.u32(), reader.u53(), reader.i64()]).toEqual([a, b, c, d, e]);
        expect([...reader.bytes()]).toEqual([...f]);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  test('that are not whole, or too large, are refused', () => {
    for (const read of [(reader: Reader) => reader.u8(), (reader: Reader) => reader.u16(), (reader: Reader) => reader.u32(), (reader: Reader) => reader.u53(), (reader: Reader) => reader.i64()]) {
      expect(() => read(new Reader(new Uint8Array(0)))).toThrow('bytes wanted');
    }
    expect(() => new Reader(Uint8Array.of(0, 0, 0, 0, 0, 0, 0x20, 0)).u53()).toThrow('2^53');
    expect(() => new Reader(new Uint8Array(8).fill(0xff)).u53()).toThrow('2^53');
  });
});
