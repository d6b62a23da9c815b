// A headless Chromium over its debugging pipe: null-terminated JSON on file descriptors 3 and 4, no port, no package.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** The first of the usual names that answers; undefined where none is installed. */
export function findBrowser(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

type Message = Readonly<Record<string, unknown>>;

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #size: Size;
  readonly #waiting = new Map<number, { resolve: (result: Message) => void; reject: (error: Error) => void }>();
  readonly errors: string[] = [];
  #lastId = 0;
  #target: string | undefined;
  #session: string | undefined;
  #pending = '';

  private constructor(child: ChildProcess, profile: string, size: Size) {
    this.#process = child;
    this.#profile = profile;
    this.#size = size;
    (child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.#receive(text));
  }

  static open(executable: string, size: Size): Browser {
    const profile = mkdtempSync(join(tmpdir(), 'thole-browser-'));
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-pipe', `--user-data-dir=${profile}`, `--window-size=${size.width},${size.height}`];
    const child = spawn(executable, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    return new Browser(child, profile, size);
  }

  /** In a tab of its own, which everything is about from then on; the one before is closed. */
  async show(page: string): Promise<void> {
    const before = this.#target;
    this.#session = undefined;
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    if (before !== undefined) await this.send('Target.closeTarget', { targetId: before });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    this.#target = String(targetId);
    this.#session = String(sessionId);
    this.errors.length = 0;
    await this.send('Runtime.enable');
    await this.send('Page.enable');
    await this.send('Emulation.setDeviceMetricsOverride', { ...this.#size, deviceScaleFactor: 1, mobile: false });
    await this.send('Page.navigate', { url: page });
    while ((await this.evaluate('document.readyState')) !== 'complete') await this.frame();
    await this.frame();
  }

  send(method: string, params: Message = {}): Promise<Message> {
    const id = ++this.#lastId;
    const message = { id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) };
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    return isMessage(result) ? result['value'] : undefined;
  }

  /** Waits until what was asked for has been painted. */
  async frame(): Promise<void> {
    await this.evaluate('new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 30))');
  }

  async mouse(type: 'mouseMoved' | 'mouseWheel', x: number, y: number, deltaY = 0): Promise<void> {
    await this.send('Input.dispatchMouseEvent', { type, x, y, deltaX: 0, deltaY });
    await this.frame();
  }

  async screenshot(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    // Asked to close, it ends its own children first; killed, it leaves them writing into the profile for a moment.
    this.#session = undefined;
    void this.send('Browser.close').catch(() => {});
    const impatience = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(impatience);
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20 });
  }

  #receive(text: string): void {
    const parts = (this.#pending + text).split('\0');
    this.#pending = parts.pop() ?? '';
    for (const part of parts) {
      const { id, method, params, result, error }: Message = JSON.parse(part);
      if (method === 'Runtime.exceptionThrown') this.errors.push(JSON.stringify(params));
      const waiting = this.#waiting.get(Number(id));
      if (waiting === undefined) continue;
      this.#waiting.delete(Number(id));
      if (error === undefined) waiting.resolve(isMessage(result) ? result : {});
      else waiting.reject(new Error(JSON.stringify(error)));
    }
  }
}
