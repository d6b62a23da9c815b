import { describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { Kv } from './kv.ts';
import { encodeBatch, encodeCommand } from './index.ts';

describe('a state whose entry is applied in part', () => {
  it('is no snapshot: it remembers replies to what it does not hold yet', () => {
    const kv = new Kv();
    const puts = Array.from({ length: 10 }, (_, n) => encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8(`k${n}`), value: utf8('v') } }));
    const application = kv.apply(1, 1, encodeBatch(1, puts));
    expect(application.step(1)).toBe(false);
    expect(() => kv.snapshot()).toThrow('whole entries');
    while (!application.step(1e9));
    expect(kv.snapshot().next()).toBeDefined();
  });

  it('has the digest of its index, and not of what it is about to be', () => {
    const kv = new Kv();
    const put = (key: string): Uint8Array => encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8(key), value: utf8('v') } });
    // A compaction shows what stands before it, in the middle of the entry.
    const compact = encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'compact', revision: 2 } });
    while (!kv.apply(1, 1, encodeBatch(1, [put('a')])).step(1e9));
    const before = kv.digest();
    const application = kv.apply(2, 1, encodeBatch(1, [put('a'), compact, ...Array.from({ length: 10 }, () => put('a'))]));
    while (!application.step(1)) expect(kv.digest()).toEqual(before);
    expect(kv.digest()).toMatchObject({ index: 2, revision: kv.revision });
    expect(kv.digest().digest).not.toBe(before.digest);
  });
});
