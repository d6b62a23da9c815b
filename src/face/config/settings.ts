// Every setting of a member, as one table: its flag, its key in the TOML file, its environment variable, its
// default and how its text is read. Flags win over the environment, that over the file, that over defaults.

import { OperationError } from '../../core/errors.ts';

export interface Setting<T> {
  /** The flag without dashes; the TOML key is the same, the variable THOLE_ and the same in capitals. */
  readonly flag: string;
  readonly placeholder: string;
  readonly description: string;
  readonly fallback: T | undefined;
  /** Throws a sentence. */
  parse(text: string): T;
}

export interface Founder {
  readonly name: string;
  readonly address: string;
}

const text = (what: string) => (value: string): string => {
  if (value === '') throw new Error(`${what} is empty`);
  return value;
};

function address(value: string): string {
  const found = /^(.+):(\d{1,5})$/.exec(value);
  if (found === null || Number(found[2]) > 65535) throw new Error(`"${value}" is not host:port`);
  return value;
}

/** What is not set has a word of its own, so that a file or a variable can take back what another layer set. */
export const noAddress = 'none';

function addressOrNone(value: string): string {
  return value === noAddress ? value : address(value);
}

/** `name=host:port,…`; throws a sentence. */
export function parseFounders(value: string): readonly Founder[] {
  return value.split(',').map((part) => {
    const at = part.indexOf('=');
    if (at <= 0) throw new Error(`"${part}" is not name=host:port`);
    return { name: part.slice(0, at).trim(), address: address(part.slice(at + 1).trim()) };
  });
}

function flag(value: string): boolean {
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new Error(`"${value}" is neither true nor false`);
}

function oneOf<T extends string>(...choices: readonly T[]): (value: string) => T {
  return (value) => {
    if (!choices.includes(value as T)) throw new Error(`"${value}" is none of ${choices.join(', ')}`);
    return value as T;
  };
}

function integer(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < min || number > max) throw new Error(`"${value}" is no whole number from ${min} to ${max}`);
    return number;
  };
}

function driftOrOff(value: string): number | 'off' {
  if (value === 'off') return value;
  const ratio = Number(value);
  if (value.trim() === '' || !(ratio >= 0 && ratio <= 1)) throw new Error(`"${value}" is neither off nor a ratio from 0 to 1`);
  return ratio;
}

export interface ServeConfig {
  readonly name: string;
  readonly dataDir: string;
  readonly listen: string;
  readonly listenClient: string;
  readonly listenPeer: string;
  readonly listenHttp: string;
  readonly listenMetrics: string;
  readonly initialCluster: readonly Founder[];
  readonly initialClusterToken: string;
  readonly join: boolean;
  readonly insecure: boolean;
  readonly durability: 'fsync' | 'os';
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly leaseDrift: number | 'off';
  readonly snapshotLogBytes: number;
  readonly snapshotLogEntries: number;
  readonly segmentBytes: number;
}

