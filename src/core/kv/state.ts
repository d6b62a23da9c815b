// The published state: what reads see and snapshots pin.

import { clusterVersions } from './cluster-version.ts';
import { emptyRoot } from './ordered-map.ts';
import type { MapRoot } from './ordered-map.ts';
import type { Revision } from './request.ts';
import type { Version } from './version.ts';

export interface KvState {
  root: MapRoot<Version>;
  revision: Revision;
  compactRevision: Revision;
  appliedIndex: number;
  appliedTerm: number;
  /** The newest stamp of any batch: time, as sessions know it. */
  stampMs: number;
  keys: number;
  bytes: number;
  /** What every member understands, and so what may be in the log: see cluster-version.ts. */
  clusterVersion: number;
}

export const emptyState: KvState = { root: emptyRoot, revision: 1, compactRevision: 0, appliedIndex: 0, appliedTerm: 0, stampMs: 0, keys: 0, bytes: 0, clusterVersion: clusterVersions.lowest };
