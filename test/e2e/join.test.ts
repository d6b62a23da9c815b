// A member inside the caller's own process.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { text } from '../../src/core/bytes.ts';
import { join } from '../../src/face/index.ts';
import { freePorts } from './support/processes.ts';

const directory = mkdtempSync(joinPath(tmpdir(), 'thole-join-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('join', () => {
  it('runs a member here, and finds its data when it joins again', { timeout: 60_000 }, async () => {
    const listen = `127.0.0.1:${await freePorts(1)}`;
    const options = { name: 'a', dataDir: joinPath(directory, 'a'), listen, initialCluster: `a=${listen}` };
    const first = await join(options);
    await first.client.kv.put('greeting', 'hello');
    await expect(join({ ...options, listen: `127.0.0.1:${await freePorts(1)}` })).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
    await first.close();
    const second = await join(options);
    const { kv } = await second.client.kv.get('greeting');
    expect(text(kv!.value)).toBe('hello');
    expect(second.status()).toMatchObject({ name: 'a', role: 'leader', durability: 'fsync' });
    await second.close();
  });
});
