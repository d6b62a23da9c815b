// The client's door in Node.

import { connect as connectOver } from '../engine/client/index.ts';
import type { Client, ClientOptions } from '../engine/client/index.ts';
import { formatAddress, parseEndpoint } from '../engine/address.ts';
import { DialError } from '../engine/ports.ts';
import type { Logger, Network } from '../engine/ports.ts';
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

/** A client that knows one member and no other: whatever it is told of a leader elsewhere, only that member's answer counts. */
export async function connectOnly(endpoint: string, options: Omit<ClientOptions, 'endpoints'>): Promise<Client> {
  const only = formatAddress(parseEndpoint(endpoint));
  const network: Network = {
    dial: async (address, limits) => {
      if (formatAddress(address) !== only) throw new DialError(`only ${only} is asked`, true);
      return nodeNetwork.dial(address, limits);
    },
    listen: (address, onConnection) => nodeNetwork.listen(address, onConnection),
  };
  return connectOver({ ...options, endpoints: [endpoint] }, { clock: nodeClock, random: nodeRandom, network, logger: silent });
}
