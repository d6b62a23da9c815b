// The member's log: every group's entries and promises, in one sequence of records, made durable batch by batch.

import { assert } from '../../core/assert.ts';
import { OperationError } from '../../core/errors.ts';
import type { Entry, GroupId, LogIndex } from '../../core/raft/index.ts';
import { toId } from '../../core/ids.ts';
import { AppendBuffer, draftBytes, draftsOf } from './encode.ts';
import { encodeNote, readRecord, toEntry } from './format.ts';
import type { SegmentHeader } from './format.ts';
import { LogGroup } from './group.ts';
import type { Place } from './group.ts';
import { recover } from './recover.ts';
import { closeSegment, createSegment } from './segment.ts';
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
  #lastTerm = 0;
  #writing = false;
  #failure: OperationError | undefined;
  #retiring: Promise<void> = Promise.resolve();

  private constructor(ports: LogPorts, options: Required<LogOptions>, recovered: Awaited<ReturnType<typeof recover>>) {
    this.#ports = ports;
    this.#options = options;
    this.report = recovered.report;
    this.#groups = recovered.groups;
    this.#segments = recovered.segments;
    this.#nextLsn = recovered.nextLsn;
    this.#spares = new SparePool(ports, options.directory, options.segmentBytes);
  }

  static async open(ports: LogPorts, options: LogOptions): Promise<Log> {
    const full = { segmentBytes: 16 << 20, durability: 'fsync', ...options } as const;
    const log = new Log(ports, full, await recover(ports, full));
    if (log.#segments.length === 0) await log.#roll();
    return log;
  }

  groups(): readonly GroupId[] {
    return [...this.#groups.keys()].sort((a, b) => a - b);
  }

  state(group: GroupId): GroupState {
    const { hardState, marker, configuration, firstIndex, lastIndex } = this.#groups.get(group) ?? new LogGroup(group);
    return { hardState, marker, configuration, firstIndex, lastIndex };
  }

  /** Bytes of a group's live entries. */
  bytes(group: GroupId): number {
    return this.#groups.get(group)?.bytes ?? 0;
  }

  /** One durable step: all of it is durable when this resolves. After one failure every call rejects (law 6). */
  async write(batch: readonly LogWrite[]): Promise<void> {
    assert(!this.#writing, 'one batch is written at a time');
    if (this.#failure !== undefined) throw this.#failure;
    this.#writing = true;
    try {
      await this.#write(batch);
    } catch (error) {
      this.#failure = error instanceof OperationError ? error : new OperationError({ code: 'DISK_FAILED', detail: `a write could not be made durable: ${String(error)}` }, { cause: error });
      throw this.#failure;
    } finally {
      this.#writing = false;
    }
    this.#retire();
  }

  /** Entries from … to, while their records fit in `bytesMax`; at least one. */
  async read(group: GroupId, from: LogIndex, to: LogIndex, bytesMax: number): Promise<readonly Entry[]> {
    const state = this.#groups.get(group);
    assert(state !== undefined && from >= state.firstIndex && to <= state.lastIndex, 'only live entries are read');
    const places: Place[] = [];
    const first = state.place(from)!;
    for (let index = from; index <= to; index++) {
      const place = state.place(index)!;
      if (place.segment !== first.segment || (index > from && place.position + place.bytes - first.position > bytesMax)) break;
      places.push(place);
    }
    const last = places.at(-1)!;
    const segment = this.#segments.find(({ header }) => header.firstLsn === first.segment)!;
    const bytes = await segment.file.read(first.position, last.position + last.bytes - first.position);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return places.map(({ position }, at) => {
      const record = readRecord(bytes, view, first.position, position, segment.header.segment);
      // It verified when it was written or recovered: now the disk has lost it.
      if (record === undefined) throw new OperationError({ code: 'CORRUPT', detail: 'a stored entry does not verify', file: segment.path, offset: position, index: from + at });
      return toEntry(record);
    });
  }

  async close(): Promise<void> {
    await this.#retiring;
    await this.#spares.close();
    for (const segment of this.#segments) await closeSegment(segment);
  }

  get #active(): Segment {
    return this.#segments.at(-1)!;
  }

  async #write(batch: readonly LogWrite[]): Promise<void> {
    let buffer = this.#buffer();
    for (const write of batch) {
      const group = this.#group(write.group);
      if (write.type === 'cut' && write.from > group.lastIndex) continue;
      for (const [at, draft] of draftsOf(write, group).entries()) {
        if (buffer.position + draftBytes(draft) > this.#options.segmentBytes && (!buffer.isEmpty || this.#active.end > this.#active.headerBytes)) {
          await this.#flush(buffer);
          await this.#roll();
          buffer = this.#buffer();
        }
        const { position } = buffer;
        buffer.add(draft, write.group, this.#nextLsn++);
        this.#lastTerm = draft.term;
        if (write.type === 'entries') {
          group.append(write.entries[at]!, { segment: this.#active.header.firstLsn, position, bytes: buffer.position - position });
        }
      }
      if (write.type === 'cut') group.cut(write.from);
      else if (write.type === 'hardState') group.hardState = write.hardState;
      else if (write.type === 'snapshot') group.mark(write.marker, write.reset);
      else if (write.type === 'drop') group.drop(write.through);
    }
    await this.#flush(buffer);
  }

  #buffer(): AppendBuffer {
    return new AppendBuffer(this.#active.header.segment, this.#active.end, 4096);
  }

  async #flush(buffer: AppendBuffer): Promise<void> {
    if (buffer.isEmpty) return;
    const segment = this.#active;
    const end = buffer.position;
    const note = { segment: segment.header.segment, lsn: this.#nextLsn - 1, term: this.#lastTerm, end };
    if (this.#options.durability === 'os') await segment.file.write(buffer.start, [buffer.finish()]);
    else await segment.file.appendAndSync(buffer.start, [buffer.finish()], { file: segment.notes, bytes: encodeNote(note) });
    segment.end = end;
  }

  async #roll(): Promise<void> {
    const { disk, random } = this.#ports;
    const previous = this.#segments.at(-1);
    // What the old segment holds is durable before a successor says where it ends.
    if (previous !== undefined && this.#options.durability === 'os') await previous.file.sync();
    const header: SegmentHeader = {
      cluster: this.#options.cluster,
      member: this.#options.member,
      segment: toId(random.uint32(), random.uint32()),
      firstLsn: this.#nextLsn,
      previousEnd: previous?.end ?? 0,
      groups: [...this.#groups.values()].map((group) => group.checkpoint()),
    };
    const zeroed = await this.#spares.take();
    this.#segments.push(await createSegment(disk, this.#options.directory, header, zeroed));
    this.#spares.prepare();
  }

  #group(id: GroupId): LogGroup {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new LogGroup(id);
      this.#groups.set(id, group);
    }
    return group;
  }

  /** Lets go of segments in which no group has anything left; the later headers say the rest. */
  #retire(): void {
    let oldest = this.#active.header.firstLsn;
    for (const group of this.#groups.values()) oldest = Math.min(oldest, group.oldestSegment ?? oldest);
    while (this.#segments.length > 1 && this.#segments[0]!.header.firstLsn < oldest) {
      const segment = this.#segments.shift()!;
      this.#retiring = this.#retiring.then(() => this.#spares.recycle(segment)).catch((error: unknown) => {
        this.#ports.logger.log('warn', 'an old segment could not be removed', { file: segment.path, error: String(error) });
      });
    }
  }
}
