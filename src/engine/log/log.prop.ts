// The log against plain arrays, on a disk that forgets, tears and reorders whatever was not synced.

import { array, assert, asyncProperty, constant, constantFrom, nat, oneof, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogWorld, entries, marker } from '../../../test/support/log-world.ts';
import { describeLog, describeOracle, noGroups, steps } from '../../../test/support/log-oracle.ts';
import type { Oracle } from '../../../test/support/log-oracle.ts';
import type { LogWrite } from './index.ts';

type Act =
  | { readonly type: 'write'; readonly wishes: readonly Wish[] }
  /** A crash while the batch is being written: after so many turns of the promises. */
  | { readonly type: 'crash'; readonly wishes: readonly Wish[]; readonly turns: number }
  /** One of the next syncs fails. */
  | { readonly type: 'fail'; readonly wishes: readonly Wish[]; readonly syncs: number }
  | { readonly type: 'reopen' };

interface Wish {
  readonly verb: 'append' | 'cut' | 'vote' | 'snapshot' | 'install' | 'drop';
  readonly group: number;
  readonly amount: number;
}

const wish: Arbitrary<Wish> = record({
  verb: constantFrom('append', 'append', 'append', 'cut', 'vote', 'snapshot', 'install', 'drop'),
  group: constantFrom(1, 1, 2),
  amount: nat({ max: 900 }),
});
const wishes = array(wish, { minLength: 1, maxLength: 5 });
const act: Arbitrary<Act> = oneof(
  { weight: 6, arbitrary: record({ type: constant('write'), wishes }) },
  { weight: 3, arbitrary: record({ type: constant('crash'), wishes, turns: nat({ max: 60 }) }) },
  { weight: 1, arbitrary: record({ type: constant('fail'), wishes, syncs: nat({ max: 3 }) }) },
  { weight: 1, arbitrary: record({ type: constant('reopen') }) },
);

/** The wishes that are legal, as a batch. */
function batchOf(oracle: Oracle, list: readonly Wish[]): readonly LogWrite[] {
  const batch: LogWrite[] = [];
  let now = oracle;
  for (const one of list) {
    const write = writeOf(now, one);
    if (write === undefined) continue;
    batch.push(write);
    now = steps(now, [write]).at(-1) ?? now;
  }
  return batch;
}

function writeOf(oracle: Oracle, { verb, group, amount }: Wish): LogWrite | undefined {
  const state = oracle.get(group);
  const firstIndex = state?.firstIndex ?? 1;
  const lastIndex = firstIndex + (state?.entries.length ?? 0) - 1;
  const markerIndex = state?.marker?.index ?? 0;
  const term = state?.hardState.term ?? 0;
  switch (verb) {
    case 'append':
      return { type: 'entries', group, entries: entries(lastIndex + 1, lastIndex + 1 + (amount % 5), term, amount) };
    case 'cut': {
      const lowest = Math.max(firstIndex, markerIndex + 1);
      return lowest > lastIndex ? undefined : { type: 'cut', group, from: lowest + (amount % (lastIndex - lowest + 1)) };
    }
    case 'vote':
      return { type: 'hardState', group, hardState: { term: term + (amount % 3), vote: amount, commit: lastIndex } };
    case 'snapshot':
      return lastIndex <= markerIndex ? undefined : { type: 'snapshot', group, marker: marker(lastIndex - (amount % (lastIndex - markerIndex)), term, group), reset: false };
    case 'install':
      return amount % 4 > 0 ? undefined : { type: 'snapshot', group, marker: marker(lastIndex + 1 + amount, term, group), reset: true };
    case 'drop':
      return markerIndex < firstIndex ? undefined : { type: 'drop', group, through: Math.min(lastIndex, markerIndex - (amount % (markerIndex - firstIndex + 1))) };
    default:
      return undefined;
  }
}

describe('the log', () => {
  it('holds after any crash or failed sync what it acknowledged, and of what was under way a prefix', async () => {
    await assert(
      asyncProperty(array(act, { maxLength: 30 }), nat(), constantFrom(700, 2048, 8192), async (acts, seed, segmentBytes) => {
        const world = new LogWorld({ segmentBytes }, seed);
        let log = await world.open();
        let oracle: Oracle = noGroups;
        for (const each of acts) {
          if (each.type === 'write') {
            const batch = batchOf(oracle, each.wishes);
            await log.write(batch);
            oracle = steps(oracle, batch).at(-1) ?? oracle;
          } else if (each.type === 'reopen') {
            await log.close();
            log = await world.open();
            expect(log.report.cutBytes).toBe(0);
            // What is in an index file comes from the segment, whoever wrote it.
            expect(log.report.indexesRebuilt).toBe(0);
          } else {
            const batch = batchOf(oracle, each.wishes);
            let acknowledged = false;
            const written = log.write(batch).then(
              () => (acknowledged = true),
              () => false,
            );
            if (each.type === 'fail') {
              world.disk.faults.syncsUntilFailure = each.syncs + 1;
              if (!(await written)) await expect(log.write(batch)).rejects.toMatchObject({ code: 'DISK_FAILED' });
              world.disk.faults.syncsUntilFailure = 0;
            } else for (let i = 0; i < each.turns; i++) await Promise.resolve();
            const promised = acknowledged;
            world.disk = world.disk.crash();
            log = await world.open();
            const possible = [oracle, ...steps(oracle, batch)];
            const found = await describeLog(log);
            const at = possible.findLastIndex((state) => describeOracle(state) === found);
            expect(at, `neither what was acknowledged nor a step from there: ${found}`).toBeGreaterThanOrEqual(0);
            if (promised) expect(at).toBe(possible.length - 1);
            oracle = possible[at]!;
          }
          expect(await describeLog(log)).toBe(describeOracle(oracle));
        }
        await log.close();
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('without syncs holds a prefix of what was written, and a crash is never taken for damage', async () => {
    await assert(
      asyncProperty(array(wishes, { maxLength: 12 }), nat(), constantFrom(700, 8192), async (batches, seed, segmentBytes) => {
        const world = new LogWorld({ segmentBytes, durability: 'os' }, seed);
        const log = await world.open();
        let oracle: Oracle = noGroups;
        const possible = [describeOracle(oracle)];
        for (const each of batches) {
          const batch = batchOf(oracle, each);
          await log.write(batch);
          possible.push(...steps(oracle, batch).map(describeOracle));
          oracle = steps(oracle, batch).at(-1) ?? oracle;
        }
        expect(await describeLog(log)).toBe(possible.at(-1));
        world.disk = world.disk.crash();
        const again = await world.open(seed % 2 === 0 ? { durability: 'fsync' } : {});
        const found = await describeLog(again);
        expect(possible).toContain(found);
        await again.write([{ type: 'hardState', group: 9, hardState: { term: 1, vote: 1, commit: 0 } }]);
        await again.close();
        const third = await world.open({ durability: 'fsync' });
        expect(third.state(9).hardState.vote).toBe(1);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
