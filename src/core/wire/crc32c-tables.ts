// The tables of CRC-32C (Castagnoli, reflected polynomial 0x82f63b78). Table k answers: what does this byte
// become after k further zero bytes? With eight of them, eight bytes are absorbed by eight independent loads.

export const polynomial = 0x82f63b78;

/** Sixteen, because the folding kernel finishes with all of them; eight are best for JavaScript. */
const sliceCount = 16;

function generate(): Int32Array {
  const tables = new Int32Array(sliceCount * 256);
  for (let byte = 0; byte < 256; byte++) {
    let state = byte;
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? polynomial : 0);
    tables[byte] = state;
  }
  for (let at = 256; at < tables.length; at++) {
    const previous = tables[at - 256]!;
    tables[at] = (previous >>> 8) ^ tables[previous & 0xff]!;
  }
  return tables;
}

/** The tables of 256, one after the other: a single array, so that a kernel touches one bounds check and one base. */
export const crcTables: Int32Array = generate();

/**
 * Absorbs bytes[from, to) into the raw register (no inversion before or after).
 *
 * The loads go byte by byte on purpose: a Uint8Array may start at any alignment, a DataView costs more than it
 * saves at the lengths this is chosen for, and V8 keeps all eight in registers.
 */
export function absorb(register: number, bytes: Uint8Array, from: number, to: number): number {
  const t = crcTables;
  let state = register | 0;
  let at = from;
  for (const end = to - 7; at < end; at += 8) {
    state ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    state =
      t[1792 + (state & 0xff)]! ^
      t[1536 + ((state >>> 8) & 0xff)]! ^
      t[1280 + ((state >>> 16) & 0xff)]! ^
      t[1024 + (state >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < to; at++) state = (state >>> 8) ^ t[(state ^ bytes[at]!) & 0xff]!;
  return state;
}
