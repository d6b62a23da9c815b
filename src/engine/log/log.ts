// The member's log: every group's entries and promises, in one sequence of records, made durable batch by batch.

import { assert } from '../../core/assert.ts';
import { OperationError } from '../../core/errors.ts';
import { toId } from '../../core/ids.ts';
import type { Entry, GroupId, LogIndex } from '../../core/raft/index.ts';
import { encodeBatch, fitting, recordsOf } from './batch.ts';
import { LogGroup } from './group.ts';
import { entryKindOf, readRecord, recordBytes } from './record.ts';
import type { RecordBody } from './record.ts';
import { recover } from './recover.ts';
import type { Recovered } from './recover.ts';
import { encodeNote, notePosition } from './segment-index.ts';
import { allocationFor, closeSegment, createSegment, unread, zeros } from './segment.ts';
import type { Segment } from './segment.ts';
import { SparePool } from './spare-pool.ts';
import type { GroupState, LogOptions, LogPorts, LogWrite, RecoveryReport } from './writes.ts';

/** Opens the log, or begins one. Throws CORRUPT, DATA_DIR_MISMATCH or UNSUPPORTED. */
export async function openLog(ports: LogPorts, options: LogOptions): Promise<Log> {
  return Log.open(ports, options);
}

export class Log {
  readonly report: RecoveryReport;
  readonly #ports: LogPorts;
  readonly #options: Required<LogOptions>;
  readonly #groups: Map<GroupId, LogGroup>;
  readonly #segments: Segment[];
  readonly #spares: SparePool;
  #nextLsn: number;
  #writing = false;
  #closed = false;
  #failure: OperationError | undefined;
  #retiring: Promise<void> = Promise.resolve();
  /** A segment could not be removed: later ones stay as well until the log is opened again. */
  #isStuck = false;

  private constructor(ports: LogPorts, options: Required<LogOptions>, recovered: Recovered) {
    this.#ports = ports;
    this.#options = options;
    this.report = recovered.report;
    this.#groups = recovered.groups;
    this.#segments = recovered.segments;
    this.#nextLsn = recovered.nextLsn;
    this.#spares = new SparePool(ports, options.directory, options.segmentBytes);
  }

