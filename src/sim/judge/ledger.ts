// What is committed, and what comes of it: every committed entry is applied here, once, to a state that is never restored
// from anything.

import { text } from '../../core/bytes.ts';
import { Kv, decodeBatch, decodeCommand } from '../../core/kv/index.ts';
import type { Job } from '../../core/kv/index.ts';
import { EntryKind } from '../../core/raft/index.ts';
import type { Entry, LogIndex, Term } from '../../core/raft/index.ts';
import { crc32c } from '../../core/wire/index.ts';
import type { Coverage } from '../coverage.ts';

export interface Committed {
  readonly term: Term;
  readonly print: number;
  /** In which term it became so. */
  readonly in: Term;
}

interface Version {
  readonly revision: number;
  /** null: deleted. */
  readonly value: string | null;
}

export class Ledger {
  readonly #coverage: Coverage;
  readonly #committed: Committed[] = [{ term: 0, print: 0, in: 0 }];
  readonly #configurations: { readonly index: LogIndex; readonly print: number }[] = [];
  readonly #kv = new Kv();
  readonly #digests: string[] = [''];
  readonly #history = new Map<string, Version[]>();
  /** The newest revision in the history. */
  #remembered = 1;
  readonly #sequences = new Set<string>();

  constructor(coverage: Coverage) {
    this.#coverage = coverage;
  }

  get commitIndex(): LogIndex {
    return this.#committed.length - 1;
  }

  at(index: LogIndex): Committed | undefined {
    return this.#committed[index];
  }

  /** The state that everybody must have who applied so far. */
  digestAt(index: LogIndex): string | undefined {
    return this.#digests[index];
  }

  /** The newest one that was committed up to `index`, and a print of it. */
  configurationAt(index: LogIndex): { readonly index: LogIndex; readonly print: number } | undefined {
    return this.#configurations.findLast((each) => each.index <= index);
  }

  /** Every value a key ever had. */
  versionsOf(key: string): readonly Version[] {
    return this.#history.get(key) ?? [];
  }

  /** The value of a key at a revision; null: there was none. */
  valueAt(key: string, revision: number): string | null {
    return this.versionsOf(key).findLast((version) => version.revision <= revision)?.value ?? null;
  }

  /** The next entry. */
  commit(entry: Entry, inTerm: Term): void {
    this.#committed.push({ term: entry.term, print: printOf(entry), in: inTerm });
    if (entry.kind === EntryKind.configuration) this.#configurations.push({ index: entry.index, print: crc32c(entry.data) });
    const before = this.#kv.revision;
    const application = this.#kv.apply(entry.index, entry.term, entry.kind === EntryKind.batch ? entry.data : undefined);
    while (!application.step(1e9));
    this.#digests[entry.index] = this.#kv.digest().digest;
    if (entry.kind === EntryKind.batch) this.#noteSequences(entry.data);
    for (let revision = before + 1; revision <= this.#kv.revision; revision++) this.#remember(revision);
  }

  #noteSequences(batch: Uint8Array): void {
    for (const bytes of decodeBatch(batch).commands) {
      const command = decodeCommand(bytes);
      if (command.type === 'expireSessions') this.#coverage.mark('a session expired');
      if (command.type !== 'write' || command.session === 0) continue;
      if (command.request.type === 'compact') this.#coverage.mark('the history was compacted');
      const key = `${command.session} ${command.sequence}`;
      if (this.#sequences.has(key)) this.#coverage.mark('a session answered a retry from memory');
      this.#sequences.add(key);
    }
  }

  /** What a revision changed, key by key. */
  #remember(revision: number): void {
    const result = finish(this.#kv.read({ type: 'range', key: all, rangeEnd: all, revision }));
    // Written and compacted in one batch: nobody can read it any more.
    if ('failure' in result || result.response.type !== 'range') return;
    const present = new Set<string>();
    for (const { key, value, modRevision } of result.response.kvs) {
      const name = text(key);
      present.add(name);
      if (modRevision > this.#remembered) this.#version(name, modRevision, text(value));
    }
    for (const [name, versions] of this.#history) if (!present.has(name) && versions.at(-1)!.value !== null) this.#version(name, revision, null);
    this.#remembered = revision;
  }

  #version(name: string, revision: number, value: string | null): void {
    const versions = this.#history.get(name);
    if (versions === undefined) this.#history.set(name, [{ revision, value }]);
    else versions.push({ revision, value });
  }
}

const all = Uint8Array.of(0);

/** Of what an entry says, wherever it stands. */
export function printOf(entry: Entry): number {
  return crc32c(entry.data, entry.kind);
}

function finish<T>(job: Job<T>): T {
  while (!job.step(1e9));
  return job.result;
}
