// Where calls go, and what becomes of attempts that fail: to the leader or round robin, again elsewhere, later, or
// back to the caller with the reason. One wheel holds every deadline and every pause between attempts.

import { OperationError, errorTable } from '../../core/errors.ts';
import type { ErrorCode, Failure } from '../../core/errors.ts';
import { formatAddress, parseEndpoint } from '../address.ts';
import type { LeaderNotice } from '../native/message.ts';
import { TimeoutWheel } from '../native/timeout-wheel.ts';
import type { Address, Ports } from '../ports.ts';
import type { Call, CallOwner, Carrier } from './call.ts';
import { Channel } from './channel.ts';
import type { ChannelHandlers } from './channel.ts';

export interface DispatcherOptions {
  readonly endpoints: readonly Address[];
  /** 0: whichever is met first. */
  readonly cluster: number;
  /** One attempt; then the next member is asked. */
  readonly attemptMs: number;
  /** Bytes of all calls together; beyond, OVERLOADED. */
  readonly bytesMax: number;
}

const tickMs = 10;
/** The longest is a part of every failover: a new leader waits for nobody longer than this. */
const pauseMs = { first: 10, max: 120 };
/** The member keeps the attempt's time, too, and says more than silence does. */
const graceMs = 100;
/** Certainly did not happen, and may go better elsewhere or a little later. */
const passing: ReadonlySet<ErrorCode> = new Set(['NOT_LEADER', 'NO_LEADER', 'SHUTTING_DOWN', 'PROPOSAL_LOST']);
/** May have happened. */
const doubtful: ReadonlySet<ErrorCode> = new Set(['TIMEOUT', 'UNAVAILABLE']);

