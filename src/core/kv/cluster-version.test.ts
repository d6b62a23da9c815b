import { describe, expect, it } from 'vitest';
import { OperationError } from '../errors.ts';
import { utf8 } from '../bytes.ts';
import { Kv, KvRestore, checkAllowed, clusterVersions, decodeCommand, decodeReply, encodeBatch, encodeCommand, versionNeeded } from './index.ts';
import type { Command, Reply } from './index.ts';

function apply(kv: Kv, ...commands: readonly Command[]): readonly Reply[] {
  const application = kv.apply(kv.appliedIndex + 1, 1, encodeBatch(1000, commands.map(encodeCommand)));
  while (!application.step(1e9));
  return application.replies.map(decodeReply);
}

function blocksOf(kv: Kv): Uint8Array[] {
  const snapshot = kv.snapshot();
  const blocks: Uint8Array[] = [];
  for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) blocks.push(block);
  return blocks;
}

function restored(blocks: readonly Uint8Array[]): Kv {
  const restore = new KvRestore();
  for (const block of blocks) restore.add(block);
  return restore.finish();
}

const raise: Command = { type: 'raiseVersion', version: 2 };
const put: Command = { type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8('k'), value: utf8('v') } };

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof OperationError) return error.message;
    throw error;
  }
  return 'fine';
}

describe('the cluster version', () => {
  it('is raised by a command, moves no revision, and never falls', () => {
    const kv = new Kv();
    expect([kv.clusterVersion, clusterVersions.highest]).toEqual([1, 2]);
    expect(apply(kv, raise)).toEqual([{ revision: 1, response: { type: 'ack' } }]);
    apply(kv, { type: 'raiseVersion', version: 1 });
    expect([kv.clusterVersion, kv.revision]).toEqual([2, 1]);
  });

  it('is in the digest and the snapshot', () => {
    const [raised, other] = [new Kv(), new Kv()];
    apply(raised, put, raise);
    apply(other, put);
    expect(raised.digest().digest).not.toBe(other.digest().digest);
    apply(other, raise);
    expect(raised.digest().digest).toBe(other.digest().digest);
    const back = restored(blocksOf(raised));
    expect([back.clusterVersion, back.digest().digest]).toEqual([2, raised.digest().digest]);
    expect(blocksOf(back)).toEqual(blocksOf(raised));
  });

  it('leaves the bytes of a state alone while members of the first build may read them', () => {
    const kv = new Kv();
    apply(kv, put);
    const head = ['01', '0100', '0200000000000000', '0000000000000000', '0100000000000000', '0100000000000000', 'e803000000000000'].join('');
    expect(Buffer.from(blocksOf(kv)[0]!).toString('hex').startsWith(`${head}03`)).toBe(true);
    expect(restored(blocksOf(kv)).clusterVersion).toBe(1);
    // The sum of the one version's hashes, and of the two revisions: nothing else.
    expect(kv.digest().digest).toBe('7424e5ac59eb1411');
  });

  it('stops a build that knows less, before it has applied anything of it', () => {
    const later = encodeCommand({ type: 'raiseVersion', version: 3 });
    const said = 'UNSUPPORTED: the cluster is at version 3, and this build knows 2 at most';
    expect(codeOf(() => decodeCommand(later))).toBe(said);
    const kv = new Kv();
    const application = kv.apply(1, 1, encodeBatch(1000, [later]));
    expect(codeOf(() => application.step(1e9))).toBe(said);
    expect([kv.clusterVersion, kv.appliedIndex]).toEqual([1, 0]);
    const [block] = blocksOf(((): Kv => {
      const raised = new Kv();
      apply(raised, raise);
      return raised;
    })());
    const ofLater = block!.slice();
    ofLater[1 + 2 + 5 * 8] = 3;
    expect(codeOf(() => restored([ofLater]))).toBe(said);
  });

  it('refuses what is newer before it is proposed', () => {
    const first: readonly Command[] = [
      put, { type: 'openSession', id: 7, ttlMs: 5000 }, { type: 'touchSession', ids: [7] }, { type: 'expireSessions', ids: [7], at: 1 }, { type: 'closeSession', id: 7 },
    ];
    for (const command of first) expect(versionNeeded(encodeCommand(command))).toBe(1);
    expect(versionNeeded(encodeCommand(raise))).toBe(2);
    expect(codeOf(() => checkAllowed(1, 1))).toBe('fine');
    expect(codeOf(() => checkAllowed(2, 1))).toBe('UNSUPPORTED: a command of cluster version 2, where the cluster is at 1');
    expect(codeOf(() => checkAllowed(2, 2))).toBe('fine');
    expect(codeOf(() => versionNeeded(Uint8Array.of(1, 6)))).toBe('UNSUPPORTED: a command of type 6');
    expect(codeOf(() => versionNeeded(Uint8Array.of(2, 0)))).toBe('UNSUPPORTED: a command of version 2');
    expect(codeOf(() => versionNeeded(Uint8Array.of()))).not.toBe('fine');
  });
});
