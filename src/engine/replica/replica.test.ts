import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/bytes.ts';
import { defaultRaftOptions, noConfiguration, noHardState } from '../../core/raft/index.ts';
import type { Body, MemberId, Message } from '../../core/raft/index.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { kvMachines } from './kv-machine.ts';
import { defaultReplicaOptions } from './options.ts';
import { Replica } from './replica.ts';
import type { ReplicaHost } from './replica.ts';

/** The leader of three, with what it sends; its disk takes as long as the test says. */
class Leading {
  readonly clock = new VirtualClock();
  readonly sent: Message[] = [];
  #persisted: (() => void)[] = [];
  readonly replica: Replica;

  constructor(inflightMax: number) {
    const host: Partial<Record<keyof ReplicaHost, unknown>> = {
      clock: this.clock, logger: { log: () => undefined },
      round: { submit: (_writes: unknown, done: () => void) => void this.#persisted.push(done) },
      send: (_group: number, message: Message) => void this.sent.push(message),
      encodeBatch: (commands: readonly Uint8Array[]) => kvMachines.encodeBatch(0, commands),
      appliedTo: () => undefined, leadChanged: () => undefined, configurationChanged: () => undefined,
      fatal: (error: unknown) => { throw error; },
    };
    const configuration = { ...noConfiguration, voters: [1, 2, 3] };
    this.replica = new Replica(1, kvMachines.empty(1), host as unknown as ReplicaHost, defaultReplicaOptions, { ...defaultRaftOptions, id: 1, seed: 7, inflightMax }, {
      hardState: noHardState, marker: undefined, configuration, entries: [], offset: 0, offsetTerm: 0, applied: 0,
    });
  }

  async elected(): Promise<this> {
    this.replica.enqueue({ type: 'campaign' });
    await this.stored();
    for (const type of ['preVoteReply', 'voteReply'] as const) {
      this.hear(2, { type, granted: true }, 1);
      await this.stored();
    }
    expect(this.replica.raft.isLeader).toBe(true);
    for (const id of [2, 3]) this.hear(id, { type: 'appendReply', index: 1, rejected: false, hintIndex: 0, hintTerm: 0 });
    await this.stored();
    return this;
  }

  hear(from: MemberId, body: Body, term = this.replica.raft.state.term): void {
    this.replica.enqueue({ type: 'receive', message: { from, to: 1, term, ...body } });
  }

  /** The disk is done with all of it. */
  async stored(): Promise<void> {
    for (let n = 0; n < 5; n++) {
      await this.clock.advance(1);
      for (const done of this.#persisted.splice(0)) done();
    }
  }

  propose(): void {
    this.replica.propose(utf8('command'), Infinity).catch(() => undefined);
  }

  /** Two heartbeats' answers between which nothing moved, in a turn in which commands wait for the disk. */
  async stalled(id: MemberId): Promise<readonly Message[]> {
    this.propose();
    await this.clock.advance(0.5);
    this.propose();
    await this.clock.advance(0.5);
    this.sent.length = 0;
    for (let n = 0; n < 2; n++) {
      this.hear(id, { type: 'heartbeatReply', round: 0, stamp: 0, loyaltyMs: 0 });
      await this.clock.advance(0.5);
    }
    return this.sent.filter((message) => message.to === id && message.type === 'append');
  }
}

describe('an append of nothing, while commands wait', () => {
  it('is spared whom their entry will reach in a moment', async () => {
    const leading = await new Leading(256).elected();
    expect(await leading.stalled(2)).toEqual([]);
    await leading.clock.advance(20);
    expect(leading.sent.some((message) => message.to === 2 && message.type === 'append' && message.entries.length > 0)).toBe(true);
  });

  it('goes to whom nothing follows, whose window is full: it shows that what is on its way was lost', async () => {
    const leading = await new Leading(1).elected();
    expect(await leading.stalled(2)).toMatchObject([{ entries: [], prevIndex: 2 }]);
  });
});
