// Opening the log: segments in order, each checked from end to end, its records applied again.

import { OperationError, fail } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import type { GroupId } from '../../core/raft/index.ts';
import { equalBytes } from '../../core/bytes.ts';
import { DiskError } from '../ports.ts';
import type { DiskFile } from '../ports.ts';
import { LogGroup } from './group.ts';
import { isRecordKind } from './record.ts';
import type { StoredRecord } from './record.ts';
import { scanSegment } from './scan.ts';
import { encodeIndex, newestNote } from './segment-index.ts';
import { claimedHeaderBytes, decodeSegmentHeader, headerBytesMax } from './segment-header.ts';
import { closeSegment, indexPath, zeros } from './segment.ts';
import type { Segment } from './segment.ts';
import type { LogOptions, LogPorts, RecoveryReport } from './writes.ts';

export interface Recovered {
  readonly report: RecoveryReport;
  readonly groups: Map<GroupId, LogGroup>;
  readonly segments: Segment[];
  readonly nextLsn: number;
}

export async function recover(ports: LogPorts, options: LogOptions): Promise<Recovered> {
  const recovery = new Recovery(ports, options);
  try {
    return await recovery.run();
  } catch (error) {
    await recovery.abandon();
    if (!(error instanceof DiskError)) throw error;
    const code = error.code === 'READ_ONLY' ? 'DATA_DIR_UNUSABLE' : 'DISK_FAILED';
    throw new OperationError({ code, detail: `the log cannot be opened: ${error.message}` }, { cause: error });
  }
}

const rewriteBytes = 1 << 20;

class Recovery {
  readonly #ports: LogPorts;
  readonly #options: LogOptions;
  readonly #groups = new Map<GroupId, LogGroup>();
  readonly #segments: Segment[] = [];
  #report: RecoveryReport = { segments: 0, records: 0, cutBytes: 0, cutFile: '', cutOffset: 0, cutIndex: 0, indexesRebuilt: 0 };
  #nextLsn = 1;

