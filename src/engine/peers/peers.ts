// The other members, as this one reaches them: per peer a control link (Raft) and, while it is needed, a bulk link
// (snapshots). What a peer sends comes on the links that it dials, through `accept`. Only whom this member cannot dial is
// answered on the connection it came by: one that joined, or moved, in entries that this member has yet to be sent.

import { emptyBytes } from '../../core/bytes.ts';
import { OperationError } from '../../core/errors.ts';
import { clusterVersions } from '../../core/kv/index.ts';
import type { GroupId, MemberId, MemberInfo, Message } from '../../core/raft/index.ts';
import { FrameReader, encodeFrame } from '../../core/wire/index.ts';
import type { Hello } from '../../core/wire/index.ts';
import type { Acquaintances } from '../member/identity.ts';
import type { Address, Connection, Ports } from '../ports.ts';
import { PeerFrame, decodeBirthAnswer, decodeNumber, encodeBirthAnswer, encodeNumber, peerFrameBytesMax } from './frames.ts';
import type { BirthAnswer } from './frames.ts';
import { Link, queuedBytesMax } from './link.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { Watch } from './pulse.ts';
import { Valve } from './valve.ts';

export interface PeersHandlers {
  message(group: GroupId, message: Message): void;
  /** What was on its way to this member may be lost. `refused`: its process is gone. */
  unreachable(member: MemberId, refused: boolean): void;
  hasRun(): boolean;
  /** Somebody says that this member was removed. */
  removed(): void;
  /** A frame about snapshots on a connection that the peer dialed; `reply` answers on it, and is the connection's own. Resolves when the frame is held no longer. */
  snapshotFrame(from: MemberId, type: number, body: Uint8Array, reply: (type: number, body: Uint8Array) => void): Promise<void>;
  snapshotConnectionClosed(from: MemberId, reply: (type: number, body: Uint8Array) => void): void;
}

interface Peer {
  readonly info: MemberInfo;
  readonly control: Link;
}

interface Dialer {
  readonly member: MemberId;
  readonly purpose: Hello['purpose'];
  readonly reply: (type: number, body: Uint8Array) => void;
  /** It was told on this connection who answers. */
  isGreeted: boolean;
  /** It has said on this connection who it is, and that is on record: until then it is anybody. */
  isMet: boolean;
}

/** The connection that a voice speaks on. */
interface Line {
  /** Who speaks is on record. */
  met?(): void;
  refuse(): void;
  /** Nothing more is read while a birth is being recorded: what follows it waits with its sender. */
  pause?(): void;
  resume?(): void;
}

/** Connections that peers, or who says to be one, may have here at a time: each member has two. */
const acceptedMax = 1024;
/** What a frame costs beside its bytes while it waits: one without any is not free. */
const frameOverhead = 512;

type Frame = (type: number, body: Uint8Array) => void;
/** Takes a frame; what is neither a message nor an introduction goes on to `otherwise`. */
type Voice = (type: number, body: Uint8Array, otherwise: Frame) => void;

export function parseAddress(address: string): Address {
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new OperationError({ code: 'INVALID_CONFIG', detail: `"${address}" is not host:port` });
  }
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port };
}

export class Peers {
  readonly #ports: Ports;
  readonly #hello: Hello;
  readonly #acquaintances: Acquaintances;
  readonly #handlers: PeersHandlers;
  readonly #peers = new Map<MemberId, Peer>();
  readonly #accepted = new Set<Connection>();
  /** Whoever dialed us, and how to answer it. */
  readonly #dialers = new Map<Connection, Dialer>();
  #removed: ReadonlySet<MemberId> = new Set();
  readonly #birthAnswers = new Map<MemberId, BirthAnswer>();
  readonly #clusterVersions = new Map<MemberId, number>();
  #birth = 0;
  #asking = false;
  #isClosed = false;
  messagesSent = 0;
  messagesReceived = 0;

  constructor(ports: Ports, hello: Hello, acquaintances: Acquaintances, handlers: PeersHandlers) {
    this.#ports = ports;
    this.#hello = hello;
    this.#acquaintances = acquaintances;
    this.#handlers = handlers;
  }

