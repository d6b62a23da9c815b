// The labs' Raft tests, part B: agreement, and what it may cost.

import { expect, it, vi } from 'vitest';
import { electionTimeoutMs } from '../../support/lab-cluster.ts';
import { LabRaft } from '../../support/lab-raft.ts';

vi.setConfig({ testTimeout: 120_000 });

it('raft 2B: BasicAgree: commands get the next indexes, and nothing is committed unasked', async () => {
  const lab = await LabRaft.begin(5);
  for (let index = 1; index <= 3; index++) {
    expect(lab.committed(index).count).toBe(0);
    expect(await lab.one(index * 100, 5, false)).toBe(index);
  }
  lab.end('2B BasicAgree', lab.commands);
});

it('raft 3B of 2025: RPCBytes: a command travels once to each member', async () => {
  const lab = await LabRaft.begin(3);
  await lab.one(99, 3, false);
  const before = lab.bytes();
  let sent = 0;
  for (let n = 0; n < 10; n++) {
    expect(await lab.one(200 + n, 3, false, 5000)).toBe(n + 2);
    sent += 5000;
  }
  lab.end('3B RPCBytes (2025)', lab.commands, [{ what: 'bytes', is: lab.bytes() - before, most: 3 * sent + 50_000 }]);
});

it('raft 2B: FailAgree: two of three go on, and the third catches up', async () => {
  const lab = await LabRaft.begin(3);
  await lab.one(101, 3, false);
  const leader = await lab.oneLeader();
  lab.disconnect((leader + 1) % 3);
  for (const value of [102, 103]) await lab.one(value, 2, false);
  await lab.sleep(electionTimeoutMs);
  for (const value of [104, 105]) await lab.one(value, 2, false);
  lab.connect((leader + 1) % 3);
  await lab.one(106, 3, true);
  await lab.sleep(electionTimeoutMs);
  await lab.one(107, 3, true);
  lab.end('2B FailAgree', lab.commands);
});

it('raft 2B: FailNoAgree: two of five commit nothing', async () => {
  const lab = await LabRaft.begin(5);
  await lab.one(10, 5, false);
  const leader = await lab.oneLeader();
  for (const away of [1, 2, 3]) lab.disconnect((leader + away) % 5);
  expect((await lab.propose(leader, 20))?.index).toBe(2);
  await lab.sleep(2 * electionTimeoutMs);
  expect(lab.committed(2).count).toBe(0);
  for (const away of [1, 2, 3]) lab.connect((leader + away) % 5);
  const next = await lab.oneLeader();
  const started = await lab.propose(next, 30);
  expect([2, 3]).toContain(started?.index);
  await lab.one(1000, 5, true);
  lab.end('2B FailNoAgree', lab.commands);
});

it('raft 2B: ConcurrentStarts: five at once in one term, all committed', async () => {
  const lab = await LabRaft.begin(3);
  for (let tries = 0; ; tries++) {
    expect(tries, 'a term that lasts').toBeLessThan(5);
    const leader = await lab.oneLeader();
    const first = await lab.propose(leader, 1);
    if (first === undefined) continue;
    const values = [100, 101, 102, 103, 104];
    const all = await lab.proposeAll(leader, values);
    if (!all.every((started) => started?.term === first.term)) continue;
    const found: (number | undefined)[] = [];
    for (const started of all) found.push(await lab.wait(started!.index, 3, first.term));
    if (found.includes(undefined)) continue;
    expect(new Set(found)).toEqual(new Set(values));
    break;
  }
  lab.end('2B ConcurrentStarts', lab.commands);
});

it('raft 2B: Rejoin: a leader that was alone with three entries gives them up', async () => {
  const lab = await LabRaft.begin(3);
  await lab.one(101, 3, true);
  const first = await lab.oneLeader();
  lab.disconnect(first);
  await lab.proposeAll(first, [102, 103, 104]);
  await lab.one(103, 2, true);
  const second = await lab.oneLeader();
  lab.disconnect(second);
  lab.connect(first);
  await lab.one(104, 2, true);
  lab.connect(second);
  await lab.one(105, 3, true);
  lab.end('2B Rejoin', lab.commands);
});

it('raft 2B: Backup: a leader backs up fast over entries that conflict', async () => {
  const lab = await LabRaft.begin(5);
  let next = 1000;
  const fifty = (): number[] => Array.from({ length: 50 }, () => next++);
  await lab.one(next++, 5, true);
  const first = await lab.oneLeader();
  const away = (from: number, ...by: number[]): number[] => by.map((each) => (from + each) % 5);
  for (const at of away(first, 2, 3, 4)) lab.disconnect(at);
  await lab.proposeAll(first, fifty());
  await lab.sleep(electionTimeoutMs / 2);
  for (const at of away(first, 0, 1)) lab.disconnect(at);
  for (const at of away(first, 2, 3, 4)) lab.connect(at);
  for (const value of fifty()) await lab.one(value, 3, true);
  const second = await lab.oneLeader();
  const other = (first + 2) % 5 === second ? (second + 1) % 5 : (first + 2) % 5;
  lab.disconnect(other);
  await lab.proposeAll(second, fifty());
  await lab.sleep(electionTimeoutMs / 2);
  for (let at = 0; at < 5; at++) lab.disconnect(at);
  for (const at of [...away(first, 0, 1), other]) lab.connect(at);
  for (const value of fifty()) await lab.one(value, 3, true);
  for (let at = 0; at < 5; at++) lab.connect(at);
  await lab.one(next++, 5, true);
  lab.end('2B Backup', lab.commands);
});

it('raft 2B: Count: few RPCs elect, few agree, and few are idle', async () => {
  const lab = await LabRaft.begin(3);
  await lab.oneLeader();
  const electing = lab.rpcs();
  expect(electing).toBeGreaterThanOrEqual(1);
  let agreeing = Infinity;
  for (let tries = 0; ; tries++) {
    expect(tries, 'a term that lasts').toBeLessThan(5);
    const leader = await lab.oneLeader();
    const before = lab.rpcs();
    const first = await lab.propose(leader, 1);
    if (first === undefined) continue;
    const values = Array.from({ length: 10 }, (_, n) => 1000 + n);
    const all = await lab.proposeAll(leader, values);
    if (!all.every((started, n) => started?.term === first.term && started.index === first.index + 1 + n)) continue;
    const found: (number | undefined)[] = [];
    for (const started of all) found.push(await lab.wait(started!.index, 3, first.term));
    if (found.includes(undefined)) continue;
    expect(found).toEqual(values);
    agreeing = lab.rpcs() - before;
    break;
  }
  await lab.sleep(electionTimeoutMs);
  const before = lab.rpcs();
  await lab.sleep(electionTimeoutMs);
  lab.end('2B Count', lab.commands, [
    { what: 'RPCs to elect', is: electing, most: 30 },
    { what: 'RPCs for ten agreements', is: agreeing, most: (10 + 1 + 3) * 3 },
    { what: 'RPCs in an idle second', is: lab.rpcs() - before, most: 3 * 20 },
  ]);
});
