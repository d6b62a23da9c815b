// How long leaders lead (check-quorum, thesis §6.2).

import type { Configuration, MemberId } from '../../core/raft/index.ts';
import type { Checker, Sight, Tell } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import { isMajority } from './majority.ts';
import { listenToSteps } from './steps.ts';

/** heard: by the leader's own ticks. A check of the quorum sees who answered since the one before, and comes once per election timeout. */
export class Quorums implements Checker {
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  met({ machine, raft }: Sight): void {
    const { state } = raft;
    const patience = 2 * raft.options.electionTicks;
    const heard = new Map<MemberId, number>();
    let ticks = 0;
    let since = 0;
    let term = 0;
    let configuration: Configuration | undefined;
    listenToSteps(raft, (input) => {
      if (input.type === 'tick') ticks++;
      if (input.type !== 'receive' || input.message.term !== state.term) return;
      const { type, from } = input.message;
      if (type === 'appendReply' || type === 'heartbeatReply') heard.set(from, ticks);
    }, () => {
      if (!raft.isLeader) return;
      // Who leads is heard anew in each term, and who rules from now on was perhaps not asked before.
      if (state.term !== term || raft.configuration !== configuration) since = ticks;
      ({ term } = state);
      ({ configuration } = raft);
      if (ticks - since <= patience) return;
      const answered = new Set([state.id, ...[...heard].filter(([, at]) => at >= ticks - patience).map(([id]) => id)]);
      if (isMajority(configuration, answered)) return;
      this.#tell(new BrokenClaim('heard', `${machine.name} leads term ${term}, and has heard ${answered.size - 1} others in the last ${patience} ticks`));
    });
  }
}
