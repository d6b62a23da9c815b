// What a soak must have seen: a simulator that never cuts a log proves nothing about cutting logs.

export const marks = [
  'the leader changed', 'a leader was deposed', 'a leader stepped down in its own term', 'a leader handed over', 'somebody asked for pre-votes',
  'a pre-vote was refused', 'a vote was refused', 'an append was refused', 'a log was cut for a conflict', 'the log was compacted',
  'a snapshot was taken', 'a snapshot was sent', 'a snapshot was installed', 'a torn tail was cut', 'a proposal was forwarded', 'a read was forwarded',
  'a session answered a retry from memory', 'a session expired', 'the history was compacted', 'a member stopped: DISK_FAILED',
  'a member stopped: CORRUPT', 'a member stopped: DATA_LOST', 'a member died in a call', 'a late tick', 'a write of unknown outcome',
  'a write that was refused', 'a comparison failed', 'a bounded read', 'a read by lease', 'a member was added', 'a learner was added', 'a witness was added', 'a learner was promoted',
  'a member was removed', 'a leader was removed', 'a dead member was replaced', 'a member stopped: MEMBER_REMOVED', 'a voter was exchanged',
  'a joint configuration ruled',
] as const;
export type Mark = (typeof marks)[number];

export class Coverage {
  readonly #counts = new Map<Mark, number>();

  mark(mark: Mark): void {
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + 1);
  }

  /** Every mark, also those never met, in a fixed order. */
  counts(): Readonly<Record<Mark, number>> {
    return Object.fromEntries(marks.map((mark) => [mark, this.#counts.get(mark) ?? 0])) as Record<Mark, number>;
  }
}
