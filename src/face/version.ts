// This build's version, from the package it came in.

import { readFileSync } from 'node:fs';

export const version: string = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** The version of etcd whose answers those to its clients are, as far as docs/reference/etcd.md goes. */
export const etcdVersion = '3.4.23';
