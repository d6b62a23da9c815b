// One group on one member: the loop around Raft. A turn collects what came, steps once, hands what must be durable
// to the commit round, sends, and applies what is committed. Waiting happens here; deciding in core/raft.

import { assert } from '../../core/assert.ts';
import { OperationError } from '../../core/errors.ts';
import type { Failure } from '../../core/errors.ts';
import { EntryKind, Raft } from '../../core/raft/index.ts';
import type { Change, Configuration, GroupId, Input, LogIndex, MemberId, Message, Persist, ProposalOutcome, RaftOptions, Ready, Restored, SnapshotMarker } from '../../core/raft/index.ts';
import type { Clock, Logger } from '../ports.ts';
import type { LogWrite } from '../log/index.ts';
import { Barriers } from './barriers.ts';
import { PendingChanges } from './changes.ts';
import type { CommitRound } from './commit-round.ts';
import { Intake } from './intake.ts';
import type { ReplicaOptions } from './options.ts';
import { Pace } from './pace.ts';
import { PendingEntries, failAll, settle } from './pending.ts';
import { runSliced } from '../slice.ts';
import type { StateMachine } from './state-machine.ts';

/** What a replica asks of the member around it. */
export interface ReplicaHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly round: CommitRound;
  send(group: GroupId, message: Message): void;
  /** A batch of commands as an entry's payload, stamped with this member's wall time. */
  encodeBatch(commands: readonly Uint8Array[]): Uint8Array;
  /** Replaces a batch's stamp by ours: a leader's time rules, not a forwarder's. */
  restamp(batch: Uint8Array): void;
  /** Streams our newest snapshot to the member; answers with the input `snapshotSent`. */
  sendSnapshot(group: GroupId, to: MemberId): void;
  /** The state of a durable snapshot file. */
  loadSnapshot(group: GroupId, marker: SnapshotMarker): Promise<StateMachine>;
  /** Called after each stretch of applying. */
  appliedTo(group: GroupId): void;
  /** The leader, its term or this member's role changed. */
  leadChanged(group: GroupId): void;
  /** The newest configuration is another, or has been committed since. */
  configurationChanged(group: GroupId): void;
  fatal(error: unknown): void;
}

export class Replica {
  readonly group: GroupId;
  readonly raft: Raft;
  readonly #host: ReplicaHost;
  readonly #pending = new PendingEntries();
  readonly #barriers = new Barriers();
  readonly #changes = new PendingChanges();
  readonly #intake: Intake;
  #machine: StateMachine;
  #inputs: Input[] = [];
  #scheduled = false;
  #applying = false;
  #closed = false;
  /** Restores asked for by Raft and not yet carried out; nothing is applied meanwhile. */
  #restoring: SnapshotMarker | undefined;
  /** Proposals wait for the next tick: the leader, if there is one, just refused. */
  #held = false;
  readonly #pace = new Pace();
  /** A timer runs that ends the wait. */
  #waiting = false;
  #lead = '';
  #configuration: Configuration | undefined;
  #configurationCommitted = false;
  digestMismatches = 0;
  /** An entry is applied in part: the state is not that of any index. */
  isInEntry = false;
  readonly #digests = new Map<LogIndex, string>();

  constructor(group: GroupId, machine: StateMachine, host: ReplicaHost, options: ReplicaOptions, raftOptions: RaftOptions, restored: Restored) {
    this.group = group;
    this.#machine = machine;
    this.#host = host;
    this.#intake = new Intake(options.batchBytesMax, options.queueBytesMax);
    this.raft = new Raft(raftOptions, restored);
  }

  get machine(): StateMachine {
    return this.#machine;
  }

