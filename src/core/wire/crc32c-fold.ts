// All but the shortest checksums: bytes are copied into the kernel's memory and absorbed there, the long ones folded in
// place. One memory serves all: every
// call is synchronous, begins by filling what it reads, and leaves nothing that a later call relies on.

import { instantiate, type Program } from '../memory/index.ts';
import { crcProgram, dense, medium, roundBytes, sparse, tablesAt, tablesEnd } from './crc32c-program.ts';
import { crcTables } from './crc32c-tables.ts';

const sparseBytes = sparse.lags.at(-1)!;
const mediumBytes = medium.lags.at(-1)!;
const denseBytes = dense.lags.at(-1)!;

/** What is copied and folded at a time: it should stay in the fastest cache. */
const windowBytes = 16_384;

/** Bytes before a window that its folding looks back to, and zeros that stand before the first byte. */
const historyAt: number = tablesEnd;
const windowAt: number = historyAt + Math.ceil((sparseBytes + roundBytes) / roundBytes) * roundBytes;

/** From here on the sparse multiple pays, whose remainder alone takes folding. */
const sparseFrom = 10_240;

interface Kernel {
  readonly bytes: Uint8Array;
  readonly foldSparse: Program;
  readonly foldMedium: Program;
  readonly foldDense: Program;
  readonly settleSparse: Program;
  readonly settleMedium: Program;
  readonly settleDense: Program;
  readonly absorb: Program;
}

let kernel: Kernel | undefined;

function makeKernel(): Kernel {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer);
  for (const [i, word] of crcTables.entries()) {
    for (let byte = 0; byte < 4; byte++) bytes[tablesAt + i * 4 + byte] = word >>> (byte * 8);
  }
  const module = new WebAssembly.Module(crcProgram());
  const program = (name: string): Program => instantiate(module, memory, name);
  return {
    bytes,
    foldSparse: program('foldSparse'),
    foldMedium: program('foldMedium'),
    foldDense: program('foldDense'),
    settleSparse: program('settleSparse'),
    settleMedium: program('settleMedium'),
    settleDense: program('settleDense'),
    absorb: program('absorb'),
  };
}

/** From here on the medium multiple pays, before the dense one. */
const mediumFrom = 1536;

/** From here on folding pays; below, sixteen tables alone are faster. */
const denseFrom = 416;

/** Absorbs all bytes into the raw register, as `absorb` of the tables does: any number of them. */
export function absorbInKernel(register: number, input: Uint8Array): number {
  const { length } = input;
  if (length >= denseFrom) return absorbByFolding(register, input);
  const k = (kernel ??= makeKernel());
  k.bytes.set(input, windowAt);
  return k.absorb(windowAt, windowAt + length, register);
}

function absorbByFolding(register: number, input: Uint8Array): number {
  const k = (kernel ??= makeKernel());
  if (input.length < sparseFrom) {
    const begin = windowAt + sparseBytes;
    k.bytes.set(input, begin);
    seed(k, begin, register);
    return finish(k, begin, begin + input.length);
  }
  // Rounds are filled up by zeros in front: while the register is zero, zeros change nothing.
  const folded = input.length - sparseBytes;
  let from = folded % roundBytes === 0 ? 0 : (folded % roundBytes) - roundBytes;
  let count = Math.min(windowBytes, folded - from);
  k.bytes.fill(0, historyAt, windowAt - from);
  k.bytes.set(input.subarray(0, from + count), windowAt - from);
  seed(k, windowAt - from, register);
  for (;;) {
    k.foldSparse(windowAt, windowAt + count);
    from += count;
    if (from === folded) break;
    k.bytes.copyWithin(windowAt - sparseBytes, windowAt + count - sparseBytes, windowAt + count);
    count = Math.min(windowBytes, folded - from);
    k.bytes.set(input.subarray(from, from + count), windowAt);
  }
  const end = windowAt + count;
  k.bytes.set(input.subarray(folded), end);
  k.settleSparse(end);
  return finish(k, end, end + sparseBytes);
}

/** A register before the first byte is the same as none, and its four bytes added to the first four. */
function seed({ bytes }: Kernel, at: number, register: number): void {
  for (let byte = 0; byte < 4; byte++) bytes[at + byte]! ^= register >>> (byte * 8);
}

/** The message [from, to), register zero: folded to its last 528 bytes, to its last 209, and those through the tables. */
function finish(k: Kernel, from: number, to: number): number {
  let begin = from;
  if (to - from >= mediumFrom) {
    begin = to - mediumBytes;
    k.foldMedium(clearBefore(k, from, begin, mediumBytes), begin);
    k.settleMedium(begin);
  }
  const end = to - denseBytes;
  k.foldDense(clearBefore(k, begin, end, denseBytes), end);
  k.settleDense(end);
  return k.absorb(end, to, 0);
}

/** Where folding of [from, end) begins, in whole rounds; zeros stand before `from`, as far as folding looks back. */
function clearBefore({ bytes }: Kernel, from: number, end: number, lookBack: number): number {
  const begin = end - Math.ceil((end - from) / roundBytes) * roundBytes;
  bytes.fill(0, begin - lookBack, from);
  return begin;
}
