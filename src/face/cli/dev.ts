// `thole dev`: a whole cluster on this machine, each member a process of its own, kept alive until told to stop.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { parseEndpoint } from '../../engine/address.ts';
import { nodeClock } from '../../node/clock.ts';
import { nodeNetwork } from '../../node/tcp.ts';
import { readHttp } from '../http/get.ts';
import { exitCodes, noRestartReason } from './exit.ts';

interface Flags {
  readonly nodes: string;
  readonly basePort: string;
  readonly dataDir: string;
  readonly json?: boolean;
  readonly restart: boolean;
}

const restartMs = 2000;
const leaderPollMs = 50;

interface Place {
  readonly name: string;
  readonly endpoint: string;
  readonly dataDir: string;
}

export function devCommand(): Command {
  return new Command('dev')
    .description('run a cluster of several members on this machine')
    .option('--nodes <N>', 'how many members', '3')
    .option('--base-port <PORT>', 'the first member’s port; the others follow', '2379')
    .option('--data-dir <DIR>', 'where their data lives', '.thole')
    .option('--json', 'one JSON object a line on stdout for everything that happens')
    .option('--no-restart', 'leave a member that died dead')
    .action(async (flags: Flags) => {
      const nodes = Number(flags.nodes);
      const basePort = Number(flags.basePort);
      if (!Number.isInteger(nodes) || nodes < 1 || nodes > 9) return usage('--nodes is a whole number from 1 to 9');
      if (!Number.isInteger(basePort) || basePort < 1 || basePort + nodes - 1 > 65535) return usage('--base-port leaves no room for the members');
      process.exitCode = await new DevCluster(flags, nodes, basePort).run();
      process.exit();
    });
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    (await nodeNetwork.dial(parseEndpoint(endpoint), { timeoutMs: 500 })).destroy();
    return true;
  } catch {
    return false;
  }
}

function usage(sentence: string): never {
  process.stderr.write(`Error: BAD_REQUEST: ${sentence}\n`);
  return process.exit(exitCodes.usage);
}

class DevCluster {
  readonly #flags: Flags;
  readonly #places: readonly Place[];
  readonly #children = new Map<string, ChildProcess>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Members that will not come back. */
  readonly #gone = new Set<string>();
  #stopping = false;
  #code: number = exitCodes.ok;
  #finish: () => void = () => undefined;

  constructor(flags: Flags, nodes: number, basePort: number) {
    this.#flags = flags;
    this.#places = Array.from({ length: nodes }, (_, at) => ({
      name: `n${at + 1}`,
      endpoint: `127.0.0.1:${basePort + at}`,
      dataDir: resolve(join(flags.dataDir, `n${at + 1}`)),
    }));
  }

  async run(): Promise<number> {
    const done = new Promise<void>((finish) => {
      this.#finish = finish;
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#stop());
    // Whoever answers there is no member of ours, and its leader would be announced as if it were.
    const taken = (await Promise.all(this.#places.map(({ endpoint }) => answers(endpoint)))).indexOf(true);
    if (taken >= 0) {
      process.stderr.write(`Error: PORT_IN_USE: somebody listens on ${this.#places[taken]!.endpoint} already\n`);
      return exitCodes.portInUse;
    }
    if (this.#stopping) return exitCodes.ok;
    for (const place of this.#places) this.#start(place);
    void this.#announce();
    await done;
    return this.#code;
  }

  #start(place: Place): void {
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const initialCluster = this.#places.map(({ name, endpoint }) => `${name}=${endpoint}`).join(',');
    const child = spawn(
      process.execPath,
      [
        main, 'serve', '--name', place.name, '--data-dir', place.dataDir, '--listen', place.endpoint,
        '--initial-cluster', initialCluster, '--initial-cluster-token', 'thole-dev', '--log-level', process.env['THOLE_LOG_LEVEL'] ?? 'warn',
      ],
      // Its stdin is held open by us: when we die, however, it ends, and the member with it. A group of its own
      // keeps the terminal’s Ctrl-C for us, and the members’ end in our hands.
      { stdio: ['pipe', 2, 2], detached: process.platform !== 'win32', env: { ...process.env, THOLE_PARENT_PIPE: '1' } },
    );
    this.#children.set(place.name, child);
    this.#event({ event: 'member', name: place.name, pid: child.pid, endpoint: place.endpoint, dataDir: place.dataDir }, `${place.name} runs as process ${child.pid} on ${place.endpoint}`);
    child.stdin?.on('error', () => undefined);
    child.on('error', (error) => {
      // Of a child that never was there is no 'exit'; of one that lives 'error' says only that a signal did not reach it.
      if (child.pid !== undefined) return;
      process.stderr.write(`Error: INTERNAL: ${place.name} could not be started: ${error.message}\n`);
      this.#exited(place, null, null);
    });
    child.once('exit', (code, signal) => this.#exited(place, code, signal));
  }

  #exited(place: Place, code: number | null, signal: NodeJS.Signals | null): void {
    this.#children.delete(place.name);
    this.#event({ event: 'exit', name: place.name, code, signal }, `${place.name} ended (${signal ?? `exit code ${code}`})`);
    if (this.#stopping) {
      if (this.#children.size === 0) this.#finish();
      return;
    }
    const reason = noRestartReason(code);
    if (reason !== undefined) process.stderr.write(`thole dev: ${place.name} is not restarted: ${reason}\n`);
    if (reason !== undefined || !this.#flags.restart) {
      this.#gone.add(place.name);
      if (this.#gone.size < this.#places.length) return;
      this.#code = code ?? exitCodes.failed;
      return this.#finish();
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#start(place);
    }, restartMs);
    this.#timers.add(timer);
  }

  #stop(): void {
    if (this.#stopping) {
      for (const child of this.#children.values()) child.kill('SIGKILL');
      return;
    }
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const child of this.#children.values()) child.kill('SIGTERM');
    if (this.#children.size === 0) this.#finish();
  }

  /** Waits for the first leader and says how to talk to it. */
  async #announce(): Promise<void> {
    for (;;) {
      if (this.#stopping) return;
      for (const { name, endpoint } of this.#places) {
        if (!this.#children.has(name)) continue;
        const metrics = await readHttp(endpoint, '/metrics', 1000).catch(() => '');
        if (/^thole_is_leader 1$/m.test(metrics) && /^thole_ready 1$/m.test(metrics)) return this.#ready(name);
      }
      await new Promise<void>((next) => void nodeClock.after(leaderPollMs, next));
    }
  }

  #ready(leader: string): void {
    const endpoints = this.#places.map(({ endpoint }) => endpoint).join(',');
    const extra = this.#places[0]!.endpoint === '127.0.0.1:2379' && this.#places.length <= 3 ? '' : ` --endpoints ${endpoints}`;
    this.#event(
      { event: 'ready', leader },
      [
        '',
        `${leader} leads. Endpoints: ${endpoints}`,
        'From another terminal, here:',
        `  npx thole put greeting hello${extra}`,
        `  npx thole get greeting${extra}`,
        `  npx thole endpoint status -o table${extra}`,
        `  npx thole get --prefix ''${extra}`,
        'Kill any of the processes above with -9: writes go on. Ctrl-C stops all of them; the data stays.',
      ].join('\n'),
    );
  }

  #event(event: Readonly<Record<string, unknown>>, sentence: string): void {
    process.stdout.write(`${this.#flags.json === true ? JSON.stringify(event) : sentence}\n`);
  }
}
