import type { Configuration, MemberId } from '../../core/raft/index.ts';

/** By the definition (Raft §6), and not by the code that is judged. */
export function isMajority({ voters, outgoing }: Configuration, who: ReadonlySet<MemberId>): boolean {
  return voters.length > 0 && [voters, outgoing].every((half) => half.length === 0 || half.filter((id) => who.has(id)).length * 2 > half.length);
}
