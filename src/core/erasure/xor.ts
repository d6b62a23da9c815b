// The simplest code: n chunks and their XOR. Any one of the n + 1 is the XOR of the others.

import { assert } from '../assert.ts';

/** A chunk of the reference layout. */
export const defaultChunkSize = 1024;

export interface XorEncoding {
  /** Bytes of the original: what padding to whole chunks would otherwise forget. */
  readonly length: number;
  readonly chunkSize: number;
  /** ⌈length / chunkSize⌉ data chunks, the last padded with zeros, then the parity chunk. */
  readonly chunks: readonly Uint8Array[];
}

/** An encoding some of whose chunks may have been lost. */
export interface DamagedXorEncoding extends Omit<XorEncoding, 'chunks'> {
  readonly chunks: readonly (Uint8Array | undefined)[];
}

export type XorDecoding =
  | { readonly type: 'ok'; readonly data: Uint8Array; readonly rebuilt: readonly number[] }
  | { readonly type: 'unrecoverable'; readonly missing: readonly number[]; readonly tolerated: 1 };

export function encodeXor(data: Uint8Array, chunkSize: number = defaultChunkSize): XorEncoding {
  assert(Number.isInteger(chunkSize) && chunkSize >= 1, `a chunk has at least one byte, not ${chunkSize}`);
  const count = Math.ceil(data.length / chunkSize);
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const chunk = new Uint8Array(chunkSize);
    chunk.set(data.subarray(i * chunkSize, (i + 1) * chunkSize));
    chunks.push(chunk);
  }
  chunks.push(sum(chunks, chunkSize));
  return { length: data.length, chunkSize, chunks };
}

/** The original bytes, whichever one chunk is missing. A chunk of the wrong size counts as missing. */
export function decodeXor(encoding: DamagedXorEncoding): XorDecoding {
  const { length, chunkSize } = encoding;
  const count = Math.ceil(length / chunkSize);
  const chunks = Array.from({ length: count + 1 }, (_, i) => {
    const chunk = encoding.chunks[i];
    return chunk?.length === chunkSize ? chunk : undefined;
  });
  const missing = [...chunks.keys()].filter((i) => chunks[i] === undefined);
  if (missing.length > 1) return { type: 'unrecoverable', missing, tolerated: 1 };
  const present = chunks.filter((chunk) => chunk !== undefined);
  const data = new Uint8Array(length);
  for (let i = 0; i < count; i++) {
    const chunk = chunks[i] ?? sum(present, chunkSize);
    data.set(chunk.subarray(0, Math.min(chunkSize, length - i * chunkSize)), i * chunkSize);
  }
  return { type: 'ok', data, rebuilt: missing };
}

function sum(chunks: readonly Uint8Array[], chunkSize: number): Uint8Array {
  const total = new Uint8Array(chunkSize);
  const words = new Int32Array(total.buffer, 0, chunkSize >> 2);
  for (const chunk of chunks) {
    let done = 0;
    // Four bytes at a time, where the chunk begins at a word and is worth a view.
    if (chunkSize >= 64 && chunk.byteOffset % 4 === 0) {
      const source = new Int32Array(chunk.buffer, chunk.byteOffset, words.length);
      for (let i = 0; i < words.length; i++) words[i]! ^= source[i]!;
      done = words.length * 4;
    }
    for (; done < chunkSize; done++) total[done]! ^= chunk[done]!;
  }
  return total;
}
