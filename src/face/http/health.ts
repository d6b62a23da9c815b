// How a member is, for those who watch it from outside: probes, scrapers, load balancers.

import type { HttpAnswer, HttpHandler } from './server.ts';

export interface HealthSource {
  /** This build's; and the version of etcd whose contract it meets. */
  readonly version: string;
  readonly etcdVersion: string;
  /** The replicated one. */
  clusterVersion(): number;
  /** The process works. */
  healthy(): boolean;
  /** It serves: started, not leaving, a leader is known. */
  ready(): boolean;
  metrics(): string;
  /** Why a request would fail now, as etcd words it; undefined: it would not. `serializable`: of this member alone. */
  trouble(serializable: boolean): Promise<string | undefined>;
}

export const plain = (status: number, body: string, type = 'text/plain'): HttpAnswer => ({ status, type, body });
export const json = (status: number, value: unknown): HttpAnswer => ({ status, type: 'application/json', body: JSON.stringify(value) });

export function healthRoutes(source: HealthSource): ReadonlyMap<string, HttpHandler> {
  const living: HttpHandler = { method: 'GET', answer: () => (source.healthy() ? plain(200, 'ok\n') : plain(503, 'failed\n')) };
  return new Map<string, HttpHandler>([
    ['/healthz', living],
    ['/livez', living],
    ['/readyz', { method: 'GET', answer: () => (source.ready() ? plain(200, 'ready\n') : plain(503, 'not ready\n')) }],
    ['/metrics', { method: 'GET', answer: () => plain(200, source.metrics(), 'text/plain; version=0.0.4') }],
    ['/version', { method: 'GET', answer: () => json(200, { etcdserver: source.etcdVersion, etcdcluster: source.etcdVersion.replace(/\.\d+$/, '.0'), thole: source.version, clusterVersion: source.clusterVersion() }) }],
    ['/health', { method: 'GET', answer: ({ query }) => health(source, query.get('serializable') === 'true') }],
  ]);
}

/** As etcd's: the word is a text, and whoever asks looks at the status, the word, or both. */
async function health(source: HealthSource, serializable: boolean): Promise<HttpAnswer> {
  const reason = await source.trouble(serializable);
  return reason === undefined ? json(200, { health: 'true' }) : json(503, { health: 'false', reason });
}
