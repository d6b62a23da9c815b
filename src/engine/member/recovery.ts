// What the core is given at start: everything the log holds of a group, in memory.

import type { Entry, GroupId, LogIndex, Restored } from '../../core/raft/index.ts';
import type { Log } from '../log/index.ts';

const readBytes = 8 << 20;

export async function restoredFrom(log: Log, group: GroupId, applied: LogIndex): Promise<Restored> {
  const { hardState, marker, configuration, firstIndex, lastIndex } = log.state(group);
  const entries: Entry[] = [];
  while (firstIndex + entries.length <= lastIndex) {
    entries.push(...(await log.read(group, firstIndex + entries.length, lastIndex, readBytes)));
  }
  const base = { hardState, marker, applied };
  if (firstIndex === 1) return { ...base, configuration: { ...configuration, ...(entries.length > 0 ? emptyVoters : {}) }, entries, offset: 0, offsetTerm: 0 };
  if (marker === undefined) throw new Error('a log without a beginning has a snapshot');
  if (entries.length === 0 || firstIndex === marker.index + 1) {
    return { ...base, configuration: marker.configuration, entries, offset: marker.index, offsetTerm: marker.term };
  }
  // A tail is kept behind the snapshot. The term before its first entry is not known, so the first entry itself
  // takes the place of the last compacted one. Its configuration may be older than the marker's, which is what
  // every entry up to the marker led to.
  const first = entries.shift()!;
  return { ...base, configuration: marker.configuration, entries, offset: first.index, offsetTerm: first.term };
}

/** Before entry 1 there is nobody: the first configuration is that entry. */
const emptyVoters = { voters: [], outgoing: [], learners: [], witnesses: [] } as const;
