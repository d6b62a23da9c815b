// A group's snapshots: taken when the log has grown enough, sent to members that are behind what the log still
// holds, received in chunks that a broken connection does not lose.

import { OperationError } from '../../core/errors.ts';
import type { MemberId } from '../../core/raft/index.ts';
import { PeerFrame, chunkBytesMax, decodeNumber, decodeOffer, encodeNumber, encodeOffer } from '../peers/frames.ts';
import type { SnapshotOffer } from '../peers/frames.ts';
import { Writer, Reader } from '../../core/wire/index.ts';
import type { Link } from '../peers/link.ts';
import type { DiskFile, Ports } from '../ports.ts';
import { fileExists, readSnapshot, snapshotPath } from './snapshot-file.ts';
import { sleep } from '../slice.ts';

/** Chunks sent and not yet acknowledged. */
const chunksInFlightMax = 16;
const stallMs = 10_000;

export type OpenBulk = (handlers: { opened(): void; frame(type: number, body: Uint8Array): void; closed(): void }) => Link | undefined;

/** Sends one snapshot file; true once the receiver holds it durably. */
export async function sendSnapshotFile(ports: Ports, directory: string, offer: Omit<SnapshotOffer, 'bytes'>, openBulk: OpenBulk, bytesPerSecond: number): Promise<boolean> {
  const file = await ports.disk.open(snapshotPath(directory, offer.group, offer.marker), { create: 'never' });
  let link: Link | undefined;
  try {
    const bytes = await file.size();
    const events: { type: number; body: Uint8Array }[] = [];
    let wake: (() => void) | undefined;
    let down = false;
    const next = async (): Promise<{ type: number; body: Uint8Array } | undefined> => {
      if (events.length === 0 && !down) {
        let cancel: (() => void) | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          cancel = ports.clock.after(stallMs, resolve);
        });
        cancel?.();
      }
      return events.shift();
    };
    link = openBulk({
      opened: () => link?.send(PeerFrame.snapshotOffer, 0, encodeOffer({ ...offer, bytes })),
      frame: (type, body) => {
        events.push({ type, body });
        wake?.();
      },
      closed: () => {
        down = true;
        wake?.();
      },
    });
    if (link === undefined) return false;
    const first = await next();
    if (first?.type === PeerFrame.snapshotDone) return decodeNumber(first.body) === 1;
    if (first?.type !== PeerFrame.snapshotResume) return false;
    let position = decodeNumber(first.body);
    let acknowledged = position;
    while (acknowledged < bytes || position < bytes) {
      while (position < bytes && position - acknowledged < chunksInFlightMax * chunkBytesMax) {
        const started = ports.clock.now();
        const chunk = await file.read(position, chunkBytesMax);
        if (chunk.length === 0 || !link.send(PeerFrame.snapshotChunk, 0, new Writer(chunk.length + 8).u53(position).raw(chunk).finish())) return false;
        position += chunk.length;
        const due = (chunk.length / bytesPerSecond) * 1000 - (ports.clock.now() - started);
        if (due > 1) await sleep(ports.clock, due);
      }
      const event = await next();
      if (event === undefined || event.type === PeerFrame.snapshotDone) return event !== undefined && decodeNumber(event.body) === 1;
      if (event.type === PeerFrame.snapshotAck) acknowledged = decodeNumber(event.body);
    }
    for (;;) {
      const event = await next();
      if (event === undefined) return false;
      if (event.type === PeerFrame.snapshotDone) return decodeNumber(event.body) === 1;
    }
  } finally {
    link?.close();
    await file.close();
  }
}

type Reply = (type: number, body: Uint8Array) => void;

interface Receiving {
  readonly offer: SnapshotOffer;
  readonly path: string;
  readonly partial: string;
  readonly file: DiskFile;
  position: number;
}

/** The receiving side of one peer's bulk connections, of which the one with the newest offer counts. Frames are handled one after the other. */
export class SnapshotReceiver {
  readonly #ports: Ports;
  readonly #directory: string;
  readonly #cluster: number;
  readonly #from: MemberId;
  /** Says whether the offer is of use; called when the file is durable. */
  readonly #wanted: (offer: SnapshotOffer) => boolean;
  readonly #arrived: (offer: SnapshotOffer) => void;
  #chain: Promise<void> = Promise.resolve();
  #receiving: Receiving | undefined;
  /** Of the connection that the newest offer came by. One that broke unheard may end, or be heard, long after it. */
  #current: Reply | undefined;

