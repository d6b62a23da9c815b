// The simulator. src/face/sim.ts is its door: it knows how to drain the promises of this host.
export { VirtualClock } from './clock.ts';
export type { Drain } from './clock.ts';
export { SimDisk } from './disk.ts';
export { SimNetwork } from './network.ts';
export { Incarnation } from './incarnation.ts';
export { World } from './world.ts';
export type { Life, Machine, WorldOptions } from './world.ts';
export { claims } from './judge/claim.ts';
export type { ClaimName } from './judge/claim.ts';
export { marks } from './coverage.ts';
export type { Mark } from './coverage.ts';
export { drawSchedule, faultClassNames, faultClasses } from './schedule.ts';
export type { DrawOptions, Fault, FaultClass, LabConditions, Nemeses, Profile, Schedule } from './schedule.ts';
export { runWorld } from './run.ts';
export type { RunFailure, RunOptions, RunResult } from './run.ts';
export { shrinkWorld } from './shrink.ts';
export type { Shrunk } from './shrink.ts';
export type { TraceEvent } from './trace.ts';
