// One client's connection, at the member. Requests run side by side and are answered as they finish. What the
// connection occupies is bounded: beyond it nothing is read, so that a client who asks too much, or does not read
// what it asked for, waits in its own queue.

import { emptyBytes } from '../../core/bytes.ts';
import { OperationError } from '../../core/errors.ts';
import type { Failure } from '../../core/errors.ts';
import { decodeCommand, decodeRequest } from '../../core/kv/index.ts';
import type { KvRequest } from '../../core/kv/index.ts';
import { FrameReader, encodeFailure, encodeFrame, frameOverheadBytes } from '../../core/wire/index.ts';
import type { Frame } from '../../core/wire/index.ts';
import type { Clock, Connection, Logger } from '../ports.ts';
import type { MemberService } from '../service.ts';
import { ClientFrame, answerBytesMax, clientFrameBytesMax, decodeDeadline, decodeMembershipChange, decodeNumber, decodePropose, decodeRead, encodeHashKv, encodeMembers, encodeMembershipResult, encodeStatus } from './message.ts';
import { Deadline } from './timeout-wheel.ts';
import type { TimeoutWheel } from './timeout-wheel.ts';

/** What all connections share: the server. */
export interface ConnectionHost {
  readonly service: MemberService;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly wheel: TimeoutWheel;
  readonly limits: { readonly requestsMax: number; readonly connectionBytesMax: number; readonly bytesMax: number; readonly stuckMs: number };
  /** Of all connections, as they report it: with what answers will probably take, and without. */
  occupiedBytes: number;
  heldBytes: number;
  /** Those that read on as soon as all together occupy less. */
  readonly starved: Set<ServerConnection>;
  wakeStarved(): void;
  /** An answer of so many bytes waits until its connection can have it. */
  waitForRoom(request: Request, bytes: number): Promise<void>;
  /** A connection holds so much of a frame that is not whole yet, `isAnother` than before; it may be sent away for it. */
  halfWritten(connection: ServerConnection, bytes: number, isAnother: boolean): void;
  requests: number;
  failures: number;
}

/** What a request occupies beyond its bytes: promises, closures, its row in the member's tables. */
const requestOverheadBytes = 512;
/** The service keeps deadlines; this is for the answers it forgets. */
const graceMs = 250;
const deadlineMsMax = 600_000;
/**
 * A read's answer is not known until it is there, and by then it occupies what it occupies: so many reads may be
 * under way as would fit if each answered this much, or as much as the largest lately.
 */
const estimateMin = { one: 16 << 10, many: 256 << 10 };
/** A connection that occupies less may go on though all together occupy too much: somebody else's answers are in the way, not its own. */
const reserveBytes = 64 << 10;
/** So much of a frame may be held without anybody minding. */
const halfBytesMin = 4096;

type Kind = 'one' | 'many' | 'other';

export class Request extends Deadline {
  readonly connection: ServerConnection;
  readonly stream: number;
  readonly kind: Kind;
  readonly weight: number;
  /** Of its answer, once that is known to be larger than was thought. */
  admittedBytes = 0;
  /** Answered, cancelled or expired: what the service still says is for nobody. */
  over = false;

  constructor(connection: ServerConnection, stream: number, kind: Kind, weight: number) {
    super();
    this.connection = connection;
    this.stream = stream;
    this.kind = kind;
    this.weight = weight;
  }

  expire(): void {
    this.connection.fail(this, new OperationError({ code: 'TIMEOUT' }));
  }
}

/** Looks, now and then, whether a clogged connection still takes anything. */
class Stuck extends Deadline {
  readonly look: () => void;

  constructor(look: () => void) {
    super();
    this.look = look;
  }

  expire(): void {
    this.look();
  }
}

export class ServerConnection {
  readonly #server: ConnectionHost;
  readonly #connection: Connection;
  readonly #onClosed: () => void;
  #frames = new FrameReader(clientFrameBytesMax);
  readonly #requests = new Map<number, Request>();
  /** Frames that came in one read with what used up the bounds; no more than one read's. */
  #backlog: Frame[] = [];
  #running = 0;
  #weight = 0;
  #admittedBytes = 0;
  /** What answers to reads will probably take, of one key and of many: as much as the largest lately. */
  readonly #estimates = { one: estimateMin.one, many: estimateMin.many };
  /** What the server was told that this connection occupies. */
  #reported = 0;
  #reportedHeld = 0;
  /** What the server was told of a frame that is not whole. */
  #halfBytes = 0;
  #clogged = false;
  #paused = false;
  #closed = false;
  readonly #stuck: Stuck;
  /** When something came last. */
  heardAt: number;
  #writtenBytes = 0;
  /** Bytes the client had taken when last looked at. */
  #takenBytes = 0;

