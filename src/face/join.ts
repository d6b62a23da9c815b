// A member in the caller's own process: the same as `thole serve`, without a process of its own.

import { connect } from './client.ts';
import type { Client } from '../engine/client/index.ts';
import type { MemberStatus } from '../engine/service.ts';
import type { OperationError } from '../core/errors.ts';
import type { Logger } from '../engine/ports.ts';
import { parseFounders } from './config/settings.ts';
import { serve } from './serve.ts';

export interface JoinOptions {
  readonly name: string;
  readonly dataDir: string;
  /** `host:port` of the member's one port. */
  readonly listen: string;
  /** `name=host:port,…`, or the same as a list: identical for all founders. */
  readonly initialCluster: string | readonly { readonly name: string; readonly address: string }[];
  /** @default 'thole-cluster' */
  readonly initialClusterToken?: string;
  /** It was added to a cluster that runs; `initialCluster` names some of its members. */
  readonly join?: boolean;
  readonly insecure?: boolean;
  readonly durability?: 'fsync' | 'os';
  /** @default silent */
  readonly logger?: Logger;
}

export interface JoinedMember extends AsyncDisposable {
  /** A client of the cluster that prefers no member; it goes through this one's port like everybody's. */
  readonly client: Client;
  status(): MemberStatus;
  /** Settles with the reason when the member has stopped by itself and must not go on. */
  readonly failed: Promise<OperationError>;
  /** Leadership handed over, requests answered, closed. */
  close(): Promise<void>;
}

/**
 * Runs a member here until it is closed. Throws an OperationError if it cannot start: DATA_LOST, CORRUPT,
 * DATA_DIR_IN_USE, PORT_IN_USE, INVALID_CONFIG.
 *
 * @example
 * await using member = await join({ name: 'a', dataDir: './data', listen: '127.0.0.1:2379', initialCluster: 'a=127.0.0.1:2379' });
 * await member.client.kv.put('greeting', 'hello');
 */
export async function join(options: JoinOptions): Promise<JoinedMember> {
  const initialCluster = typeof options.initialCluster === 'string' ? parseFounders(options.initialCluster) : options.initialCluster;
  const served = await serve({ initialClusterToken: 'thole-cluster', logger: { log: () => undefined }, ...options, initialCluster });
  let client: Client;
  try {
    client = await connect({ endpoints: [options.listen, ...initialCluster.map(({ address }) => address)] });
  } catch (error) {
    await served.shutdown();
    throw error;
  }
  const close = async (): Promise<void> => {
    await client.close();
    await served.shutdown();
  };
  return { client, status: () => served.service.status(), failed: served.failed, close, [Symbol.asyncDispose]: close };
}
