import { describe, expect, it } from 'vitest';
import { nextBelow, seedRandom } from '../core/random.ts';
import { FirstBytes, firstLineBytesMax } from './first-bytes.ts';
import type { Spoken } from './first-bytes.ts';

/** What is said when it comes in such pieces, and after how many bytes. */
function told(bytes: Uint8Array, pieceBytes: () => number): [Spoken | undefined, number] {
  const first = new FirstBytes();
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + pieceBytes());
    const spoken = first.push(bytes.subarray(at, end));
    at = end;
    if (spoken === undefined) continue;
    expect(Buffer.compare(first.bytes, bytes.subarray(0, at))).toBe(0);
    return [spoken, at];
  }
  return [undefined, bytes.length];
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const cases: readonly (readonly [string | Uint8Array, Spoken | undefined])[] = [
  [Uint8Array.of(0xd1), 'native'],
  ['GET /health HTTP/1.1\r\n', 'http'],
  ['POST /v3/kv/range HTTP/1.0\r\n', 'http'],
  ['OPTIONS * HTTP/1.1\r\n', 'http'],
  ['GET /health HTTP/1.', 'http'],
  ['get /health HTTP/1.1\r\n', 'http'],
  [preface, 'http2'],
  [`${preface}more`, 'http2'],
  [preface.slice(0, 23), undefined],
  ['PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n', 'resp'],
  ['PRIX\r\n', 'resp'],
  ['PUT /x HTTP/1.1\r\n', 'http'],
  ['*3\r\n$3\r\nSET\r\n', 'resp'],
  ['PING\r\n', 'resp'],
  ['PING\n', 'resp'],
  ['SET a b\r\n', 'resp'],
  ['GET a\r\nX HTTP/1.1\r\n', 'resp'],
  ['JSON.SET a $ 1\r\n', 'resp'],
  ['GET /health HTTP/2.0\r\n', 'resp'],
  ['GET /health', undefined],
  ['G', undefined],
  [Uint8Array.of(0x16, 3, 1), 'tls'],
  [Uint8Array.of(0), 'gossip'],
  [Uint8Array.of(14), 'gossip'],
  [Uint8Array.of(244), 'gossip'],
  [Uint8Array.of(15), 'unknown'],
  [Uint8Array.of(0xff), 'unknown'],
  ['{"a":1}\r\n', 'unknown'],
  [' GET / HTTP/1.1\r\n', 'unknown'],
  ['SSH-2.0-OpenSSH_9\r\n', 'unknown'],
  ['A'.repeat(40), 'unknown'],
  [`GET /${'a'.repeat(firstLineBytesMax)}`, 'http'],
  [`GET ${'a'.repeat(firstLineBytesMax)}`, 'unknown'],
];

describe('the first bytes', () => {
  it.each(cases.map(([said, expected]) => [JSON.stringify(said).slice(0, 40), expected, said] as const))('%s: %s, at once and byte by byte', (_title, expected, said) => {
    const bytes = typeof said === 'string' ? Buffer.from(said, 'latin1') : said;
    expect(told(bytes, () => bytes.length)[0]).toBe(expected);
    expect(told(bytes, () => 1)[0]).toBe(expected);
  });

  it('say the same however they are cut', () => {
    const random = seedRandom(11);
    for (let round = 0; round < 1000; round++) {
      const [said, expected] = cases[nextBelow(random, cases.length)]!;
      const bytes = typeof said === 'string' ? Buffer.from(said, 'latin1') : said;
      expect([said, told(bytes, () => 1 + nextBelow(random, bytes.length > 100 ? 2000 : 12))[0]]).toEqual([said, expected]);
    }
  });

  it('are told before the limit, whatever they are', () => {
    const random = seedRandom(12);
    for (let round = 0; round < 100; round++) {
      const bytes = Uint8Array.from({ length: firstLineBytesMax + 64 }, () => (nextBelow(random, 8) === 0 ? 0x20 : 0x41 + nextBelow(random, 26)));
      bytes[0] = 0x47;
      const [spoken, after] = told(bytes, () => 1 + nextBelow(random, 64));
      expect(spoken).toBeDefined();
      expect(after).toBeLessThanOrEqual(firstLineBytesMax + 64);
    }
  });
});
