import { describe, expect, it } from 'vitest';
import type { Configuration, MemberId } from './entry.ts';
import { allMembers, allVoters, isQuorum, isVoter, quorumIndex, quorumVote } from './quorum.ts';

const configurationOf = (voters: readonly MemberId[], outgoing: readonly MemberId[] = [], learners: readonly MemberId[] = []): Configuration => ({
  voters, outgoing, learners, witnesses: [], members: [],
});

/** Every subset of 1 … n. */
function subsets(n: number): MemberId[][] {
  return Array.from({ length: 1 << n }, (_, bits) => Array.from({ length: n }, (__, i) => i + 1).filter((id) => (bits >> (id - 1)) & 1));
}

function* assignments<T>(ids: readonly MemberId[], values: readonly T[]): Generator<Map<MemberId, T>> {
  const total = values.length ** ids.length;
  for (let code = 0; code < total; code++) {
    let rest = code;
    const map = new Map<MemberId, T>();
    for (const id of ids) {
      map.set(id, values[rest % values.length]!);
      rest = Math.floor(rest / values.length);
    }
    yield map;
  }
}

/** The definition, said as slowly as possible: more than half of each half that is not empty. */
function agrees(configuration: Configuration, says: (id: MemberId) => boolean): boolean {
  return [configuration.voters, configuration.outgoing].every((half) => half.length === 0 || half.filter(says).length * 2 > half.length);
}

/** Every pair of halves over four members, joint or not, with at least one voter. */
const configurations = subsets(4).flatMap((voters) => (voters.length === 0 ? [] : subsets(4).map((outgoing) => configurationOf(voters, outgoing))));

describe('quorums, against the definition over every small configuration', () => {
  it('the committed index is the largest that a majority of each half holds', () => {
    let cases = 0;
    for (const configuration of configurations) {
      for (const match of assignments(allVoters(configuration), [0, 3, 7])) {
        const of = (id: MemberId): number => match.get(id)!;
        const expected = [7, 3, 0].find((index) => agrees(configuration, (id) => of(id) >= index));
        if (quorumIndex(configuration, of) !== expected) expect.fail(`${JSON.stringify(configuration)} ${JSON.stringify([...match])}`);
        cases++;
      }
    }
    expect(cases).toBeGreaterThan(9000);
  });

  it('an election is won when it cannot be lost any more, lost when it cannot be won', () => {
    for (const configuration of configurations) {
      for (const votes of assignments<boolean | undefined>(allVoters(configuration), [true, false, undefined])) {
        const cast = new Map([...votes].filter((vote): vote is [MemberId, boolean] => vote[1] !== undefined));
        const atBest = agrees(configuration, (id) => votes.get(id) !== false);
        const atWorst = agrees(configuration, (id) => votes.get(id) === true);
        const expected = atWorst ? 'won' : atBest ? 'pending' : 'lost';
        if (quorumVote(configuration, cast) !== expected) expect.fail(`${JSON.stringify(configuration)} ${JSON.stringify([...cast])}`);
      }
    }
  });

  it('two quorums of one configuration share a member; so do those of a joint one and of either of its halves', () => {
    for (const configuration of configurations) {
      const quorums = subsets(4).filter((ids) => isQuorum(configuration, new Set(ids)));
      for (const half of [configuration.voters, configuration.outgoing]) {
        const inHalf = subsets(4).filter((ids) => half.length > 0 && isQuorum(configurationOf(half), new Set(ids)));
        for (const a of quorums) for (const b of inHalf) if (!a.some((id) => b.includes(id))) expect.fail(`${JSON.stringify(configuration)}: ${a} and ${b}`);
      }
      expect(quorums.length).toBeGreaterThan(0);
    }
  });

  it('nobody is a quorum of nobody', () => {
    expect(isQuorum(configurationOf([]), new Set([1, 2, 3]))).toBe(false);
  });

  it('learners receive entries and do not vote', () => {
    const configuration = configurationOf([1, 2, 3], [3, 4], [5]);
    expect(allVoters(configuration)).toEqual([1, 2, 3, 4]);
    expect(allMembers(configuration)).toEqual([1, 2, 3, 4, 5]);
    expect([1, 4, 5].map((id) => isVoter(configuration, id))).toEqual([true, true, false]);
    expect(isQuorum(configurationOf([1, 2, 3], [], [4, 5]), new Set([1, 4, 5]))).toBe(false);
  });
});
