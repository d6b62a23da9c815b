import { describe, expect, it } from 'vitest';
import type { Operation } from '../../core/linear/index.ts';
import { Checker, illegal } from '../../core/linear/index.ts';
import { nextBelow, seedRandom } from '../../core/random.ts';
import { registerModel } from '../register-model.ts';
import type { RegisterInput, RegisterOutput } from '../register-model.ts';
import { unexplained } from './witness.ts';
import type { Witnessed } from './witness.ts';

type One = Operation<RegisterInput, RegisterOutput>;
type Version = { readonly revision: number; readonly value: string | null };

/** A register and what eight clients saw of it: each operation happens at some moment between its call and its return. */
function played(seed: number): { readonly history: Witnessed[]; readonly versions: Version[] } {
  const random = seedRandom(seed);
  const below = (bound: number): number => nextBelow(random, bound);
  const versions: Version[] = [];
  const drafts = Array.from({ length: 30 }, (_, n) => {
    const at = 10 + below(200);
    const dice = below(5);
    const input: RegisterInput =
      dice === 0 ? { f: 'get', key: 'k' }
      : dice === 1 ? { f: 'put', key: 'k', value: `c${n};` }
      : dice === 2 ? { f: 'append', key: 'k', value: `c${n};` }
      : dice === 3 ? { f: 'delete', key: 'k' }
      : { f: 'cas', key: 'k', from: 'nothing', value: `c${n};` };
    return { input, at: at + n / 100, call: at - below(10), end: at + 1 + below(10), isLost: below(5) === 0, happens: below(2) === 0 };
  });
  let state: string | null = null;
  let revision = 1;
  const history: Witnessed[] = [];
  for (const { input: drawn, at, call, end, isLost, happens } of drafts.toSorted((a, b) => a.at - b.at)) {
    const input = drawn.f === 'cas' && Math.floor(at) % 2 === 0 && state !== null ? { ...drawn, from: state } : drawn;
    if (!isLost || happens) {
      const before: string | null = state;
      const after = registerModel.step(state, input, undefined);
      if (after !== illegal) state = after;
      if (state !== before || input.f === 'put') versions.push({ revision: ++revision, value: state });
      const output: RegisterOutput =
        input.f === 'get' ? { value: state }
        : input.f === 'append' ? { length: state!.length }
        : input.f === 'delete' ? { deleted: before === null ? 0 : 1 }
        : input.f === 'cas' ? { swapped: before === input.from }
        : {};
      if (!isLost) {
        history.push({ operation: { client: 'c', input, output, call, return: end }, revision });
        continue;
      }
    }
    if (input.f !== 'get') history.push({ operation: { client: 'c', input, output: undefined, call, return: Infinity }, revision: 0 });
  }
  return { history, versions };
}

function searched(history: readonly One[]): string {
  const checker = new Checker(registerModel, history);
  while (!checker.step(100_000));
  return checker.report().verdict;
}

describe('a watched order', () => {
  it.each(Array.from({ length: 100 }, (_, seed) => seed))('explains what really happened, whatever got lost on the way (seed %i)', (seed) => {
    const { history, versions } = played(seed);
    expect(unexplained(history, { versionsOf: () => versions })).toEqual([]);
  });

  it.each(Array.from({ length: 300 }, (_, seed) => seed))('explains nothing that the search refuses (seed %i)', (seed) => {
    const { history, versions } = played(1000 + seed);
    const random = seedRandom(seed);
    const at = nextBelow(random, history.length);
    // One answer is another, or one call came later than it did.
    const tampered = history.map(({ operation, revision }, n): Witnessed => {
      if (n !== at) return { operation, revision };
      if (seed % 2 === 0) return { operation: { ...operation, call: operation.call + 100, return: operation.return + 100 }, revision };
      return { operation: { ...operation, output: { value: 'c7;', length: 3, deleted: 1, swapped: true } }, revision };
    });
    if (unexplained(tampered, { versionsOf: () => versions }).length === 0) expect(searched(tampered.map(({ operation }) => operation))).toBe('ok');
    else expect(unexplained(tampered, { versionsOf: () => versions })).toHaveLength(tampered.length);
  });

  it('is not believed when an answer was known before the call it is placed behind', () => {
    const put: One = { client: 'a', input: { f: 'put', key: 'k', value: 'x' }, output: {}, call: 10, return: 20 };
    const stale: One = { client: 'b', input: { f: 'get', key: 'k' }, output: { value: null }, call: 30, return: 40 };
    const versions = [{ revision: 2, value: 'x' }];
    expect(unexplained([{ operation: put, revision: 2 }, { operation: stale, revision: 1 }], { versionsOf: () => versions })).toHaveLength(2);
    expect(searched([put, stale])).toBe('illegal');
  });
});
