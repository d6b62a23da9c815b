// Every way the world can fail a caller, as one table. A failure is data ({ code, … }); OperationError carries it
// across `throw`. docs/reference/errors.md lists the same codes; the tidy test compares the two both ways.

/** May a client send the same request again without asking anybody? */
export type Retry = 'never' | 'safe' | 'ambiguous';

export interface ErrorRow {
  /** `safe`: it certainly did not happen. `ambiguous`: it may have happened. `never`: it would fail again. */
  readonly retry: Retry;
  readonly message: string;
}

export type ErrorCode =
  | 'ABORTED'
  | 'BAD_REQUEST'
  | 'CHANGE_IN_PROGRESS'
  | 'CLOSED'
  | 'CLUSTER_MISMATCH'
  | 'COMPACTED'
  | 'CORRUPT'
  | 'DATA_DIR_IN_USE'
  | 'DATA_DIR_MISMATCH'
  | 'DATA_DIR_UNUSABLE'
  | 'DATA_LOST'
  | 'DISK_FAILED'
  | 'DUPLICATE_KEY'
  | 'FUTURE_REVISION'
  | 'INTERNAL'
  | 'INVALID_CONFIG'
  | 'KEY_NOT_FOUND'
  | 'LEARNER_BEHIND'
  | 'MEMBER_EXISTS'
  | 'MEMBER_REMOVED'
  | 'MEMBER_UNKNOWN'
  | 'NOT_A_LEARNER'
  | 'NO_LEADER'
  | 'NOT_LEADER'
  | 'OVERLOADED'
  | 'PORT_IN_USE'
  | 'PROPOSAL_LOST'
  | 'PROTOCOL'
  | 'QUORUM_AT_RISK'
  | 'SESSION_EXPIRED'
  | 'SESSION_WINDOW'
  | 'SHUTTING_DOWN'
  | 'TIMEOUT'
  | 'TOO_LARGE'
  | 'TOO_MANY_OPERATIONS'
  | 'UNAVAILABLE'
  | 'UNSUPPORTED';

export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = {
  ABORTED: { retry: 'never', message: 'the caller gave up before the outcome was known' },
  BAD_REQUEST: { retry: 'never', message: 'the request is malformed' },
  CHANGE_IN_PROGRESS: { retry: 'safe', message: 'another change of membership is under way' },
  CLOSED: { retry: 'never', message: 'the client or member is closed' },
  CLUSTER_MISMATCH: { retry: 'never', message: 'the other side belongs to another cluster' },
  COMPACTED: { retry: 'never', message: 'the required revision has been compacted' },
  CORRUPT: { retry: 'never', message: 'stored data is damaged' },
  DATA_DIR_IN_USE: { retry: 'never', message: 'the data directory is in use by another process' },
  DATA_DIR_MISMATCH: { retry: 'never', message: 'the data directory belongs to another cluster or member' },
  DATA_DIR_UNUSABLE: { retry: 'never', message: 'the data directory cannot be written' },
  DATA_LOST: { retry: 'never', message: 'the cluster has already run with this member, whose data directory is empty' },
  DISK_FAILED: { retry: 'never', message: 'a write could not be made durable' },
  DUPLICATE_KEY: { retry: 'never', message: 'duplicate key given in one transaction' },
  FUTURE_REVISION: { retry: 'never', message: 'the required revision is a future revision' },
  INTERNAL: { retry: 'never', message: 'an internal error' },
  INVALID_CONFIG: { retry: 'never', message: 'the configuration is invalid' },
  KEY_NOT_FOUND: { retry: 'never', message: 'the key is not there' },
  LEARNER_BEHIND: { retry: 'safe', message: 'the learner has not caught up with the leader' },
  MEMBER_EXISTS: { retry: 'never', message: 'a member has this id, name or address already' },
  MEMBER_REMOVED: { retry: 'never', message: 'the member was removed from the cluster: it may return only under a new id' },
  MEMBER_UNKNOWN: { retry: 'never', message: 'there is no such member' },
  NOT_A_LEARNER: { retry: 'never', message: 'the member is no learner' },
  NO_LEADER: { retry: 'safe', message: 'there is no leader now' },
  NOT_LEADER: { retry: 'safe', message: 'this member does not lead' },
  OVERLOADED: { retry: 'safe', message: 'too much work is under way' },
  PORT_IN_USE: { retry: 'never', message: 'the address is already in use' },
  PROPOSAL_LOST: { retry: 'safe', message: 'another leader wrote in its place: the proposal will never be applied' },
  PROTOCOL: { retry: 'never', message: 'the bytes on the connection are not the protocol' },
  QUORUM_AT_RISK: { retry: 'safe', message: 'too few of those who would decide are heard from' },
  SESSION_EXPIRED: { retry: 'never', message: 'the session has expired' },
  SESSION_WINDOW: { retry: 'never', message: 'the request lies below what the session still keeps' },
  SHUTTING_DOWN: { retry: 'safe', message: 'the member is shutting down' },
  TIMEOUT: { retry: 'ambiguous', message: 'the deadline passed' },
  TOO_LARGE: { retry: 'never', message: 'the request is too large' },
  TOO_MANY_OPERATIONS: { retry: 'never', message: 'too many operations in one transaction' },
  UNAVAILABLE: { retry: 'ambiguous', message: 'no endpoint could be reached, or the connection broke' },
  UNSUPPORTED: { retry: 'never', message: 'this message or version is not supported' },
};

/** A failure: its code and whatever facts help. Facts are strings or numbers, so that a failure can cross a wire. */
export interface Failure {
  readonly code: ErrorCode;
  /** Overrides the table's sentence where there is something more exact to say. */
  readonly detail?: string;
  readonly leader?: string;
  readonly requested?: number;
  readonly compacted?: number;
  readonly current?: number;
  readonly file?: string;
  readonly offset?: number;
  readonly index?: number;
}

export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly failure: Failure;

  constructor(failure: Failure, options?: { readonly cause?: unknown }) {
    super(describeFailure(failure), options);
    this.failure = failure;
  }

  get code(): ErrorCode {
    return this.failure.code;
  }

  get retry(): Retry {
    return errorTable[this.failure.code].retry;
  }
}

/** One sentence for logs, terminals and pages. */
export function describeFailure(failure: Failure): string {
  const sentence = failure.detail ?? errorTable[failure.code].message;
  const where =
    failure.file === undefined
      ? ''
      : ` (${failure.file}${failure.offset === undefined ? '' : ` at byte ${failure.offset}`}${failure.index === undefined ? '' : `, index ${failure.index}`})`;
  return `${failure.code}: ${sentence}${where}`;
}

/** Throws an {@link OperationError}; as an expression, so that it can stand behind `??`. */
export function fail(code: ErrorCode, facts: Omit<Failure, 'code'> = {}): never {
  throw new OperationError({ code, ...facts });
}