  /** Proposes a command; resolves with its reply once its entry is applied here. */
  propose(command: Uint8Array, deadline: number): Promise<Uint8Array> {
    if (this.#closed) return Promise.reject(new OperationError({ code: 'SHUTTING_DOWN' }));
    const promise = this.#intake.add(command, deadline);
    this.#schedule();
    return promise;
  }

  /** Resolves once everything that was committed before this call is applied here. */
  barrier(deadline: number): Promise<void> {
    if (this.#closed) return Promise.reject(new OperationError({ code: 'SHUTTING_DOWN' }));
    return new Promise((resolve, reject) => {
      this.#barriers.add(deadline, (failure) => (failure === undefined ? resolve() : reject(new OperationError(failure))));
      this.#schedule();
    });
  }

  /** Changes who belongs to the group; resolves once that is committed, and a joint configuration left again. */
  change(changes: readonly Change[], deadline: number): Promise<void> {
    if (this.#closed) return Promise.reject(new OperationError({ code: 'SHUTTING_DOWN' }));
    const leaves = changes.length === 1 && changes[0]!.type === 'remove' && changes[0]!.id === this.raft.state.id;
    const { ref, done } = this.#changes.add(deadline, leaves);
    this.enqueue({ type: 'change', ref, changes });
    return done;
  }

  /** An input for the next turn. */
  enqueue(input: Input): void {
    if (this.#closed) return;
    this.#inputs.push(input);
    this.#schedule();
  }

  /** Called by the member's one clock. */
  tick(): void {
    const now = this.#host.clock.now();
    this.#pending.expire(now);
    this.#intake.expire(now, { code: 'NO_LEADER' });
    this.#barriers.expire(now, { code: 'NO_LEADER' });
    this.#changes.expire(now);
    this.#held = false;
    this.enqueue({ type: 'tick', now: Math.floor(now) });
  }

  /** Told, or seen: this member belongs to the group no more. */
  removed(): void {
    this.#changes.removed();
  }

  close(): void {
    this.#closed = true;
    const failure: Failure = { code: 'SHUTTING_DOWN' };
    this.#intake.expire(Infinity, failure);
    this.#barriers.failEverything(failure);
    this.#changes.failEverything({ code: 'UNAVAILABLE', detail: 'the member shut down before the outcome was known' });
    this.#pending.failEverything({ code: 'UNAVAILABLE', detail: 'the member shut down before the outcome was known' });
  }

  get idle(): boolean {
    return this.#pending.size === 0 && this.#intake.isEmpty;
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#host.clock.nextTurn(() => {
      this.#scheduled = false;
      try {
        this.#turn();
      } catch (error) {
        this.#host.fatal(error);
      }
    });
  }

  #turn(): void {
    if (this.#closed) return;
    const inputs = this.#inputs;
    this.#inputs = [];
    const { state } = this.raft;
    // Without a leader both wait where they are: nothing has happened to them yet, and their deadline runs.
    if (state.lead !== 0 && !this.#held) {
      const batch = this.#mustWait() ? undefined : this.#intake.take();
      if (batch !== undefined) {
        const data = this.#host.encodeBatch(batch.commands.map(({ command }) => command));
        inputs.push({ type: 'propose', ref: this.#pending.add(batch), data });
      }
      if (this.#barriers.hasFresh) inputs.push({ type: 'read', ref: this.#barriers.ask() });
    }
    for (const input of inputs) {
      if (input.type === 'receive' && input.message.type === 'propose' && this.raft.isLeader) this.#host.restamp(input.message.data);
    }
    this.#carryOut(this.raft.step(inputs));
    if (!this.#intake.isEmpty && state.lead !== 0 && !this.#held && !this.#mustWait()) this.#schedule();
  }

  /** The next entry is not made yet: the turn after our disk is done makes it, or the one after the longest wait. */
  #mustWait(): boolean {
    const { clock } = this.#host;
    const waitMs = this.raft.isLeader ? this.#pace.waitMs(clock.now()) : 0;
    if (waitMs > 0 && !this.#waiting && !this.#intake.isEmpty) {
      this.#waiting = true;
      clock.after(waitMs, () => {
        this.#waiting = false;
        this.#schedule();
      });
    }
    return waitMs > 0;
  }

  #carryOut(ready: Ready): void {
    const { round } = this.#host;
    if (ready.persist !== undefined || ready.messagesAfterPersist.length > 0) {
      const { persist, messagesAfterPersist } = ready;
      const hasEntries = persist !== undefined && persist.entries.length > 0;
      if (hasEntries) this.#pace.began(this.#host.clock.now());
      round.submit(persist === undefined ? [] : toWrites(this.group, persist), () => {
        if (hasEntries) this.#pace.ended();
        if (this.#closed) return;
        for (const message of messagesAfterPersist) this.#host.send(this.group, message);
        const last = persist?.entries.at(-1);
        if (persist !== undefined) this.enqueue({ type: 'persisted', seq: persist.seq, index: last?.index ?? 0, term: last?.term ?? 0 });
      });
    }
    for (const message of ready.messages) if (!this.#isSuperfluous(message)) this.#host.send(this.group, message);
    for (const outcome of ready.proposals) this.#proposed(outcome);
    for (const { ref, index } of ready.reads) {
      if (index === undefined) {
        this.#held = true;
        this.#barriers.refused(ref);
      } else this.#barriers.confirmed(ref, index, this.#machine.appliedIndex);
    }
    for (const outcome of ready.changes) this.#changes.note(outcome);
    if (ready.restore !== undefined) this.#changes.skipped(ready.restore.index);
    this.#changes.look(this.raft);
    for (const { index, digest } of ready.digests) this.#compareDigest(index, digest);
    for (const member of ready.snapshotsWanted) this.#host.sendSnapshot(this.group, member);
    if (ready.restore !== undefined) this.#restoring = ready.restore;
    this.#noteLead();
    this.#noteConfiguration();
    if (!this.#applying && (this.#restoring !== undefined || ready.commitIndex > this.#machine.appliedIndex)) {
      this.#applying = true;
      this.#apply().catch((error: unknown) => this.#host.fatal(error));
    }
  }

  /**
   * An append that only tells a commit, when commands wait: their entry goes the same way in a moment and tells it too.
   * Spared are two wake-ups of every follower. What is not sent may as well have been lost, which Raft is used to. But to
   * whom as much is on its way as may be, nothing follows: there it is what shows that all of it was lost.
   */
  #isSuperfluous(message: Message): boolean {
    if (message.type !== 'append' || message.entries.length > 0 || this.#intake.isEmpty || this.#held) return false;
    return this.raft.isStreaming(message.to);
  }

  #proposed(outcome: ProposalOutcome): void {
    const batch = this.#pending.take(outcome.ref);
    if (batch === undefined) return;
    switch (outcome.outcome) {
      case 'appended':
        // A forwarded entry may be applied before the leader's answer about it is read: then its reply is gone.
        if (outcome.index <= this.#machine.appliedIndex) failAll(batch, { code: 'UNAVAILABLE', detail: 'the outcome passed unseen' });
        else this.#pending.appended(batch, outcome.index, outcome.term);
        break;
      case 'noLeader':
        this.#held = true;
        this.#intake.putBack(batch);
        break;
      case 'overloaded':
        failAll(batch, { code: 'OVERLOADED' });
        break;
      case 'lost':
        failAll(batch, { code: 'UNAVAILABLE', detail: 'the leader was lost before it answered: the outcome is unknown' });
        break;
    }
  }

  /** Applies what is committed, in slices; the only place that touches the state machine. */
  async #apply(): Promise<void> {
    const { clock } = this.#host;
    let sliceStart = clock.now();
    while (!this.#closed) {
      if (this.#restoring !== undefined) await this.#restore();
      const from = this.#machine.appliedIndex + 1;
      const entries = this.raft.committedEntries(from, this.raft.state.log.committed, 1 << 20);
      if (entries.length === 0) break;
      for (const { index, term, kind, data } of entries) {
        this.isInEntry = true;
        const application = this.#machine.apply(index, term, kind === EntryKind.batch ? data : undefined);
        const waiting = runSliced(clock, application);
        if (waiting !== undefined) await waiting;
        this.isInEntry = false;
        const batch = this.#pending.applied(index, term);
        if (batch !== undefined) {
          assert(batch.commands.length === application.replies.length, 'a batch gets one reply a command');
          batch.commands.forEach((command, position) => settle(command, application.replies[position]!));
        }
        this.#barriers.applied(index);
        if (clock.now() - sliceStart > 5) {
          await new Promise<void>((resolve) => clock.nextTurn(resolve));
          sliceStart = clock.now();
        }
        if (this.#closed || this.#restoring !== undefined) break;
      }
      this.#noteApplied();
    }
    this.#applying = false;
    if (!this.#closed && (this.#restoring !== undefined || this.raft.state.log.committed > this.#machine.appliedIndex)) {
      this.#applying = true;
      return this.#apply();
    }
  }

  async #restore(): Promise<void> {
    const marker = this.#restoring!;
    const machine = await this.#host.loadSnapshot(this.group, marker);
    assert(machine.appliedIndex === marker.index, 'a snapshot holds the state at its marker');
    // A newer one may have come meanwhile: then the loop restores again before it applies.
    if (this.#restoring === marker) this.#restoring = undefined;
    this.#machine = machine;
    this.#digests.clear();
    this.#pending.skipped(marker.index);
    this.#barriers.applied(marker.index);
    this.#noteApplied();
  }

  #noteApplied(): void {
    const index = this.#machine.appliedIndex;
    const digest = this.#machine.digest();
    this.#digests.set(index, digest);
    if (this.#digests.size > 256) this.#digests.delete(this.#digests.keys().next().value!);
    this.enqueue({ type: 'applied', index, digest });
    this.#host.appliedTo(this.group);
  }

  /** The leader's digest where we have ours of the same index: equal logs must have made equal states. */
  #compareDigest(index: LogIndex, digest: string): void {
    const own = this.#digests.get(index);
    // A witness's is empty: it has no state, so there is nothing that could differ.
    if (own === undefined || own === '' || own === digest) return;
    this.digestMismatches++;
    this.#host.logger.log('error', 'state differs from the leader’s', { group: this.group, index, own, leader: digest });
  }

  #noteConfiguration(): void {
    const { configurations, log } = this.raft.state;
    const { index, configuration } = configurations.at(-1)!;
    const committed = index <= log.committed;
    if (configuration === this.#configuration && committed === this.#configurationCommitted) return;
    this.#configuration = configuration;
    this.#configurationCommitted = committed;
    this.#host.configurationChanged(this.group);
  }

  #noteLead(): void {
    const { lead, term, role } = this.raft.state;
    const now = `${lead} ${term} ${role}`;
    if (now === this.#lead) return;
    this.#lead = now;
    this.#host.leadChanged(this.group);
    if (lead !== 0 && (!this.#intake.isEmpty || this.#barriers.hasFresh)) this.#schedule();
  }
}

/** In the order in which they must be read back. */
function toWrites(group: GroupId, persist: Persist): readonly LogWrite[] {
  const writes: LogWrite[] = [];
  if (persist.reset !== undefined) writes.push({ type: 'snapshot', group, marker: persist.reset, reset: true });
  if (persist.cutFrom !== undefined) writes.push({ type: 'cut', group, from: persist.cutFrom });
  if (persist.hardState !== undefined) writes.push({ type: 'hardState', group, hardState: persist.hardState });
  if (persist.entries.length > 0) writes.push({ type: 'entries', group, entries: persist.entries });
  return writes;
}
