// RFC 7541, appendix C, has the examples; what is mended is compared with the other spelling's own code.

import { connect } from 'node:http2';
import { connect as tcpConnect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { mendAuthority } from './authority.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const mended = (text: string): string => {
  const block = hex(text);
  mendAuthority(block);
  return Buffer.from(block).toString('hex');
};

describe('an authority', () => {
  it('that is a host is left as it is', () => {
    // C.3.1, C.4.1: GET / of www.example.com, as bytes and in Huffman's code.
    for (const block of ['828684410f7777772e6578616d706c652e636f6d', '828684418cf1e3c2e5f23a6ba0ab90f4ff']) expect(mended(block)).toBe(block);
  });

  it('loses its slashes, one for one, as bytes and in Huffman’s code', () => {
    const plain = (text: string): string => `41${text.length.toString(16).padStart(2, '0')}${Buffer.from(text).toString('hex')}`;
    expect(mended(`82${plain('http://h:1/x')}84`)).toBe(`82${plain('http:__h:1_x')}84`);
    // C.6.1 has "https://www.example.com" coded; the two slashes are the twelve bits 011000 011000, the underscores 100010 100010.
    expect(mended('4191 9d29ad171863c78f0b97c8e9ae82ae43d3')).toBe('41919d29ad17228bc78f0b97c8e9ae82ae43d3');
  });

  it('is found whether it is to be indexed or not, and nothing else is touched', () => {
    const value = '07612f622f632f64';
    for (const first of ['41', '01', '11']) expect(mended(`${first}${value}`)).toBe(`${first}07615f625f635f64`);
    // :path, a new name, and a table's new size before it.
    for (const other of [`44${value}`, `40036e2f6d${value}`, `0002612f${value}`]) expect(mended(other)).toBe(other);
    expect(mended(`3fe11f 44${value} 41${value}`)).toBe(`3fe11f44${value}4107615f625f635f64`);
  });

  it('in a block that makes no sense stays as it is', () => {
    for (const block of ['41', '417f', '417fffffffffffff', '41ff', '0000', '40', '3fffffffffffffff', '4107612f', 'ffffffff', '7fffff']) expect(mended(block)).toBe(block);
    let seed = 7;
    for (let round = 0; round < 2000; round++) {
      const block = Uint8Array.from({ length: round % 40 }, () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 24);
      mendAuthority(block);
    }
  });

  it('is coded as nghttp2 codes it', { timeout: 60_000 }, async () => {
    // What Node's own client sends for one spelling becomes, mended, what it sends for the other.
    const coded = async (authority: string): Promise<string> => {
      const parts: Buffer[] = [];
      const tcp = createServer((socket) => {
        socket.on('data', (chunk) => void parts.push(chunk));
        socket.on('error', () => undefined);
      });
      await new Promise<void>((resolve) => void tcp.listen(0, '127.0.0.1', resolve));
      const { port } = tcp.address() as AddressInfo;
      const client = connect('http://x', { createConnection: () => tcpConnect(port, '127.0.0.1') });
      client.on('error', () => undefined);
      client.request({ ':authority': authority, ':path': '/' }).on('error', () => undefined);
      await expect.poll(() => headersOf(Buffer.concat(parts)), { timeout: 30_000 }).not.toBe('');
      client.destroy();
      tcp.close();
      return headersOf(Buffer.concat(parts));
    };
    const slashes = await coded('http://127.0.0.1:2379/x');
    expect(mended(slashes)).toBe(await coded('http:__127.0.0.1:2379_x'));
  });
});

/** The header block of the first HEADERS frame, as hex; empty while there is none. */
function headersOf(bytes: Buffer): string {
  for (let at = 24; at + 9 <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    if (bytes[at + 3] === 1 && bytes.length >= at + 9 + length) return bytes.subarray(at + 9 + ((bytes[at + 4]! & 32) !== 0 ? 5 : 0), at + 9 + length).toString('hex');
    at += 9 + length;
  }
  return '';
}
