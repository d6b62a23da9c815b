// The native protocol over real sockets: the same server and client as everywhere else, and Node's ports under them.

import { afterEach, describe, expect, it } from 'vitest';
import { text } from '../../src/core/bytes.ts';
import { NativeServer, serveNative } from '../../src/engine/native/index.ts';
import type { Listener } from '../../src/engine/ports.ts';
import { connect } from '../../src/face/client.ts';
import { nodeClock } from '../../src/node/clock.ts';
import { nodeNetwork } from '../../src/node/tcp.ts';
import { freePorts } from './support/processes.ts';
import { FakeMember, SharedState, silent } from '../scenario/native/fake-cluster.ts';

interface Served {
  readonly server: NativeServer;
  readonly listener: Listener;
  readonly endpoint: string;
}

const running: Served[] = [];

async function serve(member: FakeMember, port = 0): Promise<Served> {
  const server = new NativeServer(member, { clock: nodeClock, logger: silent });
  const listener = await nodeNetwork.listen({ host: '127.0.0.1', port }, (connection) => {
    serveNative(connection, server, { clock: nodeClock, logger: silent, cluster: 4711, member: member.id });
  });
  const served = { server, listener, endpoint: `127.0.0.1:${listener.address.port}` };
  running.push(served);
  return served;
}

async function stop({ server, listener }: Served): Promise<void> {
  server.close();
  await listener.close();
}

afterEach(async () => {
  for (const served of running.splice(0)) await stop(served);
});

describe('native protocol over TCP', () => {
  it('many writes at once through one connection; values of a megabyte; disposal', async () => {
    const shared = new SharedState(nodeClock);
    const { endpoint, server } = await serve(new FakeMember(1, '', shared));
    const client = await connect({ endpoints: endpoint, timeoutMs: 30_000 });
    try {
      await Promise.all(Array.from({ length: 3000 }, (_, i) => client.kv.put(`k${i % 100}`, `${i}`)));
      const large = new Uint8Array(1 << 20).fill(120);
      await client.kv.put('large', large);
      const { kv } = await client.kv.get('large');
      expect(Buffer.compare(kv?.value ?? new Uint8Array(0), large)).toBe(0);
      const all = await client.kv.range('k', { prefix: true });
      expect(all.count).toBe(100);
      expect(shared.kv.size.sessions).toBe(1);
      expect(server.connectionCount).toBe(1);
    } finally {
      await client[Symbol.asyncDispose]();
    }
    expect(shared.kv.size.sessions).toBe(0);
    await expect.poll(() => server.connectionCount).toBe(0);
  });

  it('a member that restarts costs its clients nothing but time', async () => {
    const shared = new SharedState(nodeClock);
    const member = new FakeMember(1, '', shared);
    // Not one that the system picks: while nobody listens there, it may become somebody's own.
    const first = await serve(member, await freePorts(1));
    const client = await connect({ endpoints: first.endpoint, timeoutMs: 30_000 });
    const writes = Array.from({ length: 50 }, (_, i) => client.kv.append('k', `${i},`));
    await stop(first);
    await serve(member, first.listener.address.port);
    await Promise.all(writes);
    const { kv } = await client.kv.get('k');
    const parts = text(kv?.value ?? new Uint8Array(0)).split(',').filter((part) => part !== '');
    expect(new Set(parts).size).toBe(50);
    expect(parts.length).toBe(50);
    await client.close();
  });

  it('nobody there is UNAVAILABLE', async () => {
    const served = await serve(new FakeMember(1, '', new SharedState(nodeClock)));
    await stop(served);
    await expect(connect({ endpoints: served.endpoint, timeoutMs: 300 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
