// The leader's policy for those who join: a learner that was added to become a voter is promoted once it has held
// what is committed for a while. One that comes and goes, or never catches up, stays a learner and endangers nobody.

import type { MemberId, Raft } from '../../core/raft/index.ts';

export class Autopilot {
  readonly #afterTicks: number;
  /** Ticks in a row for which each was caught up. */
  readonly #steady = new Map<MemberId, number>();

  constructor(afterTicks: number) {
    this.#afterTicks = afterTicks;
  }

  /** Called each tick; whom to promote now. */
  tick(raft: Raft): MemberId | undefined {
    const joining = raft.isLeader ? (raft.configuration.joining ?? []) : [];
    for (const id of this.#steady.keys()) if (!joining.includes(id)) this.#steady.delete(id);
    for (const id of joining) this.#steady.set(id, raft.isCaughtUp(id) ? (this.#steady.get(id) ?? 0) + 1 : 0);
    return joining.find((id) => this.#steady.get(id)! > this.#afterTicks);
  }
}
