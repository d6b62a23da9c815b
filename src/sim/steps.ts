// What the judge hears of a member by listening to what its Raft is told and answers, step by step: that a leader goes
// only as long as a quorum answers, and that what may be in a log already is not proposed again.

import { decodeBatch } from '../core/kv/index.ts';
import { crc32c } from '../core/wire/index.ts';
import type { Configuration, Input, MemberId, Raft, Ready } from '../core/raft/index.ts';
import type { Life } from './world.ts';

type Tell = (detail: string) => void;

function watch(raft: Raft, before: (input: Input) => void, after: (ready: Ready) => void): void {
  const step = raft.step.bind(raft);
  raft.step = (inputs): Ready => {
    for (const input of inputs) before(input);
    const ready = step(inputs);
    after(ready);
    return ready;
  };
}

/** By its own ticks. A check of the quorum sees who answered since the one before, and comes once per election timeout. */
export function watchQuorum(life: Life, tell: Tell): void {
  const { raft } = life.member!.replica(1)!;
  const { state } = raft;
  const patience = 2 * raft.options.electionTicks;
  const heard = new Map<MemberId, number>();
  let ticks = 0;
  let since = 0;
  let term = 0;
  let configuration: Configuration | undefined;
  watch(raft, (input) => {
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
    if (!isMajority(configuration, answered)) tell(`leads term ${term}, and has heard ${answered.size - 1} others in the last ${patience} ticks`);
  });
}

/** A command may come into a log as often as a client asked for it. Refused it did not; lost it may have. */
export function watchProposals(life: Life, tell: Tell): void {
  const replica = life.member!.replica(1)!;
  const left = new Map<string, number>();
  const waiting = new Map<number, readonly string[]>();
  const propose = replica.propose.bind(replica);
  replica.propose = (command, deadline): Promise<Uint8Array> => {
    const key = keyOf(command);
    left.set(key, (left.get(key) ?? 0) + 1);
    return propose(command, deadline);
  };
  watch(replica.raft, (input) => {
    if (input.type !== 'propose') return;
    const keys = decodeBatch(input.data).commands.map(keyOf);
    waiting.set(input.ref, keys);
    for (const key of keys) {
      const asked = left.get(key);
      // Unknown: asked for before anybody listened.
      if (asked === 0) tell('proposes a command again that may be in a log');
      else if (asked !== undefined) left.set(key, asked - 1);
    }
  }, ({ proposals }) => {
    for (const { ref, outcome } of proposals) {
      if (outcome === 'noLeader' || outcome === 'overloaded') for (const key of waiting.get(ref) ?? []) left.set(key, (left.get(key) ?? 0) + 1);
      waiting.delete(ref);
    }
  });
}

function keyOf(command: Uint8Array): string {
  return `${command.length} ${crc32c(command)}`;
}

/** By the definition (Raft §6), and not by the code that is judged. */
export function isMajority({ voters, outgoing }: Configuration, who: ReadonlySet<MemberId>): boolean {
  return voters.length > 0 && [voters, outgoing].every((half) => half.length === 0 || half.filter((id) => who.has(id)).length * 2 > half.length);
}
