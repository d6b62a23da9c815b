// Who belongs to the cluster, by whose word.

import { EntryKind, Role, encodeConfiguration } from '../../core/raft/index.ts';
import type { LogIndex } from '../../core/raft/index.ts';
import { crc32c } from '../../core/wire/index.ts';
import type { Checker, Sight } from './checker.ts';
import { BrokenClaim } from './claim.ts';
import type { Ledger } from './ledger.ts';

/** configuration, oneChange. */
export class Membership implements Checker {
  readonly #ledger: Ledger;
  /** By machine: the newest change that it began in this life. */
  readonly #begun: LogIndex[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  met({ machine }: Sight): void {
    this.#begun[machine.at] = 0;
  }

  /** What rules is a function of the log: also after a cut, and after everything was replaced by a snapshot. */
  logChanged({ machine: { at, name }, raft: { state } }: Sight): void {
    const { log, configurations, role, term } = state;
    // What a snapshot of its own says may be newer than entries that it keeps behind the offset.
    const base = Math.max(log.offset, configurations[0]!.index);
    if (base > log.committed) throw new BrokenClaim('configuration', `${name} goes by that of ${base} as by one of the past, and has ${log.committed} committed`);
    const newest = log.entries.findLast((entry) => entry.kind === EntryKind.configuration && entry.index > base);
    const { index, configuration } = configurations.at(-1)!;
    if (newest !== undefined && index !== newest.index) throw new BrokenClaim('configuration', `${name} goes by that of ${index}, and its log has one at ${newest.index}`);
    if (newest === undefined && index > base) throw new BrokenClaim('configuration', `${name} goes by that of ${index}, which is not in its log`);
    if (newest === undefined) {
      const committed = this.#ledger.configurationAt(base);
      if (committed !== undefined && committed.print !== crc32c(encodeConfiguration(configuration))) {
        throw new BrokenClaim('configuration', `${name} goes by another than that of ${committed.index}, which its snapshot of ${base} holds`);
      }
      return;
    }
    if (role !== Role.leader || newest.term !== term || newest.index <= this.#begun[at]!) return;
    this.#begun[at] = newest.index;
    const before = configurations.at(-2);
    if (before !== undefined && before.index > log.committed) throw new BrokenClaim('oneChange', `${name} appends ${newest.index}, and ${before.index} is not committed`);
    if (newest.index > 1 && (log.committed === log.offset ? log.offsetTerm : log.entries[log.committed - log.offset - 1]!.term) !== term) {
      throw new BrokenClaim('oneChange', `${name} appends ${newest.index} in term ${term}, of which nothing is committed`);
    }
  }
}
