// What a connection speaks, told from its first bytes as they come. Pure: bytes in, a word out, and never a look at
// the same byte twice, so that a line fed byte by byte costs what it weighs.

export type Spoken =
  /** Ours, of clients and peers: the magic's first byte. */
  | 'native'
  /** The client's preface of HTTP/2: gRPC. */
  | 'http2'
  /** A request line that ends in ` HTTP/1.x`. */
  | 'http'
  /** An array of RESP, or an inline command: a line like HTTP's, without its ` HTTP/1.`. */
  | 'resp'
  /** A TLS handshake record. */
  | 'tls'
  /** A stream of memberlist's gossip. */
  | 'gossip'
  | 'unknown';

/** A first line longer than this is nobody's: HTTP's own limit for all its headers is the same. */
export const firstLineBytesMax = 8192;

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const httpMark = Buffer.from(' HTTP/1.', 'latin1');
/** Longer names has neither a method of HTTP nor a command of RESP. */
const wordBytesMax = 32;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

export class FirstBytes {
  #buffer = Buffer.alloc(0);
  #length = 0;
  /** The first word is read, and was one. */
  #wordBytes = 0;
  #searched = 0;

  /** All that came so far. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Undefined: more must come before it can be told. Bytes are copied. */
  push(bytes: Uint8Array): Spoken | undefined {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
    return this.#length === 0 ? undefined : this.#decide();
  }

  #decide(): Spoken | undefined {
    const first = this.#buffer[0]!;
    if (first === 0xd1) return 'native';
    if (first === 0x16) return 'tls';
    if (first === 0x2a) return 'resp';
    if (first <= 14 || first === 244) return 'gossip';
    if (!isLetter(first)) return 'unknown';
    if (first === preface[0]) {
      const known = Math.min(this.#length, preface.length);
      if (this.#buffer.compare(preface, 0, known, 0, known) === 0) return known === preface.length ? 'http2' : undefined;
    }
    return this.#decideLine();
  }

  #decideLine(): Spoken | undefined {
    if (this.#wordBytes === 0) {
      const word = this.#readWord();
      if (word !== 'whole') return word;
    }
    const line = this.#buffer.subarray(0, this.#length);
    const end = line.indexOf(newline, this.#searched);
    // A mark cut in two by the packets is found with its first half.
    const mark = line.indexOf(httpMark, Math.max(0, this.#searched - httpMark.length));
    this.#searched = this.#length;
    if (mark >= 0 && (end < 0 || mark < end)) return 'http';
    if (end >= 0) return 'resp';
    if (this.#length < firstLineBytesMax) return undefined;
    // Too long, but certainly a path: HTTP's own parser says so in its own words.
    return line[this.#wordBytes] === space && line[this.#wordBytes + 1] === 0x2f ? 'http' : 'unknown';
  }

  #readWord(): 'whole' | 'unknown' | undefined {
    for (let at = this.#searched; at < this.#length; at++) {
      const byte = this.#buffer[at]!;
      if (byte === space || byte === carriageReturn || byte === newline) {
        this.#wordBytes = at;
        this.#searched = at;
        return 'whole';
      }
      if (at >= wordBytesMax || !(isLetter(byte) || byte === 0x2e)) return 'unknown';
    }
    this.#searched = this.#length;
    return undefined;
  }
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}