  constructor(server: ConnectionHost, connection: Connection, onClosed: () => void) {
    this.#server = server;
    this.#connection = connection;
    this.#onClosed = onClosed;
    this.heardAt = server.clock.now();
    this.#stuck = new Stuck(() => this.#lookWhetherStuck());
  }

  get requestCount(): number {
    return this.#running;
  }

  begin(rest: Uint8Array): void {
    this.#connection.handle({
      data: (bytes) => this.#data(bytes),
      closed: () => this.#over(),
      drained: () => {
        this.#clogged = false;
        this.#server.wheel.remove(this.#stuck);
        this.goOn();
        this.#wakeStarved();
      },
    });
    if (rest.length > 0) this.#data(rest);
  }

  send(type: number, stream: number, body: Uint8Array): void {
    if (this.#closed) return;
    const frame = encodeFrame(type, stream, body);
    this.#writtenBytes += frame.length;
    if (this.#connection.write(frame) || this.#clogged) return;
    this.#clogged = true;
    this.#takenBytes = this.#writtenBytes - this.#connection.queuedBytes;
    this.#server.wheel.add(this.#stuck, this.#server.clock.now() + this.#server.limits.stuckMs);
  }

  close(): void {
    this.#connection.close();
  }

  /** To make room. */
  leave(): void {
    this.#connection.close();
    this.#over();
  }

  /** It has taken too long to finish its frame while others need the room: it certainly was not done. */
  sendAway(): void {
    this.#server.logger.log('warn', 'a client did not finish what it began to send', { remote: this.#connection.remote, bytes: this.#halfBytes });
    this.#breakOff(new OperationError({ code: 'OVERLOADED', detail: 'too much has been begun and not finished' }));
  }

  fail(request: Request, error: unknown): void {
    if (this.#finish(request)) this.#sendFailure(request.stream, error);
  }

  #data(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.heardAt = this.#server.clock.now();
    let frames: Frame[];
    try {
      frames = this.#frames.push(bytes);
    } catch (error) {
      this.#server.logger.log('info', 'a client does not speak the protocol', { remote: this.#connection.remote, error: String(error) });
      return this.#breakOff(error);
    }
    const { heldBytes } = this.#frames;
    if (heldBytes > halfBytesMin || this.#halfBytes > 0) {
      this.#halfBytes = heldBytes > halfBytesMin ? heldBytes : 0;
      this.#server.halfWritten(this, this.#halfBytes, frames.length > 0);
    }
    for (const frame of frames) {
      // Nothing overtakes, but the word that something is not wanted any more.
      if (frame.type === ClientFrame.cancel) this.#cancel(frame.stream);
      else if (this.#backlog.length > 0 || this.#isFull) this.#backlog.push(frame);
      else this.#take(frame);
      if (this.#closed) return;
    }
    this.#steer();
  }

  get #isFull(): boolean {
    const { requestsMax, connectionBytesMax, bytesMax } = this.#server.limits;
    const occupied = this.report();
    if (this.#clogged || this.#running >= requestsMax || occupied > connectionBytesMax) return true;
    if (this.#server.occupiedBytes <= bytesMax || occupied <= reserveBytes) return false;
    this.#server.starved.add(this);
    return true;
  }

  /** Keeps the server's sum of what all occupy up to date. */
  report(): number {
    const held = this.#closed ? 0 : this.#connection.queuedBytes + this.#frames.heldBytes + this.#admittedBytes;
    const occupied = this.#closed ? 0 : this.#weight + held;
    this.#server.heldBytes += held - this.#reportedHeld;
    this.#server.occupiedBytes += occupied - this.#reported;
    this.#reportedHeld = held;
    this.#reported = occupied;
    return occupied;
  }

  /** Reads on or does not, as the bounds have it. */
  #steer(): void {
    const stop = this.#backlog.length > 0 || this.#isFull;
    if (stop === this.#paused || this.#closed) return;
    this.#paused = stop;
    if (stop) this.#connection.pause();
    else this.#connection.resume();
  }

  /** There may be room again. */
  goOn(): void {
    if (this.#closed || !this.#paused) return;
    let taken = 0;
    while (taken < this.#backlog.length && !this.#isFull) this.#take(this.#backlog[taken++]!);
    if (taken > 0) this.#backlog = this.#backlog.slice(taken);
    this.#steer();
  }

  #take(frame: Frame): void {
    const { type, stream, body } = frame;
    if (this.#requests.has(stream)) return this.#breakOff(new OperationError({ code: 'PROTOCOL', detail: `stream ${stream} is in use` }));
    this.#server.requests++;
    try {
      if (type === ClientFrame.propose) this.#propose(stream, body);
      else if (type === ClientFrame.read) this.#read(stream, body);
      else this.#other(type, stream, body);
    } catch (error) {
      this.#sendFailure(stream, error);
    }
  }

  #propose(stream: number, body: Uint8Array): void {
    const { deadlineMs, command } = decodePropose(body);
    // What enters the log is applied by everybody, now and at every restart: what nobody could read stays outside.
    const { type } = decodeCommand(command);
    if (type === 'expireSessions' || type === 'raiseVersion') throw new OperationError({ code: 'BAD_REQUEST', detail: 'this is the leader’s to propose' });
    // No signal: a proposal under way cannot be called back, only left unanswered.
    this.#await(stream, 'other', body.length, deadlineMs, () => this.#server.service.propose(command, { deadlineMs: Math.min(deadlineMs, deadlineMsMax) }));
  }

  #read(stream: number, body: Uint8Array): void {
    const { head, request } = decodeRead(body);
    const kind = kindOf(decodeRequest(request));
    const estimate = this.#estimates[kind];
    this.#await(stream, kind, body.length + estimate, head.deadlineMs, (asked) =>
      this.#server.service.read(request, { ...head, deadlineMs: Math.min(head.deadlineMs, deadlineMsMax), admit: (bytes) => this.#admit(asked, bytes, estimate) }));
  }

  /** An answer turns out to be larger than was thought: it is made when there is room for it. */
  #admit(request: Request, bytes: number, estimate: number): void | Promise<void> {
    if (request.over) throw new OperationError({ code: 'ABORTED' });
    if (bytes <= estimate || this.tryAdmit(request, bytes)) return;
    return this.#server.waitForRoom(request, bytes);
  }

  /** Counted is what is held, not what is thought of answers to come: they wait for each other otherwise. One answer may be as large as any. */
  tryAdmit(request: Request, bytes: number): boolean {
    const { connectionBytesMax, bytesMax } = this.#server.limits;
    this.report();
    const held = this.#reportedHeld;
    if (held > 0 && held + bytes > connectionBytesMax) return false;
    if (held + bytes > reserveBytes && this.#server.heldBytes + bytes > bytesMax) return false;
    request.admittedBytes = bytes;
    this.#admittedBytes += bytes;
    this.report();
    return true;
  }

  #other(type: number, stream: number, body: Uint8Array): void {
    const { service } = this.#server;
    switch (type) {
      case ClientFrame.ping:
        return this.send(ClientFrame.answer, stream, emptyBytes);
      case ClientFrame.status:
        return this.send(ClientFrame.answer, stream, encodeStatus(service.status()));
      case ClientFrame.members: {
        if (body.length === 0) {
          const members = service.members();
          // A member that is starting does not know yet; nobody would be a wrong answer.
          if (members.length === 0) throw new OperationError({ code: 'NO_LEADER', detail: 'the member is starting' });
          return this.send(ClientFrame.answer, stream, encodeMembers(members));
        }
        const waitMs = decodeDeadline(body);
        return this.#await(stream, 'other', body.length, deadlineMsMax, () => service.agreedMembers({ deadlineMs: waitMs }).then(encodeMembers));
      }
      case ClientFrame.hashKv: {
        const revision = decodeNumber(body);
        return this.#await(stream, 'other', body.length, deadlineMsMax, () => service.hashKv(revision).then(encodeHashKv));
      }
      case ClientFrame.moveLeader: {
        const target = decodeNumber(body);
        return this.#await(stream, 'other', body.length, deadlineMsMax, () => service.moveLeader(target).then(() => emptyBytes));
      }
      case ClientFrame.changeMembership: {
        const { deadlineMs, change } = decodeMembershipChange(body);
        return this.#await(stream, 'other', body.length, deadlineMs, () => service.changeMembership(change, { deadlineMs: Math.min(deadlineMs, deadlineMsMax) }).then(encodeMembershipResult));
      }
      default:
        throw new OperationError({ code: 'UNSUPPORTED', detail: `a message of type ${type}` });
    }
  }

  #await(stream: number, kind: Kind, bytes: number, deadlineMs: number, ask: (request: Request) => Promise<Uint8Array>): void {
    const request = new Request(this, stream, kind, bytes + requestOverheadBytes);
    this.#requests.set(stream, request);
    this.#running++;
    this.#weight += request.weight;
    this.#server.wheel.add(request, this.#server.clock.now() + Math.min(deadlineMs, deadlineMsMax) + graceMs);
    void ask(request).then(
      (body) => this.#answered(request, body),
      (error: unknown) => this.#refused(request, error),
    );
  }

  #answered(request: Request, body: Uint8Array): void {
    if (this.#finish(request)) this.#answer(request, body);
    this.#settled(request);
  }

  #refused(request: Request, error: unknown): void {
    this.fail(request, error);
    this.#settled(request);
  }

  #answer(request: Request, body: Uint8Array): void {
    const { kind } = request;
    if (kind !== 'other') this.#estimates[kind] = Math.max(body.length, Math.floor(this.#estimates[kind] * 0.95), estimateMin[kind]);
    if (body.length + frameOverheadBytes <= answerBytesMax) return this.send(ClientFrame.answer, request.stream, body);
    this.#sendFailure(request.stream, new OperationError({ code: 'TOO_LARGE', detail: `an answer of ${body.length} bytes: ask for less at a time` }));
  }

  #sendFailure(stream: number, error: unknown): void {
    this.#server.failures++;
    let failure: Failure = { code: 'INTERNAL', detail: 'the member failed to do it; its log says why' };
    if (error instanceof OperationError) ({ failure } = error);
    else this.#server.logger.log('error', 'a request failed for a reason of our own', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    this.send(ClientFrame.failure, stream, encodeFailure(failure));
  }

  /** False: it was over already. */
  #finish(request: Request): boolean {
    if (request.over) return false;
    request.over = true;
    this.#server.wheel.remove(request);
    this.#requests.delete(request.stream);
    return true;
  }

  /** Only now is what it occupied free. */
  #settled(request: Request): void {
    this.#running--;
    this.#weight -= request.weight;
    this.#admittedBytes -= request.admittedBytes;
    if (this.#paused) this.goOn();
    this.#wakeStarved();
  }

  #wakeStarved(): void {
    this.report();
    this.#server.wakeStarved();
  }

  #cancel(stream: number): void {
    const request = this.#requests.get(stream);
    if (request !== undefined) this.#finish(request);
    else if (this.#backlog.length > 0) this.#backlog = this.#backlog.filter((frame) => frame.stream !== stream);
  }

  #lookWhetherStuck(): void {
    const { queuedBytes } = this.#connection;
    const taken = this.#writtenBytes - queuedBytes;
    if (taken === this.#takenBytes) {
      this.#server.logger.log('warn', 'a client does not read its answers', { remote: this.#connection.remote, queuedBytes });
      return this.#connection.destroy();
    }
    this.#takenBytes = taken;
    this.#server.wheel.add(this.#stuck, this.#server.clock.now() + this.#server.limits.stuckMs);
  }

  /** Says why, then closes: nothing sensible can follow. */
  #breakOff(error: unknown): void {
    this.#sendFailure(0, error);
    this.#connection.close();
    this.#over();
  }

  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#backlog = [];
    // What it has begun is let go of now: the connection may linger.
    this.#frames = new FrameReader(clientFrameBytesMax);
    if (this.#halfBytes > 0) this.#server.halfWritten(this, 0, true);
    this.#server.wheel.remove(this.#stuck);
    for (const request of this.#requests.values()) {
      request.over = true;
      this.#server.wheel.remove(request);
    }
    this.#requests.clear();
    this.#server.starved.delete(this);
    this.#wakeStarved();
    this.#onClosed();
  }
}

function kindOf(request: KvRequest): 'one' | 'many' {
  return request.type === 'range' && (request.rangeEnd === undefined || request.countOnly === true) ? 'one' : 'many';
}
