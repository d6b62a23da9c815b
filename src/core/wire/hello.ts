// The first bytes of a native connection, both ways. The dialer says what it speaks and to whom; the acceptor
// answers with the protocol chosen, or why not.
//
//   magic D1 'T' 'H' 'L' · length u16 (of what follows) · lowest u8 · highest u8 · purpose u8 · status u8 ·
//   features u32 · cluster u53 · member u53 · [newest cluster version u16] · (later fields, skipped)
//
// In an answer lowest = highest = the version chosen, and status says ok or why the connection is about to close.

import { fail } from '../errors.ts';
import { Reader, Writer } from './codec.ts';

export const helloMagic: Uint8Array = Uint8Array.of(0xd1, 0x54, 0x48, 0x4c);
/** What this build speaks. */
export const protocolLowest = 1;
export const protocolHighest = 1;
const lengthMax = 1024;
/** The fields of version 1. */
const bodyBytesMin = 24;

/** Bits of `features`. */
export const HelloFeature = {
  /** In an answer to a peer: pings are answered here, so that silence means something. */
  answersPings: 1,
} as const;

export type Purpose = 'client' | 'control' | 'bulk';
export type HelloStatus = 'ok' | 'unsupported' | 'clusterMismatch' | 'unavailable';

export interface Hello {
  readonly lowest: number;
  readonly highest: number;
  readonly purpose: Purpose;
  readonly status: HelloStatus;
  readonly features: number;
  /** 0: any (a client that has not met the cluster). */
  readonly cluster: number;
  /** 0: a client. */
  readonly member: number;
  /** The newest cluster version that a dialing member knows; 0, and not written: it does not say. */
  readonly clusterVersion: number;
}

const purposes: readonly Purpose[] = ['client', 'control', 'bulk'];
const statuses: readonly HelloStatus[] = ['ok', 'unsupported', 'clusterMismatch', 'unavailable'];

/** A dialer's hello for this build's range. */
export function newHello(purpose: Purpose, cluster: number, member: number, clusterVersion = 0): Hello {
  return { lowest: protocolLowest, highest: protocolHighest, purpose, status: 'ok', features: 0, cluster, member, clusterVersion };
}

export function encodeHello(hello: Hello): Uint8Array {
  const body = new Writer(32);
  body.u8(hello.lowest).u8(hello.highest).u8(purposes.indexOf(hello.purpose)).u8(statuses.indexOf(hello.status));
  body.u32(hello.features).u53(hello.cluster).u53(hello.member);
  if (hello.clusterVersion !== 0) body.u16(hello.clusterVersion);
  const bytes = body.finish();
  return new Writer(64).raw(helloMagic).u16(bytes.length).raw(bytes).finish();
}

/** The answer to `hello` by a member of `cluster`: the highest protocol both speak. */
export function answerHello(hello: Hello, cluster: number, member: number): Hello {
  const version = Math.min(hello.highest, protocolHighest);
  const common = version >= Math.max(hello.lowest, protocolLowest);
  const foreign = hello.cluster !== cluster && !(hello.purpose === 'client' && hello.cluster === 0);
  const status: HelloStatus = !common ? 'unsupported' : foreign ? 'clusterMismatch' : 'ok';
  const [lowest, highest] = common ? [version, version] : [protocolLowest, protocolHighest];
  const features = hello.purpose === 'client' ? 0 : HelloFeature.answersPings;
  return { lowest, highest, purpose: hello.purpose, status, features, cluster, member, clusterVersion: 0 };
}

/** Throws what a refused dialer is told. */
export function checkAnswer(answer: Hello): Hello {
  if (answer.status === 'unsupported') fail('UNSUPPORTED', { detail: `the other side speaks protocols ${answer.lowest} to ${answer.highest}` });
  if (answer.status === 'clusterMismatch') fail('CLUSTER_MISMATCH');
  if (answer.status === 'unavailable') fail('SHUTTING_DOWN');
  return answer;
}

/** Collects bytes until a hello is whole; throws PROTOCOL as soon as it cannot become one. */
export class HelloReader {
  #held = new Uint8Array(0);

  push(bytes: Uint8Array): { readonly hello: Hello; readonly rest: Uint8Array } | undefined {
    const whole = new Uint8Array(this.#held.length + bytes.length);
    whole.set(this.#held);
    whole.set(bytes, this.#held.length);
    this.#held = whole;
    for (let i = 0; i < Math.min(4, whole.length); i++) {
      if (whole[i] !== helloMagic[i]) fail('PROTOCOL', { detail: 'not a hello' });
    }
    if (whole.length < 6) return undefined;
    const length = new Reader(whole.subarray(4, 6)).u16();
    if (length > lengthMax) fail('PROTOCOL', { detail: `a hello of ${length} bytes` });
    if (whole.length < 6 + length) return undefined;
    return { hello: decodeBody(whole.subarray(6, 6 + length)), rest: whole.slice(6 + length) };
  }
}

function decodeBody(bytes: Uint8Array): Hello {
  if (bytes.length < bodyBytesMin) fail('PROTOCOL', { detail: `a hello of ${bytes.length} bytes` });
  const reader = new Reader(bytes);
  const [lowest, highest] = [reader.u8(), reader.u8()];
  const purpose = purposes[reader.u8()] ?? fail('UNSUPPORTED', { detail: 'a connection of an unknown purpose' });
  const status = statuses[reader.u8()] ?? 'unsupported';
  const [features, cluster, member] = [reader.u32(), readId(reader), readId(reader)];
  return { lowest, highest, purpose, status, features, cluster, member, clusterVersion: reader.remaining >= 2 ? reader.u16() : 0 };
}

/** Ids are drawn from 53 bits; what is larger is nobody's. */
function readId(reader: Reader): number {
  const low = reader.u32();
  const high = reader.u32();
  if (high >= 1 << 21) fail('PROTOCOL', { detail: 'an id above 2^53 − 1' });
  return high * 0x1_0000_0000 + low;
}
