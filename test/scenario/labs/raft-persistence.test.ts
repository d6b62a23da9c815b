// The labs' Raft tests, part C: crashes, and a network that loses and reorders.

import { expect, it, vi } from 'vitest';
import { electionTimeoutMs } from '../../support/lab-cluster.ts';
import { LabRaft } from '../../support/lab-raft.ts';

vi.setConfig({ testTimeout: 120_000 });

it('raft 2C: Persist1: all, then the leader, then a follower crash and come back', async () => {
  const lab = await LabRaft.begin(3);
  await lab.one(11, 3, true);
  for (const at of [0, 1, 2]) await lab.start(at);
  for (const at of [0, 1, 2]) {
    lab.disconnect(at);
    lab.connect(at);
  }
  await lab.one(12, 3, true);
  const first = await lab.oneLeader();
  lab.disconnect(first);
  await lab.start(first);
  lab.connect(first);
  await lab.one(13, 3, true);
  const second = await lab.oneLeader();
  lab.disconnect(second);
  await lab.one(14, 2, true);
  await lab.start(second);
  lab.connect(second);
  await lab.wait(4, 3, Infinity);
  const third = (await lab.oneLeader() + 1) % 3;
  lab.disconnect(third);
  await lab.one(15, 2, true);
  await lab.start(third);
  lab.connect(third);
  await lab.one(16, 3, true);
  lab.end('2C Persist1', lab.commands);
});

it('raft 2C: Persist2: five rounds in which two, then three of five crash', async () => {
  const lab = await LabRaft.begin(5);
  let index = 1;
  for (let round = 0; round < 5; round++) {
    await lab.one(10 + index++, 5, true);
    const leader = await lab.oneLeader();
    const at = (by: number): number => (leader + by) % 5;
    for (const by of [1, 2]) lab.disconnect(at(by));
    await lab.one(10 + index++, 3, true);
    for (const by of [0, 3, 4]) lab.disconnect(at(by));
    for (const by of [1, 2]) {
      await lab.start(at(by));
      lab.connect(at(by));
    }
    await lab.sleep(electionTimeoutMs);
    await lab.start(at(3));
    lab.connect(at(3));
    await lab.one(10 + index++, 3, true);
    for (const by of [4, 0]) lab.connect(at(by));
  }
  await lab.one(1000, 5, true);
  lab.end('2C Persist2', lab.commands);
});

it('raft 2C: Persist3: leader and one follower crash, the leader comes back first', async () => {
  const lab = await LabRaft.begin(3);
  await lab.one(101, 3, true);
  const leader = await lab.oneLeader();
  const at = (by: number): number => (leader + by) % 3;
  lab.disconnect(at(2));
  await lab.one(102, 2, true);
  for (const by of [0, 1]) lab.crash(at(by));
  lab.connect(at(2));
  await lab.start(at(0));
  lab.connect(at(0));
  await lab.one(103, 2, true);
  await lab.start(at(1));
  lab.connect(at(1));
  await lab.one(104, 3, true);
  lab.end('2C Persist3', lab.commands);
});

it('raft 2C: Figure8: a thousand times a leader takes a command and often dies of it', async () => {
  const lab = await LabRaft.begin(5);
  await lab.one(10_000, 1, true);
  let up = 5;
  for (let iteration = 0; iteration < 1000; iteration++) {
    let leader: number | undefined;
    for (let at = 0; at < 5; at++) if ((await lab.propose(at, iteration)) !== undefined) leader = at;
    await lab.sleep(lab.below(1000) < 100 ? lab.below(electionTimeoutMs / 2) : lab.below(13));
    if (leader !== undefined) {
      lab.crash(leader);
      up--;
    }
    if (up < 3) {
      const at = lab.below(5);
      if (lab.lives[at] === undefined) {
        await lab.start(at);
        lab.connect(at);
        up++;
      }
    }
  }
  await lab.restoreAll();
  await lab.one(10_001, 5, true);
  lab.end('2C Figure8', lab.commands);
});

