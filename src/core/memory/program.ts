// From the bytes of a module to a function that runs over a memory. Synchronous: modules are small enough that
// compiling one costs less than a turn of the loop.

import { assert } from '../assert.ts';

/** What our programs export: numbers in, at most one number out. */
export type Program = (...values: number[]) => number;

/** The function that a compiled module exports as `name`, over this memory. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory, name: string): Program {
  const program: unknown = new WebAssembly.Instance(module, { env: { memory } }).exports[name];
  assert(isProgram(program), `the module exports the function ${name}`);
  return program;
}

function isProgram(value: unknown): value is Program {
  return typeof value === 'function';
}