export const settings: { readonly [K in keyof ServeConfig]: Setting<ServeConfig[K]> } = {
  name: { flag: 'name', placeholder: 'NAME', description: 'this member’s name in the initial cluster', fallback: undefined, parse: text('the name') },
  dataDir: { flag: 'data-dir', placeholder: 'DIR', description: 'where its data lives', fallback: undefined, parse: text('the data directory') },
  listen: { flag: 'listen', placeholder: 'HOST:PORT', description: 'its one port', fallback: '127.0.0.1:2379', parse: address },
  listenClient: { flag: 'listen-client', placeholder: 'HOST:PORT', description: 'a port for native clients and gRPC alone', fallback: noAddress, parse: addressOrNone },
  listenPeer: { flag: 'listen-peer', placeholder: 'HOST:PORT', description: 'a port for the other members alone', fallback: noAddress, parse: addressOrNone },
  listenHttp: { flag: 'listen-http', placeholder: 'HOST:PORT', description: 'a port for HTTP alone', fallback: noAddress, parse: addressOrNone },
  listenMetrics: { flag: 'listen-metrics', placeholder: 'HOST:PORT', description: 'a further port for health and metrics, without data', fallback: noAddress, parse: addressOrNone },
  initialCluster: { flag: 'initial-cluster', placeholder: 'NAME=HOST:PORT,…', description: 'every founder, the same list for all', fallback: undefined, parse: parseFounders },
  initialClusterToken: { flag: 'initial-cluster-token', placeholder: 'TOKEN', description: 'tells this cluster from others', fallback: 'thole-cluster', parse: text('the token') },
  join: { flag: 'join', placeholder: '', description: 'it was added to a cluster that runs; the list above names some of its members', fallback: false, parse: flag },
  insecure: { flag: 'insecure', placeholder: '', description: 'listen beyond loopback without TLS', fallback: false, parse: flag },
  durability: { flag: 'durability', placeholder: 'fsync|os', description: 'when a write counts as durable', fallback: 'fsync', parse: oneOf('fsync', 'os') },
  logLevel: { flag: 'log-level', placeholder: 'LEVEL', description: 'debug, info, warn or error', fallback: 'info', parse: oneOf('debug', 'info', 'warn', 'error') },
  leaseDrift: { flag: 'lease-drift', placeholder: 'off|RATIO', description: 'reads by lease, and how far members’ clocks may differ in rate', fallback: 'off', parse: driftOrOff },
  snapshotLogBytes: { flag: 'snapshot-log-bytes', placeholder: 'BYTES', description: 'log growth between snapshots', fallback: 32 << 20, parse: integer(1 << 16, 2 ** 32) },
  snapshotLogEntries: { flag: 'snapshot-log-entries', placeholder: 'COUNT', description: 'entries between snapshots, where the log grows by less', fallback: 100_000, parse: integer(100, 2 ** 31) },
  segmentBytes: { flag: 'segment-bytes', placeholder: 'BYTES', description: 'size of a log segment', fallback: 16 << 20, parse: integer(1 << 16, 2 ** 30) },
};

export const environmentName = (name: string): string => `THOLE_${name.toUpperCase().replaceAll('-', '_')}`;

export type Origin = 'flag' | 'environment' | 'file' | 'default';

export interface Resolved {
  readonly config: Partial<ServeConfig>;
  readonly origins: Readonly<Record<string, Origin>>;
}

/** One config from its layers. Throws INVALID_CONFIG naming the setting, where it came from, and what is wrong. */
export function resolve(
  flags: Readonly<Record<string, string | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, unknown>>,
): Resolved {
  const config: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  const known = new Set(Object.values(settings).map((setting) => setting.flag));
  for (const key of Object.keys(file)) {
    if (!known.has(key)) throw new OperationError({ code: 'INVALID_CONFIG', detail: `the config file has an unknown key "${key}"` });
  }
  for (const [key, setting] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const layers: [Origin, unknown][] = [
      ['flag', flags[setting.flag]],
      ['environment', environment[environmentName(setting.flag)]],
      ['file', file[setting.flag]],
    ];
    const found = layers.find(([, value]) => value !== undefined);
    if (found === undefined) {
      config[key] = setting.fallback;
      origins[setting.flag] = 'default';
      continue;
    }
    const [origin, value] = found;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'bigint') {
      throw new OperationError({ code: 'INVALID_CONFIG', detail: `${setting.flag} (${origin}): a single value is wanted` });
    }
    try {
      config[key] = setting.parse(String(value));
    } catch (error) {
      throw new OperationError({ code: 'INVALID_CONFIG', detail: `${setting.flag} (${origin}): ${(error as Error).message}` });
    }
    origins[setting.flag] = origin;
  }
  return { config, origins };
}

/** Everything a member cannot do without. */
export function complete(config: Partial<ServeConfig>): ServeConfig {
  for (const [key, setting] of Object.entries(settings)) {
    if ((config as Record<string, unknown>)[key] === undefined) {
      throw new OperationError({ code: 'INVALID_CONFIG', detail: `--${setting.flag} is required (or ${environmentName(setting.flag)}, or "${setting.flag}" in the config file)` });
    }
  }
  return config as ServeConfig;
}
