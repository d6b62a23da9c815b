// Which ports a member listens on, and what each takes. One port takes everything; what is given a port of its own is
// taken there and no longer on the first. Health and metrics may have a further port, which shows no data.

import type { Purpose } from '../core/wire/index.ts';
import { noAddress } from './config/settings.ts';

/** Who is let in: native clients and gRPC, other members, HTTP with data, HTTP without. */
export type Guest = 'client' | 'peer' | 'http' | 'metrics';

export interface ListenOptions {
  /** `host:port` for everything that has no port of its own. */
  readonly listen: string;
  readonly listenClient?: string;
  readonly listenPeer?: string;
  readonly listenHttp?: string;
  readonly listenMetrics?: string;
}

export interface PlannedListener {
  readonly address: string;
  readonly guests: ReadonlySet<Guest>;
}

/** The first is the one by which the member is known. */
export function planListeners(options: ListenOptions): readonly PlannedListener[] {
  const planned = new Map<string, Set<Guest>>();
  const add = (address: string | undefined, guest: Guest): boolean => {
    if (address === undefined || address === noAddress) return false;
    const guests = planned.get(address);
    if (guests === undefined) planned.set(address, new Set([guest]));
    else guests.add(guest);
    return true;
  };
  const own: readonly [Guest, string | undefined][] = [['client', options.listenClient], ['peer', options.listenPeer], ['http', options.listenHttp]];
  const left = own.filter(([guest, address]) => address === options.listen || !add(address, guest)).map(([guest]) => guest);
  const first: PlannedListener[] = left.length === 0 ? [] : [{ address: options.listen, guests: new Set(left) }];
  if (options.listenMetrics === options.listen && left.length > 0) (first[0]!.guests as Set<Guest>).add('metrics');
  else add(options.listenMetrics, 'metrics');
  return [...first, ...[...planned].map(([address, guests]) => ({ address, guests }))];
}

/** Is whoever says this hello let in here? */
export function admits(guests: ReadonlySet<Guest>, purpose: Purpose): boolean {
  return guests.has(purpose === 'client' ? 'client' : 'peer');
}
