// Carries out a schedule of faults, keeps the atlas of what may be damaged, and is the operator who starts again what
// has died.

import type { ErrorCode, OperationError } from '../core/errors.ts';
import { nextUnit, seedRandom } from '../core/random.ts';
import type { RandomState } from '../core/random.ts';
import { InflictedError } from './disk.ts';
import { BrokenClaim } from './judge/claim.ts';
import type { Judge } from './judge/judge.ts';
import type { Coverage, Mark } from './coverage.ts';
import { failingCalls, faultClassNames } from './schedule.ts';
import type { Fault, FaultClass, Schedule } from './schedule.ts';
import { Operator, joinKinds } from './operator.ts';
import type { Life, Machine, World } from './world.ts';

/** What a machine's medium has suffered. */
interface Damage {
  /** Bits, writes or the whole disk are gone: its process may refuse to run, and it may stay away. */
  isDamaged: boolean;
  /** A write was lied about: until two more were synced behind it nobody could tell, so it must not lose power. */
  lied: { readonly path: string; readonly position: number } | undefined;
  /** It will not come back as it is. */
  isGone: boolean;
}

/** Beyond the founders. */
const joinedMax = 6;
const presentMax = 2;
/** One that is well leaves only if so many with data stay. */
const votersMin = 3;
const restartMs = 400;
/** Names of files that nobody has to believe yet. */
const unfinished = /\.(tmp|partial)$|\/(next|spare)$/;
/** Of what goes to a member while some of it goes astray. */
const strayShare = 0.3;
/** What a member says that blames its disk. */
const blaming: readonly ErrorCode[] = ['CORRUPT', 'DATA_LOST', 'DISK_FAILED', 'DATA_DIR_UNUSABLE'];
/** A death that waits for a call that never comes happens anyway. */
const patienceMs = 1500;

export class Nemesis {
  readonly #world: World;
  readonly #judge: Judge;
  readonly #coverage: Coverage;
  readonly #schedule: Schedule;
  readonly #damage: Damage[] = [];
  readonly operator: Operator;
  readonly #counts = new Map<string, number>();
  readonly #armed: ({ left: number; readonly inSync: boolean; readonly act: () => void } | undefined)[] = [];
  /** By sender and receiver. */
  readonly #strays = new Map<string, { readonly random: RandomState; readonly withinMs: number }>();
  #over = false;

  constructor(world: World, judge: Judge, coverage: Coverage, schedule: Schedule) {
    this.#world = world;
    this.#judge = judge;
    this.#coverage = coverage;
    this.#schedule = schedule;
    this.operator = new Operator(world, coverage);
    world.onPortCall = (machine, call) => {
      const armed = this.#armed[machine.at];
      if (armed === undefined || --armed.left > 0 || (armed.inSync && call !== 'sync')) return;
      this.#armed[machine.at] = undefined;
      this.#coverage.mark('a member died in a call');
      armed.act();
    };
  }

