// What the log carries: commands, each with its own session and reply, in batches with one stamp of the leader's
// wall time. Version 1; docs/internals/kv-format.md has the tables and test/golden/format the bytes.

import { fail } from '../errors.ts';
import type { Failure } from '../errors.ts';
import { Reader, Writer, decodeFailure, encodeFailure } from '../wire/index.ts';
import { checkKnown } from './cluster-version.ts';
import { keyValueHeadBytes, readRequest, readResponse, requestSize, writeRequest, writeResponse } from './request-codec.ts';
import type { KvRequest, RangeResponse, Revision, TxnResponse, WriteRequest, WriteResponse } from './request.ts';

export const commandVersion = 1;
const batchHeadBytes = 13;
const writeHeadBytes = 26;

export type Command =
  | {
      readonly type: 'write';
      readonly request: WriteRequest;
      /** 0: none; then nobody may send it twice. */
      readonly session: number;
      readonly sequence: number;
      /** The lowest sequence whose reply is still awaited: what lies below is forgotten. */
      readonly lowest: number;
    }
  | { readonly type: 'openSession'; readonly id: number; readonly ttlMs: number }
  | { readonly type: 'touchSession'; readonly ids: readonly number[] }
  | { readonly type: 'expireSessions'; readonly ids: readonly number[]; /** Proposed when the batches' clock stood here: whoever was touched since stays. */ readonly at: number }
  | { readonly type: 'closeSession'; readonly id: number }
  | { readonly type: 'raiseVersion'; readonly version: number };

export type ReplyBody = WriteResponse | { readonly type: 'ack' };
export type Reply =
  | { readonly revision: Revision; readonly response: ReplyBody }
  | { readonly revision: Revision; readonly failure: Failure };

const types = ['write', 'openSession', 'touchSession', 'expireSessions', 'closeSession', 'raiseVersion'] as const;

export function encodeCommand(command: Command): Uint8Array {
  const writer = new Writer(command.type === 'write' ? writeHeadBytes + requestSize(command.request) : 128);
  writer.u8(commandVersion).u8(types.indexOf(command.type));
  switch (command.type) {
    case 'write':
      writer.u53(command.session).u53(command.sequence).u53(command.lowest);
      writeRequest(writer, command.request);
      break;
    case 'openSession':
      writer.u53(command.id).u53(command.ttlMs);
      break;
    case 'touchSession':
    case 'expireSessions':
      writer.u53(command.type === 'expireSessions' ? command.at : 0).u32(command.ids.length);
      for (const id of command.ids) writer.u53(id);
      break;
    case 'closeSession':
      writer.u53(command.id);
      break;
    case 'raiseVersion':
      writer.u16(command.version);
  }
  return writer.finish();
}

/** The cluster version that brought each; docs/internals/kv-format.md. */
const broughtBy: Readonly<Record<Command['type'], number>> = {
  write: 1, openSession: 1, touchSession: 1, expireSessions: 1, closeSession: 1, raiseVersion: 2,
};

/** The cluster version that an encoded command needs, by its first bytes alone. */
export function versionNeeded(bytes: Uint8Array): number {
  return broughtBy[typeOf(bytes)];
}

function typeOf(bytes: Uint8Array): Command['type'] {
  const reader = new Reader(bytes);
  const version = reader.u8();
  if (version !== commandVersion) fail('UNSUPPORTED', { detail: `a command of version ${version}` });
  const number = reader.u8();
  return types[number] ?? fail('UNSUPPORTED', { detail: `a command of type ${number}` });
}

/** Keys and values are views of `bytes`. */
export function decodeCommand(bytes: Uint8Array): Command {
  const type = typeOf(bytes);
  const reader = new Reader(bytes.subarray(2));
  switch (type) {
    case 'write': {
      const [session, sequence, lowest] = [reader.u53(), reader.u53(), reader.u53()];
      const request = readRequest(reader);
      if (request.type === 'range') fail('BAD_REQUEST', { detail: 'a read does not go through the log' });
      return { type, session, sequence, lowest, request };
    }
    case 'openSession':
      return { type, id: reader.u53(), ttlMs: reader.u53() };
    case 'touchSession':
    case 'expireSessions': {
      const at = reader.u53();
      const ids: number[] = [];
      for (let left = reader.u32(); left > 0; left--) ids.push(reader.u53());
      return type === 'touchSession' ? { type, ids } : { type, ids, at };
    }
    case 'closeSession':
      return { type, id: reader.u53() };
    case 'raiseVersion':
      return { type, version: checkKnown(reader.u16()) };
  }
}

