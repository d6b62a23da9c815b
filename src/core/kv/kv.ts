// The replicated store: etcd's model over a persistent map. A pure state machine: entries in, replies out.

import { assert } from '../assert.ts';
import { OperationError } from '../errors.ts';
import type { Failure } from '../errors.ts';
import { crc32c } from '../wire/index.ts';
import { clusterVersions } from './cluster-version.ts';
import { decodeBatch, decodeCommand, encodeReply } from './command.ts';
import type { Command, ReadResult, Reply } from './command.ts';
import { Digest } from './digest.ts';
import { check, checkPut, choose, perform, revisionFailure } from './execute.ts';
import { Job } from './job.ts';
import { Cursor } from './ordered-map.ts';
import type { MapRoot } from './ordered-map.ts';
import { rangeOf } from './range.ts';
import type { Work } from './range.ts';
import { answerBytesMax, requestBytesMax } from './request.ts';
import type { PutRequest, RangeRequest, Revision, TxnRequest, TxnResponse, WriteRequest, WriteResponse } from './request.ts';
import { Sessions } from './session.ts';
import type { Session } from './session.ts';
import { snapshotBlocks } from './snapshot.ts';
import type { SnapshotSource } from './snapshot.ts';
import { emptyState } from './state.ts';
import type { KvState } from './state.ts';
import { mix } from './version.ts';
import type { Version } from './version.ts';
import { ValueStore } from './value-store.ts';
import { Workspace } from './workspace.ts';
import type { Superseded } from './workspace.ts';

/** What a session may ask for: shorter than this nobody could keep alive, longer is never collected. */
const ttlMs = { min: 1000, max: 24 * 3600 * 1000 };

export class Kv {
  readonly #state: KvState;
  #digest: Digest;
  readonly #sessions: Sessions;
  /** In order of revision: what the next compaction has to look at. */
  #superseded: Superseded[];
  /** While an entry is applied, what the state was when it began: between its commands it is nobody else's. */
  #before: (Pick<KvState, 'revision' | 'compactRevision' | 'clusterVersion'> & { readonly digest: Digest }) | undefined;
  readonly #values = new ValueStore();

  constructor(state: KvState = { ...emptyState }, digest: Digest = new Digest(), sessions: Map<number, Session> = new Map(), superseded: Superseded[] = []) {
    this.#state = state;
    this.#digest = digest;
    this.#sessions = new Sessions(digest, sessions);
    this.#superseded = superseded;
  }

  get revision(): Revision {
    return this.#state.revision;
  }

  get compactRevision(): Revision {
    return this.#state.compactRevision;
  }

  get appliedIndex(): number {
    return this.#state.appliedIndex;
  }

  get appliedTerm(): number {
    return this.#state.appliedTerm;
  }

  get stampMs(): number {
    return this.#state.stampMs;
  }

  get clusterVersion(): number {
    return this.#state.clusterVersion;
  }

