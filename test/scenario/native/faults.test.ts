// Exactly once through a session: appends make every loss and every repetition visible in the value.

import { describe, expect, it } from 'vitest';
import { text } from '../../../src/core/bytes.ts';
import { OperationError } from '../../../src/core/errors.ts';
import { nextBelow, seedRandom } from '../../../src/core/random.ts';
import type { Client } from '../../../src/engine/client/index.ts';
import { FakeCluster, rejection } from './fake-cluster.ts';

async function value(fake: FakeCluster, client: Client, key: string): Promise<string> {
  const { kv } = await fake.settled(client.kv.get(key));
  return kv === undefined ? '' : text(kv.value);
}

describe('client: exactly once', () => {
  it('a connection that breaks between apply and answer', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    await fake.clock.advance(20);
    let breaks = 3;
    for (const member of fake.members) {
      member.afterApply = () => {
        if (breaks-- > 0) fake.network.reset(`n${member.id}`);
      };
    }
    await fake.settled(client.kv.append('k', 'a'));
    await fake.settled(client.kv.append('k', 'b'));
    expect(breaks).toBeLessThanOrEqual(0);
    expect(await value(fake, client, 'k')).toBe('ab');
    await fake.settled(client.close());
  });

  it('an answer that never comes is asked for again elsewhere, and is the same answer', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect({ attemptTimeoutMs: 300 });
    await fake.settled(client.kv.append('k', 'a'));
    fake.members.at(0)!.afterApply = () => new Promise(() => undefined);
    const before = fake.clock.now();
    expect((await fake.settled(client.kv.append('k', 'bc'))).length).toBe(3);
    expect(fake.clock.now() - before).toBeLessThan(700);
    expect(await value(fake, client, 'k')).toBe('abc');
    await fake.settled(client.close());
  });

  it('a member that is reachable no more, but did not say so', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect({ attemptTimeoutMs: 400 });
    await fake.settled(client.kv.append('k', 'a'));
    fake.network.partition('n1', 'client1');
    const before = fake.clock.now();
    await fake.settled(client.kv.append('k', 'b'));
    expect(fake.clock.now() - before).toBeLessThan(900);
    // From then on nobody waits for it again.
    const again = fake.clock.now();
    await fake.settled(client.kv.append('k', 'c'));
    expect(fake.clock.now() - again).toBeLessThan(100);
    fake.network.heal();
    expect(await value(fake, client, 'k')).toBe('abc');
    await fake.settled(client.close());
  });

  it('the leader is killed, nobody leads for a while, another does', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    await fake.settled(client.kv.append('k', '.'));
    const writes = Array.from({ length: 200 }, (_, i) => client.kv.append('k', `${i}.`));
    await fake.clock.advance(1);
    fake.shared.leader = 0;
    fake.down(1);
    await fake.clock.advance(800);
    fake.lead(2);
    const before = fake.clock.now();
    await fake.settled(Promise.all(writes));
    expect(fake.clock.now() - before).toBeLessThan(600);
    const parts = (await value(fake, client, 'k')).split('.').filter((part) => part !== '');
    expect(parts.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
    await fake.settled(client.close());
  });

  it('all members are killed and come back', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect({ timeoutMs: 20_000 });
    await fake.settled(client.kv.append('k', 'a'));
    for (const { id } of fake.members) fake.down(id);
    const write = client.kv.append('k', 'b');
    await fake.clock.advance(3000);
    for (const { id } of fake.members) await fake.up(id);
    const before = fake.clock.now();
    await fake.settled(write);
    expect(fake.clock.now() - before).toBeLessThan(1000);
    expect(await value(fake, client, 'k')).toBe('ab');
    await fake.settled(client.close());
  });

  it('an expired session: what certainly did not happen goes through a new one', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    await fake.settled(client.kv.append('k', 'a'));
    expireAll(fake);
    await fake.settled(Promise.all([client.kv.append('k', 'b'), client.kv.append('k', 'c')]));
    expect((await value(fake, client, 'k')).length).toBe(3);
    expect(fake.shared.kv.size.sessions).toBe(1);
    await fake.settled(client.close());
  });

  it('an expired session: what may have happened is the caller’s to know', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    await fake.settled(client.kv.append('k', 'a'));
    await fake.clock.advance(20);
    let first = true;
    for (const member of fake.members) {
      member.afterApply = () => {
        if (!first) return;
        first = false;
        fake.network.reset('client1');
        expireAll(fake);
      };
    }
    expect(await rejection(fake.settled(client.kv.append('k', 'b')))).toMatchObject({ code: 'SESSION_EXPIRED' });
    expect(await value(fake, client, 'k')).toBe('ab');
    await fake.settled(client.kv.append('k', 'c'));
    expect(await value(fake, client, 'k')).toBe('abc');
    await fake.settled(client.close());
  });

  it('a lost proposal is proposed again, under the same sequence', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    let losses = 4;
    for (const member of fake.members) {
      member.beforeApply = () => {
        if (losses-- > 0) throw new OperationError({ code: 'PROPOSAL_LOST' });
      };
    }
    await fake.settled(client.kv.append('k', 'a'));
    expect(await value(fake, client, 'k')).toBe('a');
    await fake.settled(client.close());
  });

  it('what one attempt may have done, a later refusal does not deny', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    await fake.settled(client.kv.append('k', 'a'));
    await fake.clock.advance(20);
    let applied = false;
    for (const member of fake.members) {
      member.beforeApply = () => {
        if (applied) throw new OperationError({ code: 'OVERLOADED' });
      };
      member.afterApply = () => {
        applied = true;
        fake.network.reset('client1');
      };
    }
    // OVERLOADED says that it did not happen and may be done again: here it did, and done again would be done twice.
    expect(await rejection(fake.settled(client.kv.append('k', 'b')))).toMatchObject({ code: 'UNAVAILABLE', retry: 'ambiguous' });
    expect(await value(fake, client, 'k')).toBe('ab');
    await fake.settled(client.close());
  });

  it('without a session, moving the leader is never repeated when it may have happened', async () => {
    const fake = await FakeCluster.start();
    const client = await fake.connect();
    await fake.until(() => client.leader.id === 1);
    await fake.clock.advance(20);
    let asked = 0;
    fake.members.at(0)!.moveLeader = () => {
      asked++;
      fake.network.reset('n1');
      return new Promise(() => undefined);
    };
    expect(await rejection(fake.settled(client.moveLeader(2)))).toMatchObject({ code: 'UNAVAILABLE' });
    expect(asked).toBe(1);
    await fake.settled(client.close());
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('a storm of resets, partitions, kills and leaders loses and repeats nothing (seed %i)', async (seed) => {
    const fake = await FakeCluster.start(seed);
    const random = seedRandom(seed * 977);
    const clients = [await fake.connect({ attemptTimeoutMs: 300, timeoutMs: 8000 }), await fake.connect({ attemptTimeoutMs: 300, timeoutMs: 8000 })];
    const acknowledged: string[] = [];
    const doubtful: string[] = [];
    let running = 0;
    let next = 0;
    const append = async (client: Client): Promise<void> => {
      const mark = `${next++}`;
      running++;
      try {
        await client.kv.append('k', `${mark},`);
        acknowledged.push(mark);
      } catch {
        doubtful.push(mark);
      }
      running--;
    };
    const isUp = [true, true, true];
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 8; i++) void append(clients.at(i % 2)!);
      const member = 1 + nextBelow(random, 3);
      switch (nextBelow(random, 7)) {
        case 0:
          fake.network.reset(`n${member}`);
          break;
        case 1:
          fake.network.clog(`n${member}`, 'client1', nextBelow(random, 700));
          break;
        case 2:
          fake.network.clog('client2', `n${member}`, nextBelow(random, 700));
          break;
        case 3:
          fake.lead(nextBelow(random, 4));
          break;
        case 4:
          if (isUp[member - 1]) fake.down(member);
          else await fake.up(member);
          isUp[member - 1] = !isUp[member - 1];
          break;
        default:
          fake.lead(member);
      }
      await fake.clock.advance(nextBelow(random, 120));
    }
    fake.network.heal();
    fake.lead(1);
    for (const id of [1, 2, 3]) if (!isUp[id - 1]) await fake.up(id);
    await fake.until(() => running === 0);
    const found = (await value(fake, clients.at(0)!, 'k')).split(',').filter((part) => part !== '');
    expect(new Set(found).size, 'nothing is applied twice').toBe(found.length);
    const missing = acknowledged.filter((mark) => !found.includes(mark));
    expect(missing, 'nothing acknowledged is lost').toEqual([]);
    expect(acknowledged.length + doubtful.length).toBe(480);
    expect(acknowledged.length).toBeGreaterThan(400);
    for (const client of clients) await fake.settled(client.close());
  });
});

function expireAll(fake: FakeCluster): void {
  // As the leader would propose it once the time has come.
  const ids = fake.shared.kv.expiredSessions(fake.clock.wallNow() + 1_000_000);
  fake.shared.expire(ids);
}