  constructor(ports: LogPorts, options: LogOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  async run(): Promise<Recovered> {
    const { disk } = this.#ports;
    const { directory } = this.#options;
    await disk.makeDirectory(directory);
    await disk.syncDirectory('');
    // A process that ended between a rename and its sync left names that are seen and not durable: what will be
    // promised in a segment must not go with its name.
    await disk.syncDirectory(directory);
    const names = await disk.list(directory);
    for (const name of names) if (/^\d{20}\.log$/.test(name)) this.#segments.push(await this.#open(name));
    for (const name of names) if (/^\d{20}\.idx$/.test(name) && !names.includes(name.replace('.idx', '.log'))) await disk.remove(`${directory}/${name}`);
    for (let at = 0; at < this.#segments.length; at++) await this.#read(at);
    this.#checkComplete();
    this.#report = { ...this.#report, segments: this.#segments.length, records: this.#nextLsn - (this.#segments[0]?.header.firstLsn ?? 1) };
    return { report: this.#report, groups: this.#groups, segments: this.#segments, nextLsn: this.#nextLsn };
  }

  async abandon(): Promise<void> {
    for (const segment of this.#segments) await closeSegment(segment).catch(() => undefined);
  }

  async #open(name: string): Promise<Segment> {
    const { disk } = this.#ports;
    const path = `${this.#options.directory}/${name}`;
    const file = await disk.open(path, { create: 'never' });
    const { header, end } = await readHeader(file, path).catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    const index = await disk.open(indexPath(path), { create: 'may' });
    const segment: Segment = { header, path, file, index, headerBytes: end, end, allocated: await file.size(), notes: 0, readers: 0, onceUnread: undefined };
    return segment;
  }

  async #read(at: number): Promise<void> {
    const segment = this.#segments[at]!;
    const { header, path, file } = segment;
    this.#checkBelongs(segment);
    if (at === 0) for (const checkpoint of header.groups) this.#group(checkpoint.group).begin(checkpoint);
    else if (header.firstLsn !== this.#nextLsn) fail('CORRUPT', { detail: 'a segment before this one is missing', file: path, offset: 0, index: this.#nextLsn });
    else this.#checkCheckpoints(segment);
    this.#nextLsn = header.firstLsn;
    const index = await segment.index.read(0, await segment.index.size());
    const note = newestNote(index, header.segment);
    const scan = await scanSegment({
      path, file, size: segment.allocated, headerBytes: segment.headerBytes,
      segment: header.segment, firstLsn: header.firstLsn, isLoose: header.isLoose,
      note,
      sealedEnd: this.#segments[at + 1]?.header.previousEnd,
      each: (record) => this.#apply(record, segment),
    });
    segment.end = scan.end;
    this.#nextLsn += scan.records;
    if (at === this.#segments.length - 1) await this.#finish(segment, scan.tornBytes, note?.end ?? segment.headerBytes);
    segment.notes = scan.notes.length;
    const whole = encodeIndex(header.segment, header.firstLsn, scan.notes);
    if (!equalBytes(index, whole)) await this.#rebuildIndex(segment, index, whole);
  }

  #apply(record: StoredRecord, segment: Segment): void {
    const { kind } = record;
    if (!isRecordKind(kind)) fail('UNSUPPORTED', { detail: `a record of kind ${record.kind}, which a later build wrote`, file: segment.path, offset: record.position, index: record.lsn });
    this.#group(record.group).apply({ ...record, kind }, segment, record.position, record.end - record.position);
  }

  /**
   * What was found is what will be promised from: it is made durable, whatever the sync that was under way did. A sync
   * that failed leaves pages that are read as written and count as clean, so another sync would pass them by (fsyncgate,
   * 2018): what no note says was durable is written again. The same bytes in the same places, so a crash meanwhile is none.
   */
  async #finish(segment: Segment, tornBytes: number, durable: number): Promise<void> {
    for (let from = Math.min(durable, segment.end); from < segment.end; from += rewriteBytes) {
      await segment.file.write(from, [await segment.file.read(from, Math.min(rewriteBytes, segment.end - from))]);
    }
    // Torn bytes become zero, so that no part of them is ever taken for a record behind those that come next. Where the
    // file ends in the padding of the last record, the padding is written again: a file ends behind its records.
    const count = Math.max(tornBytes, segment.end - segment.allocated);
    if (count <= 0) return segment.file.sync();
    const from = tornBytes > 0 ? segment.end : segment.allocated;
    await segment.file.appendAndSync(from, zeros(count));
    segment.allocated = Math.max(segment.allocated, from + count);
    if (tornBytes > 0) this.#report = { ...this.#report, cutBytes: tornBytes, cutFile: segment.path, cutOffset: segment.end, cutIndex: this.#nextLsn };
  }

  async #rebuildIndex(segment: Segment, found: Uint8Array, whole: Uint8Array): Promise<void> {
    // Notes that a crash kept from being written are no event; anything else is worth telling.
    const isBehind = found.length > 0 && found.length < whole.length && equalBytes(found, whole.subarray(0, found.length));
    if (!isBehind) this.#report = { ...this.#report, indexesRebuilt: this.#report.indexesRebuilt + 1 };
    await segment.index.truncate(0);
    await segment.index.write(0, [whole]);
  }

  #checkBelongs({ header, path }: Segment): void {
    const { cluster, member } = this.#options;
    if (header.cluster !== cluster) fail('DATA_DIR_MISMATCH', { detail: `the log belongs to cluster ${formatId(header.cluster)}, not ${formatId(cluster)}`, file: path });
    if (header.member !== member) fail('DATA_DIR_MISMATCH', { detail: `the log belongs to member ${formatId(header.member)}, not ${formatId(member)}`, file: path });
    if (!path.endsWith(`/${String(header.firstLsn).padStart(20, '0')}.log`)) fail('CORRUPT', { detail: 'a segment under another’s name', file: path, offset: 0, index: header.firstLsn });
  }

  /** A header was written from the records before it, so it says what they say. */
  #checkCheckpoints({ header, path }: Segment): void {
    for (const { group, hardState, firstIndex, lastIndex } of header.groups) {
      const state = this.#group(group).state;
      const agrees = state.firstIndex === firstIndex && state.lastIndex === lastIndex && state.hardState.term === hardState.term && state.hardState.vote === hardState.vote;
      if (!agrees) fail('CORRUPT', { detail: `a segment's header disagrees with the records before it about group ${group}`, file: path, offset: 0, index: header.firstLsn });
    }
  }

  /** Entries that only a header knows of must have been dropped since: otherwise their segment is gone. */
  #checkComplete(): void {
    for (const group of this.#groups.values()) {
      const { oldest } = group.places;
      if (oldest !== undefined) continue;
      const { path, header } = this.#segments[0]!;
      fail('CORRUPT', { detail: `entries of group ${group.id} from ${group.places.firstIndex} on lie in a segment that is missing`, file: path, offset: 0, index: header.firstLsn });
    }
  }

  #group(id: GroupId): LogGroup {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new LogGroup(id);
      this.#groups.set(id, group);
    }
    return group;
  }
}

const headerReadBytes = 4096;

async function readHeader(file: DiskFile, path: string): Promise<ReturnType<typeof decodeSegmentHeader>> {
  const first = await file.read(0, headerReadBytes);
  const length = Math.min(claimedHeaderBytes(first), headerBytesMax);
  return decodeSegmentHeader(length <= first.length ? first : await file.read(0, length), path);
}
