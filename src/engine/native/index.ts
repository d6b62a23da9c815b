// The native protocol at the member's side.
export { acceptHello } from './accept.ts';
export type { AcceptOptions, Accepted } from './accept.ts';
export { NativeServer, serveNative } from './server.ts';
export type { NativeServerOptions } from './server.ts';
