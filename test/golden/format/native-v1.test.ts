// The bytes of protocol 1, as released: every later build reads them, and a build that still speaks it writes them.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { decodeFailure, encodeFailure, encodeFrame, encodeHello, FrameReader, HelloReader } from '../../../src/core/wire/index.ts';
import type { Hello } from '../../../src/core/wire/index.ts';
import {
  ClientFrame, decodeHashKv, decodeLeader, decodeMembers, decodePropose, decodeRead, decodeStatus,
  encodeHashKv, encodeLeader, encodeMembers, encodeProposeHead, encodeReadHead, encodeStatus,
} from '../../../src/engine/native/message.ts';
import type { MemberStatus } from '../../../src/engine/service.ts';

const file = new URL('native-v1.json', import.meta.url);
const parsed: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'));
const golden = new Map(Object.entries(parsed));

const clientHello: Hello = { lowest: 1, highest: 1, purpose: 'client', status: 'ok', features: 0, cluster: 0, member: 0, clusterVersion: 0 };
const peerHello: Hello = { lowest: 1, highest: 3, purpose: 'bulk', status: 'ok', features: 5, cluster: 2 ** 53 - 1, member: 0x1_2345_6789, clusterVersion: 0 };
const mismatch: Hello = { ...clientHello, status: 'clusterMismatch', cluster: 77, member: 78 };
const status: MemberStatus = {
  cluster: 2 ** 52 + 1, member: 2, name: 'n2', version: '0.1.0', leader: 3, leaderName: 'n3', leaderAddress: '127.0.0.1:2381',
  role: 'pre-candidate', term: 4, lastIndex: 5, commitIndex: 6, appliedIndex: 7, revision: 8, compactRevision: 9, dbBytes: 10, keys: 11,
  digest: '0123456789abcdef', durability: 'os', formatVersion: 12, protocolVersion: 13, uptimeMs: 14, errors: ['there is no leader', 'ä'], clusterVersion: 0,
};
const laterHello: Hello = { ...peerHello, clusterVersion: 0x0102 };
const laterStatus: MemberStatus = { ...status, clusterVersion: 15 };
const members = [{ id: 1, name: 'n1', address: 'h:1', learner: false }, { id: 2 ** 53 - 1, name: 'n2', address: '[::1]:2', learner: true }];
const hash = { hash: 0xffff_fffe, compactRevision: 1, revision: 2, digest: 'd', index: 3 };
const leader = { leader: 9, term: 8, address: 'h:7' };
const readHead = { deadlineMs: 5000, consistency: 'bounded', maxAgeMs: 250, minRevision: 17 } as const;
const failure = { code: 'COMPACTED', detail: 'gone', requested: 3, compacted: 5, current: 9 } as const;

const bytes: Record<string, Uint8Array> = {
  'hello of a client': encodeHello(clientHello),
  'hello of a peer': encodeHello(peerHello),
  'hello answered with a mismatch': encodeHello(mismatch),
  'frame of nothing': encodeFrame(ClientFrame.ping, 1, new Uint8Array(0)),
  'frame of a proposal': encodeFrame(ClientFrame.propose, 0xfedc_ba98, encodeProposeHead(5000), utf8('command')),
  'frame of a read': encodeFrame(ClientFrame.read, 7, encodeReadHead(readHead), utf8('request')),
  'frame of a read without bounds': encodeFrame(ClientFrame.read, 7, encodeReadHead({ deadlineMs: 1, consistency: 'linearizable' }), utf8('r')),
  'frame of a failure': encodeFrame(ClientFrame.failure, 7, encodeFailure(failure)),
  'frame of a leader': encodeFrame(ClientFrame.leader, 0, encodeLeader(leader)),
  status: encodeStatus(status),
  members: encodeMembers(members),
  hashKv: encodeHashKv(hash),
  'hello of a peer with a cluster version': encodeHello(laterHello),
  'status with a cluster version': encodeStatus(laterStatus),
};

function stored(name: string): Uint8Array {
  return new Uint8Array(Buffer.from(golden.get(name) ?? '', 'hex'));
}

function body(name: string): Uint8Array {
  const [frame] = new FrameReader(1 << 20).push(stored(name));
  return frame?.body ?? new Uint8Array(0);
}

describe('native protocol 1', () => {
  it.each(Object.keys(bytes))('%s has the bytes it always had', (name) => {
    expect(Buffer.from(bytes[name] ?? []).toString('hex')).toBe(golden.get(name));
  });

  it('reads what was written', () => {
    expect(new HelloReader().push(stored('hello of a client'))?.hello).toEqual(clientHello);
    expect(new HelloReader().push(stored('hello of a peer'))?.hello).toEqual(peerHello);
    expect(new HelloReader().push(stored('hello answered with a mismatch'))?.hello).toEqual(mismatch);
    expect(new FrameReader(100).push(stored('frame of a proposal'))[0]).toMatchObject({ type: 1, stream: 0xfedc_ba98 });
    expect(decodePropose(body('frame of a proposal'))).toEqual({ deadlineMs: 5000, command: utf8('command') });
    expect(decodeRead(body('frame of a read'))).toEqual({ head: readHead, request: utf8('request') });
    expect(decodeRead(body('frame of a read without bounds')).head).toEqual({ deadlineMs: 1, consistency: 'linearizable' });
    expect(decodeFailure(body('frame of a failure'))).toEqual(failure);
    expect(decodeLeader(body('frame of a leader'))).toEqual(leader);
    expect(decodeStatus(stored('status'))).toEqual(status);
    expect(decodeMembers(stored('members'))).toEqual(members);
    expect(decodeHashKv(stored('hashKv'))).toEqual(hash);
    expect(new HelloReader().push(stored('hello of a peer with a cluster version'))?.hello).toEqual(laterHello);
    expect(decodeStatus(stored('status with a cluster version'))).toEqual(laterStatus);
  });

  it('names every stored case, and stores every named one', () => {
    expect([...golden.keys()]).toEqual(Object.keys(bytes));
  });
});