/** An entry's payload: version u8 · stamp u53 · count u32 · commands, each with its length. */
export function encodeBatch(stampMs: number, commands: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer(commands.reduce((sum, command) => sum + command.length + 4, batchHeadBytes));
  writer.u8(commandVersion).u53(stampMs).u32(commands.length);
  for (const command of commands) writer.bytes(command);
  return writer.finish();
}

export function restampBatch(batch: Uint8Array, stampMs: number): void {
  batch.set(new Writer(8).u53(stampMs).finish(), 1);
}

export function decodeBatch(bytes: Uint8Array): { readonly stampMs: number; readonly commands: readonly Uint8Array[] } {
  const reader = new Reader(bytes);
  const version = reader.u8();
  if (version !== commandVersion) fail('UNSUPPORTED', { detail: `a batch of version ${version}` });
  const stampMs = reader.u53();
  const commands: Uint8Array[] = [];
  for (let left = reader.u32(); left > 0; left--) commands.push(reader.bytes());
  return { stampMs, commands };
}

/** status u8 (0 fine, 1 acknowledged, 2 failed) · revision u53 · response or failure. */
export function encodeReply(reply: Reply): Uint8Array {
  // What a put without its previous value is told takes exactly this, and nearly every reply is that.
  const writer = new Writer(14);
  if ('failure' in reply) writer.u8(2).u53(reply.revision).bytes(encodeFailure(reply.failure));
  else if (reply.response.type === 'ack') writer.u8(1).u53(reply.revision);
  else {
    writer.u8(0).u53(reply.revision);
    writeResponse(writer, reply.response);
  }
  return writer.finish();
}

export function decodeReply(bytes: Uint8Array): Reply {
  const reader = new Reader(bytes);
  const status = reader.u8();
  const revision = reader.u53();
  if (status === 2) return { revision, failure: decodeFailure(reader.bytes()) };
  if (status === 1) return { revision, response: { type: 'ack' } };
  return { revision, response: readResponse(reader) as WriteResponse };
}

export function encodeRequest(request: KvRequest): Uint8Array {
  const writer = new Writer(requestSize(request));
  writeRequest(writer, request);
  return writer.finish();
}

export function decodeRequest(bytes: Uint8Array): KvRequest {
  return readRequest(new Reader(bytes));
}

export type ReadResult =
  | { readonly revision: Revision; readonly response: RangeResponse | TxnResponse }
  | { readonly revision: Revision; readonly failure: Failure };

/** As a reply: status, revision, response or failure. */
export function encodeReadResult(result: ReadResult): Uint8Array {
  const writer = new Writer('failure' in result ? 64 : sizeOf(result.response));
  if ('failure' in result) return writer.u8(2).u53(result.revision).bytes(encodeFailure(result.failure)).finish();
  writer.u8(0).u53(result.revision);
  writeResponse(writer, result.response);
  return writer.finish();
}

/** Of a range exactly, so that nothing is made too large or moved. */
function sizeOf(response: RangeResponse | TxnResponse): number {
  if (response.type === 'txn') return 256;
  return response.kvs.reduce((sum, { key, value }) => sum + keyValueHeadBytes + key.length + value.length, 23);
}

export function decodeReadResult(bytes: Uint8Array): ReadResult {
  const reader = new Reader(bytes);
  const status = reader.u8();
  const revision = reader.u53();
  if (status === 2) return { revision, failure: decodeFailure(reader.bytes()) };
  return { revision, response: readResponse(reader) as RangeResponse | TxnResponse };
}

/** Ranges alone, at every depth: it needs no place in the log. */
export function isReadOnly(request: KvRequest): boolean {
  if (request.type === 'range') return true;
  return request.type === 'txn' && [...request.success, ...request.failure].every(isReadOnly);
}
