// Reed–Solomon with k data and m parity shards: any k of the k + m rebuild everything. Data shards hold the data as
// it is; parity bytes equal those of the Java library whose construction of the matrix this follows.

import { assert } from '../assert.ts';
import { equalBytes } from '../bytes.ts';
import { crc32c } from '../wire/index.ts';
import { fieldSize } from './galois.ts';
import type { Kernel } from './kernel.ts';
import { codingMatrix, Matrix } from './matrix.ts';
import { Stripe, type StripeOptions } from './stripe.ts';
import { adaptiveKernel } from './vector-kernels.ts';

export interface ReedSolomonOptions {
  /** How products are computed. Every kernel writes the same bytes. @default a program per matrix where that pays, nibble tables elsewhere */
  readonly kernel?: Kernel;
}

/** What became of shards that were to be rebuilt. */
export type Reconstruction =
  | { readonly type: 'ok'; readonly shards: readonly Uint8Array[]; readonly rebuilt: readonly number[] }
  | Unrecoverable;

/** More is missing than the code can bear. Nothing was written. */
export interface Unrecoverable {
  readonly type: 'unrecoverable';
  /** Indexes of every shard that is not there. */
  readonly missing: readonly number[];
  /** How many could have been missing. */
  readonly tolerated: number;
}

export class ReedSolomon {
  readonly data: number;
  readonly parity: number;
  readonly total: number;
  /** (k + m) × k; the top square is the identity. */
  readonly matrix: Matrix;
  readonly #kernel: Kernel;
  readonly #parityRows: Matrix;
  readonly #decoders = new Map<string, Matrix>();

  constructor(data: number, parity: number, options: ReedSolomonOptions = {}) {
    assert(Number.isInteger(data) && data >= 1, `a code has at least one data shard, not ${data}`);
    assert(Number.isInteger(parity) && parity >= 0, `a code has no negative number of parity shards: ${parity}`);
    assert(data + parity <= fieldSize, `a code over bytes has at most 256 shards, not ${data + parity}`);
    this.data = data;
    this.parity = parity;
    this.total = data + parity;
    this.#kernel = options.kernel ?? adaptiveKernel;
    this.matrix = codingMatrix(data, parity);
    this.#parityRows = this.matrix.pick(range(data, this.total));
  }

  /** Fills the last m of k + m equally long shards from the first k. */
  encode(shards: readonly Uint8Array[]): void {
    assert(shards.length === this.total, `there are ${this.total} shards, not ${shards.length}`);
    this.#kernel.apply(this.#parityRows, shards.slice(0, this.data), shards.slice(this.data));
  }

  /** Room for k + m shards of `length` bytes in which everything below runs without copying. */
  stripe(length: number, options: StripeOptions = {}): Stripe {
    return new Stripe(this.total, length, options);
  }

  /** {@link encode} in place, of the bytes [from, to) of every shard; `from` is a multiple of 64. */
  encodeStripe(stripe: Stripe, from = 0, to: number = stripe.length): void {
    this.#kernel.run(this.#parityRows, stripe, range(0, this.data), range(this.data, this.total), from, to);
  }

  /** {@link rebuild} in place. */
  rebuildStripe(
    stripe: Stripe,
    sources: readonly number[],
    targets: readonly number[],
    from = 0,
    to: number = stripe.length,
  ): void {
    if (targets.length > 0) this.#kernel.run(this.decoder(sources, targets), stripe, sources, targets, from, to);
  }

  /** Whether the last m shards are what {@link encode} would write. */
  isParityCorrect(shards: readonly Uint8Array[]): boolean {
    assert(shards.length === this.total, `there are ${this.total} shards, not ${shards.length}`);
    // In strips, so that a check of gigabytes borrows little and stops at the first difference.
    const length = shards[0]!.length;
    for (let from = 0; from < length; from += checkStrip) {
      const strips = shards.map((shard) => shard.subarray(from, from + checkStrip));
      const computed = strips.slice(this.data).map((strip) => new Uint8Array(strip.length));
      this.#kernel.apply(this.#parityRows, strips.slice(0, this.data), computed);
      if (!computed.every((strip, i) => equalBytes(strip, strips[this.data + i]!))) return false;
    }
    return true;
  }

