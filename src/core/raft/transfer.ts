// Handing leadership over (thesis §3.10): stop taking proposals, bring the target up to date, tell it to campaign now.

import { lastIndex } from './log.ts';
import type { MemberId } from './entry.ts';
import type { Progress } from './progress.ts';
import { configurationOf } from './state.ts';
import { send } from './turn.ts';
import type { Turn } from './turn.ts';

export function beginTransfer(turn: Turn, to: MemberId): boolean {
  const { state } = turn;
  const configuration = configurationOf(state);
  const progress = state.progress.get(to);
  if (progress === undefined || !configuration.voters.includes(to) || configuration.witnesses.includes(to)) return false;
  state.transferee = to;
  state.transferElapsed = 0;
  maybeFinishTransfer(turn, to, progress);
  return true;
}

export function maybeFinishTransfer(turn: Turn, from: MemberId, progress: Progress): void {
  const { state } = turn;
  if (from !== state.transferee || progress.match !== lastIndex(state.log)) return;
  state.hasHandedOver = true;
  send(turn, from, { type: 'timeoutNow' });
}

/** A target that did not take over in an election timeout will not: serve again. */
export function tickTransfer(turn: Turn): void {
  const { state, options } = turn;
  if (state.transferee !== 0 && ++state.transferElapsed >= options.electionTicks) state.transferee = 0;
}
