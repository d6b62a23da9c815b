// What the fifty-one tests do not catch: an earlier system passed them all, and lost acknowledged entries to a late,
// shorter copy of an append.

import { expect, it, vi } from 'vitest';
import { EntryKind } from '../../../src/core/raft/index.ts';
import type { Message } from '../../../src/core/raft/index.ts';
import { encodeCommand } from '../../support/lab-machine.ts';
import { LabRaft } from '../../support/lab-raft.ts';

vi.setConfig({ testTimeout: 120_000 });

it('raft: an append that comes again, late and shorter, takes nothing from the log (law 2)', async () => {
  const lab = await LabRaft.begin(3);
  const leader = await lab.oneLeader();
  const follower = (leader + 1) % 3;
  const { log, term, id } = lab.replica(leader)!.raft.state;
  const prevIndex = log.entries.at(-1)!.index;
  // Only the follower is heard: what it acknowledges next is not committed anywhere yet, so only the rule protects it.
  for (const at of lab.names.keys()) lab.disconnect(at);
  const entries = [1, 2, 3].map((n) => ({ index: prevIndex + n, term, kind: EntryKind.batch, data: encodeCommand(n) }));
  const append = (count: number): Message => ({
    type: 'append', from: id, to: lab.replica(follower)!.raft.state.id, term, prevIndex, prevTerm: log.entries.at(-1)!.term, entries: entries.slice(0, count), commit: 0,
  });
  const receive = async (count: number): Promise<void> => {
    lab.replica(follower)!.enqueue({ type: 'receive', message: append(count) });
    await lab.sleep(20);
  };
  await receive(3);
  expect(lab.replica(follower)!.raft.lastIndex).toBe(prevIndex + 3);
  for (const count of [1, 0, 2]) {
    await receive(count);
    expect(lab.replica(follower)!.raft.lastIndex, `${count} of the three entries`).toBe(prevIndex + 3);
  }
  // And on the disk, too.
  await lab.start(follower);
  while (lab.replica(follower) === undefined) await lab.sleep(5);
  expect(lab.replica(follower)!.raft.lastIndex).toBe(prevIndex + 3);
});
