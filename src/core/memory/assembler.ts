// Just enough of a WebAssembly assembler to write a module at run time: the kernels of checksums and erasure codes
// are straight lines of vector instructions made for one purpose, and no toolchain could know that purpose.
//
// Code is a flat array of bytes; each function below answers the bytes of one instruction. The engine validates
// every module, so a slip here is an exception in a test and never a wild store.

export type Code = number[];

export const i32 = 0x7f;
export const v128 = 0x7b;
const nothing = 0x40;

/** LEB128, unsigned. */
export function u(value: number): Code {
  const bytes: Code = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** LEB128, signed 32 bits. */
function s(value: number): Code {
  const bytes: Code = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && !(byte & 0x40)) || (rest === -1 && byte & 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

/** Offsets are unsigned and added without wrapping; alignment is a hint, always given as "any". */
const at = (offset: number): Code => [0, ...u(offset)];

export const op = {
  get: (local: number): Code => [0x20, ...u(local)],
  set: (local: number): Code => [0x21, ...u(local)],
  tee: (local: number): Code => [0x22, ...u(local)],
  call: (index: number): Code => [0x10, ...u(index)],
  block: [0x02, nothing] as Code,
  loop: [0x03, nothing] as Code,
  end: [0x0b] as Code,
  branch: (depth: number): Code => [0x0c, ...u(depth)],
  branchIf: (depth: number): Code => [0x0d, ...u(depth)],

  i32: (value: number): Code => [0x41, ...s(value)],
  load32: (offset: number = 0): Code => [0x28, ...at(offset)],
  load8: (offset: number = 0): Code => [0x2d, ...at(offset)],
  store32: (offset: number = 0): Code => [0x36, ...at(offset)],
  add: [0x6a] as Code,
  sub: [0x6b] as Code,
  and: [0x71] as Code,
  xor: [0x73] as Code,
  shl: [0x74] as Code,
  shru: [0x76] as Code,
  isZero: [0x45] as Code,
  lessUnsigned: [0x49] as Code,
  greaterUnsigned: [0x4b] as Code,

  vload: (offset: number = 0): Code => [0xfd, 0, ...at(offset)],
  vstore: (offset: number = 0): Code => [0xfd, 11, ...at(offset)],
  /** The same byte in all sixteen lanes. */
  splat: (byte: number): Code => [0xfd, 12, ...Array.from({ length: 16 }, () => byte)],
  vconst: (bytes: ArrayLike<number>): Code => [0xfd, 12, ...Array.from(bytes)],
  swizzle: [0xfd, 14] as Code,
  vand: [0xfd, 78] as Code,
  vxor: [0xfd, 81] as Code,
  /** Signed bytes: −1 where the left is less. */
  lessBytes: [0xfd, 37] as Code,
  addBytes: [0xfd, 110] as Code,
  /** Shifts each byte right by the count on the stack, filling with zeros. */
  shiftBytesRight: [0xfd, 109] as Code,
} as const;

export interface FunctionSpec {
  /** Exported under this name; private when missing. */
  readonly name?: string;
  readonly parameters: readonly number[];
  readonly results?: readonly number[];
  /** Types of further locals, numbered after the parameters. */
  readonly locals: readonly number[];
  /** Without the final `end`. */
  readonly body: Code;
}

export interface ModuleSpec {
  /** The memory imported as `env.memory`. A shared one must name a maximum, and so accepts any memory up to it. */
  readonly shared?: boolean;
  readonly functions: readonly FunctionSpec[];
}

/** The bytes of a module that imports one memory and exports functions over it. */
export function assemble(module: ModuleSpec): Uint8Array<ArrayBuffer> {
  const { functions } = module;
  const bytes: Code = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const section = (id: number, items: readonly Code[]): void => {
    const body = list(items);
    append(bytes, [id, ...u(body.length)]);
    append(bytes, body);
  };
  section(1, functions.map((f) => [0x60, ...u(f.parameters.length), ...f.parameters, ...u(f.results?.length ?? 0), ...(f.results ?? [])]));
  section(2, [[...name('env'), ...name('memory'), 2, ...(module.shared === true ? [3, 0, ...u(65_536)] : [0, 0])]]);
  section(3, functions.map((_, i) => u(i)));
  section(7, functions.flatMap((f, i) => (f.name === undefined ? [] : [[...name(f.name), 0, ...u(i)]])));
  section(10, functions.map(functionBody));
  return Uint8Array.from(bytes);
}

function functionBody(f: FunctionSpec): Code {
  // Locals are declared as runs of (count, type); equal neighbours share a run.
  const runs: [number, number][] = [];
  for (const type of f.locals) {
    const last = runs.at(-1);
    if (last?.[1] === type) last[0]++;
    else runs.push([1, type]);
  }
  const code = list(runs.map(([count, type]) => [...u(count), type]));
  append(code, f.body);
  code.push(0x0b);
  return append(u(code.length), code);
}

function list(items: readonly Code[]): Code {
  const bytes = u(items.length);
  for (const item of items) append(bytes, item);
  return bytes;
}

/** Not `push(...more)`: a long program would not fit on the stack as arguments. */
export function append(bytes: Code, more: readonly number[]): Code {
  for (const byte of more) bytes.push(byte);
  return bytes;
}

const name = (text: string): Code => [...u(text.length), ...Array.from(text, (c) => c.charCodeAt(0))];