export class Dispatcher implements CallOwner {
  readonly #ports: Pick<Ports, 'clock' | 'random' | 'network' | 'logger'>;
  readonly #options: DispatcherOptions;
  readonly #wheel: TimeoutWheel;
  /** By "host:port"; the configured ones first, then those met. */
  readonly #channels = new Map<string, Channel>();
  readonly #configured: readonly Channel[];
  #open: readonly Channel[] = [];
  /** Calls for which no channel is open. */
  readonly #waiting = new Set<Call>();
  #leader: LeaderNotice = { leader: 0, term: 0, address: '' };
  #leaderChannel: Channel | undefined;
  #turn = 0;
  #bytes = 0;
  #cluster: number;
  #closed = false;
  readonly #handlers: ChannelHandlers = {
    cluster: () => this.#cluster,
    opened: (channel) => this.#onOpened(channel),
    closed: (channel, pending) => this.#onClosed(channel, pending),
    failed: (channel) => this.#onFailed(channel),
    failure: (call, failure) => this.#onFailure(call, failure),
    leader: (notice) => this.#onLeader(notice),
  };

  constructor(ports: Pick<Ports, 'clock' | 'random' | 'network' | 'logger'>, options: DispatcherOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#cluster = options.cluster;
    this.#wheel = new TimeoutWheel(ports.clock, tickMs);
    this.#configured = options.endpoints.map((address) => this.#channel(address, true));
    this.#turn = ports.random.uint32() % 1024;
    for (const channel of this.#configured) channel.dial();
  }

  get leader(): LeaderNotice {
    return this.#leader;
  }

  get openCount(): number {
    return this.#open.length;
  }

  /** The endpoint's own channel, for calls that are about it and no other. */
  channel(endpoint: string): Channel {
    return this.#channel(parseEndpoint(endpoint));
  }

  submit(call: Call): void {
    if (this.#closed) return call.reject(new OperationError({ code: 'CLOSED' }));
    if (this.#bytes + call.weight > this.#options.bytesMax) return call.reject(new OperationError({ code: 'OVERLOADED', detail: 'too many bytes are waiting in this client' }));
    if (!call.watch()) return;
    this.adopt(call);
    this.route(call);
  }

  /** Counts it and keeps its deadline; {@link route} sends it. */
  adopt(call: Call): void {
    call.owner = this;
    this.#bytes += call.weight;
    this.#wheel.add(call, call.end);
  }

  /** It waits elsewhere for a while: until its end, no longer. */
  park(call: Call): void {
    this.#wheel.remove(call);
    this.#wheel.add(call, call.end);
  }

  route(call: Call): void {
    const { clock } = this.#ports;
    const now = clock.now();
    if (now >= call.end) return this.#timedOut(call);
    const channel = this.#pick(call);
    this.#wheel.remove(call);
    if (channel === undefined) {
      this.#wheel.add(call, call.end);
      return this.#wait(call);
    }
    const attemptMs = Math.min(call.end - now, this.#options.attemptMs);
    this.#wheel.add(call, Math.min(now + attemptMs + graceMs, call.end));
    call.attempts++;
    call.attemptStart = now;
    channel.send(call, attemptMs);
  }

  expired(call: Call): void {
    if (this.#closed) return call.reject(new OperationError({ code: 'CLOSED' }));
    const now = this.#ports.clock.now();
    const { channel } = call;
    if (channel !== undefined) {
      call.channel = undefined;
      call.isAmbiguous = true;
      call.avoid = channel;
      channel.forget(call);
      if (now >= call.end) this.#timedOut(call);
      // Silent since before the attempt: not slow, but gone. What else is under way there need not wait as long.
      if (now - call.attemptStart >= this.#options.attemptMs && channel.lastHeard < call.attemptStart && channel.isOpen) channel.abandon();
      if (!call.isOver) this.#again(call, { code: 'TIMEOUT' });
      return;
    }
    if (now >= call.end) return this.#timedOut(call);
    this.route(call);
  }

  forget(call: Call): void {
    this.#wheel.remove(call);
    this.#waiting.delete(call);
    this.#bytes -= call.weight;
    call.owner = undefined;
    call.channel?.forget(call);
    call.channel = undefined;
  }

  /** What would be said to a call that waits now. */
  get trouble(): OperationError {
    const errors = [...this.#channels.values()].map(({ lastError }) => lastError).filter((error) => error !== undefined);
    const final = errors.find(({ retry }) => retry === 'never');
    if (final !== undefined) return final;
    const details = errors.map(({ failure }) => failure.detail ?? failure.code);
    return new OperationError({ code: 'UNAVAILABLE', detail: details.length === 0 ? 'no endpoint has answered yet' : details.join('; ') });
  }

  /** Calls not over end with CLOSED. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const channel of this.#channels.values()) channel.close();
    // Whatever is not over has a deadline.
    this.#wheel.expireAll();
  }

  #pick(call: Call): Carrier | undefined {
    const { route, avoid } = call;
    if (typeof route === 'object') return route.isOpen ? route : undefined;
    const leader = this.#leaderChannel;
    if (route === 'leader' && leader !== undefined && leader !== avoid) return leader;
    const open = this.#open;
    if (open.length === 0) return undefined;
    this.#turn = (this.#turn + 1) >>> 0;
    const first = open[this.#turn % open.length]!;
    return first === avoid && open.length > 1 ? open[(this.#turn + 1) % open.length] : first;
  }

  #wait(call: Call): void {
    this.#waiting.add(call);
    if (typeof call.route === 'object') return call.route.dial();
    // Nobody is there: those only heard of are tried, too, and a refusal that would only be repeated is the answer.
    for (const channel of this.#channels.values()) if (channel.lastError === undefined || !this.#configured.includes(channel)) channel.dial();
    this.#rejectIfRefused(call);
  }

  #rejectIfRefused(call: Call): void {
    if (this.#configured.every(({ lastError }) => lastError?.retry === 'never')) call.reject(this.#configured[0]!.lastError!);
  }

  /** Tries again, elsewhere at once if there is an elsewhere that could know better, otherwise after a pause. */
  #again(call: Call, failure: Failure): void {
    call.lastFailure = failure;
    const elsewhere = failure.code !== 'NO_LEADER' && call.attempts <= 2 && this.#open.some((channel) => channel !== call.avoid);
    if (elsewhere || this.#open.length === 0) return this.route(call);
    const pause = Math.min(pauseMs.first * 2 ** Math.min(call.attempts, 8), pauseMs.max) * (0.5 + this.#ports.random.uint32() / 0x2_0000_0000);
    this.#wheel.remove(call);
    this.#wheel.add(call, Math.min(this.#ports.clock.now() + pause, call.end));
  }

  #timedOut(call: Call): void {
    const { lastFailure } = call;
    // Never sent anywhere: then it certainly did not happen, and why is known.
    if (call.attempts === 0) return call.reject(this.#open.length === 0 ? this.trouble : new OperationError({ code: 'TIMEOUT', detail: 'the deadline passed before it could be sent' }));
    if (!call.isAmbiguous && lastFailure !== undefined) return call.reject(new OperationError(lastFailure));
    call.reject(new OperationError({ code: 'TIMEOUT', ...(lastFailure === undefined || lastFailure.code === 'TIMEOUT' ? {} : { detail: `the deadline passed; the last attempt ended with ${lastFailure.code}` }) }));
  }

  #onFailure(call: Call, failure: Failure): void {
    const { channel } = call;
    call.channel = undefined;
    call.avoid = channel;
    if (doubtful.has(failure.code)) call.isAmbiguous = true;
    const mayRepeat = passing.has(failure.code) || (call.repeat === 'freely' && doubtful.has(failure.code));
    if (failure.code === 'NOT_LEADER' && failure.leader !== undefined && failure.leader !== '') this.#meet(failure.leader, true);
    if (mayRepeat && this.#ports.clock.now() < call.end) this.#again(call, failure);
    else this.#refuse(call, failure);
  }

  /** What the last attempt did not do an earlier one may have done: then nobody may say that it certainly did not happen. */
  #refuse(call: Call, failure: Failure): void {
    const isContradicted = call.isAmbiguous && errorTable[failure.code].retry === 'safe';
    call.reject(new OperationError(isContradicted ? { code: 'UNAVAILABLE', detail: `the outcome is unknown; the last attempt ended with ${failure.code}` } : failure));
  }

  #onOpened(channel: Channel): void {
    this.#cluster = channel.cluster;
    this.#open = [...this.#open, channel];
    this.#findLeader();
    for (const call of this.#waiting) {
      if (typeof call.route === 'object' && call.route !== channel) continue;
      this.#waiting.delete(call);
      this.route(call);
    }
  }

  #onClosed(channel: Channel, pending: readonly Call[]): void {
    this.#open = this.#open.filter((each) => each !== channel);
    this.#findLeader();
    const failure: Failure = channel.lastError?.failure ?? { code: 'UNAVAILABLE' };
    for (const call of pending) {
      if (call.isOver) continue;
      call.channel = undefined;
      call.avoid = channel;
      call.isAmbiguous = true;
      if (this.#closed) call.reject(new OperationError({ code: 'CLOSED' }));
      else if (call.repeat === 'freely' && typeof call.route !== 'object' && this.#ports.clock.now() < call.end) this.#again(call, { code: 'UNAVAILABLE', detail: failure.detail ?? failure.code });
      else this.#refuse(call, failure);
    }
  }

  #onFailed(channel: Channel): void {
    this.#findLeader();
    for (const call of this.#waiting) {
      if (call.route === channel) call.reject(channel.lastError!);
      else if (typeof call.route !== 'object') this.#rejectIfRefused(call);
    }
  }

  #onLeader(notice: LeaderNotice): void {
    if (notice.term < this.#leader.term || (notice.term === this.#leader.term && notice.leader === 0)) return;
    const isNews = notice.term > this.#leader.term || notice.address !== this.#leader.address;
    this.#leader = notice;
    this.#findLeader(isNews);
  }

  #findLeader(isNews = false): void {
    if (this.#closed) return;
    const { leader, address } = this.#leader;
    this.#leaderChannel = leader === 0 ? undefined : this.#open.find(({ member }) => member === leader);
    if (this.#leaderChannel !== undefined || leader === 0 || address === '') return;
    // It may be one of those being dialed, under another name.
    if (this.#configured.some(({ isOpen, lastError }) => !isOpen && lastError === undefined)) return;
    this.#meet(address, isNews);
  }

  /** Dials an address heard of; one that failed and is no news redials itself, at its own pace. */
  #meet(address: string, isNews: boolean): void {
    try {
      const channel = this.#channel(parseEndpoint(address));
      if (isNews || channel.lastError === undefined) channel.dial();
    } catch (error) {
      this.#ports.logger.log('debug', 'a member has an address that cannot be dialed', { address, error: String(error) });
    }
  }

  #channel(address: Address, isConfigured = false): Channel {
    const name = formatAddress(address);
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = new Channel(address, isConfigured, this.#ports, this.#handlers);
      this.#channels.set(name, channel);
    }
    return channel;
  }
}
