// gRPC's status codes, and what each failure is to a client of etcd: its code, and word for word the message by which
// such clients know it. docs/reference/errors.md shows this table beside our own codes; the tidy test compares them.

import { OperationError, errorTable } from '../../core/errors.ts';
import type { ErrorCode, Failure } from '../../core/errors.ts';

export const grpcCodes = {
  OK: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
} as const;
export type GrpcCode = keyof typeof grpcCodes;

export interface GrpcStatus {
  readonly code: GrpcCode;
  readonly message: string;
}

/** Thrown where there is an answer of etcd's for what is no failure of ours. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly status: GrpcStatus;

  constructor(code: GrpcCode, message: string) {
    super(message);
    this.status = { code, message };
  }
}

const of = (code: GrpcCode, message: string): GrpcStatus => ({ code, message: `etcdserver: ${message}` });
const own = (code: GrpcCode, error: ErrorCode): GrpcStatus => of(code, errorTable[error].message);

export const statusTable: Readonly<Record<ErrorCode, GrpcStatus>> = {
  ABORTED: own('Canceled', 'ABORTED'),
  BAD_REQUEST: own('InvalidArgument', 'BAD_REQUEST'),
  CHANGE_IN_PROGRESS: own('FailedPrecondition', 'CHANGE_IN_PROGRESS'),
  CLOSED: own('Unavailable', 'CLOSED'),
  CLUSTER_MISMATCH: own('FailedPrecondition', 'CLUSTER_MISMATCH'),
  COMPACTED: of('OutOfRange', 'mvcc: required revision has been compacted'),
  CORRUPT: of('DataLoss', 'corrupt cluster'),
  DATA_DIR_IN_USE: own('Internal', 'DATA_DIR_IN_USE'),
  DATA_DIR_MISMATCH: own('Internal', 'DATA_DIR_MISMATCH'),
  DATA_DIR_UNUSABLE: own('Internal', 'DATA_DIR_UNUSABLE'),
  DATA_LOST: own('DataLoss', 'DATA_LOST'),
  DISK_FAILED: own('Unavailable', 'DISK_FAILED'),
  DUPLICATE_KEY: of('InvalidArgument', 'duplicate key given in txn request'),
  FUTURE_REVISION: of('OutOfRange', 'mvcc: required revision is a future revision'),
  INTERNAL: own('Internal', 'INTERNAL'),
  INVALID_CONFIG: own('Internal', 'INVALID_CONFIG'),
  KEY_NOT_FOUND: of('InvalidArgument', 'key not found'),
  LEARNER_BEHIND: of('FailedPrecondition', 'can only promote a learner member which is in sync with leader'),
  // Ids are drawn here: what a client can name twice is an address.
  MEMBER_EXISTS: of('FailedPrecondition', 'Peer URLs already exists'),
  MEMBER_REMOVED: of('NotFound', 'member not found'),
  MEMBER_UNKNOWN: of('NotFound', 'member not found'),
  NOT_A_LEARNER: of('FailedPrecondition', 'can only promote a learner member'),
  NO_LEADER: of('Unavailable', 'no leader'),
  NOT_LEADER: of('FailedPrecondition', 'not leader'),
  OVERLOADED: of('ResourceExhausted', 'too many requests'),
  PORT_IN_USE: own('Internal', 'PORT_IN_USE'),
  PROPOSAL_LOST: of('Unavailable', 'leader changed'),
  PROTOCOL: own('Internal', 'PROTOCOL'),
  QUORUM_AT_RISK: of('Unavailable', 'unhealthy cluster'),
  SESSION_EXPIRED: own('FailedPrecondition', 'SESSION_EXPIRED'),
  SESSION_WINDOW: own('FailedPrecondition', 'SESSION_WINDOW'),
  SHUTTING_DOWN: of('Unavailable', 'server stopped'),
  TIMEOUT: of('Unavailable', 'request timed out'),
  TOO_LARGE: of('InvalidArgument', 'request is too large'),
  TOO_MANY_OPERATIONS: of('InvalidArgument', 'too many operations in txn request'),
  UNAVAILABLE: own('Unavailable', 'UNAVAILABLE'),
  UNSUPPORTED: own('Unimplemented', 'UNSUPPORTED'),
};

/** Those whose detail says more than the sentence of the table. */
const detailed: ReadonlySet<ErrorCode> = new Set(['BAD_REQUEST', 'INTERNAL', 'TOO_LARGE', 'UNSUPPORTED']);

export function statusOf(failure: Failure): GrpcStatus {
  const row = statusTable[failure.code];
  if (failure.code === 'PROTOCOL' && failure.detail !== undefined) return { code: row.code, message: failure.detail };
  return failure.detail !== undefined && detailed.has(failure.code) ? of(row.code, failure.detail) : row;
}

/** `undefined`: nothing that was foreseen. */
export function statusOfError(error: unknown): GrpcStatus | undefined {
  if (error instanceof GrpcError) return error.status;
  if (error instanceof OperationError) return statusOf(error.failure);
  return undefined;
}