  /**
   * Computes the shards that are undefined. The shards that were there are returned as they are, not copied. With
   * `checksums` (of {@link checksums}), a shard that differs from its own counts as missing.
   */
  reconstruct(given: readonly (Uint8Array | undefined)[], options: { readonly checksums?: readonly number[] } = {}): Reconstruction {
    assert(given.length === this.total, `there are ${this.total} shards, not ${given.length}`);
    const { checksums } = options;
    const shards = given.map((shard, i) => (shard === undefined || checksums === undefined || crc32c(shard) === checksums[i] ? shard : undefined));
    const missing = range(0, this.total).filter((i) => shards[i] === undefined);
    if (missing.length > this.parity) return { type: 'unrecoverable', missing, tolerated: this.parity };
    const sources = range(0, this.total).filter((i) => shards[i] !== undefined).slice(0, this.data);
    const length = shards[sources[0]!]!.length;
    const whole = shards.map((shard) => shard ?? new Uint8Array(length));
    this.rebuild(whole, sources, missing);
    return { type: 'ok', shards: whole, rebuilt: missing };
  }

  /** CRC-32C of each shard, to be kept where the shards are not. */
  checksums(shards: readonly Uint8Array[]): number[] {
    return shards.map((shard) => crc32c(shard));
  }

  /** Computes shards `targets` from the k shards `sources`, both ascending; for callers that own the buffers. */
  rebuild(shards: readonly Uint8Array[], sources: readonly number[], targets: readonly number[]): void {
    if (targets.length === 0) return;
    const inputs = sources.map((i) => shards[i]!);
    this.#kernel.apply(this.decoder(sources, targets), inputs, targets.map((i) => shards[i]!));
  }

  /**
   * The matrix that makes `targets` of `sources`: the rows of what is wanted times the inverse of the rows of what
   * is there. Remembered per pattern, because one lost disk is the same pattern for every stripe on it.
   */
  decoder(sources: readonly number[], targets: readonly number[]): Matrix {
    assert(sources.length === this.data, 'any k shards, and no fewer, rebuild the others');
    const pattern = `${sources.join()}>${targets.join()}`;
    let decoder = this.#decoders.get(pattern);
    if (decoder === undefined) {
      const inverse = this.matrix.pick(sources).invert();
      assert(inverse !== undefined, 'any k different rows of the coding matrix are independent');
      decoder = this.matrix.pick(targets).times(inverse);
      if (this.#decoders.size >= decodersMax) this.#decoders.delete(this.#decoders.keys().next().value!);
      this.#decoders.set(pattern, decoder);
    }
    return decoder;
  }

  /**
   * Brings parity up to date after data shard `index` changed from `before` to `after`, without reading the others:
   * the code is linear, so parity changes by the coefficient times the difference.
   */
  update(parity: readonly Uint8Array[], index: number, before: Uint8Array, after: Uint8Array): void {
    assert(index >= 0 && index < this.data, `shard ${index} is not a data shard`);
    assert(parity.length === this.parity, `there are ${this.parity} parity shards, not ${parity.length}`);
    if (this.parity === 0) return;
    // Parity j = c·before + c·after + parity j, as one more code: columns are (before, after, parity 0 … m−1).
    const change = new Matrix(this.parity, 2 + this.parity);
    for (let j = 0; j < this.parity; j++) {
      const row = change.row(j);
      row[0] = row[1] = this.matrix.at(this.data + j, index);
      row[2 + j] = 1;
    }
    this.#kernel.apply(change, [before, after, ...parity.map((shard) => shard.slice())], parity);
  }
}

const checkStrip = 65_536;
const decodersMax = 256;

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
