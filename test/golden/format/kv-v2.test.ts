// The bytes that cluster version 2 brought: the raise, and states and digests that know the version.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { Kv, KvRestore, decodeCommand, encodeBatch, encodeCommand } from '../../../src/core/kv/index.ts';
import type { Command } from '../../../src/core/kv/index.ts';
import { GoldenBytes, written } from '../../support/golden-bytes.ts';

const raise: Command = { type: 'raiseVersion', version: 2 };

function raised(): Kv {
  const kv = new Kv();
  const put: Command = { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8('k'), value: utf8('v') } };
  const application = kv.apply(1, 4, encodeBatch(1_700_000_000_000, [put, raise].map(encodeCommand)));
  while (!application.step(1e9));
  return kv;
}

function stateOf(kv: Kv): Uint8Array {
  const snapshot = kv.snapshot();
  const blocks: Uint8Array[] = [];
  for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) blocks.push(block);
  return new Uint8Array(Buffer.concat(blocks));
}

const cases = {
  'command: raise the cluster version': encodeCommand(raise),
  'state: of a raised cluster': stateOf(raised()),
  'digest of it': utf8(raised().digest().digest),
};
const golden = new GoldenBytes('kv-v2', import.meta.url, cases);

describe('the KV, cluster version 2', () => {
  it('is written as it always was', () => {
    expect(written(cases)).toEqual(golden.lines);
  });

  it('is read', () => {
    expect(decodeCommand(golden.bytes('command: raise the cluster version'))).toEqual(raise);
    const restore = new KvRestore();
    restore.add(golden.bytes('state: of a raised cluster'));
    const kv = restore.finish();
    expect([kv.clusterVersion, kv.digest().digest]).toEqual([2, new TextDecoder().decode(golden.bytes('digest of it'))]);
  });
});
