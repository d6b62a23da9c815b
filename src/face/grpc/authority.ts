// What some of etcd's own clients put where HTTP/2 wants a host: the whole URL of an endpoint, `http://127.0.0.1:2379`
// (3.4's etcdctl does, in whatever it asks each endpoint by itself). node:http2 resets such a stream, and has no switch
// for it; etcd looks at the authority as little as we do. So its slashes are made underscores where the headers lie:
// byte for byte, or, in Huffman's code, six bits for six bits, so that nothing else moves and both sides' header
// tables stay equal in size.
//
// Of HPACK (RFC 7541) this knows where each field begins and ends, no more.

const slash = { byte: 0x2f, code: 0b011000 };
const underscore = { byte: 0x5f, code: 0b100010 };
/** Of the static table. */
const authorityIndex = 1;

/** Mends a header block in place; a block that makes no sense is left for whoever decodes it. Whether there was anything to mend. */
export function mendAuthority(block: Uint8Array): boolean {
  const reader = new BlockReader(block);
  let isMended = false;
  while (reader.at < block.length) {
    const first = block[reader.at]!;
    if ((first & 0x80) !== 0) {
      reader.integer(7);
      continue;
    }
    if ((first & 0xe0) === 0x20) {
      reader.integer(5);
      continue;
    }
    const name = reader.integer((first & 0x40) !== 0 ? 6 : 4);
    if (name === 0) reader.string();
    const value = reader.string();
    if (value === undefined) break;
    if (name === authorityIndex && mend(block.subarray(value.from, value.to), value.isHuffman)) isMended = true;
  }
  return isMended;
}

class BlockReader {
  readonly #block: Uint8Array;
  at = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  /** Beyond what any block holds: whatever follows is beyond it, too. */
  integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = (this.#block[this.at++] ?? 0) & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#block[this.at++] ?? 0;
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) break;
    }
    return value;
  }

  string(): { readonly from: number; readonly to: number; readonly isHuffman: boolean } | undefined {
    const isHuffman = ((this.#block[this.at] ?? 0) & 0x80) !== 0;
    const length = this.integer(7);
    const from = this.at;
    this.at = from + length;
    return this.at > this.#block.length ? undefined : { from, to: this.at, isHuffman };
  }
}

function mend(value: Uint8Array, isHuffman: boolean): boolean {
  let isMended = false;
  if (!isHuffman) {
    for (const [at, byte] of value.entries()) {
      if (byte !== slash.byte) continue;
      value[at] = underscore.byte;
      isMended = true;
    }
    return isMended;
  }
  const bits = value.length * 8;
  for (let at = 0; at + 5 <= bits;) {
    const length = codeBits(peek(value, at, 8));
    // A longer code is no letter of a host or a URL, or the padding at the end.
    if (length === undefined || at + length > bits) break;
    if (length === 6 && peek(value, at, 6) === slash.code) {
      poke(value, at, underscore.code);
      isMended = true;
    }
    at += length;
  }
  return isMended;
}

/** How long the code is that begins with these eight bits: the code is canonical, so its beginning tells (RFC 7541, appendix B). */
function codeBits(eight: number): number | undefined {
  if (eight >> 3 < 0b01010) return 5;
  if (eight >> 2 < 0b101110) return 6;
  if (eight >> 1 < 0b1111100) return 7;
  return eight < 0b11111110 ? 8 : undefined;
}

/** Bits beyond the end are zeroes. */
function peek(value: Uint8Array, at: number, count: number): number {
  const byte = at >> 3;
  return ((((value[byte] ?? 0) << 8) | (value[byte + 1] ?? 0)) >> (16 - (at & 7) - count)) & ((1 << count) - 1);
}

function poke(value: Uint8Array, at: number, six: number): void {
  for (let bit = 0; bit < 6; bit++) {
    const [byte, mask] = [(at + bit) >> 3, 0x80 >> ((at + bit) & 7)];
    const wanted = ((six >> (5 - bit)) & 1) === 1;
    value[byte] = wanted ? value[byte]! | mask : value[byte]! & ~mask;
  }
}
