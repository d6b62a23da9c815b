// What the paper (§8) and the thesis (§6.3) say of making a write exactly-once: sessions, as part of the replicated
// state.

import { describe, expect, it } from 'vitest';
import { text, utf8 } from '../../src/core/bytes.ts';
import { Kv, KvRestore, decodeReply, encodeBatch, encodeCommand, encodeReply } from '../../src/core/kv/index.ts';
import type { Command, Reply } from '../../src/core/kv/index.ts';

/** One member's state machine, and what it answered. */
class Member {
  kv = new Kv();

  apply(stampMs: number, ...commands: Command[]): Reply[] {
    const application = this.kv.apply(this.kv.appliedIndex + 1, 1, encodeBatch(stampMs, commands.map(encodeCommand)));
    while (!application.step(1e9));
    return application.replies.map(decodeReply);
  }

  get value(): string {
    const job = this.kv.read({ type: 'range', key: utf8('k') });
    while (!job.step(1e9));
    return 'response' in job.result && job.result.response.type === 'range' ? text(job.result.response.kvs[0]?.value ?? new Uint8Array(0)) : '';
  }

  /** The state machine of one who got a snapshot of this. */
  copy(): Member {
    const restore = new KvRestore();
    const snapshot = this.kv.snapshot();
    for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) restore.add(block);
    const member = new Member();
    member.kv = restore.finish();
    return member;
  }
}

const append = (sequence: number, token: string, lowest = 1, session = 7): Command => ({
  type: 'write', session, sequence, lowest, request: { type: 'append', key: utf8('k'), value: utf8(token) },
});

function opened(): Member {
  const member = new Member();
  member.apply(1000, { type: 'openSession', id: 7, ttlMs: 5000 });
  return member;
}

describe('§8', () => {
  it('“the state machine tracks the latest serial number processed for each client, along with the associated response”', () => {
    const member = opened();
    member.apply(1000, { type: 'openSession', id: 8, ttlMs: 5000 });
    const [mine] = member.apply(1000, append(1, 'a'));
    const [other] = member.apply(1000, append(1, 'b', 1, 8));
    expect(member.value).toBe('ab');
    expect([member.apply(1000, append(1, 'a'))[0], member.apply(1000, append(1, 'b', 1, 8))[0]]).toEqual([mine, other]);
    expect(member.value).toBe('ab');
  });

  it('“If it receives a command whose serial number has already been executed, it responds immediately without re-executing the request.”', () => {
    const member = opened();
    const [first] = member.apply(1000, append(1, 'a'));
    member.apply(1000, append(2, 'b'));
    const { revision } = member.kv;
    // The answer is that of then, with the revision of then; nothing happens now.
    expect(member.apply(1000, append(1, 'a'))).toEqual([first]);
    expect([member.value, member.kv.revision]).toEqual(['ab', revision]);
  });

  it('also when it was refused: a refusal is an answer, and is repeated as it was', () => {
    const member = opened();
    const compact: Command = { type: 'write', session: 7, sequence: 1, lowest: 1, request: { type: 'compact', revision: 9 } };
    const [refused] = member.apply(1000, compact);
    expect(refused).toMatchObject({ failure: { code: 'FUTURE_REVISION' } });
    for (let n = 2; n < 12; n++) member.apply(1000, append(n, 'x'));
    // By now it would be granted.
    expect(member.apply(1000, compact)).toEqual([refused]);
    expect(member.kv.compactRevision).toBe(0);
  });

  it('within one entry, too: the same command twice in one batch', () => {
    const member = opened();
    const replies = member.apply(1000, append(1, 'a'), append(1, 'a'));
    expect(replies[1]).toEqual(replies[0]);
    expect(member.value).toBe('a');
  });
});

describe('thesis §6.3', () => {
  it('“the lowest sequence number for which it has not yet received a response”: replies below it are discarded, and asked for again in vain', () => {
    const member = opened();
    member.apply(1000, append(1, 'a'), append(2, 'b'), append(3, 'c', 3));
    expect(member.apply(1000, append(2, 'b', 3))).toMatchObject([{ failure: { code: 'SESSION_WINDOW' } }]);
    expect(member.apply(1000, append(3, 'c', 3))[0]).toHaveProperty('response');
    expect(member.value).toBe('abc');
  });

  it('“the state machines deterministically use this time input to expire inactive sessions”: the stamp of entries, nobody’s own clock', () => {
    const [one, two] = [opened(), opened()];
    for (const member of [one, two]) {
      member.apply(5000, append(1, 'a'));
      // 5000 ms behind the last sign of life: not yet; a stamp later: over.
      member.apply(10_000, { type: 'expireSessions', ids: [7], at: 10_000 });
      expect(member.apply(10_000, append(2, 'b'))[0]).toHaveProperty('response');
      member.apply(15_001, { type: 'expireSessions', ids: [7], at: 15_001 });
    }
    expect([one.kv.size.sessions, two.kv.size.sessions]).toEqual([0, 0]);
    expect(one.kv.digest()).toEqual(two.kv.digest());
  });

  it('a leader whose clock is behind takes no time back', () => {
    const member = opened();
    member.apply(9000, { type: 'touchSession', ids: [7] });
    member.apply(100, append(1, 'a'));
    expect(member.kv.stampMs).toBe(9000);
    expect(member.kv.expiredSessions(13_999)).toEqual([]);
    expect(member.kv.expiredSessions(14_001)).toEqual([7]);
  });

  it('whose session is gone is told so, and never served as if it were new: its write may have been executed before', () => {
    const member = opened();
    member.apply(1000, append(1, 'a'));
    member.apply(7000, { type: 'expireSessions', ids: [7], at: 7000 });
    expect(member.apply(7000, append(1, 'a'))).toMatchObject([{ failure: { code: 'SESSION_EXPIRED' } }]);
    expect(member.apply(7000, append(2, 'b'))).toMatchObject([{ failure: { code: 'SESSION_EXPIRED' } }]);
    expect([member.value, member.kv.size.sessions]).toEqual(['a', 0]);
  });

  it('a session that is opened twice is one session, with its replies: the first opening may have been executed, and its answer lost', () => {
    const member = opened();
    const [first] = member.apply(1000, append(1, 'a'));
    member.apply(2000, { type: 'openSession', id: 7, ttlMs: 5000 });
    expect(member.apply(2000, append(1, 'a'))).toEqual([first]);
    expect(member.kv.size.sessions).toBe(1);
  });
});

describe('sessions are state', () => {
  it('who restores a snapshot answers as the one it was taken of: the same bytes, for every sequence', () => {
    const member = opened();
    for (let n = 1; n <= 20; n++) member.apply(1000 + n, append(n, String(n % 10), Math.max(1, n - 5)));
    const copy = member.copy();
    for (let n = 1; n <= 21; n++) {
      const [mine, its] = [member, copy].map((each) => each.apply(2000, append(n, 'z', 15))[0]!) as [Reply, Reply];
      expect(encodeReply(its), `sequence ${n}`).toEqual(encodeReply(mine));
    }
    expect(copy.value).toBe(member.value);
    expect(copy.kv.digest()).toEqual(member.kv.digest());
  });

  it('a member that forgot a session would show it in its digest', () => {
    const [member, forgetful] = [opened(), new Member()];
    forgetful.apply(1000);
    expect(forgetful.kv.revision).toBe(member.kv.revision);
    expect(forgetful.kv.digest().digest).not.toBe(member.kv.digest().digest);
  });
});
