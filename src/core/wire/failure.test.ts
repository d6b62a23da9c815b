import { describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import type { Failure } from '../errors.ts';
import { decodeFailure, encodeFailure } from './failure.ts';

describe('failure', () => {
  it('crosses the wire with all of its facts', () => {
    const failure: Failure = { code: 'COMPACTED', detail: 'ä', leader: 'h:1', requested: 1, compacted: 2, current: 3, file: 'f', offset: 4, index: 5 };
    expect(decodeFailure(encodeFailure(failure))).toEqual(failure);
    expect(decodeFailure(encodeFailure({ code: 'TIMEOUT' }))).toEqual({ code: 'TIMEOUT' });
  });

  it('of a later build, or of nobody’s, is still a failure', () => {
    expect(decodeFailure(utf8('{"code":"NEWS","detail":"x","more":{}}'))).toEqual({ code: 'INTERNAL', detail: 'NEWS: x' });
    expect(decodeFailure(utf8('{"code":"toString"}')).code).toBe('INTERNAL');
    expect(decodeFailure(utf8('{"code":"TIMEOUT","detail":{},"index":"7"}'))).toEqual({ code: 'TIMEOUT' });
    for (const junk of ['', 'null', '[]', '7', '{"code":7}', '{']) expect(decodeFailure(utf8(junk)).code).toBe('INTERNAL');
  });
});
