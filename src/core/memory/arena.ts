// Values of any size off the heap, above pages. A value is known by a handle, a number that outlives growth and can
// be stored anywhere; bytes are borrowed or copied for a moment. Release is explicit, never by the collector.
//
// A page is cut into slots of one size class; classes grow by at most a third, so that less than a quarter of a slot
// is lost on average. Values larger than half a page get pages of their own.

import { assert } from '../assert.ts';
import { type Frames, pageBytes } from './frames.ts';
import { Slots } from './slots.ts';

/** A value in an arena. A released handle is refused, even after its slot serves another value. */
export type Handle = number;

/** Multiples of 16; each page holds ⌊4096 / class⌋ of them. */
export const sizeClasses: readonly number[] = [16, 32, 48, 64, 80, 96, 128, 160, 208, 256, 336, 448, 576, 672, 816, 1024, 1360, 2048];

export interface ArenaStatistics {
  readonly values: number;
  /** Bytes of values, as their owners count. */
  readonly bytes: number;
  /** Bytes of pages held for them. */
  readonly held: number;
}

export class Arena implements Disposable {
  readonly #frames: Frames;
  readonly #slots: Slots = new Slots();
  /** Per class: the frames that have room. */
  readonly #roomy: Set<number>[] = sizeClasses.map(() => new Set());
  /** Free slots of each frame that is cut into slots. */
  readonly #free = new Map<number, number[]>();
  /** Frames of values beyond the classes, by slot index. */
  readonly #large = new Map<number, readonly number[]>();
  #bytes = 0;
  #pages = 0;

  constructor(frames: Frames) {
    this.#frames = frames;
  }

  /** Stores a copy; undefined when the frames are at their limit. */
  put(bytes: Uint8Array): Handle | undefined {
    const handle = this.allocate(bytes.length);
    if (handle !== undefined) this.#eachPiece(handle, (piece, from) => piece.set(bytes.subarray(from, from + piece.length)));
    return handle;
  }

  /** Room for `length` zeros. */
  allocate(length: number): Handle | undefined {
    assert(Number.isSafeInteger(length) && length >= 0, `a value has a whole number of bytes, not ${length}`);
    const which = sizeClasses.findIndex((size) => size >= length);
    const index = which === -1 ? this.#allocateLarge(length) : this.#allocateSmall(which, length);
    if (index === undefined) return undefined;
    this.#bytes += length;
    return this.#slots.handleOf(index);
  }

  length(handle: Handle): number {
    return this.#slots.length[this.#slots.indexOf(handle)]!;
  }

  /** A copy, which is the caller's. */
  get(handle: Handle): Uint8Array {
    const bytes = new Uint8Array(this.length(handle));
    this.#eachPiece(handle, (piece, from) => bytes.set(piece, from));
    return bytes;
  }

  /** Calls with the value's bytes in place, in order; the views end with the call. */
  read(handle: Handle, visit: (piece: Uint8Array, from: number) => void): void {
    this.#eachPiece(handle, visit);
  }

  /** Overwrites from `offset`; the value keeps its length. */
  write(handle: Handle, offset: number, bytes: Uint8Array): void {
    assert(offset >= 0 && offset + bytes.length <= this.length(handle), 'a write lies within its value');
    this.#eachPiece(handle, (piece, from) => {
      const begin = Math.max(from, offset);
      const end = Math.min(from + piece.length, offset + bytes.length);
      if (begin < end) piece.set(bytes.subarray(begin - offset, end - offset), begin - from);
    });
  }

  release(handle: Handle): void {
    const index = this.#slots.indexOf(handle);
    this.#bytes -= this.#slots.length[index]!;
    const frames = this.#large.get(index);
    if (frames === undefined) {
      this.#freePlace(this.#slots.place[index]!, this.#slots.sizeClass[index]!);
    } else {
      this.#large.delete(index);
      for (const frame of frames) this.#frames.free(frame);
      this.#pages -= frames.length;
    }
    this.#slots.release(index);
  }

  get statistics(): ArenaStatistics {
    return { values: this.#slots.used, bytes: this.#bytes, held: this.#pages * pageBytes };
  }

  /** Releases everything and gives the pages back to the frames' owner. */
  close(): void {
    for (const frame of this.#free.keys()) this.#frames.free(frame);
    for (const frames of this.#large.values()) for (const frame of frames) this.#frames.free(frame);
    this.#free.clear();
    this.#large.clear();
    for (const roomy of this.#roomy) roomy.clear();
    this.#slots.clear();
    this.#bytes = this.#pages = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #allocateSmall(which: number, length: number): number | undefined {
    const frame = this.#roomyFrame(which);
    if (frame === undefined) return undefined;
    const free = this.#free.get(frame)!;
    const slot = free.pop()!;
    if (free.length === 0) this.#roomy[which]!.delete(frame);
    // A slot that served before must not show what it held.
    this.#frames.view(frame, slot * sizeClasses[which]!, length).fill(0);
    return this.#slots.add(frame * 256 + slot, which, length);
  }

  /** A frame with a free slot of this class, cut anew if there is none. */
  #roomyFrame(which: number): number | undefined {
    const roomy = this.#roomy[which]!;
    for (const frame of roomy) return frame;
    const frame = this.#frames.allocate();
    if (frame === undefined) return undefined;
    this.#pages++;
    roomy.add(frame);
    const slots = slotsPerPage(which);
    this.#free.set(frame, Array.from({ length: slots }, (_, i) => slots - 1 - i));
    return frame;
  }

  #allocateLarge(length: number): number | undefined {
    const frames: number[] = [];
    for (let covered = 0; covered < length; covered += pageBytes) {
      const frame = this.#frames.allocate();
      if (frame === undefined) {
        for (const taken of frames) this.#frames.free(taken);
        return undefined;
      }
      frames.push(frame);
    }
    this.#pages += frames.length;
    const index = this.#slots.add(0, 0, length);
    this.#large.set(index, frames);
    return index;
  }

  #freePlace(place: number, which: number): void {
    const frame = Math.floor(place / 256);
    const free = this.#free.get(frame)!;
    const roomy = this.#roomy[which]!;
    free.push(place % 256);
    roomy.add(frame);
    // An empty page goes back, unless it is its class's last: a value put and released in turns would otherwise
    // cost a page each time.
    if (free.length < slotsPerPage(which) || roomy.size === 1) return;
    roomy.delete(frame);
    this.#free.delete(frame);
    this.#frames.free(frame);
    this.#pages--;
  }

  #eachPiece(handle: Handle, visit: (piece: Uint8Array, from: number) => void): void {
    const index = this.#slots.indexOf(handle);
    const length = this.#slots.length[index]!;
    const frames = this.#large.get(index);
    if (frames !== undefined) {
      for (const [i, frame] of frames.entries()) {
        visit(this.#frames.view(frame, 0, Math.min(pageBytes, length - i * pageBytes)), i * pageBytes);
      }
    } else if (length > 0) {
      const place = this.#slots.place[index]!;
      const size = sizeClasses[this.#slots.sizeClass[index]!]!;
      visit(this.#frames.view(Math.floor(place / 256), (place % 256) * size, length), 0);
    }
  }
}

const slotsPerPage = (which: number): number => Math.floor(pageBytes / sizeClasses[which]!);
