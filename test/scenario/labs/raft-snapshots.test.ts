// The 2025 labs' Raft tests, part D: the log is cut behind snapshots, and who is too far behind is sent one.

import { describe, expect, it, vi } from 'vitest';
import { LabRaft } from '../../support/lab-raft.ts';

vi.setConfig({ testTimeout: 120_000 });

const snapshotInterval = 10;
const logBytesMax = 2000;
/** The labs snapshot at every tenth command, we by the log's size: about as often. */
const options = { replica: { snapshotLogBytes: 500, tailBytes: 0 }, segmentBytes: 4096 };

const anything = (lab: LabRaft): number => lab.below(2 ** 31);
const logBytes = (lab: LabRaft): number => Math.max(...lab.lives.map((life) => life?.member.log?.bytes(1) ?? 0));
const snapshotFiles = (lab: LabRaft): number => lab.disks.filter((disk) => [...disk.contents().keys()].some((path) => path.endsWith('.snap'))).length;

async function story(name: string, how: { readonly disconnect?: boolean; readonly crash?: boolean; readonly unreliable?: boolean }): Promise<void> {
  const { disconnect = false, crash = false, unreliable = false } = how;
  const lab = await LabRaft.begin(3, { ...options, unreliable });
  await lab.one(anything(lab), 3, true);
  let leader = await lab.oneLeader();
  let longest = 0;
  for (let iteration = 0; iteration < 30; iteration++) {
    const other = (leader + 1) % 3;
    const [victim, sender] = iteration % 3 === 1 ? [leader, other] : [other, leader];
    if (disconnect) lab.disconnect(victim);
    if (crash) {
      lab.disconnect(victim);
      lab.crash(victim);
    }
    if (disconnect || crash) await lab.one(anything(lab), 2, true);
    const many = snapshotInterval / 2 + lab.below(snapshotInterval);
    for (let n = 0; n < many; n++) await lab.propose(sender, anything(lab));
    await lab.one(anything(lab), disconnect || crash ? 2 : 3, true);
    // What was just applied may be on its way into a snapshot.
    await lab.sleep(20);
    longest = Math.max(longest, logBytes(lab));
    if (crash) await lab.start(victim);
    if (disconnect || crash) {
      lab.connect(victim);
      await lab.one(anything(lab), 3, true);
      leader = await lab.oneLeader();
    }
  }
  expect(snapshotFiles(lab), 'everybody took snapshots').toBe(3);
  if (disconnect || crash) expect(lab.logged.filter((line) => line.includes('sends a snapshot')).length, 'snapshots travelled').toBeGreaterThan(0);
  lab.end(name, lab.commands, [{ what: 'bytes of log', is: longest, most: logBytesMax }]);
}

async function everybodyLosesPower(lab: LabRaft): Promise<void> {
  for (const at of [0, 1, 2]) lab.crash(at);
  for (const at of [0, 1, 2]) await lab.start(at);
}

describe('raft 3D of 2025', () => {
  it('SnapshotBasic: the log stays short', () => story('3D SnapshotBasic (2025)', {}));
  it('SnapshotInstall: who was cut off is sent a snapshot', () => story('3D SnapshotInstall (2025)', { disconnect: true }));
  it('SnapshotInstallUnreliable: over a network that delays and loses', () => story('3D SnapshotInstallUnreliable (2025)', { disconnect: true, unreliable: true }));
  it('SnapshotInstallCrash: who was dead is sent a snapshot', () => story('3D SnapshotInstallCrash (2025)', { crash: true }));
  it('SnapshotInstallUnCrash: who was dead, over such a network', () => story('3D SnapshotInstallUnCrash (2025)', { crash: true, unreliable: true }));

  it('SnapshotAllCrash: everybody loses power, and no index goes back', async () => {
    const lab = await LabRaft.begin(3, options);
    await lab.one(anything(lab), 3, true);
    for (let iteration = 0; iteration < 5; iteration++) {
      const many = snapshotInterval / 2 + lab.below(snapshotInterval);
      for (let n = 0; n < many; n++) await lab.one(anything(lab), 3, true);
      const before = await lab.one(anything(lab), 3, true);
      await everybodyLosesPower(lab);
      expect(await lab.one(anything(lab), 3, true)).toBeGreaterThan(before);
    }
    expect(snapshotFiles(lab)).toBe(3);
    lab.end('3D SnapshotAllCrash (2025)', lab.commands, [{ what: 'bytes of log', is: logBytes(lab), most: logBytesMax }]);
  });

  it('SnapshotInit: what a snapshot restored is still there after the next power loss', async () => {
    const lab = await LabRaft.begin(3, options);
    await lab.one(anything(lab), 3, true);
    for (let n = 0; n <= snapshotInterval; n++) await lab.one(anything(lab), 3, true);
    await everybodyLosesPower(lab);
    const between = await lab.one(anything(lab), 3, true);
    await everybodyLosesPower(lab);
    expect(await lab.one(anything(lab), 3, true)).toBe(between + 1);
    expect(snapshotFiles(lab)).toBe(3);
    lab.end('3D SnapshotInit (2025)', lab.commands);
  });
});
