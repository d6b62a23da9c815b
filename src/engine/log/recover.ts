// Opening the log: segments in order, each checked from end to end, its records replayed.

import { fail, OperationError } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import type { GroupId } from '../../core/raft/index.ts';
import { DiskError } from '../ports.ts';
import { decodeNote, decodeSegmentHeader, noteBytes } from './format.ts';
import type { SegmentHeader } from './format.ts';
import { LogGroup } from './group.ts';
import { scanSegment } from './scan.ts';
import { openNotes } from './segment.ts';
import type { Segment } from './segment.ts';
import type { LogOptions, LogPorts, RecoveryReport } from './writes.ts';

interface Recovered {
  readonly report: RecoveryReport;
  readonly groups: Map<GroupId, LogGroup>;
  readonly segments: Segment[];
  readonly nextLsn: number;
}

interface Loaded {
  readonly segment: Segment;
  readonly bytes: Uint8Array;
}

export async function recover(ports: LogPorts, options: LogOptions): Promise<Recovered> {
  const { disk } = ports;
  await makeDurableDirectory(ports, options.directory);
  const names = (await disk.list(options.directory)).filter((name) => /^\d{20}\.log$/.test(name));
  const groups = new Map<GroupId, LogGroup>();
  const segments: Segment[] = [];
  let report: RecoveryReport = { segments: names.length, records: 0, cutBytes: 0, cutFile: '', cutOffset: 0, cutIndex: 0 };
  let nextLsn = 1;
  let current: Loaded | undefined = names.length > 0 ? await load(ports, options, names[0]!) : undefined;
  for (let at = 0; current !== undefined; at++) {
    const { segment, bytes } = current;
    const { header } = segment;
    if (at === 0) begin(groups, header);
    else if (header.firstLsn !== nextLsn) {
      fail('CORRUPT', { detail: `a segment is missing before ${segment.path}`, file: segment.path, offset: 0, index: nextLsn });
    }
    const following: Loaded | undefined = at + 1 < names.length ? await load(ports, options, names[at + 1]!) : undefined;
    const scan = scanSegment(bytes, segment.headerBytes, {
      file: segment.path,
      segment: header.segment,
      firstLsn: header.firstLsn,
      note: decodeNote(await segment.notes.read(0, noteBytes), header.segment),
      sealedEnd: following?.segment.header.previousEnd,
    });
    for (const record of scan.records) groupOf(groups, record.group).replay(record, header.firstLsn);
    segment.end = scan.end;
    nextLsn = header.firstLsn + scan.records.length;
    report = { ...report, records: report.records + scan.records.length };
    if (scan.tornBytes > 0) {
      // Durably gone, so that no part of it is ever taken for a record behind those that come next.
      await segment.file.truncate(scan.end);
      await segment.file.sync();
      report = { ...report, cutBytes: scan.tornBytes, cutFile: segment.path, cutOffset: scan.end, cutIndex: nextLsn };
    }
    segments.push(segment);
    current = following;
  }
  return { report, groups, segments, nextLsn };
}

async function makeDurableDirectory(ports: LogPorts, directory: string): Promise<void> {
  try {
    await ports.disk.makeDirectory(directory);
    await ports.disk.syncDirectory('');
  } catch (error) {
    if (error instanceof DiskError) throw new OperationError({ code: 'DATA_DIR_UNUSABLE', detail: error.message }, { cause: error });
    throw error;
  }
}

async function load(ports: LogPorts, options: LogOptions, name: string): Promise<Loaded> {
  const path = `${options.directory}/${name}`;
  const file = await ports.disk.open(path, { create: 'never' });
  const bytes = await file.read(0, await file.size());
  const { header, end } = decodeSegmentHeader(bytes, path);
  if (header.cluster !== options.cluster) {
    fail('DATA_DIR_MISMATCH', { detail: `the log belongs to cluster ${formatId(header.cluster)}, not ${formatId(options.cluster)}` });
  }
  if (header.member !== options.member) fail('DATA_DIR_MISMATCH', { detail: 'the log belongs to another member' });
  if (header.firstLsn !== Number(name.slice(0, 20))) fail('CORRUPT', { detail: 'a segment under another’s name', file: path, offset: 0, index: header.firstLsn });
  return { segment: { header, path, file, notes: await openNotes(ports.disk, path), headerBytes: end, end }, bytes };
}

function begin(groups: Map<GroupId, LogGroup>, header: SegmentHeader): void {
  for (const checkpoint of header.groups) groupOf(groups, checkpoint.group).begin(checkpoint);
}

function groupOf(groups: Map<GroupId, LogGroup>, id: GroupId): LogGroup {
  let group = groups.get(id);
  if (group === undefined) {
    group = new LogGroup(id);
    groups.set(id, group);
  }
  return group;
}
