import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/bytes.ts';
import { encodeBatch, encodeCommand } from '../../core/kv/index.ts';
import { noConfiguration } from '../../core/raft/index.ts';
import { SimDisk } from '../../sim/disk.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { kvMachines } from './kv-machine.ts';
import { restoreSnapshot, writeSnapshot } from './snapshot-file.ts';

describe('a snapshot file', () => {
  it('is read back whole, also where one key has more history than 16 MiB', { timeout: 30_000 }, async () => {
    const clock = new VirtualClock();
    const disk = new SimDisk(clock, { uint32: () => 7 });
    const machine = kvMachines.empty(1);
    const value = new Uint8Array(1 << 20).fill(65);
    for (let index = 1; index <= 20; index++) {
      const command = encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8('k'), value } });
      const application = machine.apply(index, 1, encodeBatch(1, [command]));
      while (!application.step(1e9));
    }
    const marker = { index: 20, term: 1, producer: 1, id: 1, configuration: noConfiguration };
    let restored: string | undefined;
    const work = (async () => {
      await disk.makeDirectory('s');
      const { path } = await writeSnapshot({ disk, clock }, 's', { group: 1, cluster: 1, marker }, machine.snapshot(), 1e12);
      restored = (await restoreSnapshot({ disk, clock }, path, kvMachines.restore(1))).digest();
    })();
    for (let turns = 0; turns < 2000 && restored === undefined; turns++) await clock.advance(1);
    await work;
    expect(restored).toBe(machine.digest());
  });
});
