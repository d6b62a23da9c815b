// Three `thole serve` processes without anybody who restarts them.

import { Running, freePorts, main, tempDir } from './processes.ts';

export class ServeCluster {
  readonly endpoints: readonly string[];
  readonly dataDir: string;
  readonly token: string;
  readonly members: Running[] = [];
  readonly #env: Readonly<Record<string, string>>;

  private constructor(basePort: number, env: Readonly<Record<string, string>>) {
    this.endpoints = [0, 1, 2].map((at) => `127.0.0.1:${basePort + at}`);
    this.dataDir = tempDir();
    this.token = `e2e-${basePort}`;
    this.#env = env;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<ServeCluster> {
    const cluster = new ServeCluster(await freePorts(3), env);
    for (let at = 0; at < 3; at++) cluster.run(at);
    return cluster;
  }

  get initialCluster(): string {
    return this.endpoints.map((endpoint, at) => `n${at + 1}=${endpoint}`).join(',');
  }

  words(at: number): readonly string[] {
    return ['serve', '--name', `n${at + 1}`, '--data-dir', `${this.dataDir}/n${at + 1}`, '--listen', this.endpoints[at]!, '--initial-cluster', this.initialCluster, '--initial-cluster-token', this.token, '--log-level', 'warn'];
  }

  /** Starts a member, anew if it ran before. */
  run(at: number): Running {
    const member = new Running(process.execPath, [main, ...this.words(at)], this.#env);
    this.members[at] = member;
    return member;
  }

  async stop(): Promise<void> {
    for (const member of this.members) member.kill('SIGTERM');
    await Promise.all(this.members.map((member) => member.end()));
  }
}
