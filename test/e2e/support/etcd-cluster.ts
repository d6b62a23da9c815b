// Three members of Debian's etcd, to be asked beside ours.

import { spawnSync } from 'node:child_process';
import { Running, freePorts, tempDir } from './processes.ts';

export const etcdIsThere: boolean = spawnSync('etcd', ['--version']).status === 0;

export class EtcdCluster {
  readonly endpoints: readonly string[];
  readonly members: Running[] = [];
  readonly #peers: readonly string[];
  readonly #dataDir: string = tempDir();

  private constructor(basePort: number) {
    this.endpoints = [0, 1, 2].map((at) => `127.0.0.1:${basePort + at}`);
    this.#peers = [3, 4, 5].map((at) => `http://127.0.0.1:${basePort + at}`);
  }

  static async start(): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(await freePorts(6));
    for (let at = 0; at < 3; at++) cluster.run(at);
    return cluster;
  }

  /** Starts a member, anew if it ran before. */
  run(at: number): Running {
    const [name, client, peer] = [`n${at + 1}`, `http://${this.endpoints[at]!}`, this.#peers[at]!];
    const member = new Running('etcd', [
      '--name', name, '--data-dir', `${this.#dataDir}/${name}`, '--listen-client-urls', client, '--advertise-client-urls', client,
      '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', this.#peers.map((url, each) => `n${each + 1}=${url}`).join(','),
      '--initial-cluster-token', this.#dataDir, '--log-level', 'fatal', '--logger', 'zap',
    ]);
    this.members[at] = member;
    return member;
  }
}
