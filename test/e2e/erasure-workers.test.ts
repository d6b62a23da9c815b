import { expect, it, vi } from 'vitest';
import { ReedSolomon, tableKernel } from '../../src/core/erasure/index.ts';
import { workerCoder } from '../../src/node/erasure-workers.ts';

// Exhaustive, not slow: seconds on an idle machine, more beside others.
vi.setConfig({ testTimeout: 60_000 });

const program = new URL('../../dist/node/erasure-workers-thread.js', import.meta.url);
const fill = (shards: readonly Uint8Array[]): void => {
  for (const [i, shard] of shards.entries()) for (let x = 0; x < shard.length; x++) shard[x] = (x * 7 + i * 31 + (x >> 8)) & 0xff;
};

it.each([[4, 2, 200_001, 2], [10, 4, 64, 3], [100, 60, 5000, 2], [3, 1, 1, 2]])(
  '%i + %i shards of %i bytes on %i threads get the bytes of plain tables',
  async (data, parity, length, threads) => {
    const coder = workerCoder(data, parity, { threads, program });
    try {
      const stripe = coder.stripe(length);
      fill(stripe.shards);
      const expected = stripe.shards.map((shard) => shard.slice());
      new ReedSolomon(data, parity, { kernel: tableKernel }).encode(expected);
      await coder.encode(stripe, length);
      expect(stripe.shards.every((shard, i) => Buffer.compare(shard, expected[i]!) === 0)).toBe(true);
      stripe.shards[0]!.fill(1);
      await coder.rebuild(stripe, Array.from({ length: data }, (_, i) => i + 1), [0], length);
      expect(Buffer.compare(stripe.shards[0]!, expected[0]!)).toBe(0);
    } finally {
      await coder.close();
    }
  },
);

it('whoever waits for a thread that ended learns of it', async () => {
  const coder = workerCoder(4, 2, { threads: 2, program });
  const stripe = coder.stripe(1 << 20);
  await coder.encode(stripe, 1 << 20);
  await coder.close();
  await expect(coder.encode(stripe, 64)).rejects.toThrow('the coder is closed');
});
