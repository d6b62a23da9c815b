// The folding kernel as WebAssembly. It needs no carry-less multiplication, only sparse multiples of the polynomial P:
// if P divides x^(8n) + x^(8(n−a)) + x^(8(n−b)) + 1, then adding that multiple, shifted, clears a byte of the message and
// adds it to the bytes a, b and n further on, without changing the remainder. Seen from the receiving byte:
//
//   out[i] = in[i] ⊕ out[i−a] ⊕ out[i−b] ⊕ out[i−n]
//
// which is sixteen bytes per instruction, as long as every lag exceeds the step. All but the last n bytes vanish.

import { append, assemble, i32, op, type Code, type FunctionSpec } from '../memory/index.ts';

export interface Multiple {
  /** a, b, …, n of the formula above, ascending; the last is the degree in bytes. */
  readonly lags: readonly number[];
}

/** Few terms, long lags: for what is much longer than 7 KiB. Two lags are multiples of 16, which spares loads across cache lines. */
export const sparse: Multiple = { lags: [1712, 5215, 7024] };

/** More terms, shorter lags: for kilobytes, and for what the sparse one leaves. */
export const medium: Multiple = { lags: [128, 304, 353, 425, 528] };

/** The shortest: for what the medium one leaves. Its lags are so short that loads wait for stores, which costs half. */
export const dense: Multiple = { lags: [65, 155, 170, 195, 209] };

/** Bytes folded per round. Every lag is longer, so that no round reads what it writes. */
export const roundBytes = 64;

const tableBytes = 1024;

/** Where the sixteen tables lie in the kernel's memory. */
export const tablesAt = 0;
export const tablesEnd: number = 16 * tableBytes;

/** `foldSparse foldMedium foldDense (from, to)`, `settleSparse settleMedium settleDense (end)`, `absorb(from, to, register) → register`. */
export function crcProgram(): Uint8Array<ArrayBuffer> {
  return assemble({
    functions: [
      { ...fold(sparse), name: 'foldSparse' },
      { ...fold(medium), name: 'foldMedium' },
      { ...fold(dense), name: 'foldDense' },
      { ...settle(sparse), name: 'settleSparse' },
      { ...settle(medium), name: 'settleMedium' },
      { ...settle(dense), name: 'settleDense' },
      { ...absorb(), name: 'absorb' },
    ],
  });
}

/** The formula, in place, over [from, to): at least one round, a multiple of rounds. */
function fold({ lags }: Multiple): FunctionSpec {
  const n = lags.at(-1)!;
  const [at, to] = [0, 1];
  // Offsets in instructions cannot be negative, so both ends are seen from n bytes earlier.
  const body: Code = [...op.get(at), ...op.i32(n), ...op.sub, ...op.set(at), ...op.get(to), ...op.i32(n), ...op.sub, ...op.set(to)];
  append(body, op.loop);
  for (let offset = 0; offset < roundBytes; offset += 16) {
    append(body, [...op.get(at), ...op.get(at), ...op.vload(n + offset)]);
    for (const lag of lags) append(body, [...op.get(at), ...op.vload(n - lag + offset), ...op.vxor]);
    append(body, op.vstore(n + offset));
  }
  append(body, [...op.get(at), ...op.i32(roundBytes), ...op.add, ...op.tee(at), ...op.get(to), ...op.lessUnsigned]);
  append(body, [...op.branchIf(0), ...op.end]);
  return { parameters: [i32, i32], locals: [], body };
}

/**
 * The last n bytes, from `end` on: they receive from the bytes before `end` and pass nothing on. A vector that only
 * partly receives by some lag masks what that lag would bring from its own side of `end`.
 */
function settle({ lags }: Multiple): FunctionSpec {
  const n = lags.at(-1)!;
  const [end, at, stop] = [0, 1, 2];
  const body: Code = [...op.get(end), ...op.set(at)];
  const receive = (active: readonly number[], offset: number): void => {
    append(body, [...op.get(at), ...op.get(at), ...op.vload()]);
    for (const lag of active) {
      append(body, [...op.get(at), ...op.i32(n), ...op.sub, ...op.vload(n - lag)]);
      if (offset + 16 > lag) append(body, [...op.vconst(Array.from({ length: 16 }, (_, i) => (offset + i < lag ? 255 : 0))), ...op.vand]);
      append(body, op.vxor);
    }
    append(body, [...op.vstore(), ...op.get(at), ...op.i32(16), ...op.add, ...op.set(at)]);
  };
  for (let offset = 0; offset < n; ) {
    const active = lags.filter((lag) => lag > offset);
    // Whole vectors up to where the shortest remaining lag runs out, in a loop; then the one where it does.
    const whole = Math.floor(active[0]! / 16) * 16;
    if (whole > offset) {
      append(body, [...op.get(end), ...op.i32(whole), ...op.add, ...op.set(stop), ...op.loop]);
      receive(active, offset);
      append(body, [...op.get(at), ...op.get(stop), ...op.lessUnsigned, ...op.branchIf(0), ...op.end]);
    }
    if (whole < n) receive(active, whole);
    offset = whole + 16;
  }
  return { parameters: [i32], locals: [i32, i32], body };
}

/** Sixteen tables over [from, to). */
function absorb(): FunctionSpec {
  const [at, to, state, word] = [0, 1, 2, 3];
  const look = (table: number, shift: number): Code => [
    ...op.get(word), ...(shift > 0 ? [...op.i32(shift), ...op.shru] : []), ...(shift < 24 ? [...op.i32(255), ...op.and] : []),
    ...op.i32(2), ...op.shl, ...op.load32(tablesAt + table * tableBytes),
  ];
  const body: Code = [...op.block, ...op.loop, ...op.get(at), ...op.i32(16), ...op.add, ...op.get(to), ...op.greaterUnsigned, ...op.branchIf(1)];
  for (let quarter = 0; quarter < 4; quarter++) {
    append(body, [...op.get(at), ...op.load32(quarter * 4), ...(quarter === 0 ? [...op.get(state), ...op.xor] : []), ...op.set(word)]);
    for (let byte = 0; byte < 4; byte++) {
      append(body, look(15 - quarter * 4 - byte, byte * 8));
      if (quarter + byte > 0) append(body, op.xor);
    }
  }
  append(body, [...op.set(state), ...op.get(at), ...op.i32(16), ...op.add, ...op.set(at), ...op.branch(0), ...op.end, ...op.end]);
  append(body, [...op.block, ...op.loop, ...op.get(at), ...op.get(to), ...op.lessUnsigned, ...op.isZero, ...op.branchIf(1)]);
  append(body, [...op.get(at), ...op.load8(), ...op.get(state), ...op.xor, ...op.i32(255), ...op.and, ...op.i32(2), ...op.shl, ...op.load32(tablesAt)]);
  append(body, [...op.get(state), ...op.i32(8), ...op.shru, ...op.xor, ...op.set(state)]);
  append(body, [...op.get(at), ...op.i32(1), ...op.add, ...op.set(at), ...op.branch(0), ...op.end, ...op.end, ...op.get(state)]);
  return { parameters: [i32, i32, i32], results: [i32], locals: [i32], body };
}
