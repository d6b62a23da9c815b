// The KV as a client sees it. Writes go through the client's session and are applied once, whatever is retried;
// reads are linearizable unless less is asked for.

import { fail } from '../../core/errors.ts';
import { decodeReadResult, encodeRequest, isReadOnly, requestBytesMax } from '../../core/kv/index.ts';
import type { KeyValue, RangeRequest, Revision, TxnOperationResponse, TxnRequest, WriteRequest } from '../../core/kv/index.ts';
import { ClientFrame, encodeReadHead } from '../native/message.ts';
import { checkCount, toBytes, tooLarge, toRange, toRangeRequest, toTxnRequest } from './arguments.ts';
import type { Bytes, RangeOptions, RangeSelection, TxnArgument } from './arguments.ts';
import { SimpleCall } from './call.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { WriteResult } from './write-call.ts';
import type { Writes } from './writes.ts';

export interface CallOptions {
  /** How long to try. @default the client's */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `linearizable`: nothing acknowledged before is missed. `lease`: the same while the members' clocks keep their bound,
 * and without a round trip among them. `bounded`: not older than asked. `local`: what some member has.
 */
export interface ConsistencyOptions {
  readonly consistency?: 'linearizable' | 'bounded' | 'local' | 'lease' | undefined;
  /** With `bounded`. */
  readonly maxAgeMs?: number | undefined;
  /** With `bounded`. */
  readonly minRevision?: number | undefined;
}

export interface GetResult {
  readonly revision: Revision;
  readonly kv: KeyValue | undefined;
}

export interface RangeResult {
  readonly revision: Revision;
  readonly kvs: readonly KeyValue[];
  /** There are more than the limit let through. */
  readonly more: boolean;
  /** How many keys the range holds, whatever the limit. */
  readonly count: number;
}

export interface PutOptions extends CallOptions {
  readonly lease?: bigint | undefined;
  readonly prevKv?: boolean | undefined;
  readonly ignoreValue?: boolean | undefined;
  readonly ignoreLease?: boolean | undefined;
}

export interface PutResult {
  readonly revision: Revision;
  /** If it was asked for and there was one. */
  readonly prevKv: KeyValue | undefined;
}

export interface AppendResult {
  readonly revision: Revision;
  /** Bytes of the whole value. */
  readonly length: number;
}

export interface DeleteResult {
  readonly revision: Revision;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

export interface TxnResult {
  readonly revision: Revision;
  readonly succeeded: boolean;
  readonly responses: readonly TxnOperationResponse[];
}

export interface KvContext {
  readonly dispatcher: Dispatcher;
  readonly writes: Writes;
  now(): number;
  readonly timeoutMs: number;
}

export class KvClient {
  readonly #context: KvContext;

  constructor(context: KvContext) {
    this.#context = context;
  }

  async get(key: Bytes, options: CallOptions & ConsistencyOptions & { readonly revision?: number | undefined } = {}): Promise<GetResult> {
    return this.#read(toRangeRequest(key, options), options, toGetResult);
  }

  async range(key: Bytes, options: CallOptions & ConsistencyOptions & RangeOptions = {}): Promise<RangeResult> {
    return this.#read(toRangeRequest(key, options), options, toRangeResult);
  }

  put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutResult> {
    const { lease = 0n, prevKv = false, ignoreValue = false, ignoreLease = false } = options;
    return this.#write({ type: 'put', key: toBytes(key), value: toBytes(value), lease, prevKv, ignoreValue, ignoreLease }, options, toPutResult);
  }

  /** The value grows by `value`; a missing key starts empty. */
  append(key: Bytes, value: Bytes, options: CallOptions = {}): Promise<AppendResult> {
    return this.#write({ type: 'append', key: toBytes(key), value: toBytes(value) }, options, toAppendResult);
  }

  async delete(key: Bytes, options: CallOptions & RangeSelection & { readonly prevKv?: boolean | undefined } = {}): Promise<DeleteResult> {
    return this.#write({ type: 'delete', ...toRange(key, options), prevKv: options.prevKv ?? false }, options, toDeleteResult);
  }

