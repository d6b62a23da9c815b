// A member inside the caller's own process.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { text } from '../../src/core/bytes.ts';
import { join } from '../../src/face/index.ts';

const directory = mkdtempSync(joinPath(tmpdir(), 'thole-join-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

describe('join', () => {
  it('runs a member here, and finds its data when it joins again', { timeout: 60_000 }, async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const options = { name: 'a', dataDir: joinPath(directory, 'a'), listen, initialCluster: `a=${listen}` };
    const first = await join(options);
    await first.client.kv.put('greeting', 'hello');
    await expect(join({ ...options, listen: `127.0.0.1:${await freePort()}` })).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
    await first.close();
    const second = await join(options);
    const { kv } = await second.client.kv.get('greeting');
    expect(text(kv!.value)).toBe('hello');
    expect(second.status()).toMatchObject({ name: 'a', role: 'leader', durability: 'fsync' });
    await second.close();
  });
});
