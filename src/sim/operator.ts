// The one who changes who belongs to the cluster, as people do it: through a client, on a machine that never fails, one
// thing after the other, again when it is refused, and asking what became of it when nobody can tell.

import { OperationError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Change, MemberId } from '../core/raft/index.ts';
import type { Client } from '../engine/client/index.ts';
import type { MembershipChange } from '../engine/service.ts';
import type { Coverage } from './coverage.ts';
import type { Machine, World } from './world.ts';

/** As what somebody joins. */
export const joinKinds = ['voter', 'learner', 'witness'] as const;
export type JoinKind = (typeof joinKinds)[number];

const pauseMs = 300;
/** What is refused so often, and certainly did not happen, is given up. */
const triesMax = 20;
const timeoutMs = 3000;

export class Operator {
  readonly #world: World;
  readonly #coverage: Coverage;
  readonly #client: Client;
  #busy = false;
  /** Members that were told to go, and may: their process is to end by itself. */
  readonly leaving: Set<Machine> = new Set();
  /** Nobody can tell whether they were: they stay until they hear that they were. */
  readonly doubted: Set<Machine> = new Set();
  /** Members that are to be there in the end; founders, until they leave. */
  readonly #invited = new Set<Machine>();

  constructor(world: World, coverage: Coverage) {
    this.#world = world;
    this.#coverage = coverage;
    this.#client = world.connect('operator', timeoutMs);
    for (const machine of world.machines) this.#invited.add(machine);
  }

  get isIdle(): boolean {
    return !this.#busy;
  }

  /** Is it to be there in the end? */
  belongs(machine: Machine): boolean {
    return this.#invited.has(machine) && !this.leaving.has(machine);
  }

  /** Everything waits for what is under way: false, it has no time. */
  join(kind: JoinKind): boolean {
    return this.#do(() => this.#join(kind));
  }

  promote(id: MemberId): boolean {
    return this.#do(async () => {
      if (await this.#change({ type: 'promote', id }, ['NOT_A_LEARNER'])) this.#coverage.mark('a learner was promoted');
    });
  }

  remove(machine: Machine): boolean {
    return this.#do(async () => void (await this.#remove(machine)));
  }

  /** One that will not come back makes room for a new one. */
  replace(machine: Machine): boolean {
    return this.#do(async () => {
      if (!(await this.#remove(machine))) return;
      this.#coverage.mark('a dead member was replaced');
      await this.#join('voter');
    });
  }

  /** A learner takes the place of a voter in one step, which is a joint one. Asked of the leader itself: no client can. */
  exchange(learner: MemberId, machine: Machine): boolean {
    return this.#do(async () => {
      const { id } = machine;
      if (id === undefined) return;
      this.leaving.add(machine);
      const outcome = await this.#change([{ type: 'promote', id: learner }, { type: 'remove', id }], ['MEMBER_UNKNOWN', 'MEMBER_REMOVED']);
      if (outcome === true) return this.#coverage.mark('a voter was exchanged');
      this.leaving.delete(machine);
      if (outcome === 'unknown') this.doubted.add(machine);
    });
  }

  #do(work: () => Promise<void>): boolean {
    if (this.#busy) return false;
    this.#busy = true;
    work().then(
      () => {
        this.#busy = false;
      },
      (error: unknown) => {
        this.broken = error;
      },
    );
    return true;
  }

  /** What went wrong inside a promise. */
  broken: unknown;

  async #join(kind: JoinKind): Promise<void> {
    const machine = this.#world.build();
    // A name that is there already is the one that an earlier try made.
    if (!(await this.#change({ type: 'add', name: machine.name, address: `${machine.name}:1`, as: kind }, ['MEMBER_EXISTS']))) return;
    this.#coverage.mark(kind === 'voter' ? 'a member was added' : kind === 'learner' ? 'a learner was added' : 'a witness was added');
    this.#invited.add(machine);
    this.#world.start(machine.at);
  }

  async #remove(machine: Machine): Promise<boolean> {
    const { id } = machine;
    if (id === undefined) return false;
    const led = this.#world.leader() === machine;
    // From the first try on nobody can say that it is not gone.
    this.leaving.add(machine);
    if (await this.#change({ type: 'remove', id }, ['MEMBER_UNKNOWN', 'MEMBER_REMOVED'])) {
      this.#coverage.mark(led ? 'a leader was removed' : 'a member was removed');
      return true;
    }
    this.leaving.delete(machine);
    return false;
  }

  /** True: it is so, by this try or an earlier one, which then answers `done`. False: it is certainly not so. */
  async #change(change: MembershipChange | readonly Change[], done: readonly ErrorCode[]): Promise<boolean | 'unknown'> {
    const { clock } = this.#world;
    let isDoubtful = false;
    for (let tries = 0; ; tries++) {
      try {
        await ('type' in change ? this.#client.changeMembership(change) : this.#ofLeader(change));
        return true;
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        this.#world.note('operator', `${'type' in change ? change.type : 'exchange'} ${error.code}`);
        if (done.includes(error.code)) return true;
        if (error.retry !== 'safe') isDoubtful = true;
        if (error.code === 'UNSUPPORTED' || error.code === 'BAD_REQUEST') return false;
        // Of an exchange: the leader's member has promoted it, or a try of ours has, and then the other is gone, too.
        if (error.code === 'NOT_A_LEARNER') return isDoubtful ? 'unknown' : false;
        if (!isDoubtful && tries >= triesMax) return false;
      }
      await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
    }
  }

  /** Fails when its time is up, also if the process dies meanwhile: then nothing settles. */
  #ofLeader(changes: readonly Change[]): Promise<void> {
    const { clock } = this.#world;
    const leader = this.#world.leader();
    if (leader === undefined) return Promise.reject(new OperationError({ code: 'NO_LEADER' }));
    return new Promise((resolve, reject) => {
      clock.after(timeoutMs, () => reject(new OperationError({ code: 'TIMEOUT' })));
      this.#world.replicaOf(leader)!.change(changes, leader.life!.incarnation.clock.now() + timeoutMs).then(resolve, reject);
    });
  }
}
