import { describe, expect, it } from 'vitest';
import { admits, planListeners } from './listeners.ts';

const plan = (options: Parameters<typeof planListeners>[0]): unknown => planListeners(options).map(({ address, guests }) => [address, [...guests].toSorted().join(' ')]);

describe('listeners', () => {
  it('are one port by default, which takes everything', () => {
    expect(plan({ listen: 'a:1' })).toEqual([['a:1', 'client http peer']]);
    expect(plan({ listen: 'a:1', listenClient: 'none', listenPeer: 'none', listenHttp: 'none', listenMetrics: 'none' })).toEqual([['a:1', 'client http peer']]);
  });

  it('take what is theirs from the one port', () => {
    expect(plan({ listen: 'a:1', listenPeer: 'a:2' })).toEqual([['a:1', 'client http'], ['a:2', 'peer']]);
    expect(plan({ listen: 'a:1', listenClient: 'a:2', listenHttp: 'a:3' })).toEqual([['a:1', 'peer'], ['a:2', 'client'], ['a:3', 'http']]);
  });

  it('leave the one port closed when nothing is left for it', () => {
    expect(plan({ listen: 'a:1', listenClient: 'a:2', listenPeer: 'a:3', listenHttp: 'a:2' })).toEqual([['a:2', 'client http'], ['a:3', 'peer']]);
  });

  it('show metrics on a further port, too', () => {
    expect(plan({ listen: 'a:1', listenMetrics: 'a:2' })).toEqual([['a:1', 'client http peer'], ['a:2', 'metrics']]);
    expect(plan({ listen: 'a:1', listenHttp: 'a:2', listenMetrics: 'a:1' })).toEqual([['a:1', 'client metrics peer'], ['a:2', 'http']]);
  });

  it('may be said twice', () => {
    expect(plan({ listen: 'a:1', listenClient: 'a:1', listenPeer: 'a:2' })).toEqual([['a:1', 'client http'], ['a:2', 'peer']]);
  });

  it('let in whom they are for', () => {
    expect([admits(new Set(['client']), 'client'), admits(new Set(['client']), 'control'), admits(new Set(['peer']), 'bulk')]).toEqual([true, false, true]);
  });
});
