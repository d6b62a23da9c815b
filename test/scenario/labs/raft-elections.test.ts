// The labs' Raft tests, part A: elections.

import { expect, it, vi } from 'vitest';
import { electionTimeoutMs } from '../../support/lab-cluster.ts';
import { LabRaft } from '../../support/lab-raft.ts';

vi.setConfig({ testTimeout: 120_000 });

it('raft 2A: InitialElection: one leader, one term, and both last', async () => {
  const lab = await LabRaft.begin(3);
  await lab.oneLeader();
  await lab.sleep(50);
  const term = lab.terms();
  expect(term).toBeGreaterThanOrEqual(1);
  await lab.sleep(2 * electionTimeoutMs);
  expect(lab.terms()).toBe(term);
  await lab.oneLeader();
  lab.end('2A InitialElection', 0);
});

it('raft 2A: ReElection: a cut leader is replaced, comes back as a follower, and nobody leads without a quorum', async () => {
  const lab = await LabRaft.begin(3);
  const first = await lab.oneLeader();
  lab.disconnect(first);
  const second = await lab.oneLeader();
  expect(second).not.toBe(first);
  lab.connect(first);
  const third = await lab.oneLeader();
  lab.disconnect(third);
  lab.disconnect((third + 1) % 3);
  await lab.sleep(2 * electionTimeoutMs);
  lab.noLeader();
  lab.connect((third + 1) % 3);
  await lab.oneLeader();
  lab.connect(third);
  await lab.oneLeader();
  lab.end('2A ReElection', 0);
});

it('raft 3A of 2025: ManyElections: seven members, any three cut, ten times', async () => {
  const lab = await LabRaft.begin(7);
  await lab.oneLeader();
  for (let round = 0; round < 10; round++) {
    const cut = [lab.below(7), lab.below(7), lab.below(7)];
    for (const at of cut) lab.disconnect(at);
    await lab.oneLeader();
    for (const at of cut) lab.connect(at);
  }
  await lab.oneLeader();
  lab.end('3A ManyElections (2025)', 0);
});
