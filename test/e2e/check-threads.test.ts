// A check that lasts goes to other threads, which Node 20 can only start from the built package.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type * as Linear from '../../src/face/linear.ts';

const door = join(import.meta.dirname, '..', '..', 'dist', 'face', 'linear.js');
if (!existsSync(door)) process.stderr.write('\n*** SKIPPED: dist is not built; checking on threads was NOT tried ***\n\n');

type Kv = Linear.Operation<Linear.KvInput, Linear.KvOutput>;

/** Per key, appends at once and a read of none of them: every subset in every order has to be tried. */
function hard(keys: number, appends: number, isLegal: (key: number) => boolean): Kv[] {
  return Array.from({ length: keys }, (_, key): Kv[] => [
    ...Array.from({ length: appends }, (__, i): Kv => ({ client: i, input: { f: 'append', key: String(key), value: `${i},` }, output: null, call: 0, return: 100 })),
    { client: 99, input: { f: 'get', key: String(key) }, output: isLegal(key) ? '' : 'never', call: 50, return: 60 },
  ]).flat();
}

describe.skipIf(!existsSync(door))('a check on threads', () => {
  it('gives the verdicts, and the operations by their places in the whole history', async () => {
    const { check, modelOf }: typeof Linear = await import(pathToFileURL(door).href);
    const history = hard(4, 9, (key) => key === 3);
    const { verdict, partitions } = await check(modelOf('kv'), history);
    const alone = await check(modelOf('kv'), history, { threads: 1 });
    expect(verdict).toBe('illegal');
    expect(partitions.map((partition) => partition.verdict)).toEqual(['illegal', 'illegal', 'illegal', 'ok']);
    expect(partitions).toEqual(alone.partitions);
  }, 120_000);

  it('keeps to its time, and says what it could not know', async () => {
    const { check, modelOf }: typeof Linear = await import(pathToFileURL(door).href);
    // Nothing but the time ends it.
    const { verdict } = await check(modelOf('kv'), hard(4, 12, () => false), { timeoutMs: 1500, configurationsMax: Infinity });
    expect(verdict).toBe('unknown');
  }, 60_000);

  it('stops its threads when the signal says so', async () => {
    const { check, modelOf }: typeof Linear = await import(pathToFileURL(door).href);
    const signal = AbortSignal.timeout(1300);
    await expect(check(modelOf('kv'), hard(4, 12, () => false), { signal })).rejects.toThrow('timeout');
  }, 60_000);
});
