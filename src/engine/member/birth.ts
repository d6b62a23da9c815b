// A member with an empty data directory asks before it acts: if anybody has heard of its id, it once voted or
// acknowledged, has forgotten it, and may return only under another id. A forgotten vote is a second vote.

import { OperationError } from '../../core/errors.ts';
import type { MemberId } from '../../core/raft/index.ts';
import type { BirthAnswer } from '../peers/frames.ts';
import type { Clock, Logger } from '../ports.ts';
import { sleep } from '../slice.ts';

/** How long to hope for everybody's answer where a majority's would do. */
const patienceMs = 3000;
const pollMs = 20;
const sayMs = 5000;

export interface BirthHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly closed: () => boolean;
  /** Everybody else, as far as is known. */
  readonly others: () => readonly MemberId[];
  readonly answers: ReadonlyMap<MemberId, BirthAnswer>;
  /** Only for one that joins: asks the cluster anew who its members are. */
  readonly renew: (() => Promise<void>) | undefined;
}

/**
 * Resolves when this member may begin. Everybody's "never heard of it" is proof. Short of that, a majority (itself
 * included) will do only if none of them has run yet: then there is no cluster that could have used this id, but
 * for one whose majority is gone. Rejects with DATA_LOST.
 *
 * One that joins a running cluster was just told, by its leader, that it is a learner: its votes and acknowledgements
 * have never counted, so that even a forgotten one hurts nobody; a majority's word that it is new is more than enough.
 * But those it was told of may have left meanwhile, and would be waited for in vain: so now and then it asks again.
 */
export async function awaitBirth(host: BirthHost): Promise<void> {
  const { clock, logger, answers, renew } = host;
  const started = clock.now();
  let said = started;
  for (;;) {
    if (host.closed()) throw new OperationError({ code: 'SHUTTING_DOWN' });
    const others = host.others();
    const heard = others.flatMap((id) => answers.get(id) ?? []);
    if (heard.some(({ birth }) => birth !== 0)) {
      throw new OperationError({
        code: 'DATA_LOST',
        detail: 'the cluster has already run with this member, whose data directory is empty: remove the member and add it under a new name',
      });
    }
    if (heard.length === others.length || (renew !== undefined && heard.length > others.length / 2)) return;
    const majority = heard.length + 1 > (others.length + 1) / 2;
    if (majority && heard.every(({ hasRun }) => !hasRun) && clock.now() - started >= patienceMs) return;
    if (clock.now() - said >= sayMs) {
      logger.log('warn', 'waiting to hear from the other members before the first start', { heard: heard.length, others: others.length });
      await renew?.();
      said = clock.now();
    }
    await sleep(clock, pollMs);
  }
}
