// Sessions make a write exactly-once across retries, leader changes and restarts: the replies that a client may
// still ask for again are part of the replicated state.

import { crc32c } from '../wire/index.ts';
import type { Digest } from './digest.ts';
import { mix } from './version.ts';

export const windowRepliesMax = 1024;
export const windowBytesMax: number = 1 << 20;

export interface Session {
  readonly id: number;
  readonly ttlMs: number;
  touchedMs: number;
  /** Replies below were received, or pushed out of the window: gone. */
  lowest: number;
  readonly replies: Map<number, Uint8Array>;
  repliesBytes: number;
  /** The table's epoch in which this object was made: of an older one it is shared with a snapshot. */
  epoch: number;
}

export class Sessions {
  #table: Map<number, Session>;
  #epoch = 1;
  #tableEpoch = 1;
  readonly #digest: Digest;

  constructor(digest: Digest, table: Map<number, Session> = new Map()) {
    this.#digest = digest;
    this.#table = table;
    for (const session of table.values()) {
      session.epoch = this.#epoch;
      this.#count(session, 1);
      for (const [sequence, reply] of session.replies) this.#countReply(session.id, sequence, reply, 1);
    }
  }

  get size(): number {
    return this.#table.size;
  }

  get(id: number): Session | undefined {
    return this.#table.get(id);
  }

  /** The table as it is now, for good: later changes are made on copies. */
  pin(): ReadonlyMap<number, Session> {
    this.#epoch++;
    return this.#table;
  }

  open(id: number, ttlMs: number, nowMs: number): void {
    if (this.#table.has(id)) return this.touch(id, nowMs);
    const session: Session = { id, ttlMs, touchedMs: nowMs, lowest: 1, replies: new Map(), repliesBytes: 0, epoch: this.#epoch };
    this.#own().set(id, session);
    this.#count(session, 1);
  }

  close(id: number): void {
    const session = this.#table.get(id);
    if (session === undefined) return;
    this.#count(session, -1);
    for (const [sequence, reply] of session.replies) this.#countReply(id, sequence, reply, -1);
    this.#own().delete(id);
  }

  touch(id: number, nowMs: number): void {
    this.#change(id, (session) => {
      session.touchedMs = Math.max(session.touchedMs, nowMs);
    });
  }

  /** Keeps a reply, forgets those below `lowest`, and the oldest beyond the window. */
  keep(id: number, sequence: number, lowest: number, reply: Uint8Array, nowMs: number): void {
    this.#change(id, (session) => {
      session.touchedMs = Math.max(session.touchedMs, nowMs);
      session.replies.set(sequence, reply);
      session.repliesBytes += reply.length;
      this.#countReply(id, sequence, reply, 1);
      if (lowest > session.lowest) this.#forget(session, lowest);
      while (session.replies.size > windowRepliesMax || (session.repliesBytes > windowBytesMax && session.replies.size > 1)) {
        this.#forget(session, Math.min(...session.replies.keys()) + 1);
      }
    });
  }

  /** Sorted, so that every leader would propose the same. */
  expired(nowMs: number): readonly number[] {
    const ids: number[] = [];
    for (const { id, touchedMs, ttlMs } of this.#table.values()) if (touchedMs + ttlMs < nowMs) ids.push(id);
    return ids.sort((a, b) => a - b);
  }

  #forget(session: Session, lowest: number): void {
    const { replies } = session;
    const from = session.lowest;
    session.lowest = lowest;
    // Usually a few sequences: then each is looked up, and the window is not walked for every write.
    if (lowest - from <= replies.size) {
      for (let sequence = from; sequence < lowest; sequence++) this.#drop(session, sequence);
    } else for (const sequence of [...replies.keys()]) if (sequence < lowest) this.#drop(session, sequence);
  }

  #drop(session: Session, sequence: number): void {
    const reply = session.replies.get(sequence);
    if (reply === undefined) return;
    session.replies.delete(sequence);
    session.repliesBytes -= reply.length;
    this.#countReply(session.id, sequence, reply, -1);
  }

  #change(id: number, change: (session: Session) => void): void {
    let session = this.#table.get(id);
    if (session === undefined) return;
    if (session.epoch !== this.#epoch) {
      session = { ...session, replies: new Map(session.replies), epoch: this.#epoch };
      this.#own().set(id, session);
    }
    this.#count(session, -1);
    change(session);
    this.#count(session, 1);
  }

  #own(): Map<number, Session> {
    if (this.#tableEpoch !== this.#epoch) {
      this.#table = new Map(this.#table);
      this.#tableEpoch = this.#epoch;
    }
    return this.#table;
  }

  #count(session: Session, sign: 1 | -1): void {
    const a = mix(low(session.id) ^ mix(low(session.touchedMs) + session.ttlMs));
    const b = mix(high(session.id) ^ mix(session.lowest ^ a));
    if (sign === 1) this.#digest.add(a, b);
    else this.#digest.remove(a, b);
  }

  #countReply(id: number, sequence: number, reply: Uint8Array, sign: 1 | -1): void {
    const a = mix(crc32c(reply) ^ mix(low(id) + sequence));
    const b = mix(a ^ high(id) ^ low(sequence));
    if (sign === 1) this.#digest.add(a, b);
    else this.#digest.remove(a, b);
  }
}

const low = (value: number): number => value % 0x1_0000_0000 | 0;
const high = (value: number): number => Math.floor(value / 0x1_0000_0000) | 0;
