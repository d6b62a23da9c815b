// Exit codes, as one table; docs/reference/cli.md shows it. A supervisor reads them: some say "do not restart me".

import type { ErrorCode } from '../../core/errors.ts';
import { OperationError } from '../../core/errors.ts';

export const exitCodes = {
  ok: 0,
  /** The request failed: stderr says why, with a code. */
  failed: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** A member's configuration is wrong, its port or directory is taken or not to be used. */
  config: 10,
  portInUse: 11,
  dataDir: 12,
  /** A member that must not come back as it is. */
  dataLost: 20,
  corrupt: 21,
  diskFailed: 22,
  unsupported: 23,
  removed: 24,
  /** Nothing that the world, the request or the input did: a bug in Thole, no memory, no thread to be had. */
  internal: 70,
} as const;

const byCode: Partial<Readonly<Record<ErrorCode, number>>> = {
  INVALID_CONFIG: exitCodes.config,
  CLUSTER_MISMATCH: exitCodes.config,
  PORT_IN_USE: exitCodes.portInUse,
  DATA_DIR_IN_USE: exitCodes.dataDir,
  DATA_DIR_MISMATCH: exitCodes.dataDir,
  DATA_DIR_UNUSABLE: exitCodes.dataDir,
  DATA_LOST: exitCodes.dataLost,
  CORRUPT: exitCodes.corrupt,
  DISK_FAILED: exitCodes.diskFailed,
  UNSUPPORTED: exitCodes.unsupported,
  MEMBER_REMOVED: exitCodes.removed,
  INTERNAL: exitCodes.internal,
};

/** What a member's process exits with. */
export function memberExitCode(error: unknown): number {
  if (!(error instanceof OperationError)) return exitCodes.internal;
  return byCode[error.code] ?? exitCodes.failed;
}

const reasons: Readonly<Record<number, string>> = {
  [exitCodes.usage]: 'its command line is wrong',
  [exitCodes.config]: 'its configuration is wrong',
  [exitCodes.portInUse]: 'its port is in use',
  [exitCodes.dataDir]: 'its data directory is in use, another member’s, or not writable',
  [exitCodes.dataLost]: 'its data directory is empty, but the cluster knows it: it may return only under another name',
  [exitCodes.corrupt]: 'its stored data is damaged',
  [exitCodes.diskFailed]: 'its disk failed to make a write durable',
  [exitCodes.unsupported]: 'its data was written by a later version',
  [exitCodes.removed]: 'it was removed from the cluster',
};

/** Why a member that exited so must not be started again by a supervisor; undefined: it may. */
export function noRestartReason(code: number | null): string | undefined {
  return code === null ? undefined : reasons[code];
}
