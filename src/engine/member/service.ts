// A member as its clients know it: proposals, reads at a stated consistency, status.

import { OperationError, fail } from '../../core/errors.ts';
import { toId } from '../../core/ids.ts';
import { Kv, answerBytesOf, checkAllowed, clusterVersions, decodeRequest, encodeCommand, encodeReadResult, isReadOnly, versionNeeded } from '../../core/kv/index.ts';
import type { RangeRequest, ReadResult, TxnRequest } from '../../core/kv/index.ts';
import { configurationOf, noConfiguration } from '../../core/raft/index.ts';
import type { Change, Configuration } from '../../core/raft/index.ts';
import { protocolHighest } from '../../core/wire/index.ts';
import { KvMachine } from '../replica/kv-machine.ts';
import type { Replica } from '../replica/replica.ts';
import { parseAddress } from '../peers/peers.ts';
import { WorkLine, sleep } from '../slice.ts';
import type { HashKvResult, MemberListRow, MemberService, MemberStatus, MembershipChange, MembershipResult, ReadOptions, WaitOptions } from '../service.ts';
import { kvGroup } from './member.ts';
import type { Member } from './member.ts';

/** Of segments and snapshots: what this build writes. */
export const formatVersion = 1;
/** A read is done in place when this many keys at most could be touched; more wait in line. */
const commandBytesMax = 2 << 20;
const changePauseMs = 50;
/** Reads and checksums of many keys that go on at once, a slice each in turn. */
const longMax = 4;

export class KvService implements MemberService {
  readonly #member: Member;
  readonly #long = new WorkLine(longMax);
  #closing = false;
  /** The newest moment of which it is known that all committed until then is applied here, by the local clock. */
  #freshAt = -Infinity;
  reads = 0;
  proposals = 0;

  constructor(member: Member) {
    this.#member = member;
  }

  /** From here on nothing new is taken. */
  beginShutdown(): void {
    this.#closing = true;
  }