  start(): void {
    for (const fault of this.#schedule.faults) {
      this.#world.clock.after(fault.at, () => {
        if (!this.#over) this.#inflict(fault);
      });
    }
  }

  /** Sending a message is a call of a port, too, and a place to die; and from there on it may take its time. */
  opened(machine: Machine, life: Life): void {
    const member = life.member!;
    const send = member.send.bind(member);
    member.send = (group, message): void => {
      this.#world.onPortCall(machine);
      if (life.incarnation.isDead) return;
      const stray = this.#strays.get(`${machine.at} ${this.#world.machines.findIndex((each) => each.life?.member?.identity.member === message.to)}`);
      if (stray === undefined || nextUnit(stray.random) > strayShare) return send(group, message);
      life.incarnation.clock.after(nextUnit(stray.random) * stray.withinMs, () => send(group, message));
    };
  }

  stopped(machine: Machine, failure: OperationError): void {
    const damage = this.#damageOf(machine);
    const { code } = failure;
    if ((code === 'DISK_FAILED' || code === 'DATA_DIR_UNUSABLE') && isInflicted(failure)) {
      this.#coverage.mark('a member stopped: DISK_FAILED');
      return this.#startIn(machine, restartMs);
    }
    if (code === 'MEMBER_REMOVED') {
      if (!this.operator.leaving.has(machine) && !this.operator.doubted.has(machine)) throw new BrokenClaim('noFalseAlarm', `${machine.name} says that it was removed, and nobody asked for that`);
      this.operator.leaving.add(machine);
      this.#coverage.mark('a member stopped: MEMBER_REMOVED');
      damage.isGone = true;
      return;
    }
    // It has asked for its place, and was not told: it asks again.
    if (machine.id === undefined && (code === 'UNAVAILABLE' || code === 'TIMEOUT' || code === 'NO_LEADER' || code === 'NOT_LEADER' || code === 'INVALID_CONFIG')) return this.#startIn(machine, restartMs);
    if ((code === 'CORRUPT' || code === 'DATA_LOST' || code === 'UNSUPPORTED') && damage.isDamaged) {
      if (code !== 'UNSUPPORTED') this.#coverage.mark(`a member stopped: ${code}` satisfies Mark);
      damage.isGone = true;
      return;
    }
    throw new BrokenClaim(blaming.includes(code) ? 'noFalseAlarm' : 'noBug', `${machine.name} stopped: ${failure.message}${failure.cause instanceof Error ? `\n${failure.cause.stack}` : ''}`);
  }

  /** All is well from here on: links, disks, clocks; whoever is down is started, and whoever was damaged shows it. */
  heal(): void {
    const { world } = { world: this.#world };
    this.#over = true;
    this.#strays.clear();
    world.network.heal();
    for (const machine of world.machines) {
      this.#armed[machine.at] = undefined;
      for (const other of world.machines) world.link(machine.at, other.at, undefined);
      Object.assign(machine.disk.faults, { spaceLeftBytes: Infinity, syncsUntilFailure: 0, failNext: undefined, loseWriteTo: undefined, misdirectBytes: 0, ...this.#pace() });
      machine.life?.incarnation.resume();
      machine.life?.incarnation.drift(1);
      if (this.#damageOf(machine).isDamaged && !this.#damageOf(machine).isGone && machine.life !== undefined) world.crash(machine.at, 'exit');
      if (machine.life === undefined && (machine.founder || machine.lives > 0)) this.#startIn(machine, 10);
    }
  }

  /** Those that must be well after healing. */
  get survivors(): readonly Machine[] {
    return this.#world.machines.filter((machine) => this.operator.belongs(machine) && !this.#damageOf(machine).isGone);
  }

  #damageOf({ at }: Machine): Damage {
    return (this.#damage[at] ??= { isDamaged: false, lied: undefined, isGone: false });
  }

  /** Faults that happened, by class, each class named. */
  counts(): Readonly<Record<string, number>> {
    const { losses, network } = this.#world;
    const named = Object.fromEntries(faultClassNames.map((kind) => [kind, this.#counts.get(kind) ?? 0]));
    return { ...named, torn: losses.torn, lost: losses.lost, lostEntry: losses.lostEntries, resent: network.losses };
  }

  #pace(): { readonly delayMs: number; readonly syncDelayMs: number } {
    const { diskDelayMs: delayMs, syncDelayMs } = this.#schedule.profile;
    return { delayMs, syncDelayMs };
  }

  #inflict(fault: Fault): void {
    const machine = fault.target === 'leader' ? this.#world.leader() : this.#world.machines[fault.target];
    if (machine === undefined || !this.#act(fault, machine)) return;
    this.#counts.set(fault.kind, (this.#counts.get(fault.kind) ?? 0) + 1);
    this.#world.note(machine.name, `fault ${fault.kind}`, fault);
  }

  /** False: it makes no sense now. */
  #act(fault: Fault, machine: Machine): boolean {
    const world = this.#world;
    const { at } = machine;
    const { machines, network, clock } = world;
    const other = machines[(at + fault.other) % machines.length]!;
    const { life, disk } = machine;
    const later = (work: () => void): void => void clock.after(fault.ms, () => (this.#over ? undefined : work()));
    switch (fault.kind) {
      case 'delay':
      case 'drop': {
        const conditions = { delayMs: fault.kind === 'delay' ? ([fault.amount / 2, fault.amount] as const) : this.#schedule.profile.delayMs, lossRate: fault.kind === 'drop' ? fault.amount : 0 };
        world.link(at, other.at, conditions);
        later(() => world.link(at, other.at, undefined));
        return true;
      }
      case 'stray': {
        const link = `${at} ${other.at}`;
        this.#strays.set(link, { random: seedRandom(fault.at), withinMs: fault.amount });
        later(() => this.#strays.delete(link));
        return true;
      }
      case 'partition':
        network.partition(machine.name, other.name);
        later(() => network.heal(machine.name, other.name));
        return true;
      case 'isolate':
        this.#isolate(machine, fault.ms);
        return true;
      case 'vanish':
        this.#isolate(machine, fault.ms);
        for (const each of machines) if (each !== machine) network.vanish(machine.name, each.name);
        return true;
      case 'swizzle':
        // Each keeps what it could not commit, and meets a leader of a term that it knows nothing of.
        this.#isolate(machine, fault.ms);
        clock.after(fault.amount, () => {
          const successor = world.leader();
          if (!this.#over && successor !== undefined && successor !== machine) this.#isolate(successor, fault.ms);
        });
        return true;
      case 'clog':
        for (const each of machines) if (each !== machine) network.clog(each.name, machine.name, fault.ms);
        return true;
      case 'reset':
        network.reset(machine.name);
        return true;
      case 'slow':
        disk.faults.syncDelayMs = fault.amount;
        later(() => Object.assign(machine.disk.faults, this.#pace()));
        return true;
      case 'full':
        disk.faults.spaceLeftBytes = 0;
        later(() => Object.assign(machine.disk.faults, { spaceLeftBytes: Infinity }));
        return true;
      case 'failSync':
        disk.faults.syncsUntilFailure = 1;
        return true;
      case 'failCall':
        disk.faults.failNext = failingCalls[fault.amount];
        return true;
      case 'rot':
        return this.#rot(machine, fault.amount);
      case 'misdirect':
      case 'lostWrite':
        return this.#lie(machine, fault);
      case 'exit':
      case 'power':
      case 'lostDisk':
        return this.#kill(machine, fault);
      case 'blackout':
        if (machines.some((each) => this.#damageOf(each).lied !== undefined && !this.#isNoticed(each))) return false;
        for (const each of machines) if (each.life !== undefined) this.#die(each, 'power', fault.ms + 50 * each.at);
        return true;
      case 'pause': {
        if (life === undefined) return false;
        this.#inCalls(machine, fault.calls, () => {
          life.incarnation.pause();
          clock.after(fault.ms, () => {
            life.incarnation.resume();
            this.#coverage.mark('a late tick');
          });
        });
        return true;
      }
      case 'drift':
        if (life === undefined) return false;
        life.incarnation.drift(fault.amount);
        return true;
      case 'jump':
        if (life === undefined) return false;
        life.incarnation.jump(fault.amount);
        return true;
      case 'transfer': {
        const id = machines[other.at]!.life?.member?.identity.member;
        if (life?.service === undefined || id === undefined || !life.started) return false;
        life.service.moveLeader(id).catch(() => undefined);
        return true;
      }
      case 'join':
      case 'promote':
      case 'remove':
      case 'replace':
      case 'exchange':
        return this.#changeMembers(fault, machine);
      default:
        return fault.kind satisfies never;
    }
  }

  /** False: it must not be, or the operator has no time. */
  #changeMembers(fault: Fault, machine: Machine): boolean {
    const { operator } = this;
    const { machines } = this.#world;
    const leader = this.#world.leader();
    if (leader === undefined) return false;
    const { members, learners, witnesses } = this.#world.replicaOf(leader)!.raft.configuration;
    const founders = machines.filter(({ founder }) => founder).length;
    const mayJoin = members.length < founders + presentMax && machines.length < founders + joinedMax;
    const present = machines.filter(({ id }) => members.some((member) => member.id === id));
    const target = fault.target === 'leader' ? machine : present[fault.target % present.length];
    if (fault.kind === 'join' && joinKinds[fault.amount] === 'witness' && (witnesses.length > 0 || this.#schedule.profile.damageable.length > 0)) return false;
    if (fault.kind === 'join') return mayJoin && operator.join(joinKinds[fault.amount]!);
    if (fault.kind === 'promote') return learners.length > 0 && operator.promote(learners[0]!);
    if (fault.kind === 'replace') {
      const dead = present.find((each) => this.#damageOf(each).isGone && this.#mayLeave(each, leader));
      return dead !== undefined && machines.length < founders + joinedMax && operator.replace(dead);
    }
    if (target?.id === undefined || !this.#mayLeave(target, leader)) return false;
    if (fault.kind === 'remove') return operator.remove(target);
    return learners.length > 0 && !learners.includes(target.id) && operator.exchange(learners[0]!, target);
  }

  /**
   * A majority of those who stay keeps its disks, whatever happens: the atlas knows who may lose theirs. And clients
   * know the founders: one of them stays who can always be asked.
   */
  #mayLeave(machine: Machine, leader: Machine): boolean {
    const { configuration } = this.#world.replicaOf(leader)!.raft;
    const stay = this.#world.machines.filter((each) => each !== machine && !this.operator.leaving.has(each) && configuration.voters.includes(each.id ?? 0));
    const sound = stay.filter(({ at }) => !this.#schedule.profile.damageable.includes(at));
    const whole = stay.filter(({ id }) => !configuration.witnesses.includes(id!));
    const isSpared = this.#damageOf(machine).isGone || whole.length >= votersMin;
    return isSpared && sound.length > stay.length / 2 && sound.some(({ founder }) => founder);
  }

  #isolate(machine: Machine, ms: number): void {
    const { machines, network } = this.#world;
    for (const each of machines) if (each !== machine) network.clog(machine.name, each.name, ms);
    for (const each of machines) if (each !== machine) network.clog(each.name, machine.name, ms);
  }

  #kill(machine: Machine, fault: Fault): boolean {
    const damage = this.#damageOf(machine);
    if (machine.life === undefined) return false;
    if (fault.kind === 'lostDisk' && (damage.isDamaged || !this.#schedule.profile.damageable.includes(machine.at))) return false;
    if (fault.kind !== 'exit' && damage.lied !== undefined && !this.#isNoticed(machine)) return false;
    this.#inCalls(machine, fault.calls, () => this.#die(machine, fault.kind as 'exit' | 'power' | 'lostDisk', fault.ms), fault.kind === 'power' && fault.amount === 1);
    return true;
  }

  #die(machine: Machine, how: 'exit' | 'power' | 'lostDisk', ms: number): void {
    if (machine.life === undefined) return;
    if (how === 'lostDisk') {
      this.#damageOf(machine).isDamaged = true;
      this.#judge.lostDisk(machine.at);
      this.#world.loseDisk(machine.at);
    } else this.#world.crash(machine.at, how);
    this.#startIn(machine, ms);
  }

  /** At the n-th call of a port from now on, within that call. */
  #inCalls(machine: Machine, calls: number, act: () => void, inSync = false): void {
    if (calls === 0) return act();
    const armed = { left: calls, inSync, act };
    this.#armed[machine.at] = armed;
    this.#world.clock.after(patienceMs, () => {
      if (this.#armed[machine.at] !== armed || this.#over) return;
      this.#armed[machine.at] = undefined;
      act();
    });
  }

  #startIn(machine: Machine, ms: number): void {
    const { lives } = machine;
    this.#world.clock.after(ms, () => {
      if (machine.life === undefined && machine.lives === lives && !this.#damageOf(machine).isGone) this.#world.start(machine.at);
    });
  }

  #mayDamage(machine: Machine): boolean {
    return this.#schedule.profile.damageable.includes(machine.at) && !this.#damageOf(machine).isDamaged && machine.life?.started === true;
  }

  /**
   * Bits flip where the log says that it is whole: behind it something was synced since, so that it is no torn tail. Or, every
   * other time, in a file that is whole: a segment that others followed, an index, a snapshot, a small file.
   */
  #rot(machine: Machine, amount: number): boolean {
    if (!this.#mayDamage(machine)) return false;
    // What was let go meanwhile has another name by now.
    const names = machine.disk.contents();
    const newest = [...names.keys()].findLast((name) => name.endsWith('.log'));
    const whole = [...names].filter(([name, { length }]) => length > 0 && name !== newest && !unfinished.test(name));
    if (amount % 2 === 1 && whole.length > 0) {
      const [name, { length }] = whole[(amount >>> 4) % whole.length]!;
      machine.disk.flip(name, (amount >>> 8) % length, 1 << amount % 8);
      this.#damageOf(machine).isDamaged = true;
      return true;
    }
    const [path, append] = [...machine.disk.appends].findLast(([name, { before }]) => name.endsWith('.log') && before > 0 && names.has(name)) ?? [];
    if (path === undefined || append === undefined) return false;
    machine.disk.flip(path, amount % append.before, 1 << amount % 8);
    this.#damageOf(machine).isDamaged = true;
    return true;
  }

  #lie(machine: Machine, fault: Fault): boolean {
    if (!this.#mayDamage(machine)) return false;
    // A loss of power that waits for its call would come before two honest writes have.
    if (this.#armed[machine.at] !== undefined) return false;
    const [path, append] = [...machine.disk.appends].findLast(([name]) => name.endsWith('.log')) ?? [];
    if (path === undefined || append === undefined) return false;
    const { faults } = machine.disk;
    if (fault.kind === 'lostWrite') faults.loseWriteTo = path;
    else Object.assign(faults, { misdirectBytes: fault.amount, misdirectTo: path });
    Object.assign(this.#damageOf(machine), { isDamaged: true, lied: { path, position: append.newest } });
    return true;
  }

  /** Enough was synced behind the lie for a restart to find it out. */
  #isNoticed(machine: Machine): boolean {
    const { lied } = this.#damageOf(machine);
    if (lied === undefined) return true;
    const append = machine.disk.appends.get(lied.path);
    return machine.life?.started === true && append !== undefined && append.before > lied.position && machine.disk.faults.loseWriteTo === undefined && machine.disk.faults.misdirectBytes === 0;
  }
}

/** Whatever it was that stopped the member, its root is a call that the disk was told to fail; a file that we look for in vain is our own mistake. */
function isInflicted(failure: OperationError): boolean {
  let root: unknown = failure;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  return root instanceof InflictedError;
}

export type { FaultClass };
