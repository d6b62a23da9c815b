// What leaders believe of the others.

import { Role } from '../../core/raft/index.ts';
import type { LogIndex, MemberId, Message } from '../../core/raft/index.ts';
import type { Checker, Sight } from './checker.ts';
import { BrokenClaim } from './claim.ts';

/** matchRises, matchSaid. */
export class Progress implements Checker {
  /** By machine: what its members' matchIndex was in this term. */
  readonly #match: Map<MemberId, LogIndex>[] = [];
  /** What a member said to a leader that it holds of its log: by member, leader and term. */
  readonly #said = new Map<string, LogIndex>();

  met({ machine }: Sight): void {
    this.#match[machine.at] = new Map();
  }

  roleChanged({ machine }: Sight): void {
    this.#match[machine.at]!.clear();
  }

  looked({ machine, raft }: Sight): void {
    const { state } = raft;
    if (state.role !== Role.leader) return;
    const matches = this.#match[machine.at]!;
    for (const [id, { match }] of state.progress) {
      const before = matches.get(id) ?? 0;
      if (match < before) throw new BrokenClaim('matchRises', `at ${machine.name}, from ${before} to ${match}`);
      if (match === before) continue;
      const said = this.#said.get(`${id} ${state.id} ${state.term}`) ?? 0;
      if (match > said) throw new BrokenClaim('matchSaid', `at ${machine.name} of term ${state.term} it is ${match} for one that said ${said}`);
      matches.set(id, match);
    }
  }

  sends(_: Sight, message: Message): void {
    if (message.type !== 'appendReply' || message.rejected) return;
    const link = `${message.from} ${message.to} ${message.term}`;
    this.#said.set(link, Math.max(this.#said.get(link) ?? 0, message.index));
  }
}
