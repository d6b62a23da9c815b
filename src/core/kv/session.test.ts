import { describe, expect, it } from 'vitest';
import { text, utf8 } from '../bytes.ts';
import { Kv, KvRestore, decodeReply, encodeBatch, encodeCommand, windowRepliesMax } from './index.ts';
import type { Command, Reply } from './index.ts';

class Store {
  kv = new Kv();
  #index = 0;

  apply(stampMs: number, ...commands: Command[]): Reply[] {
    const application = this.kv.apply(++this.#index, 1, encodeBatch(stampMs, commands.map(encodeCommand)));
    while (!application.step(1e9));
    return application.replies.map(decodeReply);
  }

  append(session: number, sequence: number, token: string, lowest = 1): Reply {
    return this.apply(1000, { type: 'write', session, sequence, lowest, request: { type: 'append', key: utf8('k'), value: utf8(token) } })[0]!;
  }

  get value(): string {
    const job = this.kv.read({ type: 'range', key: utf8('k') });
    job.step(1e9);
    const { result } = job;
    return 'response' in result && result.response.type === 'range' ? text(result.response.kvs[0]?.value ?? new Uint8Array(0)) : '';
  }

  restart(): void {
    const restore = new KvRestore();
    const snapshot = this.kv.snapshot();
    for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) restore.add(block);
    this.kv = restore.finish();
  }
}

function opened(): Store {
  const store = new Store();
  store.apply(1000, { type: 'openSession', id: 7, ttlMs: 5000 });
  return store;
}

describe('sessions', () => {
  it('apply a repeated write once and answer it the same', () => {
    const store = opened();
    const first = store.append(7, 1, 'a');
    expect(store.append(7, 1, 'a')).toEqual(first);
    expect(store.value).toBe('a');
  });

  it('take sequences out of order', () => {
    const store = opened();
    store.append(7, 2, 'b');
    store.append(7, 1, 'a');
    store.append(7, 2, 'b');
    expect(store.value).toBe('ba');
  });

  it('live in the snapshot: a repeat after a restore is still a repeat', () => {
    const store = opened();
    const first = store.append(7, 1, 'a');
    store.restart();
    expect(store.append(7, 1, 'a')).toEqual(first);
    expect(store.value).toBe('a');
  });

  it('forget replies below the lowest that is awaited, and say so', () => {
    const store = opened();
    store.append(7, 1, 'a');
    store.append(7, 2, 'b', 2);
    expect(store.append(7, 1, 'a', 2)).toMatchObject({ failure: { code: 'SESSION_WINDOW' } });
    expect(store.value).toBe('ab');
  });

  it('keep a bounded window', () => {
    const store = opened();
    for (let sequence = 1; sequence <= windowRepliesMax + 10; sequence++) store.append(7, sequence, 'x');
    expect(store.append(7, 5, 'x')).toMatchObject({ failure: { code: 'SESSION_WINDOW' } });
    expect(store.append(7, windowRepliesMax, 'x')).toMatchObject({ response: { type: 'append' } });
    expect(store.value.length).toBe(windowRepliesMax + 10);
  });

  it('that are unknown or expired are never made again by a write', () => {
    const store = opened();
    expect(store.append(8, 1, 'a')).toMatchObject({ failure: { code: 'SESSION_EXPIRED' } });
    expect(store.kv.expiredSessions(5999)).toEqual([]);
    expect(store.kv.expiredSessions(6001)).toEqual([7]);
    store.apply(7000, { type: 'expireSessions', ids: [7], at: 7000 });
    expect(store.append(7, 1, 'a')).toMatchObject({ failure: { code: 'SESSION_EXPIRED' } });
    expect(store.value).toBe('');
  });

  it('survive an expiry that was proposed before they were touched again', () => {
    const store = opened();
    store.apply(6900, { type: 'touchSession', ids: [7] });
    store.apply(7000, { type: 'expireSessions', ids: [7], at: 7000 });
    expect(store.append(7, 1, 'a')).toMatchObject({ response: { type: 'append' } });
  });

  it('count in the digest', () => {
    const [a, b] = [opened(), opened()];
    expect(a.kv.digest().digest).toBe(b.kv.digest().digest);
    b.append(7, 1, '');
    a.append(7, 2, '');
    expect(a.kv.digest().revision).toBe(b.kv.digest().revision);
    expect(a.kv.digest().digest).not.toBe(b.kv.digest().digest);
  });
});
