// A lock on a directory that dies with its process, kill -9 included: a file with a number in it would outlive it.
//
// On Linux it is an abstract socket named after the directory's device and inode: the kernel holds the name for
// exactly as long as a process holds the socket, and no link or mount leads around it. (The names belong to a network
// namespace: two containers that share a volume but no network do not see each other's.) On Windows it is a named
// pipe, with the same life. Elsewhere it is a socket file; a stale one refuses connections and is taken over.

import { createHash } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskError } from '../engine/ports.ts';
import { makeDirectory } from './directory.ts';

export async function lockDirectory(full: string, path: string): Promise<{ release(): Promise<void> }> {
  await makeDirectory(full);
  await checkWritable(full);
  const { dev, ino } = await stat(full, { bigint: true });
  const name = `thole-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)}`;
  const server = await take(name, path);
  // The lock is no reason to stay alive.
  server.unref();
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** A directory that cannot be written is better found now than at the first vote. */
async function checkWritable(full: string): Promise<void> {
  const probe = join(full, '.writable');
  await (await open(probe, 'w')).close();
  await rm(probe, { force: true });
}

async function take(name: string, path: string): Promise<Server> {
  if (process.platform === 'linux') return listen(`\0${name}`, path);
  if (process.platform === 'win32') return listen(`\\\\.\\pipe\\${name}`, path);
  const file = join(tmpdir(), `${name}.sock`);
  try {
    return await listen(file, path);
  } catch (error) {
    if (await answers(file)) throw error;
    await rm(file, { force: true });
    return listen(file, path);
  }
}

function listen(address: string, path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new DiskError('IN_USE', path, 'another process holds the directory', { cause: error }) : error);
    });
    // Exclusive: workers of node:cluster would otherwise share one.
    server.listen({ path: address, exclusive: true }, () => resolve(server));
  });
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
