import { describe, expect, it, vi } from 'vitest';
import type { Configuration, MemberId } from './entry.ts';
import { allMembers, allVoters, isQuorum, isVoter, quorumIndex, quorumVote } from './quorum.ts';

// Seconds on an idle machine; nothing here is about time.
vi.setConfig({ testTimeout: 60_000 });

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

/**
 * Every way in which up to seven voters can be in one half, in both or in the other: who they are makes no difference,
 * how many there are of each does.
 */
const shapes: readonly Configuration[] = Array.from({ length: 8 * 8 * 8 }, (_, code) => [code & 7, (code >> 3) & 7, code >> 6] as const)
  .filter(([only, both, other]) => only + both > 0 && only + both + other <= 7)
  .map(([only, both, other]) => {
    const ids = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i + 1);
    const isJoint = both + other > 0;
    return configurationOf(ids(0, only + both), isJoint ? ids(only, both + other) : []);
  });

describe('quorums of up to seven voters, joint or not, against the definition', () => {
  it('are 112 shapes, among them the plain ones of 1 to 7', () => {
    expect(shapes).toHaveLength(112);
    expect(shapes.filter(({ outgoing }) => outgoing.length === 0).map(({ voters }) => voters.length)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('the committed index: over every assignment of three indexes', () => {
    let cases = 0;
    for (const configuration of shapes) {
      for (const match of assignments(allVoters(configuration), [0, 3, 7])) {
        const of = (id: MemberId): number => match.get(id)!;
        const expected = [7, 3, 0].find((index) => agrees(configuration, (id) => of(id) >= index));
        if (quorumIndex(configuration, of) !== expected) expect.fail(`${JSON.stringify(configuration)} ${JSON.stringify([...match])}`);
        cases++;
      }
    }
    expect(cases).toBeGreaterThan(80_000);
  });

  it('the committed index of plain ones: over every order of indexes that all differ, and every tie', () => {
    for (let n = 1; n <= 7; n++) {
      const configuration = configurationOf(Array.from({ length: n }, (_, i) => i + 1));
      for (const match of assignments(configuration.voters, n < 6 ? [1, 2, 3, 4, 5] : [1, 2, 3, 4])) {
        const ordered = [...match.values()].toSorted((a, b) => b - a);
        // More than half: of 4 the third, of 5 the third, of 6 and 7 the fourth.
        const expected = ordered[Math.floor(n / 2)];
        if (quorumIndex(configuration, (id) => match.get(id)!) !== expected) expect.fail(`${n}: ${JSON.stringify([...match])}`);
      }
    }
  });

  it('an election: over every vote that is given, refused or not there yet', () => {
    for (const configuration of shapes) {
      for (const votes of assignments<boolean | undefined>(allVoters(configuration), [true, false, undefined])) {
        const cast = new Map([...votes].filter((vote): vote is [MemberId, boolean] => vote[1] !== undefined));
        const atBest = agrees(configuration, (id) => votes.get(id) !== false);
        const atWorst = agrees(configuration, (id) => votes.get(id) === true);
        if (quorumVote(configuration, cast) !== (atWorst ? 'won' : atBest ? 'pending' : 'lost')) expect.fail(`${JSON.stringify(configuration)} ${JSON.stringify([...cast])}`);
      }
    }
  });

  it('nobody’s vote counts but the voters’: learners and strangers change no outcome; witnesses count like others', () => {
    for (const configuration of shapes) {
      const voters = allVoters(configuration);
      const crowded: Configuration = { ...configuration, learners: [91, 92], witnesses: voters.slice(1) };
      for (let bits = 0; bits < 1 << voters.length; bits++) {
        const some = voters.filter((_, at) => (bits >> at) & 1);
        const held = (id: MemberId): number => (some.includes(id) ? 5 : 1);
        const strangers = new Map([...some.map((id) => [id, true] as const), [91, true] as const, [92, false] as const, [99, true] as const]);
        if (isQuorum(crowded, new Set([...some, 91, 92, 99])) !== isQuorum(configuration, new Set(some))) expect.fail(`${JSON.stringify(crowded)}: ${some}`);
        if (quorumIndex(crowded, (id) => (id > 90 ? 9 : held(id))) !== quorumIndex(configuration, held)) expect.fail(`${JSON.stringify(crowded)}: ${some} at 5`);
        if (quorumVote(crowded, strangers) !== quorumVote(configuration, new Map(some.map((id) => [id, true] as const)))) expect.fail(`${JSON.stringify(crowded)}: votes of ${some}`);
      }
    }
  });

  it('any two quorums share a voter, those of a joint configuration also with those of each half alone', () => {
    for (const configuration of shapes) {
      const voters = allVoters(configuration);
      const quorums = (of: Configuration): number[] =>
        Array.from({ length: 1 << voters.length }, (_, bits) => bits).filter((bits) => isQuorum(of, new Set(voters.filter((_, at) => (bits >> at) & 1))));
      const joint = quorums(configuration);
      for (const half of [configuration.voters, configuration.outgoing]) {
        if (half.length === 0) continue;
        for (const a of joint) for (const b of quorums(configurationOf(half))) if ((a & b) === 0) expect.fail(`${JSON.stringify(configuration)}: ${a} and ${b}`);
      }
    }
  });
});
