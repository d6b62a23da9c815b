// Bytes off the heap: pages, containers, arenas, and programs that run where the bytes are.
export { append, assemble, i32, op, v128, type Code, type FunctionSpec, type ModuleSpec } from './assembler.ts';
export { instantiate, type Program } from './program.ts';
export { Arena, sizeClasses, type ArenaStatistics, type Handle } from './arena.ts';
export { Container, type ContainerOptions, type ContainerStatistics } from './container.ts';
export { Frames, pageBytes, type FramesOptions, type FramesStatistics } from './frames.ts';
export { defaultPool, MemoryPool, type MemoryPoolOptions, type PoolStatistics } from './pool.ts';
export { isFault, VirtualMemory, type Fault, type FaultReason, type VirtualMemoryOptions } from './virtual-memory.ts';