  static async open(ports: LogPorts, options: LogOptions): Promise<Log> {
    const full = { segmentBytes: 64 << 20, durability: 'fsync', ...options } as const;
    const log = new Log(ports, full, await recover(ports, full));
    // Batches that are not synced one by one need a segment that says so.
    if (log.#segments.length === 0 || (full.durability === 'os' && !log.#active.header.isLoose)) await log.#roll();
    log.#retire();
    return log;
  }

  groups(): readonly GroupId[] {
    return [...this.#groups.keys()].toSorted((a, b) => a - b);
  }

  /** What is durable, and nothing that is still being written. */
  state(group: GroupId): GroupState {
    return this.#group(group).state;
  }

  /** Bytes of a group's live entries. */
  bytes(group: GroupId): number {
    return this.#groups.get(group)?.places.bytes ?? 0;
  }

  /**
   * One durable step: all of it is durable when this resolves, and readable then. One call at a time. When it fails,
   * nothing is known about what reached the disk, so every later call rejects as well (law 6).
   */
  async write(batch: readonly LogWrite[]): Promise<void> {
    assert(!this.#writing, 'one batch is written at a time');
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new OperationError({ code: 'CLOSED', detail: 'the log is closed' });
    const records = recordsOf(batch, (id) => this.#group(id));
    this.#writing = true;
    try {
      await this.#append(records);
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#writing = false;
    }
    this.#retire();
  }

  /**
   * Entries from … to (inclusive), as many as lie together in at most `bytesMax` bytes of the log, but at least one:
   * the caller asks again for the rest.
   */
  async read(group: GroupId, from: LogIndex, to: LogIndex, bytesMax: number): Promise<readonly Entry[]> {
    const { places } = this.#group(group);
    assert(!this.#closed && from <= to && from >= places.firstIndex && to <= places.lastIndex, 'only live entries are read');
    const { segment, position: start } = places.at(from);
    const positions: number[] = [];
    let end = start;
    for (let index = from; index <= to; index++) {
      const place = places.at(index);
      if (place.segment !== segment || (index > from && place.position + place.bytes - start > bytesMax)) break;
      positions.push(place.position - start);
      end = place.position + place.bytes;
    }
    segment.readers++;
    try {
      const bytes = await segment.file.read(start, end - start);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return positions.map((at, i) => {
        const record = readRecord(bytes, view, at, segment.header.segment, start + at);
        // It verified when it was written or recovered: the disk has lost it since.
        if (record?.index !== from + i) throw new OperationError({ code: 'CORRUPT', detail: 'a stored entry does not verify', file: segment.path, offset: start + at, index: from + i });
        return { index: record.index, term: record.term, kind: entryKindOf(record.detail), data: record.payload.slice() };
      });
    } finally {
      if (--segment.readers === 0) segment.onceUnread?.();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#retiring;
    await this.#spares.close();
    for (const segment of this.#segments) await closeSegment(segment);
  }

  #fail(error: unknown): OperationError {
    this.#failure ??= new OperationError({ code: 'DISK_FAILED', detail: `a write could not be made durable: ${String(error)}` }, { cause: error });
    return this.#failure;
  }

  get #active(): Segment {
    return this.#segments.at(-1)!;
  }

  async #append(records: readonly RecordBody[]): Promise<void> {
    const { segmentBytes } = this.#options;
    let from = 0;
    while (from < records.length) {
      const segment = this.#active;
      const fit = fitting(records, from, segmentBytes - segment.end);
      if (fit.to > from) {
        await this.#flush(records, from, fit.to, fit.bytes);
        from = fit.to;
      } else if (segment.end > segment.headerBytes) await this.#roll();
      else {
        // Larger than a segment: it has this one to itself.
        await this.#flush(records, from, from + 1, recordBytes(records[from]!.payload.length));
        from++;
      }
    }
  }

  /** Writes and syncs records of one segment; then, and only then, they are part of the groups. */
  async #flush(records: readonly RecordBody[], from: number, to: number, bytes: number): Promise<void> {
    const segment = this.#active;
    const { header, file, index, end: start } = segment;
    const end = start + bytes;
    const parts = [encodeBatch(records, from, to, bytes, header.segment, start, this.#nextLsn)];
    const allocated = end <= segment.allocated ? segment.allocated : allocationFor(end, this.#options.segmentBytes);
    if (end > segment.allocated) parts.push(...zeros(allocated - end));
    if (this.#options.durability === 'os') await file.write(start, parts);
    else {
      const note = { lsn: this.#nextLsn + to - from - 1, term: records[to - 1]!.term, end };
      await file.appendAndSync(start, parts, { file: index, position: notePosition(segment.notes), bytes: encodeNote(header.segment, segment.notes, note) });
      segment.notes++;
    }
    segment.end = end;
    segment.allocated = allocated;
    this.#nextLsn += to - from;
    let position = start;
    for (let i = from; i < to; i++) {
      const record = records[i]!;
      const length = recordBytes(record.payload.length);
      this.#made(record.group).apply(record, segment, position, length);
      position += length;
    }
    // Half full: time to have the next one ready.
    if (end > this.#options.segmentBytes / 2) this.#spares.prepare();
  }

  async #roll(): Promise<void> {
    const { disk, random } = this.#ports;
    const { directory, cluster, member, segmentBytes, durability } = this.#options;
    const previous = this.#segments.at(-1);
    // What the old segment holds is durable before a successor says where it ends.
    if (previous !== undefined && durability === 'os') await previous.file.sync();
    const spare = await this.#spares.take();
    const header = {
      cluster, member,
      segment: toId(random.uint32(), random.uint32()),
      firstLsn: this.#nextLsn,
      previousEnd: previous?.end ?? 0,
      isLoose: durability === 'os',
      groups: [...this.#groups.values()].map((group) => group.checkpoint()),
    };
    this.#segments.push(await createSegment(disk, directory, header, spare, segmentBytes));
  }

  #group(id: GroupId): LogGroup {
    return this.#groups.get(id) ?? new LogGroup(id);
  }

  #made(id: GroupId): LogGroup {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new LogGroup(id);
      this.#groups.set(id, group);
    }
    return group;
  }

  /** Lets go of segments in which no group has an entry left; the header of the next one says the rest. */
  #retire(): void {
    let oldest = this.#active.header.firstLsn;
    for (const { places } of this.#groups.values()) oldest = Math.min(oldest, places.oldest?.header.firstLsn ?? oldest);
    while (this.#segments.length > 1 && this.#segments[0]!.header.firstLsn < oldest) {
      const segment = this.#segments.shift()!;
      const active = this.#active;
      this.#retiring = this.#retiring
        .then(() => this.#letGo(segment, active))
        .catch((error: unknown) => {
          this.#isStuck = true;
          this.#ports.logger.log('warn', 'an old segment could not be removed', { file: segment.path, error: String(error) });
        });
    }
  }

  async #letGo(segment: Segment, active: Segment): Promise<void> {
    await unread(segment);
    await closeSegment(segment);
    // A later one that goes while an earlier one stays is a hole, and a log with a hole is refused.
    if (this.#isStuck) return;
    // What says that the segment is not needed is durable before it goes. When that sync fails, the next one would
    // pass the lost pages by as clean, and a header vouch for them: the log has failed (law 6).
    if (this.#options.durability === 'os') {
      await active.file.sync().catch((error: unknown) => {
        throw this.#fail(error);
      });
    }
    await this.#spares.recycle(segment);
  }
}
