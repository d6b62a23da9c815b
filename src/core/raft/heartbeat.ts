// The leader's sign of life: commit, newest read round, digest.

import { send } from './turn.ts';
import type { Turn } from './turn.ts';

export function broadcastHeartbeat(turn: Turn): void {
  const { state, options } = turn;
  // Of the last tick, which was before now.
  const stamp = options.lease === undefined ? 0 : state.now;
  const round = state.rounds.at(-1)?.id ?? 0;
  for (const [id, progress] of state.progress) {
    // A follower may only be told of commits that it is known to hold.
    const commit = Math.min(progress.match, state.log.committed);
    send(turn, id, { type: 'heartbeat', commit, round, digestIndex: state.digestIndex, digest: state.digest, stamp });
  }
}
