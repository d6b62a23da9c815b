// Breaks nothing: marks what a soak must have met.

import { Role } from '../../core/raft/index.ts';
import type { Message } from '../../core/raft/index.ts';
import type { Coverage } from '../coverage.ts';
import type { Checker, Sight, Stand } from './checker.ts';

export class Sightings implements Checker {
  readonly #coverage: Coverage;

  constructor(coverage: Coverage) {
    this.#coverage = coverage;
  }

  logChanged({ raft: { state } }: Sight, before: Stand): void {
    const { offset } = state.log;
    if (offset !== before.offset) this.#coverage.mark('the log was compacted');
    if (offset > before.last) this.#coverage.mark('a snapshot was installed');
  }

  roleChanged({ raft: { state } }: Sight, before: Stand): void {
    if (before.role === Role.leader && state.role !== Role.leader) this.#coverage.mark(state.term === before.term ? 'a leader stepped down in its own term' : 'a leader was deposed');
    if (state.role === Role.preCandidate) this.#coverage.mark('somebody asked for pre-votes');
  }

  looked({ raft }: Sight): void {
    if (raft.isLeader && raft.configuration.outgoing.length > 0) this.#coverage.mark('a joint configuration ruled');
  }

  sends(_: Sight, message: Message): void {
    if (message.type === 'voteReply' && !message.granted) this.#coverage.mark('a vote was refused');
    if (message.type === 'preVoteReply' && !message.granted) this.#coverage.mark('a pre-vote was refused');
    if (message.type === 'propose') this.#coverage.mark('a proposal was forwarded');
    if (message.type === 'readIndex') this.#coverage.mark('a read was forwarded');
    if (message.type === 'timeoutNow') this.#coverage.mark('a leader handed over');
    if (message.type === 'appendReply' && message.rejected) this.#coverage.mark('an append was refused');
  }
}