  /** Dials whom it does not know yet, lets go of whom the list does not name, follows a changed address. */
  setMembers(members: readonly MemberInfo[]): void {
    for (const [id, peer] of this.#peers) {
      if (members.some((member) => member.id === id && member.address === peer.info.address)) continue;
      peer.control.close();
      this.#peers.delete(id);
    }
    for (const info of members) {
      if (info.id === this.#hello.member || this.#peers.has(info.id)) continue;
      this.#peers.set(info.id, { info, control: this.#link(info) });
    }
  }

  /** These were removed, and that is committed: they are told so, and not listened to any more. */
  setRemoved(removed: readonly MemberId[]): void {
    if (removed.length === this.#removed.size && removed.every((id) => this.#removed.has(id))) return;
    this.#removed = new Set(removed);
    for (const { member, reply } of this.#dialers.values()) if (this.#removed.has(member)) reply(PeerFrame.removed, emptyBytes);
  }

  /** From here on this member has an identity: it introduces itself, and may speak. */
  introduce(birth: number): void {
    this.#birth = birth;
    for (const peer of this.#peers.values()) this.#greet(peer.control);
  }

  /** Asks everybody, on every link that opens, until `introduce`. */
  askForBirth(): ReadonlyMap<MemberId, BirthAnswer> {
    this.#asking = true;
    for (const peer of this.#peers.values()) this.#greet(peer.control);
    return this.#birthAnswers;
  }

  /** The newest cluster version that the member knows, as it said when it dialed us last; undefined: it has not yet. */
  clusterVersionOf(member: MemberId): number | undefined {
    return this.#clusterVersions.get(member);
  }

  send(group: GroupId, message: Message): void {
    const peer = this.#peers.get(message.to);
    if (this.#birth === 0) return;
    if (peer?.control.isOpen !== true && this.#answer(group, message)) return;
    if (peer === undefined) return;
    this.messagesSent++;
    if (!peer.control.send(PeerFrame.raft, 0, encodeMessage(group, message)) && peer.control.isOpen) {
      this.#handlers.unreachable(message.to, false);
    }
  }

  /** On the connection that the member dialed last. A leader who could not be answered would never send what tells us where it is. */
  #answer(group: GroupId, message: Message): boolean {
    const dialer = this.#dialerOf(message.to);
    if (dialer === undefined || this.#removed.has(message.to)) return false;
    this.messagesSent++;
    if (!dialer.isGreeted) dialer.reply(PeerFrame.introduce, encodeNumber(this.#birth));
    dialer.isGreeted = true;
    dialer.reply(PeerFrame.raft, encodeMessage(group, message));
    return true;
  }

  #dialerOf(id: MemberId): Dialer | undefined {
    return [...this.#dialers.values()].findLast(({ member, purpose, isMet }) => member === id && purpose === 'control' && isMet);
  }

  /** A further link to the member, for snapshots. */
  bulk(member: MemberId, handlers: { opened(): void; frame(type: number, body: Uint8Array): void; closed(): void }): Link | undefined {
    const peer = this.#peers.get(member);
    if (peer === undefined) return undefined;
    return new Link(this.#ports, parseAddress(peer.info.address), { ...this.#hello, purpose: 'bulk' }, {
      opened: () => handlers.opened(),
      frame: (type, _stream, body) => handlers.frame(type, body),
      closed: () => handlers.closed(),
    });
  }

  /** A connection whose hello (already answered) said that a peer dialed it. */
  accept(connection: Connection, hello: Hello, firstBytes: Uint8Array): void {
    if (this.#isClosed || this.#accepted.size >= acceptedMax) {
      if (!this.#isClosed) this.#ports.logger.log('warn', 'too many connections of peers: one more is turned away', { member: hello.member, acceptedMax });
      return connection.destroy();
    }
    this.#accepted.add(connection);
    const frames = new FrameReader(peerFrameBytesMax);
    const reply = (type: number, body: Uint8Array): void => {
      if (connection.queuedBytes <= queuedBytesMax) return void connection.write(encodeFrame(type, 0, body));
      // It asks, and never reads what it is answered: that would pile up here without end.
      this.#ports.logger.log('warn', 'a peer does not read what it is answered', { member: hello.member, queuedBytes: connection.queuedBytes });
      connection.destroy();
    };
    const dialer: Dialer = { member: hello.member, purpose: hello.purpose, reply, isGreeted: false, isMet: false };
    this.#dialers.set(connection, dialer);
    const valve = new Valve(connection);
    const voice = this.#voice(hello.member, {
      met: () => {
        dialer.isMet = true;
        this.#clusterVersions.set(hello.member, Math.max(hello.clusterVersion, clusterVersions.lowest));
      },
      refuse: () => connection.destroy(),
      pause: () => valve.pause(),
      resume: () => valve.resume(),
    });
    const watch = new Watch(this.#ports.clock, (number) => reply(PeerFrame.pong, encodeNumber(number)), () => {
      this.#ports.logger.log('info', 'a peer has gone without a word: its connection is given up', { member: hello.member, purpose: hello.purpose });
      connection.destroy();
    });
    const take = (type: number, body: Uint8Array): void => {
      if (this.#removed.has(hello.member)) return reply(PeerFrame.removed, emptyBytes);
      switch (type) {
        case PeerFrame.birthQuery:
          reply(PeerFrame.birthAnswer, encodeBirthAnswer({ birth: this.#acquaintances.birthOf(hello.member) ?? 0, hasRun: this.#handlers.hasRun() }));
          return;
        case PeerFrame.ping:
          return watch.asked(decodeNumber(body));
        default:
          if (type < PeerFrame.snapshotOffer || type > PeerFrame.snapshotDone) return;
          // Whoever leads us has introduced itself on its control connection, in this life or an earlier one.
          if (this.#acquaintances.birthOf(hello.member) === undefined) return connection.destroy();
          valve.wait(body.length + frameOverhead, this.#handlers.snapshotFrame(hello.member, type, body, reply));
      }
    };
    const data = (bytes: Uint8Array): void => {
      watch.heard();
      try {
        for (const { type, body } of frames.push(bytes)) voice(type, body, take);
      } catch (error) {
        this.#misspoken(hello.member, error);
        connection.destroy();
      }
    };
    connection.handle({
      data,
      closed: () => {
        watch.stop();
        this.#accepted.delete(connection);
        this.#dialers.delete(connection);
        if (hello.purpose === 'bulk') this.#handlers.snapshotConnectionClosed(hello.member, reply);
      },
      drained: () => undefined,
    });
    if (firstBytes.length > 0) data(firstBytes);
  }

  close(): void {
    this.#isClosed = true;
    for (const peer of this.#peers.values()) peer.control.close();
    for (const connection of this.#accepted) connection.destroy();
    this.#peers.clear();
  }

  #receive(from: MemberId, body: Uint8Array): void {
    const decoded = decodeMessage(body);
    if (decoded === undefined) return;
    // Nobody speaks for another.
    if (decoded.message.from !== from || decoded.message.to !== this.#hello.member) return;
    this.messagesReceived++;
    this.#handlers.message(decoded.group, decoded.message);
  }

  /** What a member says on a connection, in order: nothing of Raft's before its birth is on record. */
  #voice(member: MemberId, line: Line): Voice {
    let introduced = false;
    let isRefused = false;
    let chain: Promise<void> | undefined;
    const take: Voice = (type, body, otherwise) => {
      if (type === PeerFrame.raft && !this.#removed.has(member)) {
        if (introduced) this.#receive(member, body);
      } else if (type === PeerFrame.introduce && !this.#removed.has(member)) {
        const birth = decodeNumber(body);
        line.pause?.();
        chain = this.#meet(member, birth).then((ok) => {
          introduced = ok;
          chain = undefined;
          if (!ok) return line.refuse();
          line.met?.();
          line.resume?.();
        });
      } else otherwise(type, body);
    };
    // While the birth is being recorded what follows it waits, in order. What is wrong with it then is wrong long after
    // `data` returned, where nobody catches: a promise that rejects unheard ends the process.
    const takeLate: Voice = (type, body, otherwise) => {
      if (isRefused) return;
      try {
        take(type, body, otherwise);
      } catch (error) {
        isRefused = true;
        this.#misspoken(member, error);
        line.refuse();
      }
    };
    return (type, body, otherwise) => {
      if (chain === undefined) take(type, body, otherwise);
      else chain = chain.then(() => takeLate(type, body, otherwise));
    };
  }

  #misspoken(member: MemberId, error: unknown): void {
    this.#ports.logger.log('warn', 'a peer does not speak the protocol', { member, error: String(error) });
  }

  async #meet(member: MemberId, birth: number): Promise<boolean> {
    try {
      if (await this.#acquaintances.meet(member, birth, this.#peers.has(member))) return true;
      this.#ports.logger.log('error', 'a member came back without its memory: it is not listened to', { member });
    } catch (error) {
      this.#ports.logger.log('error', 'a member could not be recorded', { member, error: String(error) });
    }
    return false;
  }

  #link(info: MemberInfo): Link {
    let voice: Voice | undefined;
    const link: Link = new Link(this.#ports, parseAddress(info.address), { ...this.#hello, purpose: 'control' }, {
      opened: (answer) => {
        // Whoever sits at this address now may be another.
        // And who is not put on record now is to introduce itself again, or it would never be heard on this link.
        voice = answer.member === info.id ? this.#voice(info.id, { refuse: () => link.breakOff() }) : undefined;
        this.#greet(link);
      },
      frame: (type, _stream, body) => {
        voice?.(type, body, () => {
          if (type === PeerFrame.removed) this.#handlers.removed();
          else if (type === PeerFrame.birthAnswer) this.#birthAnswers.set(info.id, decodeBirthAnswer(body));
        });
      },
      // A port that refuses does not say that nobody lives: who is heard on the connection it dialed is answered there.
      closed: (refused) => {
        if (!refused || this.#dialerOf(info.id) === undefined) this.#handlers.unreachable(info.id, refused);
      },
    });
    return link;
  }

  #greet(link: Link): void {
    if (this.#birth !== 0) link.send(PeerFrame.introduce, 0, encodeNumber(this.#birth));
    else if (this.#asking) link.send(PeerFrame.birthQuery, 0, new Uint8Array(0));
  }
}