it('raft 2C: UnreliableAgree: fifty rounds of five, over a network that delays and loses', async () => {
  const lab = await LabRaft.begin(5, { unreliable: true });
  for (let round = 1; round < 50; round++) {
    for (let at = 0; at < 4; at++) {
      const leader = lab.names.findIndex((_, each) => lab.isLeader(each));
      if (leader >= 0) await lab.propose(leader, 100 * round + at);
    }
    await lab.one(round, 1, true);
  }
  lab.network.reliable = true;
  await lab.one(100, 5, true);
  lab.end('2C UnreliableAgree', lab.commands);
});

it('raft 2C: Figure8Unreliable: a thousand times, cut instead of dead, with answers that overtake each other', async () => {
  const lab = await LabRaft.begin(5, { unreliable: true });
  await lab.one(10_000, 1, true);
  let up = 5;
  for (let iteration = 0; iteration < 1000; iteration++) {
    if (iteration === 200) lab.network.longReordering = true;
    let leader: number | undefined;
    for (let at = 0; at < 5; at++) if ((await lab.propose(at, iteration)) !== undefined && lab.connected[at]!) leader = at;
    await lab.sleep(lab.below(1000) < 100 ? lab.below(electionTimeoutMs / 2) : lab.below(13));
    if (leader !== undefined && lab.below(1000) < electionTimeoutMs / 2) {
      lab.disconnect(leader);
      up--;
    }
    if (up < 3) {
      const at = lab.below(5);
      if (!lab.connected[at]!) {
        lab.connect(at);
        up++;
      }
    }
  }
  await lab.restoreAll();
  await lab.one(10_001, 5, true);
  expect(lab.network.overtaken).toBeGreaterThan(0);
  lab.end('2C Figure8Unreliable', lab.commands);
});

/** Three callers, while members are cut, crash and come back: what one was told is committed is there at the end. */
async function churn(name: string, unreliable: boolean): Promise<void> {
  const lab = await LabRaft.begin(5, { unreliable });
  let isOver = false;
  const told: number[] = [];
  let next = 1;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void lab.clock.after(ms, resolve));
  const caller = async (): Promise<void> => {
    while (!isOver) {
      const value = next++;
      let started: { readonly index: number } | undefined;
      for (let at = 0; at < 5; at++) {
        // Whoever believes that it leads, cut off or not.
        const found = await lab.propose(at, value);
        if (found !== undefined) started = found;
      }
      if (started === undefined) {
        await pause(79 + lab.below(51));
        continue;
      }
      for (const ms of [10, 20, 50, 100, 200]) {
        const { count, value: found } = lab.committed(started.index);
        if (count > 0) {
          if (found === value) told.push(value);
          break;
        }
        await pause(ms);
      }
    }
  };
  const callers = [caller(), caller(), caller()];
  for (let iteration = 0; iteration < 20; iteration++) {
    if (lab.below(1000) < 200) lab.disconnect(lab.below(5));
    if (lab.below(1000) < 500) {
      const at = lab.below(5);
      if (lab.lives[at] === undefined) await lab.start(at);
      lab.connect(at);
    }
    if (lab.below(1000) < 200) lab.crash(lab.below(5));
    await lab.sleep((electionTimeoutMs * 7) / 10);
  }
  await lab.sleep(electionTimeoutMs);
  lab.network.reliable = true;
  await lab.restoreAll();
  isOver = true;
  await lab.settle(Promise.all(callers));
  await lab.sleep(electionTimeoutMs);
  const last = await lab.one(1_000_000, 5, true);
  const final = new Set(Array.from({ length: last }, (_, at) => lab.committed(at + 1).value));
  expect(told.length, 'somebody was told something').toBeGreaterThan(20);
  expect(told.filter((value) => !final.has(value))).toEqual([]);
  lab.end(name, lab.commands);
}

it('raft 2C: ReliableChurn: what was said to be committed is, through twenty rounds of crashes and cuts', () => churn('2C ReliableChurn', false));
it('raft 2C: UnreliableChurn: the same over a network that delays and loses', () => churn('2C UnreliableChurn', true));
