// What the tests over real processes share: free ports, directories that go away, processes that are killed at the
// end whatever happens, waits that end.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const root: string = join(import.meta.dirname, '../../..');
export const main: string = process.env['THOLE_MAIN'] ?? join(root, 'dist/face/cli/main.js');

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** Asks until the answer is not undefined; throws, saying what was waited for, when that takes too long. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined, timeoutMs = 20_000, everyMs = 30): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(everyMs);
  }
}

/** Ports below the ephemeral ones, of which files that run beside each other have different ones: a member that was
 * killed does not listen for a while, and finds its port free when it returns. */
const portsOfWorker = 2000;
const firstPort = 11_000 + portsOfWorker * ((Number(process.env['VITEST_POOL_ID'] ?? 1) - 1) % 10);
const given = new Set<number>();

/** A port with as many behind it as asked, none of them taken, nor given to anybody in this file before. */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const first = firstPort + Math.floor(Math.random() * (portsOfWorker - count));
    const ports = Array.from({ length: count }, (_, at) => first + at);
    if (ports.some((port) => given.has(port))) continue;
    for (const port of ports) given.add(port);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

const directories = new Set<string>();
export function tempDir(): string {
  const directory = mkdtempSync(join(tmpdir(), 'thole-e2e-'));
  directories.add(directory);
  return directory;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A process with what it printed so far. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  over: Ended | undefined;
  out = '';
  err = '';

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, stdin: 'pipe' | 'ignore' = 'ignore') {
    this.child = spawn(command, args, { cwd: root, stdio: [stdin, 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => void (this.out += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => void (this.err += text));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.over = { code, signal };
        running.delete(this);
        resolve(this.over);
      });
    });
    this.child.once('error', (error) => void (this.err += error.message));
    running.add(this);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  /** How it ended; throws with what it printed if it does not in time. */
  async end(timeoutMs = 15_000): Promise<Ended> {
    return eventually(`the end of process ${this.pid}, which said: ${this.out}${this.err}`, () => this.over, timeoutMs);
  }
}

const running = new Set<Running>();

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export interface Said extends Ended {
  readonly out: string;
  readonly err: string;
}

/** Runs `thole` with these words to its end. */
export async function thole(words: readonly string[], input?: string, env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const verb = new Running(process.execPath, [main, ...words], env, input === undefined ? 'ignore' : 'pipe');
  if (input !== undefined) verb.child.stdin?.end(input);
  try {
    const ended = await verb.end();
    return { ...ended, out: verb.out, err: verb.err };
  } finally {
    verb.kill();
  }
}

/** Kills what still runs and forgets its directories: for afterEach or afterAll. */
export async function cleanUp(): Promise<void> {
  const left = [...running];
  for (const each of left) each.kill();
  await Promise.all(left.map((each) => Promise.race([each.ended, sleep(2000)])));
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  directories.clear();
}
