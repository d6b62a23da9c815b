import { describe, expect, it } from 'vitest';
import { decodeChanges, changed, encodeChanges, isOneStep, joined, left, membersMax } from './change.ts';
import type { Change } from './change.ts';
import { decodeConfiguration, encodeConfiguration } from './configuration.ts';
import { noConfiguration } from './entry.ts';
import type { Configuration, MemberId } from './entry.ts';
import { isQuorum } from './quorum.ts';

const info = (id: MemberId): Configuration['members'][number] => ({ id, name: `n${id}`, address: `n${id}:1` });
const of = (voters: readonly MemberId[], learners: readonly MemberId[] = [], witnesses: readonly MemberId[] = []): Configuration => ({
  ...noConfiguration, voters, learners, witnesses, members: [...voters, ...learners].toSorted((a, b) => a - b).map(info),
});
const add = (id: MemberId, type: 'addVoter' | 'addLearner' | 'addJoining' = 'addVoter', witness = false): Change => ({ type, member: info(id), witness });

/** Every subset of 1 … n. */
function subsets(n: number): MemberId[][] {
  return Array.from({ length: 1 << n }, (_, bits) => Array.from({ length: n }, (__, i) => i + 1).filter((id) => (bits >> (id - 1)) & 1));
}

const accepted = (found: ReturnType<typeof changed>): Configuration => {
  if (typeof found === 'string') throw new Error(`refused: ${found}`);
  return found;
};

describe('a change of membership', () => {
  it('adds, promotes, removes and moves, and nothing else changes', () => {
    const before = of([1, 2], [3]);
    expect(changed(before, [add(4)])).toEqual({ ...before, voters: [1, 2, 4], members: [...before.members, info(4)] });
    expect(changed(before, [add(4, 'addLearner')])).toEqual({ ...before, learners: [3, 4], members: [...before.members, info(4)] });
    expect(changed(before, [{ type: 'promote', id: 3 }])).toEqual({ ...before, voters: [1, 2, 3], learners: [] });
    expect(changed(before, [{ type: 'remove', id: 2 }])).toEqual({ ...before, voters: [1], members: [info(1), info(3)], removed: [2] });
    expect(changed(before, [{ type: 'update', id: 2, address: 'x:9' }])).toEqual({ ...before, members: [info(1), { ...info(2), address: 'x:9' }, info(3)] });
  });

  it('a joining learner is no longer joining once it is promoted; a witness stays one', () => {
    const joining = accepted(changed(of([1, 2]), [add(3, 'addJoining', true)]));
    expect(joining).toMatchObject({ learners: [3], joining: [3], witnesses: [3] });
    expect(changed(joining, [{ type: 'promote', id: 3 }])).toMatchObject({ voters: [1, 2, 3], learners: [], joining: [], witnesses: [3] });
  });

  it.each<[string, Configuration, readonly Change[]]>([
    ['empty', of([1]), []],
    ['unknown', of([1]), [{ type: 'promote', id: 2 }]],
    ['unknown', of([1]), [{ type: 'remove', id: 2 }]],
    ['unknown', of([1]), [{ type: 'update', id: 2, address: 'x:1' }]],
    ['notLearner', of([1, 2]), [{ type: 'promote', id: 2 }]],
    ['exists', of([1, 2]), [add(2)]],
    ['exists', of([1, 2]), [{ type: 'addVoter', member: { id: 3, name: 'n2', address: 'x:1' }, witness: false }]],
    ['exists', of([1, 2]), [{ type: 'addVoter', member: { id: 3, name: 'x', address: 'n2:1' }, witness: false }]],
    ['exists', of([1, 2]), [{ type: 'update', id: 1, address: 'n2:1' }]],
    ['removed', { ...of([1]), removed: [2] }, [add(2)]],
    ['removed', { ...of([1]), removed: [2] }, [{ type: 'remove', id: 2 }]],
    ['quorum', of([1]), [{ type: 'remove', id: 1 }]],
    ['quorum', of([1, 2], [], [2]), [{ type: 'remove', id: 1 }]],
    ['tooMany', of([1]), Array.from({ length: membersMax }, (_, at) => add(at + 2, 'addLearner'))],
  ])('is refused: %s', (reason, before, changes) => {
    expect(changed(before, changes)).toBe(reason);
  });

  it('is whole: of several, one that cannot be refuses all', () => {
    expect(changed(of([1, 2]), [add(3), { type: 'remove', id: 9 }])).toBe('unknown');
  });

  it('survives its bytes', () => {
    const changes: readonly Change[] = [add(2 ** 53 - 1), add(7, 'addJoining', true), { type: 'promote', id: 3 }, { type: 'remove', id: 4 }, { type: 'update', id: 5, address: '[::1]:1' }];
    expect(decodeChanges(encodeChanges(changes))).toEqual(changes);
    const configuration = { ...of([1, 2], [3]), joining: [3], removed: [8, 9] };
    expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration);
    expect(decodeConfiguration(encodeConfiguration(of([1, 2], [3])))).toEqual(of([1, 2], [3]));
  });
});

describe('from one configuration to the next, over every pair of small ones', () => {
  const sets = subsets(5).filter((ids) => ids.length > 0);

  it('one step is taken exactly where one voter differs, and there any two majorities share a member', () => {
    let steps = 0;
    for (const a of sets) {
      for (const b of sets) {
        const differ = [1, 2, 3, 4, 5].filter((id) => a.includes(id) !== b.includes(id)).length;
        if (isOneStep(of(a), of(b)) !== differ <= 1) expect.fail(`${a} → ${b}`);
        if (differ > 1) continue;
        steps++;
        const majorities = (ids: readonly MemberId[]): MemberId[][] => subsets(5).filter((some) => isQuorum(of(ids), new Set(some)));
        for (const one of majorities(a)) for (const two of majorities(b)) if (!one.some((id) => two.includes(id))) expect.fail(`${a} → ${b}: ${one} and ${two}`);
      }
    }
    expect(steps).toBeGreaterThan(100);
  });

  it('a joint configuration needs both halves, keeps everybody reachable, and leads to the new one alone', () => {
    for (const a of sets) {
      for (const b of sets) {
        const [before, after] = [of(a), of(b)];
        const joint = joined(before, after);
        for (const some of subsets(5)) {
          const agreed = isQuorum(before, new Set(some)) && isQuorum(after, new Set(some));
          if (isQuorum(joint, new Set(some)) !== agreed) expect.fail(`${a} → ${b}: ${some}`);
        }
        expect(joint.members.map(({ id }) => id).toSorted((x, y) => x - y)).toEqual([...new Set([...a, ...b])].toSorted((x, y) => x - y));
        expect(left(joint)).toMatchObject({ voters: b, outgoing: [], members: after.members });
      }
    }
  });

  it('who leaves counts as removed only once the joint configuration is left', () => {
    const before = of([1, 2, 3], [4], [3]);
    const after = accepted(changed(before, [{ type: 'remove', id: 3 }, { type: 'remove', id: 2 }, { type: 'remove', id: 4 }, add(5)]));
    const joint = joined(before, after);
    expect(joint).toMatchObject({ voters: [1, 5], outgoing: [1, 2, 3], learners: [], witnesses: [3], removed: [4] });
    expect(left(joint)).toMatchObject({ voters: [1, 5], outgoing: [], witnesses: [], removed: [4, 2, 3] });
  });
});