  constructor(ports: Ports, directory: string, cluster: number, from: MemberId, wanted: (offer: SnapshotOffer) => boolean, arrived: (offer: SnapshotOffer) => void) {
    this.#ports = ports;
    this.#directory = directory;
    this.#cluster = cluster;
    this.#from = from;
    this.#wanted = wanted;
    this.#arrived = arrived;
  }

  /** Resolves when it is dealt with. Until then it waits here, and who reads the connection is to see that not too much does. */
  frame(type: number, body: Uint8Array, reply: Reply): Promise<void> {
    this.#chain = this.#chain
      .then(() => {
        if (type === PeerFrame.snapshotOffer) {
          this.#current = reply;
          return this.#offered(decodeOffer(body), reply);
        }
        if (type === PeerFrame.snapshotChunk && reply === this.#current) return this.#chunk(body, reply);
        return undefined;
      })
      .catch((error: unknown) => {
        this.#ports.logger.log('warn', 'a snapshot could not be received', { error: String(error) });
        reply(PeerFrame.snapshotDone, encodeNumber(0));
        return this.#abandon();
      });
    return this.#chain;
  }

  /** The connection that `reply` answers on is over. */
  closed(reply: Reply): void {
    this.#chain = this.#chain.then(() => (reply === this.#current ? this.#abandon() : undefined)).catch(() => undefined);
  }

  /** Keeps the partial file: a resume of the same (id, producer) goes on where it ended. */
  async #abandon(): Promise<void> {
    const receiving = this.#receiving;
    this.#receiving = undefined;
    await receiving?.file.close();
  }

  async #offered(offer: SnapshotOffer, reply: Reply): Promise<void> {
    if (offer.from !== this.#from) throw new OperationError({ code: 'PROTOCOL', detail: 'a snapshot is offered in the name of another' });
    await this.#abandon();
    const path = snapshotPath(this.#directory, offer.group, offer.marker);
    const { disk } = this.#ports;
    const isWanted = this.#wanted(offer);
    if (!isWanted || (await fileExists(disk, path))) {
      // An earlier life may have given it its name and died before the name was durable.
      if (isWanted) await disk.syncDirectory(this.#directory);
      this.#arrived(offer);
      return reply(PeerFrame.snapshotDone, encodeNumber(1));
    }
    const partial = `${path}.partial`;
    const file = await disk.open(partial, { create: 'may' });
    let position = await file.size();
    // One that is whole was about to be synced, and perhaps that failed: a second sync would succeed and prove nothing (law 6).
    if (position >= offer.bytes) {
      await file.truncate(0);
      position = 0;
    }
    this.#receiving = { offer, path, partial, file, position };
    reply(PeerFrame.snapshotResume, encodeNumber(position));
  }

  async #chunk(body: Uint8Array, reply: Reply): Promise<void> {
    const receiving = this.#receiving;
    if (receiving === undefined) return;
    const reader = new Reader(body);
    const position = reader.u53();
    const bytes = reader.raw(reader.remaining);
    if (position !== receiving.position || position + bytes.length > receiving.offer.bytes) {
      throw new OperationError({ code: 'PROTOCOL', detail: 'a chunk out of place' });
    }
    await receiving.file.write(position, [bytes]);
    receiving.position += bytes.length;
    reply(PeerFrame.snapshotAck, encodeNumber(receiving.position));
    if (receiving.position === receiving.offer.bytes) await this.#finish(reply);
  }

  /** Whole: checked from the first byte to the last, durable under its name, and only then spoken of. */
  async #finish(reply: Reply): Promise<void> {
    const { offer, path, partial, file } = this.#receiving!;
    await file.sync();
    await this.#abandon();
    const { disk } = this.#ports;
    try {
      const header = await readSnapshot(disk, partial, () => undefined);
      if (header.cluster !== this.#cluster || header.marker.index !== offer.marker.index || header.marker.term !== offer.marker.term) {
        throw new OperationError({ code: 'CORRUPT', detail: 'a snapshot that is not the one that was offered', file: partial });
      }
    } catch (error) {
      await disk.remove(partial);
      throw error;
    }
    await disk.rename(partial, path);
    await disk.syncDirectory(this.#directory);
    this.#arrived(offer);
    reply(PeerFrame.snapshotDone, encodeNumber(1));
  }
}

