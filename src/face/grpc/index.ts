// etcd's protocol. Loaded when somebody speaks it first.
export { GrpcServer } from './server.ts';
export type { GrpcServerOptions } from './server.ts';
export type { Edge } from './methods.ts';
