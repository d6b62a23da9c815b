// `thole dev --json` as a test sees it.

import { connect } from '../../../src/face/client.ts';
import type { Client, MemberStatus } from '../../../src/face/index.ts';
import { Running, alive, eventually, freePorts, main, tempDir, thole } from './processes.ts';
import type { Said } from './processes.ts';

export interface MemberEvent {
  readonly event: 'member';
  readonly name: string;
  readonly pid: number;
  readonly endpoint: string;
  readonly dataDir: string;
}

export type DevEvent = MemberEvent | { readonly event: 'ready'; readonly leader: string } | { readonly event: 'exit'; readonly name: string; readonly code: number | null; readonly signal: string | null };

export class DevCluster {
  readonly process: Running;
  readonly endpoints: readonly string[];
  readonly dataDir: string;

  private constructor(dev: Running, endpoints: readonly string[], dataDir: string) {
    this.process = dev;
    this.endpoints = endpoints;
    this.dataDir = dataDir;
  }

  /** Resolves when it says that it is ready. */
  static async start(options: { dataDir?: string; basePort?: number; args?: readonly string[]; env?: Readonly<Record<string, string>>; readyMs?: number } = {}): Promise<DevCluster> {
    const basePort = options.basePort ?? (await freePorts(3));
    const dataDir = options.dataDir ?? tempDir();
    const dev = new Running(process.execPath, [main, 'dev', '--json', '--base-port', String(basePort), '--data-dir', dataDir, ...(options.args ?? [])], options.env);
    const cluster = new DevCluster(dev, [0, 1, 2].map((at) => `127.0.0.1:${basePort + at}`), dataDir);
    await eventually(`a ready cluster; stderr: ${dev.err}`, () => cluster.events.find(({ event }) => event === 'ready'), options.readyMs ?? 20_000);
    return cluster;
  }

  get basePort(): number {
    return Number(this.endpoints[0]!.split(':')[1]);
  }

  get events(): readonly DevEvent[] {
    return this.process.out.split('\n').slice(0, -1).map((line) => JSON.parse(line) as DevEvent);
  }

  /** Every start of a member so far. */
  get starts(): readonly MemberEvent[] {
    return this.events.filter((event) => event.event === 'member');
  }

  /** The newest process of each member. */
  get pids(): ReadonlyMap<string, number> {
    return new Map(this.starts.map(({ name, pid }) => [name, pid]));
  }

  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): void {
    process.kill(this.pids.get(name)!, signal);
  }

  verb(words: readonly string[], input?: string): Promise<Said> {
    return thole([...words, '--endpoints', this.endpoints.join(',')], input);
  }

  connect(timeoutMs = 15_000): Promise<Client> {
    return connect({ endpoints: this.endpoints, timeoutMs });
  }

  /** SIGTERM, and until it has ended. */
  async stop(): Promise<{ readonly code: number | null }> {
    this.process.kill('SIGTERM');
    return this.process.end();
  }

  /** Every member's own process is gone. */
  async nobodyLeft(timeoutMs = 10_000): Promise<void> {
    await eventually('the end of all members', () => (this.starts.some(({ pid }) => alive(pid)) ? undefined : true), timeoutMs);
  }
}

export async function statuses(client: Client, endpoints: readonly string[]): Promise<readonly (MemberStatus | undefined)[]> {
  return Promise.all(endpoints.map((endpoint) => client.status(endpoint, { timeoutMs: 500 }).catch(() => undefined)));
}

export async function leaderOf(client: Client, endpoints: readonly string[]): Promise<MemberStatus> {
  return eventually('a leader', async () => (await statuses(client, endpoints)).find((status) => status?.role === 'leader'));
}

/** All serve, at the same index, with equal digests. */
export async function agreed(client: Client, endpoints: readonly string[], timeoutMs = 20_000): Promise<readonly MemberStatus[]> {
  return eventually('members that agree', async () => {
    const all = (await statuses(client, endpoints)).flatMap((status) => status ?? []);
    const same = all.length === endpoints.length && all.every(({ appliedIndex, digest }) => appliedIndex === all[0]!.appliedIndex && digest === all[0]!.digest);
    return same ? all : undefined;
  }, timeoutMs);
}

/** Puts until it is told to stop; what was acknowledged and every error are kept. */
export class Load {
  readonly acknowledged = new Map<string, string>();
  readonly errors: string[] = [];
  lastAck: number = performance.now();
  worstGapMs = 0;
  readonly #over: Promise<void>;
  #stop = false;

  constructor(client: Client, prefix: string, writers = 4, pauseMs = 2) {
    this.#over = Promise.all(Array.from({ length: writers }, (_, id) => this.#write(client, `${prefix}${id}/`, pauseMs))).then(() => undefined);
  }

  async #write(client: Client, prefix: string, pauseMs: number): Promise<void> {
    for (let n = 0; !this.#stop; n++) {
      const key = `${prefix}${n % 50}`;
      try {
        await client.kv.put(key, String(n));
        this.acknowledged.set(key, String(n));
        this.worstGapMs = Math.max(this.worstGapMs, performance.now() - this.lastAck);
        this.lastAck = performance.now();
      } catch (error) {
        this.errors.push(String(error));
        this.acknowledged.delete(key);
      }
      if (pauseMs > 0) await new Promise((resolve) => void setTimeout(resolve, pauseMs));
    }
  }

  async nextAck(timeoutMs = 15_000): Promise<void> {
    const since = performance.now();
    await eventually('the next acknowledged write', () => (this.lastAck > since ? true : undefined), timeoutMs, 5);
  }

  async stop(): Promise<void> {
    this.#stop = true;
    await this.#over;
  }

  /** Keys whose value is not the one that was acknowledged last. */
  async lost(client: Client): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const [key, value] of this.acknowledged) {
      const { kv } = await client.kv.get(key);
      if (kv === undefined || Buffer.from(kv.value).toString() !== value) wrong.push(key);
    }
    return wrong;
  }
}
