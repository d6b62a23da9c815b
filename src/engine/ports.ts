// What the engine needs of the world, and nothing else: every wait, file, socket and thread goes through these.
// src/node implements them over reality, src/sim over virtual time; test/contract judges both.

/** Timers and the turn of the loop. Monotonic milliseconds; wall time only where a person or another machine reads it. */
export interface Clock {
  /** Monotonic, fractional milliseconds since an arbitrary start. */
  now(): number;
  /** Milliseconds since the epoch. Never compared with {@link now}. */
  wallNow(): number;
  /**
   * Calls once, in a later turn, when {@link now} has gone on by at least `delayMs`; the returned function cancels and
   * may be called at any time. Moments less than a millisecond apart may come in either order.
   */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls once when the sockets have been polled once from here (Node: the check phase). Cannot be cancelled. */
  nextTurn(callback: () => void): void;
}

/** Entropy. Tests and the simulator hand in a seeded one. */
export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
}

export interface OpenOptions {
  /** `must`: fail with `EXISTS` if it is there. `may`: create if missing. `never`: fail with `NOT_FOUND` if missing. */
  readonly create: 'must' | 'may' | 'never';
}

/** Why a Disk call failed: `NOT_FOUND EXISTS NO_SPACE READ_ONLY IN_USE` or `IO` for all else. */
export type DiskErrorCode = 'NOT_FOUND' | 'EXISTS' | 'NO_SPACE' | 'READ_ONLY' | 'IN_USE' | 'IO';

export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: DiskErrorCode;
  readonly path: string;

  constructor(code: DiskErrorCode, path: string, message: string, options?: { readonly cause?: unknown }) {
    super(`${message} (${code}: ${path})`, options);
    this.code = code;
    this.path = path;
  }
}

/** Files under one directory of the host. Paths are relative, with `/`; `..` is refused. */
export interface Disk {
  open(path: string, options: OpenOptions): Promise<DiskFile>;
  /** Names in a directory, sorted by code unit; empty when it is missing. */
  list(directory: string): Promise<readonly string[]>;
  /** Creates the directory and its parents. Durable only after {@link syncDirectory} of each parent. */
  makeDirectory(directory: string): Promise<void>;
  /** Replaces the target, unless that is a directory. Durable only after {@link syncDirectory}. */
  rename(from: string, to: string): Promise<void>;
  /** A file; missing is no error. Durable only after {@link syncDirectory}. */
  remove(path: string): Promise<void>;
  syncDirectory(directory: string): Promise<void>;
  /** Takes the directory for this process; the lock dies with it. Fails with `IN_USE`. */
  lock(directory: string): Promise<{ release(): Promise<void> }>;
}

/** A few bytes for another file of the same disk, written behind a sync. */
export interface DiskNote {
  readonly file: DiskFile;
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Positions are bytes from the start. Buffers handed to a write belong to the file until its promise settles. */
export interface DiskFile {
  readonly path: string;
  size(): Promise<number>;
  /** Up to `length` bytes; fewer only at the end of the file. The result is the caller's to keep. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Visible to reads at once, durable only after a sync. */
  write(position: number, parts: readonly Uint8Array[]): Promise<void>;
  /**
   * Write and fdatasync as one verb, which never queues behind the process's other file work. When it fails,
   * nothing is known about what reached the disk, and no later call may pretend otherwise (law 6). `note` is written
   * to its file, unsynced, once the sync succeeded; nobody waits for it, and its own failure is nobody's.
   */
  appendAndSync(position: number, parts: readonly Uint8Array[], note?: DiskNote): Promise<void>;
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** Connections of ordered bytes. */
export interface Network {
  /** Rejects with an Error when nobody answers within `timeoutMs` or the address refuses (`refused` then true). */
  dial(address: Address, options: { readonly timeoutMs: number }): Promise<Connection>;
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener>;
}

export class DialError extends Error {
  override readonly name = 'DialError';
  /** Something answered, and it was no: no process listens there. */
  readonly refused: boolean;

  constructor(message: string, refused: boolean) {
    super(message);
    this.refused = refused;
  }
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting; connections already accepted live on. */
  close(): Promise<void>;
}

export interface ConnectionHandlers {
  /** Never from within a call to the connection. The bytes are a view that is valid only during the call: copy what is kept. */
  data(bytes: Uint8Array): void;
  /**
   * Called once, last, and never from within a call to the connection: the peer ended, `close`/`destroy` was called
   * here, or, with a reason, the connection broke. An end is an end: what is queued here goes with it.
   */
  closed(reason: Error | undefined): void;
  /** What was queued has fallen below the low mark after a write answered false. */
  drained(): void;
}

export interface Connection {
  readonly remote: Address;
  /** Must be called in the turn the connection was handed over; until then nothing is read. */
  handle(handlers: ConnectionHandlers): void;
  /** Queues bytes, which belong to the connection from here; all writes of one turn leave together. False: more than the high mark is queued, wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Bytes queued here and not yet taken by the system. */
  readonly queuedBytes: number;
  pause(): void;
  resume(): void;
  /** Sends what is queued, then ends. Nothing is delivered here any more. */
  close(): void;
  /** Ends at once: what is queued here, or on its way here, is nobody's. */
  destroy(): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Cause → effect with facts. */
export interface Logger {
  log(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Everything a member is given. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly logger: Logger;
}
