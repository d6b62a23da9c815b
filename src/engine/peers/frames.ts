// What passes between members inside the frames of a connection that said hello as a peer.

import { Reader, Writer } from '../../core/wire/index.ts';
import type { GroupId, MemberId, SnapshotMarker, Term } from '../../core/raft/index.ts';
import { decodeMarker, encodeMarker } from './message-codec.ts';

export const PeerFrame = {
  /** One Raft message. Dialer → acceptor; the other way, behind an `introduce`, where the acceptor cannot dial back. */
  raft: 1,
  /** The first frame of a control connection: the dialer's birth. Nothing is acted upon before it is on record. */
  introduce: 2,
  /** "I am new here: has anybody heard of me?" and the answer. */
  birthQuery: 3,
  birthAnswer: 4,
  /** A snapshot, on the bulk connection: offer → resume → chunks and acknowledgements → done. */
  snapshotOffer: 5,
  snapshotResume: 6,
  snapshotChunk: 7,
  snapshotAck: 8,
  snapshotDone: 9,
  /** The dialer's question whether anybody is there, with a number, on either connection: of those who said that they answer. */
  ping: 10,
  /** To the dialer: it was removed from the cluster, and that is committed. */
  removed: 11,
  /** The answer to a ping, with its number. Who has not asked might not know it. */
  pong: 12,
} as const;

/** Bytes of one frame that a peer may send: an append of a whole batch and its overhead. */
export const peerFrameBytesMax: number = 16 << 20;
export const chunkBytesMax: number = 64 << 10;

export interface BirthAnswer {
  /** The birth under which this member knows the asker; 0: never heard of. */
  readonly birth: number;
  /** This member's groups hold more than the first configuration. */
  readonly hasRun: boolean;
}

export function encodeBirthAnswer(answer: BirthAnswer): Uint8Array {
  return new Writer().u53(answer.birth).u8(answer.hasRun ? 1 : 0).finish();
}

export function decodeBirthAnswer(bytes: Uint8Array): BirthAnswer {
  const reader = new Reader(bytes);
  return { birth: reader.u53(), hasRun: reader.u8() === 1 };
}

export interface SnapshotOffer {
  readonly group: GroupId;
  readonly from: MemberId;
  readonly term: Term;
  readonly bytes: number;
  readonly marker: SnapshotMarker;
}

export function encodeOffer(offer: SnapshotOffer): Uint8Array {
  const writer = new Writer(256).u32(offer.group).u53(offer.from).u53(offer.term).u53(offer.bytes);
  encodeMarker(writer, offer.marker);
  return writer.finish();
}

export function decodeOffer(bytes: Uint8Array): SnapshotOffer {
  const reader = new Reader(bytes);
  return { group: reader.u32(), from: reader.u53(), term: reader.u53(), bytes: reader.u53(), marker: decodeMarker(reader) };
}

export function encodeNumber(value: number): Uint8Array {
  return new Writer(8).u53(value).finish();
}

export function decodeNumber(bytes: Uint8Array): number {
  return new Reader(bytes).u53();
}
