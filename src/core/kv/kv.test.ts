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
});
