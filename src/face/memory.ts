/// <reference lib="esnext.disposable" preserve="true" />
/**
 * `thole/memory`: bytes the collector never sees. Pages of 4 KiB, containers with address spaces of their own, and an
 * arena of values known by handles.
 *
 * ```ts
 * import { Container, Frames, isFault } from 'thole/memory';
 *
 * using frames = new Frames({ limit: 1024 });
 * using container = new Container(frames, { limitBytes: 65_536 });
 * const address = container.allocate(10_000);
 * if (!isFault(address)) container.write(address + 4090, new TextEncoder().encode('across two pages'));
 * ```
 * @module
 */
export {
  Arena, Container, defaultPool, Frames, isFault, MemoryPool, pageBytes, sizeClasses, VirtualMemory,
  type ArenaStatistics, type ContainerOptions, type ContainerStatistics, type Fault, type FaultReason, type FramesOptions,
  type FramesStatistics, type Handle, type MemoryPoolOptions, type PoolStatistics, type VirtualMemoryOptions,
} from '../core/memory/index.ts';
