// The replicated cluster version: what may be in the log, because every member understands it. A build knows a range
// of versions; the leader raises the cluster's, by a command, once every member has said in its hello that it knows
// more. Until then nobody proposes what some member would have to stop at.
//
//   1   writes and sessions
//   2   the raise itself; the state's snapshot and digest know the version
//
// The raise to a version belongs to that version: a build that does not know it meets neither.

import { fail } from '../errors.ts';

/** Those this build knows; it says the highest in its hellos. */
export const clusterVersions: { readonly lowest: number; readonly highest: number } = { lowest: 1, highest: 2 };

/**
 * Throws UNSUPPORTED if some member might not understand the command. The version never falls: what it allows here,
 * where it may have been raised later than elsewhere, every member understands for good.
 */
export function checkAllowed(needed: number, clusterVersion: number): void {
  if (needed > clusterVersion) fail('UNSUPPORTED', { detail: `a command of cluster version ${needed}, where the cluster is at ${clusterVersion}` });
}

/** A state or a command that says this version can be read by this build. */
export function checkKnown(version: number): number {
  if (version > clusterVersions.highest) fail('UNSUPPORTED', { detail: `the cluster is at version ${version}, and this build knows ${clusterVersions.highest} at most` });
  return version;
}
