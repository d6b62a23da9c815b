// The client's door in Node.

import { connect as connectOver } from '../engine/client/index.ts';
import type { Client, ClientOptions } from '../engine/client/index.ts';
import type { Logger } from '../engine/ports.ts';
import { nodeClock } from '../node/clock.ts';
import { nodeRandom } from '../node/random.ts';
import { nodeNetwork } from '../node/tcp.ts';

const silent: Logger = { log: () => undefined };

/**
 * Connects to a cluster; resolves once a member has answered.
 *
 * @example
 * await using client = await connect({ endpoints: ['127.0.0.1:2379', '127.0.0.1:2380'] });
 * const { revision } = await client.kv.put('greeting', 'hello');
 */
export function connect(options: ClientOptions & { readonly logger?: Logger | undefined }): Promise<Client> {
  return connectOver(options, { clock: nodeClock, random: nodeRandom, network: nodeNetwork, logger: options.logger ?? silent });
}
