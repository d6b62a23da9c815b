// Addresses as people write them.

import { OperationError } from '../core/errors.ts';
import type { Address } from './ports.ts';

export const defaultPort = 2379;

/** `host:port`, `host`, `[::1]:port`, with or without a scheme in front. */
export function parseEndpoint(endpoint: string): Address {
  const bare = endpoint.trim().replace(/^[a-z]+:\/\//, '').replace(/\/$/, '');
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(bare);
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  const host = match?.[1];
  if (host === undefined || port === 0 || port > 65535) throw new OperationError({ code: 'INVALID_CONFIG', detail: `"${endpoint}" is not host:port` });
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
