// Bytes off the heap: pages, containers, arenas, and programs that run where the bytes are.
export { append, assemble, i32, op, v128, type Code, type FunctionSpec, type ModuleSpec } from './assembler.ts';
export { instantiate, type Program } from './program.ts';
