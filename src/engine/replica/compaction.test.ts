import { describe, expect, it } from 'vitest';
import { EntryKind } from '../../core/raft/index.ts';
import type { RaftState } from '../../core/raft/index.ts';
import { compactionAt } from './compaction.ts';

/** Entries offset+1 … last, of 100 bytes each as they are counted. */
function logOf(offset: number, last: number): RaftState['log'] {
  const entries = Array.from({ length: last - offset }, (_, at) => ({ index: offset + 1 + at, term: 1, kind: EntryKind.batch, data: new Uint8Array(68) }));
  return { entries, offset, offsetTerm: 1, committed: last, durable: last, handed: last };
}

const options = { tailBytes: 500, followerTailBytes: 2000 };

describe('compaction', () => {
  it('keeps a tail behind the snapshot, in bytes', () => {
    expect(compactionAt(logOf(0, 120), 100, [], options)).toEqual({ through: 95, keptBytes: 500 });
    expect(compactionAt(logOf(98, 120), 100, [], options)).toEqual({ through: 98, keptBytes: 200 });
    expect(compactionAt(logOf(0, 120), 100, [], { tailBytes: 0, followerTailBytes: 0 })).toEqual({ through: 100, keptBytes: 0 });
  });

  it('waits for the slowest follower, as far as its own tail reaches', () => {
    expect(compactionAt(logOf(0, 120), 100, [119, 80, 90], options)).toEqual({ through: 80, keptBytes: 2000 });
    expect(compactionAt(logOf(0, 120), 100, [119, 97], options)).toEqual({ through: 95, keptBytes: 500 });
  });

  it('one that lacks more than that is not waited for: it needs the state anyway; the next slowest is', () => {
    expect(compactionAt(logOf(0, 120), 100, [20], options)).toEqual({ through: 95, keptBytes: 500 });
    expect(compactionAt(logOf(0, 120), 100, [20, 85], options)).toEqual({ through: 85, keptBytes: 1500 });
    expect(compactionAt(logOf(50, 120), 100, [20], options)).toEqual({ through: 95, keptBytes: 500 });
  });
});