  /** All of `success` if every comparison holds, else all of `failure`, as one. Of reads alone, it is a read. */
  async txn(argument: TxnArgument, options: CallOptions & ConsistencyOptions = {}): Promise<TxnResult> {
    const request = toTxnRequest(argument);
    if (isReadOnly(request)) return this.#read(request, options, toTxnResult);
    return this.#write(request, options, toTxnResult);
  }

  /** Forgets what was overwritten or deleted up to `revision`. */
  async compact(revision: Revision, options: CallOptions = {}): Promise<{ readonly revision: Revision }> {
    checkCount('a revision', revision);
    return this.#write({ type: 'compact', revision }, options, toRevision);
  }

  #write<T>(request: WriteRequest, options: CallOptions, decode: (result: WriteResult) => T): Promise<T> {
    const weight = request.type === 'put' || request.type === 'append' ? request.key.length + request.value.length : encodeRequest(request).length;
    if (weight > requestBytesMax) return Promise.reject(tooLarge(weight));
    const { writes, timeoutMs } = this.#context;
    return writes.write(request, { weight, end: this.#context.now() + (options.timeoutMs ?? timeoutMs), signal: options.signal }, decode);
  }

  #read<T>(request: RangeRequest | TxnRequest, options: CallOptions & ConsistencyOptions, decode: (result: ReadAnswer) => T): Promise<T> {
    const { consistency = 'linearizable', maxAgeMs, minRevision } = options;
    const payload = encodeRequest(request);
    if (payload.length > requestBytesMax) return Promise.reject(tooLarge(payload.length));
    const { dispatcher, timeoutMs } = this.#context;
    const end = this.#context.now() + (options.timeoutMs ?? timeoutMs);
    return new Promise((resolve, reject) => {
      const call = new SimpleCall(
        ClientFrame.read,
        { weight: payload.length, end, route: consistency === 'linearizable' || consistency === 'lease' ? 'leader' : 'any', repeat: 'freely', signal: options.signal },
        { head: (deadlineMs) => encodeReadHead({ deadlineMs, consistency, maxAgeMs, minRevision }), payload, decode: (answer) => decode(decodeRead(answer)) },
        resolve,
        reject,
      );
      dispatcher.submit(call);
    });
  }
}

interface ReadAnswer {
  readonly revision: Revision;
  readonly response: TxnOperationResponse;
}

function decodeRead(answer: Uint8Array): ReadAnswer {
  const result = decodeReadResult(answer);
  if ('failure' in result) return fail(result.failure.code, result.failure);
  return result;
}

function toRangeResult({ revision, response }: ReadAnswer): RangeResult {
  if (response.type !== 'range') return fail('PROTOCOL', { detail: 'an answer to something else' });
  return { revision, kvs: response.kvs, more: response.more, count: response.count };
}

function toGetResult(answer: ReadAnswer): GetResult {
  const { revision, kvs } = toRangeResult(answer);
  return { revision, kv: kvs[0] };
}

const toRevision = ({ revision }: WriteResult): { readonly revision: Revision } => ({ revision });

function toPutResult({ revision, response }: WriteResult): PutResult {
  return { revision, prevKv: response.type === 'put' ? response.prevKv : undefined };
}

function toAppendResult({ revision, response }: WriteResult): AppendResult {
  return { revision, length: response.type === 'append' ? response.length : 0 };
}

function toDeleteResult({ revision, response }: WriteResult): DeleteResult {
  return response.type === 'delete' ? { revision, deleted: response.deleted, prevKvs: response.prevKvs } : { revision, deleted: 0, prevKvs: [] };
}

function toTxnResult({ revision, response }: { readonly revision: Revision; readonly response: WriteResult['response'] | TxnOperationResponse }): TxnResult {
  if (response.type !== 'txn') return fail('PROTOCOL', { detail: 'an answer to something else' });
  return { revision, succeeded: response.succeeded, responses: response.responses };
}
