import { describe, expect, it } from 'vitest';
import { noConfiguration } from '../../core/raft/index.ts';
import { Writer } from '../../core/wire/index.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SimDisk } from '../../sim/disk.ts';
import { PeerFrame, decodeNumber, encodeOffer } from '../peers/frames.ts';
import { kvMachines } from './kv-machine.ts';
import { snapshotPath, writeSnapshot } from './snapshot-file.ts';
import { SnapshotReceiver } from './snapshots.ts';

const marker = { index: 20, term: 1, producer: 1, id: 1, configuration: noConfiguration };
const path = snapshotPath('s', 1, marker);
const random = { uint32: () => 7 };

/** A receiver on a disk of its own; `lives` are those of its process. */
class Receiving {
  readonly clock = new VirtualClock();
  disk = new SimDisk(this.clock, random);
  arrived = 0;
  bytes: Uint8Array = new Uint8Array(0);
  #receiver: SnapshotReceiver | undefined;
  #replies: (readonly [number, number])[] = [];
  /** All of it comes on one connection. */
  readonly #reply = (kind: number, answer: Uint8Array): void => void this.#replies.push([kind, decodeNumber(answer)]);

  async begin(): Promise<this> {
    const other = new SimDisk(this.clock, random);
    await this.wait(other.makeDirectory('s').then(() => writeSnapshot({ disk: other, clock: this.clock }, 's', { group: 1, cluster: 1, marker }, kvMachines.empty(1).snapshot(), 1e12)));
    this.bytes = other.contents().get(path)!;
    await this.wait(this.disk.makeDirectory('s').then(() => this.disk.syncDirectory('')));
    return this.live(this.disk);
  }

  live(disk: SimDisk): this {
    this.disk = disk;
    const ports = { clock: this.clock, random, disk, network: undefined as never, logger: { log: () => undefined } };
    this.#receiver = new SnapshotReceiver(ports, 's', 1, 1, () => true, () => void this.arrived++);
    return this;
  }

  async wait<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    void promise.finally(() => (isOver = true)).catch(() => undefined);
    while (!isOver) await this.clock.advance(1);
    return promise;
  }

  /** What it answers, frame by frame, within a second. */
  async told(type: number, body: Uint8Array): Promise<readonly (readonly [number, number])[]> {
    this.#replies = [];
    void this.#receiver!.frame(type, body, this.#reply);
    await this.clock.advance(1000);
    return this.#replies;
  }

  offered(): Promise<readonly (readonly [number, number])[]> {
    return this.told(PeerFrame.snapshotOffer, encodeOffer({ group: 1, from: 1, term: 1, marker, bytes: this.bytes.length }));
  }

  sent(): Promise<readonly (readonly [number, number])[]> {
    return this.told(PeerFrame.snapshotChunk, new Writer(this.bytes.length + 8).u53(0).raw(this.bytes).finish());
  }
}

describe('a snapshot that is received', () => {
  it('is durable under its name before it is spoken of, also where an earlier life gave it its name and no more', async () => {
    const receiving = await new Receiving().begin();
    await receiving.offered();
    receiving.disk.observe = (call) => {
      if (call === 'syncDirectory') receiving.live(receiving.disk.exit());
    };
    await receiving.sent();
    expect(receiving.arrived).toBe(0);
    expect(await receiving.offered()).toEqual([[PeerFrame.snapshotDone, 1]]);
    expect(receiving.arrived).toBe(1);
    // Of what is not synced nothing is kept.
    expect([...receiving.disk.crash({ uint32: () => 0 }).contents().keys()]).toEqual([path]);
  });

  it('comes anew when its sync failed: a second one would succeed and prove nothing', async () => {
    const receiving = await new Receiving().begin();
    expect(await receiving.offered()).toEqual([[PeerFrame.snapshotResume, 0]]);
    receiving.disk.faults.syncsUntilFailure = 1;
    expect(await receiving.sent()).toEqual([[PeerFrame.snapshotAck, receiving.bytes.length], [PeerFrame.snapshotDone, 0]]);
    expect(await receiving.offered()).toEqual([[PeerFrame.snapshotResume, 0]]);
    expect(await receiving.sent()).toEqual([[PeerFrame.snapshotAck, receiving.bytes.length], [PeerFrame.snapshotDone, 1]]);
    expect(receiving.disk.crash({ uint32: () => 0 }).contents().get(path)).toEqual(receiving.bytes);
  });
});
