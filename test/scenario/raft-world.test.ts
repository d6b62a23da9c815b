// Thousands of small worlds in which everything goes wrong; each claim of test/support/raft-claims.ts after every step.
//   THOLE_SEEDS=20000 npx vitest run --project scenario test/scenario/raft-world.test.ts      a longer run
//   THOLE_SEED=1234   npx vitest run --project scenario test/scenario/raft-world.test.ts      one seed again

import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { run } from '../support/raft-chaos.ts';
import type { ChaosOptions } from '../support/raft-chaos.ts';

const one = process.env['THOLE_SEED'];
const seeds = one === undefined ? Number(process.env['THOLE_SEEDS'] ?? 500) : 1;
const first = one === undefined ? 1 : Number(one);
const chunk = 100;

function replay(seed: number, options: ChaosOptions = {}): ReturnType<typeof run> {
  try {
    return run(seed, options);
  } catch (error) {
    const command = `THOLE_SEED=${seed} npx vitest run --project scenario test/scenario/raft-world.test.ts`;
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}\nagain: ${command}`, { cause: error });
  }
}

describe('raft: crashes, partitions, late, lost and doubled messages, slow disks, snapshots, transfers', () => {
  for (let from = first; from < first + seeds; from += chunk) {
    const to = Math.min(from + chunk, first + seeds) - 1;
    it(`keeps every claim and comes back to life (seeds ${from} … ${to})`, { timeout: 120_000 }, () => {
      const total: Record<string, number> = {};
      for (let seed = from; seed <= to; seed++) {
        const { outcomes, claims } = replay(seed);
        for (const [outcome, count] of Object.entries({ ...outcomes, leaders: claims.leaders.size })) total[outcome] = (total[outcome] ?? 0) + count;
      }
      // A world in which nothing happens proves nothing: every kind of outcome must have been seen.
      if (one === undefined && to - from === chunk - 1) for (const [outcome, count] of Object.entries(total)) expect(count, outcome).toBeGreaterThan(10);
    });
  }
});

describe('raft: the same, and meanwhile members come, are promoted and go', () => {
  for (let from = first; from < first + seeds; from += chunk) {
    const to = Math.min(from + chunk, first + seeds) - 1;
    it(`keeps every claim and comes back to life (seeds ${from} … ${to})`, { timeout: 120_000 }, () => {
      const total: Record<string, number> = {};
      for (let seed = from; seed <= to; seed++) {
        const { changed } = replay(seed, { changing: true });
        for (const [what, count] of Object.entries(changed)) total[what] = (total[what] ?? 0) + count;
      }
      if (one === undefined && to - from === chunk - 1) {
        for (const what of ['appended', 'lost', 'noLeader', 'notReady', 'inProgress', 'unknown', 'behind', 'quorum']) expect(total[what] ?? 0, what).toBeGreaterThan(0);
      }
    });
  }
});

describe('raft: with witnesses, who vote and hold no payload, while members come and go', () => {
  for (let from = first; from < first + seeds; from += chunk) {
    const to = Math.min(from + chunk, first + seeds) - 1;
    it(`keeps every claim and comes back to life (seeds ${from} … ${to})`, { timeout: 120_000 }, () => {
      for (let seed = from; seed <= to; seed++) replay(seed, { changing: seed % 3 > 0, witnessing: true });
    });
  }
});

describe('raft: with leases, on clocks that differ as much as they may', () => {
  for (let from = first; from < first + seeds; from += chunk) {
    const to = Math.min(from + chunk, first + seeds) - 1;
    it(`nobody reads by a lease while another commits (seeds ${from} … ${to})`, { timeout: 120_000 }, () => {
      let leased = 0;
      for (let seed = from; seed <= to; seed++) leased += replay(seed, { changing: seed % 3 === 0, leasing: true }).leased;
      if (one === undefined) expect(leased).toBeGreaterThan(100);
    });
  }
});

describe('raft: seeds that once failed', () => {
  it.each([
    [3, 'a slow disk: candidates were deposed before their votes were durable'],
    [4, 'a restart with a kept tail: applied was beyond committed'],
    [5, 'rounds that nobody waits for were retried for ever'],
    [19, 'a forwarded proposal whose answer is lost was never answered'],
    [102_974, 'a leader deposed in the step that wanted a snapshot'],
  ])('seed %i: %s', (seed) => {
    replay(seed);
  });

  it('the same seed is the same world', () => {
    const [a, b] = [run(11), run(11)];
    expect(a.describe()).toBe(b.describe());
    expect(a.outcomes).toEqual(b.outcomes);
  });
});
