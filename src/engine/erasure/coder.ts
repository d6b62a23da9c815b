// Where codes are computed: on this thread or on others. The engine waits; the core never does.

import { ReedSolomon, type Stripe } from '../../core/erasure/index.ts';

export interface Coder {
  readonly data: number;
  readonly parity: number;
  readonly total: number;
  /** Shards that this coder's threads can reach. */
  stripe(length: number): Stripe;
  /** Fills the parity of the first `length` bytes of every shard. The stripe is the coder's until it settles. */
  encode(stripe: Stripe, length: number): Promise<void>;
  rebuild(stripe: Stripe, sources: readonly number[], targets: readonly number[], length: number): Promise<void>;
  close(): Promise<void>;
}

/** On this thread, between turns of the loop: fine for tools, and for stripes of a megabyte anywhere. */
export function localCoder(data: number, parity: number): Coder {
  const code = new ReedSolomon(data, parity);
  const stripes: Stripe[] = [];
  return {
    data,
    parity,
    total: code.total,
    stripe: (length) => {
      const stripe = code.stripe(length);
      stripes.push(stripe);
      return stripe;
    },
    encode: async (stripe, length) => code.encodeStripe(stripe, 0, length),
    rebuild: async (stripe, sources, targets, length) => code.rebuildStripe(stripe, sources, targets, 0, length),
    close: async () => {
      for (const stripe of stripes) stripe.close();
    },
  };
}