  propose(command: Uint8Array, options: WaitOptions): Promise<Uint8Array> {
    if (command.length > commandBytesMax) return Promise.reject(new OperationError({ code: 'TOO_LARGE' }));
    const replica = this.#holder();
    if (replica instanceof OperationError) return Promise.reject(replica);
    try {
      checkAllowed(versionNeeded(command), kvOf(replica).clusterVersion);
    } catch (error) {
      return Promise.reject(error);
    }
    this.proposals++;
    return abortable(replica.propose(command, this.#member.clock.now() + options.deadlineMs), options.signal);
  }

  async read(encoded: Uint8Array, options: ReadOptions): Promise<Uint8Array> {
    const request = decodeRequest(encoded);
    if (!isReadOnly(request)) throw new OperationError({ code: 'BAD_REQUEST', detail: 'not a read' });
    const replica = this.#holder();
    if (replica instanceof OperationError) throw replica;
    this.reads++;
    const end = this.#member.clock.now() + options.deadlineMs;
    const result = (options.consistency === 'lease' ? await this.#readByLease(replica, request as RangeRequest | TxnRequest, end) : undefined)
      ?? (await this.#readAgreed(replica, request as RangeRequest | TxnRequest, options, end));
    if (options.admit !== undefined && !('failure' in result)) {
      const admission = options.admit(answerBytesOf(result.response));
      if (admission !== undefined) await admission;
    }
    return encodeReadResult(result);
  }

  async #readAgreed(replica: Replica, request: RangeRequest | TxnRequest, options: ReadOptions, end: number): Promise<ReadResult> {
    const { clock } = this.#member;
    const needsBarrier = options.consistency === 'linearizable' || options.consistency === 'lease';
    if (needsBarrier || (options.consistency === 'bounded' && this.#isTooOld(replica, options))) {
      const asked = clock.now();
      await abortable(replica.barrier(asked + options.deadlineMs), options.signal);
      this.#freshAt = Math.max(this.#freshAt, asked);
    }
    const job = kvOf(replica).read(request);
    const waiting = this.#long.run(clock, job, () => clock.now() < end, options.signal);
    if (waiting !== undefined) await waiting;
    if (!job.isDone) throw new OperationError({ code: 'TIMEOUT' });
    return job.result;
  }

  /** Undefined: there is no lease, or it ran out while we read. */
  async #readByLease({ raft, machine }: Replica, request: RangeRequest | TxnRequest, end: number): Promise<ReadResult | undefined> {
    const { clock } = this.#member;
    const { term, log } = raft.state;
    if (raft.leaseUntil <= clock.now() || machine.appliedIndex < log.committed) return undefined;
    const job = (machine as KvMachine).kv.read(request);
    const waiting = this.#long.run(clock, job, () => clock.now() < end);
    if (waiting !== undefined) await waiting;
    if (!job.isDone) throw new OperationError({ code: 'TIMEOUT' });
    // Only now: the process may have been paused at any moment before. What is found to be valid in the same term was
    // so when the state was read.
    return raft.leaseUntil > clock.now() && raft.state.term === term ? job.result : undefined;
  }

  status(): MemberStatus {
    const { identity, options, clock, startedAt, configuration } = this.#member;
    const replica = this.#member.replica(kvGroup);
    const state = replica?.raft.state;
    const leader = configuration.members.find(({ id }) => id === state?.lead);
    const kv = replica === undefined || identity.witness ? undefined : kvOf(replica);
    const errors: string[] = [];
    if (state === undefined) errors.push('the member has not started yet');
    else if (state.lead === 0) errors.push('there is no leader');
    if (replica?.raft.isSingleCopy === true) errors.push('what was last written is on the disk of this member alone: the rest of its quorum are witnesses');
    if (replica !== undefined && replica.digestMismatches > 0) errors.push('the state has differed from the leader’s');
    return {
      cluster: identity.cluster,
      member: identity.member,
      name: identity.name,
      version: options.version,
      leader: state?.lead ?? 0,
      leaderName: leader?.name ?? '',
      leaderAddress: leader?.address ?? '',
      role: state?.role ?? 'follower',
      term: state?.term ?? 0,
      lastIndex: replica?.raft.lastIndex ?? 0,
      commitIndex: state?.log.committed ?? 0,
      appliedIndex: replica?.machine.appliedIndex ?? 0,
      revision: kv?.revision ?? 0,
      compactRevision: kv?.compactRevision ?? 0,
      dbBytes: kv?.size.bytes ?? 0,
      keys: kv?.size.keys ?? 0,
      digest: replica?.machine.digest() ?? '',
      durability: options.durability ?? 'fsync',
      formatVersion,
      protocolVersion: protocolHighest,
      clusterVersion: kv?.clusterVersion ?? clusterVersions.lowest,
      uptimeMs: Math.round(clock.now() - startedAt),
      errors,
      ...(configuration.learners.includes(identity.member) ? { learner: true } : {}),
      ...(identity.witness ? { witness: true } : {}),
    };
  }

  members(): readonly MemberListRow[] {
    return rowsOf(this.#member.configuration);
  }

  async agreedMembers(options: WaitOptions): Promise<readonly MemberListRow[]> {
    const replica = this.#replica();
    if (replica instanceof OperationError) throw replica;
    await abortable(replica.barrier(this.#member.clock.now() + options.deadlineMs), options.signal);
    const { configurations, log } = replica.raft.state;
    return rowsOf(configurations.findLast(({ index }) => index <= log.committed)?.configuration ?? noConfiguration);
  }

  async hashKv(revision: number): Promise<HashKvResult> {
    const replica = this.#holder();
    if (replica instanceof OperationError) throw replica;
    const { digest, index } = kvOf(replica).digest();
    const job = kvOf(replica).hashKv(revision);
    const waiting = this.#long.run(this.#member.clock, job, () => !this.#closing);
    if (waiting !== undefined) await waiting;
    if (!job.isDone) throw new OperationError({ code: 'SHUTTING_DOWN' });
    const { result } = job;
    if ('failure' in result) throw new OperationError(result.failure);
    return { ...result, digest, index };
  }

  /** Started, not leaving, and a leader is known. */
  get ready(): boolean {
    return !this.#closing && (this.#member.replica(kvGroup)?.raft.state.lead ?? 0) !== 0;
  }

  moveLeader(target: number): Promise<void> {
    const replica = this.#replica();
    if (replica instanceof OperationError) return Promise.reject(replica);
    if (!replica.raft.isLeader) return Promise.reject(new OperationError({ code: 'NOT_LEADER', leader: this.status().leaderAddress }));
    const { voters, witnesses } = configurationOf(replica.raft.state);
    if (!voters.includes(target) || witnesses.includes(target)) {
      return Promise.reject(new OperationError({ code: 'BAD_REQUEST', detail: 'the target is no voting member that holds data' }));
    }
    return this.#member.moveLeader(target);
  }

  async changeMembership(change: MembershipChange, options: WaitOptions): Promise<MembershipResult> {
    const { clock, ports } = this.#member;
    const end = clock.now() + options.deadlineMs;
    const [id, encoded] = change.type === 'add' ? toAddition(change, toId(ports.random.uint32(), ports.random.uint32())) : [change.id, toChanges(change)];
    for (;;) {
      const replica = this.#replica();
      if (replica instanceof OperationError) throw replica;
      try {
        await abortable(replica.change(encoded, end), options.signal);
        // Whoever removed itself is sent nothing any more, and never sees the list without it.
        const gone = change.type === 'remove' ? [change.id, ...(change.also ?? [])] : [];
        return { id, members: this.members().filter((row) => !gone.includes(row.id)) };
      } catch (error) {
        // Certainly not in the log, and likely to go better in a moment.
        const passing = error instanceof OperationError && (error.code === 'CHANGE_IN_PROGRESS' || error.code === 'NO_LEADER');
        if (!passing || clock.now() + changePauseMs >= end) throw error;
      }
      await sleep(clock, changePauseMs);
    }
  }

  /** What the leader proposes by itself, to be called once in a while; others leave it to the leader. */
  keepHouse(): void {
    const replica = this.#member.replica(kvGroup);
    if (replica === undefined || !replica.raft.isLeader || this.#closing) return;
    this.#raiseVersion(replica);
    this.#sweepSessions(replica);
  }

  /** Once every member has said that it knows more than the cluster is at. */
  #raiseVersion(replica: Replica): void {
    const { identity, configuration, peers, clock, clusterVersionMax } = this.#member;
    const others = configuration.members.filter(({ id }) => id !== identity.member);
    const version = Math.min(clusterVersionMax, ...others.map(({ id }) => peers.clusterVersionOf(id) ?? clusterVersions.lowest));
    if (version <= kvOf(replica).clusterVersion) return;
    replica.propose(encodeCommand({ type: 'raiseVersion', version }), clock.now() + 5000).catch(() => undefined);
  }

  #sweepSessions(replica: Replica): void {
    const now = this.#member.clock.wallNow();
    const ids = kvOf(replica).expiredSessions(now).slice(0, 1000);
    if (ids.length === 0) return;
    replica.propose(encodeCommand({ type: 'expireSessions', ids, at: now }), this.#member.clock.now() + 5000).catch(() => undefined);
  }

  #replica(): Replica | OperationError {
    if (this.#closing) return new OperationError({ code: 'SHUTTING_DOWN' });
    return this.#member.replica(kvGroup) ?? new OperationError({ code: 'NO_LEADER', detail: 'the member is starting' });
  }

  /** Whoever can answer about data. */
  #holder(): Replica | OperationError {
    if (!this.#member.identity.witness) return this.#replica();
    return new OperationError({ code: 'NOT_LEADER', detail: 'a witness holds no data: ask another member', leader: this.status().leaderAddress });
  }

  #isTooOld(replica: Replica, options: ReadOptions): boolean {
    if (options.minRevision !== undefined && kvOf(replica).revision < options.minRevision) return true;
    // That a leader was heard of says nothing of how far behind this member is, nor that nobody leads by now where the
    // news do not come from. A barrier that was passed says both, until it is as old as the read may be.
    return options.maxAgeMs !== undefined && this.#member.clock.now() - this.#freshAt > options.maxAgeMs;
  }
}

function rowsOf({ members, learners, witnesses, joining }: Configuration): MemberListRow[] {
  return members.map(({ id, name, address }) => ({
    id, name, address, learner: learners.includes(id),
    ...(joining?.includes(id) === true ? { joining: true } : {}), ...(witnesses.includes(id) ? { witness: true } : {}),
  }));
}

function toAddition({ name, address, as }: MembershipChange & { readonly type: 'add' }, id: number): [number, readonly Change[]] {
  if (name === '') fail('BAD_REQUEST', { detail: 'a member has a name' });
  parseAddress(address);
  return [id, [{ type: as === 'learner' ? 'addLearner' : 'addJoining', member: { id, name, address }, witness: as === 'witness' }]];
}

function toChanges(change: Exclude<MembershipChange, { readonly type: 'add' }>): readonly Change[] {
  if (change.type === 'update') {
    parseAddress(change.address);
    return [change];
  }
  const { type, id, also = [] } = change;
  return [id, ...also].map((each) => ({ type, id: each }));
}

function kvOf(replica: Replica): Kv {
  return (replica.machine as KvMachine).kv;
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new OperationError({ code: 'ABORTED' }, { cause: signal.reason }));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
