// A log as plain arrays: slow, obvious, and what the real one is compared with.

import { EntryKind, decodeConfiguration, noConfiguration, noHardState } from '../../src/core/raft/index.ts';
import type { Configuration, Entry, GroupId, HardState, SnapshotMarker } from '../../src/core/raft/index.ts';
import type { Log, LogWrite } from '../../src/engine/log/index.ts';

interface Group {
  readonly hardState: HardState;
  readonly marker: SnapshotMarker | undefined;
  readonly firstIndex: number;
  readonly entries: readonly Entry[];
}

const noGroup: Group = { hardState: noHardState, marker: undefined, firstIndex: 1, entries: [] };

/** Never changed: a step makes another. */
export type Oracle = ReadonlyMap<GroupId, Group>;

export const noGroups: Oracle = new Map();

/** The states a batch leads through, one per record: a crash may end at any of them. */
export function steps(oracle: Oracle, batch: readonly LogWrite[]): readonly Oracle[] {
  const states: Oracle[] = [];
  let now = oracle;
  const step = (id: GroupId, change: (group: Group) => Partial<Group>): void => {
    const group = now.get(id) ?? noGroup;
    now = new Map(now).set(id, { ...group, ...change(group) });
    states.push(now);
  };
  for (const write of batch) {
    const { firstIndex, entries } = now.get(write.group) ?? noGroup;
    switch (write.type) {
      case 'entries':
        for (const entry of write.entries) step(write.group, (group) => ({ entries: [...group.entries, entry] }));
        break;
      case 'cut':
        if (write.from >= firstIndex + entries.length) break;
        step(write.group, () => ({ entries: entries.slice(0, write.from - firstIndex) }));
        step(write.group, () => ({}));
        break;
      case 'hardState':
        step(write.group, () => ({ hardState: write.hardState }));
        break;
      case 'snapshot':
        step(write.group, () => ({ marker: write.marker, ...(write.reset ? { firstIndex: write.marker.index + 1, entries: [] } : {}) }));
        break;
      case 'drop':
        if (write.through < firstIndex) break;
        step(write.group, () => ({ firstIndex: write.through + 1, entries: entries.slice(write.through - firstIndex + 1) }));
        break;
    }
  }
  return states;
}

export function after(oracle: Oracle, batch: readonly LogWrite[]): Oracle {
  return steps(oracle, batch).at(-1) ?? oracle;
}

/** Everything a log says, as one string. */
export async function describeLog(log: Log): Promise<string> {
  const groups = [];
  for (const id of log.groups()) {
    const { hardState, marker, configuration, firstIndex, lastIndex } = log.state(id);
    const entries: Entry[] = [];
    while (firstIndex + entries.length <= lastIndex) entries.push(...(await log.read(id, firstIndex + entries.length, lastIndex, 1 << 20)));
    groups.push({ id, hardState, marker, configuration, firstIndex, entries: entries.map(describeEntry) });
  }
  return JSON.stringify(groups);
}

export function describeOracle(oracle: Oracle): string {
  const ids = [...oracle.keys()].toSorted((a, b) => a - b);
  return JSON.stringify(
    ids.map((id) => {
      const { hardState, marker, firstIndex, entries } = oracle.get(id)!;
      return { id, hardState, marker, configuration: configurationOf(oracle.get(id)!), firstIndex, entries: entries.map(describeEntry) };
    }),
  );
}

function configurationOf({ entries, marker }: Group): Configuration {
  const newest = entries.findLast(({ kind, index }) => kind === EntryKind.configuration && index > (marker?.index ?? 0));
  return newest === undefined ? (marker?.configuration ?? noConfiguration) : decodeConfiguration(newest.data);
}

function describeEntry({ index, term, kind, data }: Entry): string {
  return `${index}/${term}/${kind}/${Buffer.from(data).toString('hex')}`;
}
