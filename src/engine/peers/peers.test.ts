import { describe, expect, it } from 'vitest';
import { nextUint32, seedRandom } from '../../core/random.ts';
import { noConfiguration } from '../../core/raft/index.ts';
import type { MemberInfo, Message } from '../../core/raft/index.ts';
import { FrameReader, Writer, encodeFrame, newHello } from '../../core/wire/index.ts';
import type { Frame } from '../../core/wire/index.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SimNetwork } from '../../sim/network.ts';
import { Acquaintances } from '../member/identity.ts';
import { acceptHello } from '../native/index.ts';
import { SnapshotReceiver } from '../replica/snapshots.ts';
import type { Connection, ConnectionHandlers, Ports } from '../ports.ts';
import { PeerFrame, decodeNumber, encodeNumber, encodeOffer } from './frames.ts';
import { encodeMessage } from './message-codec.ts';
import { Peers } from './peers.ts';

const cluster = 7;
const infoOf = (id: number): MemberInfo => ({ id, name: `n${id}`, address: `n${id}:1` });

class Pair {
  readonly clock: VirtualClock = new VirtualClock();
  readonly network: SimNetwork = new SimNetwork(this.clock, 1);
  readonly heard: { readonly by: number; readonly message: Message }[] = [];

  /** A member that knows these others, and has the birth. */
  async member(id: number, knows: readonly MemberInfo[], birth: number, disk: SimDisk = this.disk(id), onRefused: (member: number) => void = () => undefined): Promise<Peers> {
    const seed = seedRandom(id);
    const ports: Ports = {
      clock: this.clock, random: { uint32: () => nextUint32(seed) }, disk, network: this.network.of(`n${id}`), logger: { log: () => undefined },
    };
    const acquaintances = await this.settled(Acquaintances.open(disk));
    await this.settled(disk.makeDirectory('s'));
    const receiver = new SnapshotReceiver(ports, 's', cluster, 2, () => true, () => undefined);
    const peers = new Peers(ports, newHello('control', cluster, id), acquaintances, {
      message: (_group, message) => void this.heard.push({ by: id, message }),
      unreachable: (member, refused) => void (refused && onRefused(member)), hasRun: () => true, removed: () => undefined,
      snapshotFrame: (_from, type, body, reply) => receiver.frame(type, body, reply),
      snapshotConnectionClosed: (_from, reply) => receiver.closed(reply),
    });
    await this.settled(ports.network.listen({ host: `n${id}`, port: 1 }, (connection) => {
      acceptHello(connection, { clock: this.clock, logger: ports.logger, cluster, member: id }, (accepted, hello, rest) => peers.accept(accepted, hello, rest));
    }));
    peers.setMembers(knows);
    peers.introduce(birth);
    await this.clock.advance(200);
    return peers;
  }

  /** The second member has introduced itself, as it does on its control connection before it sends anything. */
  async met(peers: Peers): Promise<void> {
    peers.accept(new Caller(), newHello('control', cluster, 2), introduction(22));
    await this.clock.advance(200);
  }

  disk(id: number): SimDisk {
    const seed = seedRandom(100 + id);
    return new SimDisk(this.clock, { uint32: () => nextUint32(seed) });
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    promise.then(() => (isOver = true), () => (isOver = true));
    while (!isOver) await this.clock.advance(1);
    return promise;
  }
}

/** The near end of a connection whose other end is the test. */
class Caller implements Connection {
  readonly remote = { host: 'caller', port: 1 };
  queuedBytes = 0;
  isDestroyed = false;
  isPaused = false;
  readonly #frames = new FrameReader(1 << 20);
  readonly answers: Frame[] = [];
  handlers!: ConnectionHandlers;

  handle(handlers: ConnectionHandlers): void {
    this.handlers = handlers;
  }

