// A network that dies without a word: no reset, no end, and nothing of what was said comes when it is back.

import { describe, expect, it } from 'vitest';
import { SimCluster } from '../support/sim-cluster.ts';

/** Every link of the cluster, both ways. */
function eachLink(cluster: SimCluster, act: (from: string, to: string) => void): void {
  for (const from of cluster.names) for (const to of cluster.names) if (from !== to) act(from, to);
}

const hasLeader = (cluster: SimCluster): boolean => cluster.leader() !== undefined;

describe('links that vanish', () => {
  it('all: for a minute: there is a leader within ten seconds of their healing', async () => {
    const cluster = new SimCluster(1);
    await cluster.startAll();
    await cluster.clock.advance(5000);
    eachLink(cluster, (from, to) => {
      cluster.network.partition(from, to);
      cluster.network.vanish(from, to);
    });
    await cluster.clock.advance(60_000);
    expect(hasLeader(cluster)).toBe(false);
    cluster.network.heal();
    await cluster.until(() => hasLeader(cluster), 10_000, 'a leader');
    const reply = cluster.append(cluster.leader()!, 'k', 'v');
    expect(await cluster.settle(reply)).toBeDefined();
  });

  it('all: and nothing is cut: whoever was connected finds out by himself, within ten seconds', async () => {
    const cluster = new SimCluster(2);
    await cluster.startAll();
    await cluster.clock.advance(5000);
    eachLink(cluster, (from, to) => cluster.network.vanish(from, to));
    await cluster.clock.advance(4000);
    expect(hasLeader(cluster)).toBe(false);
    await cluster.until(() => hasLeader(cluster), 10_000, 'a leader');
  });

  it('one member: it is back in its place, and what the dead connections held is let go of', async () => {
    const cluster = new SimCluster(3);
    await cluster.startAll();
    await cluster.clock.advance(5000);
    const { connectionCount } = cluster.network;
    const leader = cluster.leader()!;
    const lost = cluster.lives.findIndex((life) => life !== leader);
    for (const other of cluster.names) if (other !== cluster.names[lost]) cluster.network.vanish(cluster.names[lost]!, other);
    await cluster.settle(cluster.append(cluster.leader()!, 'k', 'v'));
    await cluster.until(() => cluster.valueAt(cluster.lives[lost]!, 'k') === 'v', 10_000, 'it hears again');
    // The ends of who accepted, whom nobody told.
    expect(cluster.network.connectionCount).toBeGreaterThan(connectionCount);
    await cluster.clock.advance(90_000);
    expect(cluster.network.connectionCount).toBe(connectionCount);
  });
});
