import { expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { decodeXor, encodeXor } from './xor.ts';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 4)) & 0xff);

it('lays data out as chunks of 1,024 bytes and their parity', () => {
  const { chunks, length } = encodeXor(bytes(2500));
  expect(length).toBe(2500);
  expect(chunks.map((chunk) => chunk.length)).toEqual([1024, 1024, 1024, 1024]);
  expect(chunks[3]![5]).toBe(chunks[0]![5]! ^ chunks[1]![5]! ^ chunks[2]![5]!);
});

it('gives JSON back without padding, which a parser would refuse', () => {
  const decoded = decodeXor(encodeXor(utf8('{"balance":180}')));
  expect(decoded.type === 'ok' && JSON.parse(new TextDecoder().decode(decoded.data))).toEqual({ balance: 180 });
});

it('rebuilds whichever chunk is missing, at every length around the edges and any chunk size', () => {
  for (const chunkSize of [1, 3, 8, 67, 1024]) {
    for (const length of chunkSize < 64 ? [0, 1, 7, 8, 9, 24, 200] : [0, 1, 1023, 1024, 1025, 3000]) {
      const data = bytes(length);
      const encoding = encodeXor(data, chunkSize);
      for (const lost of [undefined, ...encoding.chunks.keys()]) {
        const decoded = decodeXor({ ...encoding, chunks: encoding.chunks.map((c, i) => (i === lost ? undefined : c)) });
        if (decoded.type !== 'ok' || Buffer.compare(decoded.data, data) !== 0) expect.fail(`${length}/${chunkSize}: ${lost}`);
      }
    }
  }
});

it('names the chunks when two are missing', () => {
  const encoding = encodeXor(bytes(5000));
  const chunks = encoding.chunks.map((chunk, i) => (i === 1 || i === 4 ? undefined : chunk));
  expect(decodeXor({ ...encoding, chunks })).toEqual({ type: 'unrecoverable', missing: [1, 4], tolerated: 1 });
});