  write(bytes: Uint8Array): boolean {
    if (!this.isDestroyed) this.queuedBytes += bytes.length;
    this.answers.push(...this.#frames.push(bytes));
    return true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(): void {}

  destroy(): void {
    this.isDestroyed = true;
    this.queuedBytes = 0;
  }
}

const offer = (bytes: number, from = 2): Uint8Array =>
  encodeFrame(PeerFrame.snapshotOffer, 0, encodeOffer({ group: 1, from, term: 1, marker: { index: 20, term: 1, producer: 1, id: 1, configuration: noConfiguration }, bytes }));
const introduction = (birth: number): Uint8Array => encodeFrame(PeerFrame.introduce, 0, encodeNumber(birth));

const heartbeat = (from: number, to: number): Message => ({ type: 'heartbeat', from, to, term: 3, commit: 0, round: 0, digestIndex: 0, digest: '', stamp: 0 });
const answer = (from: number, to: number): Message => ({ type: 'heartbeatReply', from, to, term: 3, round: 0, stamp: 0, loyaltyMs: 0 });

/** A large snapshot is offered to a member whose disk takes so long for everything. */
async function offered(delayMs: number): Promise<{ readonly pair: Pair; readonly caller: Caller }> {
  const pair = new Pair();
  const disk = pair.disk(1);
  const peers = await pair.member(1, [], 11, disk);
  await pair.met(peers);
  disk.faults.delayMs = delayMs;
  const caller = new Caller();
  peers.accept(caller, newHello('bulk', cluster, 2), offer(1 << 30));
  return { pair, caller };
}

describe('peers', () => {
  it('who cannot be dialed is answered on the connection it came by: a leader that joined in entries not yet here', async () => {
    const pair = new Pair();
    const behind = await pair.member(1, [], 11);
    const leader = await pair.member(2, [infoOf(1)], 22);
    leader.send(1, heartbeat(2, 1));
    await pair.clock.advance(100);
    expect(pair.heard).toMatchObject([{ by: 1, message: { type: 'heartbeat' } }]);
    behind.send(1, answer(1, 2));
    await pair.clock.advance(100);
    expect(pair.heard.slice(1)).toMatchObject([{ by: 2, message: { type: 'heartbeatReply', from: 1 } }]);
  });

  it('who has moved is answered, too, while its old address is all that is known', async () => {
    const pair = new Pair();
    const behind = await pair.member(1, [{ ...infoOf(2), address: 'elsewhere:1' }], 11);
    const leader = await pair.member(2, [infoOf(1)], 22);
    leader.send(1, heartbeat(2, 1));
    await pair.clock.advance(100);
    behind.send(1, answer(1, 2));
    await pair.clock.advance(100);
    expect(pair.heard.map(({ by }) => by)).toEqual([1, 2]);
  });

  it('who answers is put on record first, and one that lost its memory is not listened to', async () => {
    const pair = new Pair();
    const disk = pair.disk(2);
    const first = await pair.member(1, [], 11);
    const leader = await pair.member(2, [infoOf(1)], 22, disk);
    first.send(1, answer(1, 2));
    await pair.clock.advance(100);
    expect(pair.heard).toHaveLength(1);
    expect((await pair.settled(Acquaintances.open(disk))).birthOf(1)).toBe(11);
    first.close();
    pair.network.kill('n1');
    const forgetful = await pair.member(1, [], 12, pair.disk(3));
    await pair.clock.advance(3000);
    leader.send(1, heartbeat(2, 1));
    await pair.clock.advance(100);
    forgetful.send(1, answer(1, 2));
    await pair.clock.advance(100);
    expect(pair.heard.filter(({ by }) => by === 2)).toHaveLength(1);
  });

  it('who answers while the disk is full is heard once it no longer is', async () => {
    const pair = new Pair();
    const disk = pair.disk(2);
    const behind = await pair.member(1, [], 11);
    const leader = await pair.member(2, [infoOf(1)], 22, disk);
    disk.faults.spaceLeftBytes = 0;
    behind.send(1, answer(1, 2));
    await pair.clock.advance(1000);
    expect(pair.heard).toEqual([]);
    disk.faults.spaceLeftBytes = Infinity;
    for (let beat = 0; beat < 20; beat++) {
      leader.send(1, heartbeat(2, 1));
      behind.send(1, answer(1, 2));
      await pair.clock.advance(100);
    }
    expect(pair.heard.some(({ by }) => by === 2)).toBe(true);
  });

  it('who says nonsense while its birth is being recorded is refused, and what it says behind that is not heard', async () => {
    const pair = new Pair();
    const peers = await pair.member(1, [], 11);
    const caller = new Caller();
    const nonsense = encodeFrame(PeerFrame.raft, 0, Uint8Array.of(1));
    const sense = encodeFrame(PeerFrame.raft, 0, encodeMessage(1, heartbeat(2, 1)));
    peers.accept(caller, newHello('control', cluster, 2), Buffer.concat([introduction(22), sense, nonsense, sense]));
    expect(caller.isDestroyed).toBe(false);
    await pair.clock.advance(100);
    expect(caller.isDestroyed).toBe(true);
    expect(pair.heard).toHaveLength(1);
  });

  it('who asks and never reads what it is answered is let go of before that fills the memory', async () => {
    const pair = new Pair();
    const peers = await pair.member(1, [], 11);
    const caller = new Caller();
    peers.accept(caller, newHello('control', cluster, 2), new Uint8Array(0));
    const query = encodeFrame(PeerFrame.birthQuery, 0, new Uint8Array(0));
    caller.handlers.data(query);
    const answerBytes = caller.queuedBytes;
    expect(answerBytes).toBeGreaterThan(0);
    // What millions of them would leave.
    caller.queuedBytes = 64 << 20;
    caller.handlers.data(query);
    expect(caller.isDestroyed).toBe(false);
    expect(caller.queuedBytes).toBe((64 << 20) + answerBytes);
    caller.handlers.data(query);
    expect(caller.isDestroyed).toBe(true);
  });

  it('a connection that broke unheard, and speaks or ends late, does not end the snapshot that comes on its successor', async () => {
    const pair = new Pair();
    const peers = await pair.member(1, [], 11);
    await pair.met(peers);
    const [broken, successor] = [new Caller(), new Caller()];
    for (const caller of [broken, successor]) {
      peers.accept(caller, newHello('bulk', cluster, 2), offer(100));
      await pair.clock.advance(100);
    }
    broken.handlers.data(encodeFrame(PeerFrame.snapshotChunk, 0, new Writer(32).u53(50).raw(new Uint8Array(10)).finish()));
    broken.handlers.closed(undefined);
    successor.handlers.data(encodeFrame(PeerFrame.snapshotChunk, 0, new Writer(32).u53(0).raw(new Uint8Array(10)).finish()));
    await pair.clock.advance(100);
    expect(successor.answers.map(({ type }) => type)).toEqual([PeerFrame.snapshotResume, PeerFrame.snapshotAck]);
    successor.handlers.closed(undefined);
    successor.handlers.data(encodeFrame(PeerFrame.snapshotChunk, 0, new Writer(32).u53(10).raw(new Uint8Array(10)).finish()));
    await pair.clock.advance(100);
    expect(successor.answers, 'its own end does').toHaveLength(2);
  });

  it('nothing is read of a peer while its birth is being recorded, however long that takes', async () => {
    const pair = new Pair();
    const disk = pair.disk(1);
    const peers = await pair.member(1, [], 11, disk);
    disk.faults.delayMs = 1000;
    const caller = new Caller();
    peers.accept(caller, newHello('control', cluster, 2), introduction(22));
    expect(caller.isPaused).toBe(true);
    await pair.clock.advance(900);
    expect(caller.isPaused).toBe(true);
    await pair.clock.advance(20_000);
    expect(caller.isPaused).toBe(false);
    caller.handlers.data(encodeFrame(PeerFrame.raft, 0, encodeMessage(1, heartbeat(2, 1))));
    expect(pair.heard).toHaveLength(1);
  });

  it('nothing more is read of a snapshot while too much of it waits for the disk, and all of it is stored in the end', async () => {
    const { pair, caller } = await offered(100);
    const chunk = new Uint8Array(64 << 10);
    let sent = 0;
    const send = (): void => caller.handlers.data(encodeFrame(PeerFrame.snapshotChunk, 0, new Writer(chunk.length + 8).u53(chunk.length * sent++).raw(chunk).finish()));
    // What a sender of ours may have under way is no reason.
    while (sent < 16) send();
    expect(caller.isPaused).toBe(false);
    while (!caller.isPaused && sent < 1000) send();
    expect(sent * chunk.length).toBeGreaterThanOrEqual(4 << 20);
    expect(sent * chunk.length).toBeLessThan(5 << 20);
    await pair.clock.advance(500);
    expect(caller.isPaused).toBe(false);
    while (!caller.isPaused) send();
    await pair.clock.advance(60_000);
    expect(caller.isPaused).toBe(false);
    expect(caller.answers.map(({ type }) => type)).toEqual([PeerFrame.snapshotResume, ...Array.from({ length: sent }, () => PeerFrame.snapshotAck)]);
  });

  it('is read again when the last reason not to is gone: a birth that is on record already ends before the disk', async () => {
    const { pair, caller } = await offered(1000);
    caller.handlers.data(encodeFrame(PeerFrame.snapshotChunk, 0, new Writer((5 << 20) + 8).u53(0).raw(new Uint8Array(5 << 20)).finish()));
    caller.handlers.data(introduction(22));
    await pair.clock.advance(500);
    expect(caller.isPaused).toBe(true);
    await pair.clock.advance(20_000);
    expect(caller.isPaused).toBe(false);
    expect(caller.answers.map(({ type }) => type)).toEqual([PeerFrame.snapshotResume, PeerFrame.snapshotAck]);
  });

  it('frames without a byte are not free: they wait with their sender, too', async () => {
    const { pair, caller } = await offered(1000);
    let sent = 0;
    while (!caller.isPaused && sent < 100_000) {
      caller.handlers.data(encodeFrame(PeerFrame.snapshotAck, 0, new Uint8Array(0)));
      sent++;
    }
    expect(sent).toBeLessThan(10_000);
    await pair.clock.advance(20_000);
    expect(caller.isPaused).toBe(false);
  });

  it('a snapshot of one who never introduced itself, or in the name of another, is not taken', async () => {
    const pair = new Pair();
    const peers = await pair.member(1, [], 11);
    const stranger = new Caller();
    peers.accept(stranger, newHello('bulk', cluster, 2), offer(100));
    expect(stranger.isDestroyed).toBe(true);
    await pair.met(peers);
    const another = new Caller();
    peers.accept(another, newHello('bulk', cluster, 2), offer(100, 3));
    await pair.clock.advance(200);
    expect(another.answers.map(({ type, body }) => [type, decodeNumber(body)])).toEqual([[PeerFrame.snapshotDone, 0]]);
  });

  it('so many connections may say to be peers, and no more; none once it is closed', async () => {
    const pair = new Pair();
    const peers = await pair.member(1, [], 11);
    const callers = Array.from({ length: 1025 }, () => new Caller());
    for (const caller of callers) peers.accept(caller, newHello('control', cluster, 2), new Uint8Array(0));
    expect(callers.filter(({ isDestroyed }) => isDestroyed)).toEqual([callers.at(-1)]);
    peers.close();
    const late = new Caller();
    peers.accept(late, newHello('control', cluster, 2), new Uint8Array(0));
    expect(late.isDestroyed).toBe(true);
  });

  it('who only says that it is a member does not keep us from learning that the member is gone', async () => {
    const pair = new Pair();
    const gone: number[] = [];
    const peers = await pair.member(1, [infoOf(2)], 11, undefined, (member) => void gone.push(member));
    peers.accept(new Caller(), newHello('control', cluster, 2), new Uint8Array(0));
    await pair.clock.advance(2000);
    expect(gone).toContain(2);
    await pair.met(peers);
    await pair.clock.advance(200);
    gone.length = 0;
    await pair.clock.advance(5000);
    expect(gone).toEqual([]);
  });
});
