import { describe, expect, it } from 'vitest';
import { noConfiguration } from '../../core/raft/index.ts';
import type { Raft, Term } from '../../core/raft/index.ts';
import { PendingChanges } from './changes.ts';

/** A log with `terms` behind `offset`, all of it committed. */
function committed(offset: number, terms: readonly Term[], outgoing: readonly number[] = []): Raft {
  const state = { configurations: [{ index: 1, configuration: { ...noConfiguration, voters: [1], outgoing } }], log: { committed: offset + terms.length } };
  return { state, termAt: (index: number) => terms[index - offset - 1] } as unknown as Raft;
}

function appended(changes: PendingChanges, leaves = false): Promise<string> {
  const { ref, done } = changes.add(1000, leaves);
  changes.note({ ref, outcome: 'appended', index: 3, term: 1 });
  return done.then(() => 'done', (error: { code: string }) => error.code);
}

describe('a change of membership that was appended', () => {
  it('is done once it is committed', async () => {
    const changes = new PendingChanges();
    const outcome = appended(changes);
    changes.look(committed(0, [1, 1, 1]));
    expect(await outcome).toBe('done');
  });

  it('is not known to be done where a snapshot took its place: another leader may have committed something else there', async () => {
    const changes = new PendingChanges();
    const outcome = appended(changes);
    changes.skipped(300);
    changes.look(committed(300, []));
    expect(await outcome).toBe('UNAVAILABLE');
  });

  it('is done when the joint configuration is left, also if that comes with a snapshot', async () => {
    const changes = new PendingChanges();
    const outcome = appended(changes);
    changes.look(committed(0, [1, 1, 1], [2]));
    changes.skipped(300);
    changes.look(committed(300, []));
    expect(await outcome).toBe('done');
  });

  it('is done where a member was asked to remove itself, and hears that it was removed before it hears that it is committed', async () => {
    const changes = new PendingChanges();
    const [ours, another] = [appended(changes, true), appended(changes)];
    const unanswered = changes.add(1000, true).done;
    changes.removed();
    await unanswered;
    await changes.add(1000, true).done;
    changes.failEverything({ code: 'UNAVAILABLE' });
    expect(await ours).toBe('done');
    expect(await another).toBe('UNAVAILABLE');
  });
});