  get size(): { readonly keys: number; readonly bytes: number; readonly sessions: number } {
    return { keys: this.#state.keys, bytes: this.#state.bytes, sessions: this.#sessions.size };
  }

  /** The state, its sessions and its compaction after whole entries, in 16 hex digits: of equal indexes, equal states. O(1). */
  digest(): { readonly revision: Revision; readonly index: number; readonly digest: string } {
    const index = this.#state.appliedIndex;
    const { revision, compactRevision, clusterVersion, digest } = this.#before ?? { ...this.#state, digest: this.#digest };
    const whole = digest.clone();
    // Builds that know only the lowest do not count it, and must agree with us while they are there.
    if (clusterVersion > clusterVersions.lowest) whole.add(mix(clusterVersion), mix(~clusterVersion));
    whole.add(Math.imul(revision | 0, 0x9e3779b1), Math.imul(compactRevision | 0, 0x85ebca77) ^ revision);
    return { revision, index, digest: whole.toString() };
  }

  /** Applies an entry; its replies are encoded, by position. `undefined`: an entry without commands. */
  apply(index: number, term: number, payload: Uint8Array | undefined): Application {
    assert(this.#before === undefined, 'entries are applied one after the other');
    assert(index === this.#state.appliedIndex + 1, 'entries are applied in order, each once');
    const { revision, compactRevision, clusterVersion } = this.#state;
    this.#before = { revision, compactRevision, clusterVersion, digest: this.#digest.clone() };
    return new Application(this.#apply(index, term, payload));
  }

  /** Ranges, or a transaction of ranges, on the state of now. */
  read(request: RangeRequest | TxnRequest): Job<ReadResult> {
    const { root, revision, compactRevision } = this.#state;
    const bounds = { current: revision, compacted: compactRevision };
    return new Job(readWork(request, root, bounds));
  }

  /** A checksum of every version from the compacted revision to `revision` (0: now), as clients compare members by. */
  hashKv(asked: Revision): Job<{ readonly hash: number; readonly compactRevision: Revision; readonly revision: Revision } | { readonly failure: Failure }> {
    const { root, revision: current, compactRevision: compacted } = this.#state;
    const failure = revisionFailure(asked, { current, compacted });
    if (failure !== undefined) return new Job(failed({ failure }));
    const revision = asked === 0 ? current : asked;
    return new Job(hashWork(root, revision, compacted));
  }

  /** Sessions that the newest stamp says are over: for the leader to propose. */
  expiredSessions(nowMs: number): readonly number[] {
    return this.#sessions.expired(nowMs);
  }

  /** O(1): pins the state. */
  snapshot(): { next(): Uint8Array | undefined } {
    // Within an entry replies are remembered of what is not published yet: a replay would skip it.
    assert(this.#before === undefined, 'a snapshot holds whole entries');
    const source: SnapshotSource = { state: { ...this.#state }, sessions: this.#sessions.pin() };
    return snapshotBlocks(source);
  }

  *#apply(index: number, term: number, payload: Uint8Array | undefined): Work<readonly Uint8Array[]> {
    const state = this.#state;
    const replies: Uint8Array[] = [];
    if (payload !== undefined) {
      const { stampMs, commands } = decodeBatch(payload);
      state.stampMs = Math.max(state.stampMs, stampMs);
      let space = this.#space();
      for (const bytes of commands) {
        const command = decode(bytes);
        if ('failure' in command) replies.push(encodeReply({ revision: space.revision, failure: command.failure }));
        else if (command.type === 'write' && command.request.type === 'compact') {
          this.#publish(space);
          replies.push(yield* this.#exactlyOnce(command, () => this.#compact((command.request as { revision: Revision }).revision)));
          space = this.#space();
        } else if (command.type === 'write' && command.request.type === 'put') replies.push(this.#put(space, command, command.request));
        else replies.push(yield* this.#perform(space, command));
        yield 2;
      }
      this.#publish(space);
    }
    // With the state it produced, in one step (law 5): errors move it as well.
    state.appliedIndex = index;
    state.appliedTerm = term;
    this.#before = undefined;
    return replies;
  }

  #space(): Workspace {
    return new Workspace(this.#state.root, this.#state.revision, this.#digest, this.#values);
  }

  #publish(space: Workspace): void {
    const state = this.#state;
    state.root = space.edit.finish();
    state.revision = space.revision;
    state.keys += space.keys;
    state.bytes += space.bytes;
    for (const each of space.superseded) this.#superseded.push(each);
  }

  *#perform(space: Workspace, command: Command): Work<Uint8Array> {
    if (command.type === 'write') return yield* this.#exactlyOnce(command, () => this.#write(space, command.request));
    const { stampMs } = this.#state;
    const ack = encodeReply({ revision: space.revision, response: { type: 'ack' } });
    switch (command.type) {
      case 'openSession':
        this.#sessions.open(command.id, Math.min(Math.max(command.ttlMs, ttlMs.min), ttlMs.max), stampMs);
        return ack;
      case 'touchSession':
        for (const id of command.ids) {
          if (this.#sessions.get(id) === undefined) return encodeReply({ revision: space.revision, failure: { code: 'SESSION_EXPIRED' } });
          this.#sessions.touch(id, stampMs);
        }
        return ack;
      case 'expireSessions':
        for (const id of command.ids) {
          const session = this.#sessions.get(id);
          if (session !== undefined && session.touchedMs + session.ttlMs < command.at) this.#sessions.close(id);
        }
        return ack;
      case 'closeSession':
        this.#sessions.close(command.id);
        return ack;
      case 'raiseVersion':
        this.#state.clusterVersion = Math.max(this.#state.clusterVersion, command.version);
        return ack;
    }
  }

  /** Answers a repeated write from memory; applies one that is new, whatever order they come in. */
  *#exactlyOnce(command: Command & { type: 'write' }, write: () => Work<Reply>): Work<Uint8Array> {
    return this.#knownReply(command) ?? this.#keep(command, encodeReply(yield* write()));
  }

  /** What most commands are: as `#exactlyOnce` does it, without anything that could pause. */
  #put(space: Workspace, command: Command & { type: 'write' }, request: PutRequest): Uint8Array {
    const known = this.#knownReply(command);
    if (known !== undefined) return known;
    const failure = checkPut(space, request);
    if (failure !== undefined) return this.#keep(command, encodeReply({ revision: space.revision, failure }));
    const response = space.put(request);
    space.endCommand();
    return this.#keep(command, encodeReply({ revision: space.revision, response }));
  }

  /** The reply to a write that is not to be applied (again): undefined if it is. */
  #knownReply({ session: id, sequence }: Command & { type: 'write' }): Uint8Array | undefined {
    if (id === 0) return undefined;
    const session = this.#sessions.get(id);
    const { revision } = this.#state;
    // Never re-created here: whether this write was applied before the session ended, nobody knows any more.
    if (session === undefined) return encodeReply({ revision, failure: { code: 'SESSION_EXPIRED' } });
    const known = session.replies.get(sequence);
    if (known !== undefined) return known;
    return sequence < session.lowest ? encodeReply({ revision, failure: { code: 'SESSION_WINDOW' } }) : undefined;
  }

  #keep({ session, sequence, lowest }: Command & { type: 'write' }, reply: Uint8Array): Uint8Array {
    if (session !== 0) this.#sessions.keep(session, sequence, lowest, reply, this.#state.stampMs);
    return reply;
  }

  *#write(space: Workspace, request: WriteRequest): Work<Reply> {
    assert(request.type !== 'compact', 'a compaction is no write of keys');
    const bounds = { current: space.revision, compacted: this.#state.compactRevision };
    const path = new Map<TxnRequest, boolean>();
    if (request.type === 'txn') yield* choose(space, request, path);
    const failure = yield* check(space, request, bounds, path);
    if (failure !== undefined) return { revision: space.revision, failure };
    const response = (yield* perform(space, request, path)) as WriteResponse;
    space.endCommand();
    return { revision: space.revision, response };
  }

  /** Forgets what only reads below `revision` could see. Costs what it removes. */
  *#compact(revision: Revision): Work<Reply> {
    const state = this.#state;
    const { revision: current, compactRevision: compacted } = state;
    if (revision > current) return { revision: current, failure: { code: 'FUTURE_REVISION', requested: revision, current } };
    if (revision <= compacted) return { revision: current, failure: { code: 'COMPACTED', requested: revision, compacted } };
    const space = this.#space();
    let done = 0;
    for (const each of this.#superseded) {
      if (each.revision > revision) break;
      space.trim(each.key, revision);
      done++;
      if (done % 32 === 0) yield 96;
    }
    this.#superseded = this.#superseded.slice(done);
    state.compactRevision = revision;
    this.#publish(space);
    return { revision: current, response: { type: 'compact' } };
  }
}

/** Applying one entry; see Kv.apply. */
export class Application extends Job<readonly Uint8Array[]> {
  get replies(): readonly Uint8Array[] {
    return this.result;
  }
}

/** A command that cannot be read gets a reply, the same on every member; one of a later build stops the member. */
function decode(bytes: Uint8Array): Command | { readonly failure: Failure } {
  if (bytes.length > requestBytesMax + 4096) return { failure: { code: 'TOO_LARGE' } };
  try {
    return decodeCommand(bytes);
  } catch (error) {
    if (error instanceof OperationError && error.code !== 'UNSUPPORTED') return { failure: error.failure };
    throw error;
  }
}

function* readWork(request: RangeRequest | TxnRequest, root: MapRoot<Version>, bounds: { readonly current: Revision; readonly compacted: Revision }): Work<ReadResult> {
  const revision = bounds.current;
  if (request.type === 'range') {
    const failure = revisionFailure(request.revision ?? 0, bounds);
    if (failure !== undefined) return { revision, failure };
    const at = (request.revision ?? 0) === 0 ? revision : request.revision!;
    const room = { left: answerBytesMax };
    const response = yield* rangeOf(root, request, at, room);
    return room.left < 0 ? { revision, failure: { code: 'TOO_LARGE', detail: 'the answer is too large: ask for less at a time' } } : { revision, response };
  }
  const space = new Workspace(root, revision, new Digest());
  const path = new Map<TxnRequest, boolean>();
  yield* choose(space, request, path);
  const failure = yield* check(space, request, bounds, path);
  if (failure !== undefined) return { revision, failure };
  return { revision, response: (yield* perform(space, request, path)) as TxnResponse };
}

function* failed<T>(result: T): Work<T> {
  return result;
}

function* hashWork(root: MapRoot<Version>, revision: Revision, compacted: Revision): Work<{ hash: number; compactRevision: Revision; revision: Revision }> {
  let hash = 0;
  const lanes = new DataView(new ArrayBuffer(8));
  const laneBytes = new Uint8Array(lanes.buffer);
  let sinceYield = 0;
  for (const cursor = new Cursor(root, new Uint8Array(0)); !cursor.done; cursor.next()) {
    for (let version: Version | undefined = cursor.value; version !== undefined; version = version.older) {
      if (version.modRevision > revision) continue;
      lanes.setUint32(0, version.hashA);
      lanes.setUint32(4, version.hashB);
      hash = crc32c(laneBytes, hash);
    }
    if (++sinceYield === 64) {
      sinceYield = 0;
      yield 64;
    }
  }
  return { hash, compactRevision: compacted, revision };
}
