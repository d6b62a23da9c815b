// What a member is told at its start.

import type { MemberId, MemberInfo } from '../../core/raft/index.ts';
import { deriveId } from '../../core/ids.ts';
import type { ReplicaOptions } from '../replica/options.ts';

export interface MemberOptions {
  readonly name: string;
  /** All founders are told the same: the token and everybody's name and address. */
  readonly cluster: { readonly token: string; readonly members: readonly { readonly name: string; readonly address: string }[] };
  /**
   * It was added to a cluster that runs: asked once, while the data directory is new, for the id that was drawn for it
   * and for everybody's addresses. `cluster.members` need not name it then.
   */
  readonly join?: () => Promise<Place>;
  /** `os`: a write is acknowledged when the operating system has it. Must be asked for; every status line says so. @default 'fsync' */
  readonly durability?: 'fsync' | 'os';
  /**
   * The newest cluster version that it says it knows. Less than its build does keeps the way back to an older build
   * open: the cluster is not raised beyond it. @default the build's
   */
  readonly clusterVersionMax?: number;
  /** Of this build, for status lines. */
  readonly version: string;
  readonly replica?: Partial<ReplicaOptions>;
  /** @default 64 MiB */
  readonly segmentBytes?: number;
}

/** What the cluster says of a member that was added to it and has never run. */
export interface Place {
  readonly id: MemberId;
  /** Nothing that a learner said has ever counted. */
  readonly learner: boolean;
  readonly witness: boolean;
  readonly members: readonly MemberInfo[];
}

/** Founders' ids derive from token and name, so that all agree on them before they have met. */
export function clusterIdOf(token: string): number {
  return deriveId(`thole cluster ${token}`);
}

export function founderIdOf(token: string, name: string): number {
  return deriveId(`thole member ${token}\n${name}`);
}

export function foundersOf(options: MemberOptions): readonly MemberInfo[] {
  const { token, members } = options.cluster;
  return members
    .map(({ name, address }) => ({ id: founderIdOf(token, name), name, address }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
