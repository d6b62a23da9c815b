// One row of blocks after another, from whatever is left. Damage is judged block by block: a shard with one bad block
// still serves with all its others, so that k + m shards, all of them damaged in different places, lose nothing.

import { blockLength, type ShardSet, type Stripe } from '../../core/erasure/index.ts';
import type { Coder } from './coder.ts';
import { readBlock, type ShardFile } from './shard-files.ts';

/** Fewer than k blocks of a row are whole. */
export interface LostRow {
  readonly type: 'unrecoverable';
  readonly block: number;
  /** Shards that have no whole block in this row. */
  readonly missing: readonly number[];
  readonly tolerated: number;
}

export class Rows {
  readonly stripe: Stripe;
  /** How many blocks of each shard were found damaged. */
  readonly damaged: Map<number, number> = new Map();
  readonly #set: ShardSet;
  readonly #coder: Coder;
  readonly #places: readonly (readonly ShardFile[])[];

  constructor(set: ShardSet, coder: Coder, places: readonly (readonly ShardFile[])[]) {
    this.#set = set;
    this.#coder = coder;
    this.#places = places;
    // Never larger than what is really there: the header may be anybody's.
    this.stripe = coder.stripe(Math.min(set.blockBytes, Math.max(0, ...places.flat().map((shard) => shard.bytes))));
  }

  /** Fills the stripe's shards `wanted` with their blocks of this row, read or rebuilt; answers undefined when they are there. */
  async fill(block: number, wanted: readonly number[]): Promise<LostRow | undefined> {
    const { data, parity } = this.#set;
    // What is wanted is tried first, and all at once: without damage there is nothing else to do.
    const whole = new Set<number>();
    const tried = new Set<number>();
    const load = async (index: number): Promise<void> => {
      tried.add(index);
      if (await this.#load(block, index)) whole.add(index);
    };
    await Promise.all(wanted.map(load));
    const targets = wanted.filter((index) => !whole.has(index));
    if (targets.length === 0) return undefined;
    for (let index = 0; index < data + parity && whole.size < data; index++) if (!tried.has(index)) await load(index);
    if (whole.size < data) {
      const missing = this.#places.map((_, index) => index).filter((index) => !whole.has(index));
      return { type: 'unrecoverable', block, missing, tolerated: parity };
    }
    const sources = [...whole].toSorted((a, b) => a - b).slice(0, data);
    await this.#coder.rebuild(this.stripe, sources, targets, blockLength(this.#set, block));
    return undefined;
  }

  async #load(block: number, index: number): Promise<boolean> {
    for (const shard of this.#places[index]!) {
      const bytes = await readBlock(this.#set, shard, block);
      if (bytes !== undefined) {
        this.stripe.shards[index]!.set(bytes);
        return true;
      }
      this.damaged.set(index, (this.damaged.get(index) ?? 0) + 1);
    }
    return false;
  }
}
