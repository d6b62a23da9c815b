// The judge of commits, with one that is first seen where nobody leads any more.

import { expect, it } from 'vitest';
import { Role, noConfiguration } from '../../core/raft/index.ts';
import type { MemberId, RaftState } from '../../core/raft/index.ts';
import type { World } from '../world.ts';
import type { Sight, Stand } from './checker.ts';
import { Commitment } from './commitment.ts';
import type { Ledger } from './ledger.ts';
import type { Logs } from './logs.ts';
import type { Promises } from './promises.ts';

const entry = { index: 3, term: 8, kind: 0, data: new Uint8Array(0) };
const ruledBy = (index: number, voters: readonly MemberId[]): RaftState['configurations'][number] => ({ index, configuration: { ...noConfiguration, voters } });

/** Machine n is member n; who no longer leads has committed entry 3, which these hold. */
function seen(holders: readonly MemberId[], now: readonly MemberId[], before: readonly MemberId[]): () => void {
  const promises = { saidEntry: () => undefined, holds: (at: number) => holders.includes(at) } as unknown as Promises;
  const roster = new Map([1, 2, 3, 4, 5].map((id) => [id, id]));
  const ledger = { at: () => undefined, commit: () => undefined } as unknown as Ledger;
  const commitment = new Commitment({ machines: [1, 2, 3, 4, 5] } as unknown as World, roster, ledger, {} as Logs, promises);
  const raft = {
    state: { role: Role.follower, term: 9, log: { offset: 2, committed: 3, durable: 3, entries: [entry] }, configurations: [ruledBy(1, now)] },
    termAt: () => 8,
  };
  const sight = { machine: { at: 1, name: 'n1' }, life: { member: { identity: { witness: false } } }, replica: {}, raft } as unknown as Sight;
  const stand = { committed: 2, last: 4, configurations: [ruledBy(1, now), ruledBy(4, before)] } as unknown as Stand;
  return () => commitment.commitMoved(sight, stand);
}

it('counts by the configuration that ruled, also where the next leader has cut it in the same turn', () => {
  expect(seen([1, 4, 5], [1, 2, 3, 4], [1, 2, 3, 4, 5])).not.toThrow();
});

it('and by none that nobody had', () => {
  expect(seen([1, 4, 5], [1, 2, 3, 4], [1, 2, 3, 4])).toThrow('promised by 3 of 5');
});
