// etcd's KV: revisions, ranges, transactions, leases. The model computes the whole answer and admits every recorded
// one that agrees with it in what it says, so that a client may record as much or as little of a response as it kept.
// Record at least the revision: each answer then names its only place in the order, and checking is almost linear.

import { unreachable } from '../../assert.ts';
import { illegal, type Model } from '../model.ts';
import { describeValue, isRecord } from '../value.ts';
import type { EtcdInput, EtcdOutput, KeyValue } from './etcd-api.ts';
import { answerTo, type EtcdState } from './etcd-store.ts';

export type * from './etcd-api.ts';

export interface EtcdOptions {
  /** The revision before the first operation; a new cluster is at 1. @default 1 */
  readonly revision?: number;
}

export type EtcdModel = Model<EtcdState, EtcdInput, EtcdOutput>;

export function etcd({ revision = 1 }: EtcdOptions = {}): EtcdModel {
  return {
    name: 'etcd',
    init: () => ({ revision, keys: new Map(), leases: new Set() }),
    step: (state, input, output) => {
      const { after, answer } = answerTo(state, input);
      if (output === undefined) return after;
      return admits(answer, output) ? after : illegal;
    },
    equal: equalStates,
    hash: (state) => Math.imul(state.revision, 0x9e3779b1) ^ state.keys.size,
    readOnly: (input) =>
      input.f === 'get' || (input.f === 'txn' && [...input.success, ...(input.failure ?? [])].every(({ f }) => f === 'get')),
    describeOperation,
    describeState: (state) =>
      `revision ${state.revision}: ${[...state.keys].map(([key, { value, mod }]) => `${key} = ${describeValue(value, 24)} @${mod}`).join(', ')}`,
  };
}

/** Adds, to every grant that may have succeeded, the expiry that the server may bring about at any later point. */
export function withExpiry<Op extends { readonly input: EtcdInput; readonly output: EtcdOutput | undefined }>(
  history: readonly Op[],
): Op[] {
  const expiries = history.flatMap((operation) =>
    operation.input.f === 'grant' && operation.output?.error === undefined
      ? [{ ...operation, input: { f: 'expire', lease: operation.input.lease } as const, output: undefined, return: Infinity }]
      : [],
  );
  return [...history, ...expiries];
}

/** Does the recorded answer say nothing that the computed one does not? */
function admits(answer: unknown, recorded: unknown): boolean {
  if (recorded === undefined || Object.is(answer, recorded)) return true;
  if (Array.isArray(recorded)) {
    return Array.isArray(answer) && answer.length === recorded.length && recorded.every((item, i) => admits(answer[i], item));
  }
  return isRecord(recorded) && isRecord(answer) && Object.keys(recorded).every((name) => admits(answer[name], recorded[name]));
}

function equalStates(a: EtcdState, b: EtcdState): boolean {
  if (a === b) return true;
  if (a.revision !== b.revision || a.keys.size !== b.keys.size || a.leases.size !== b.leases.size) return false;
  for (const [key, one] of a.keys) {
    const other = b.keys.get(key);
    if (other !== one && (other === undefined || !equalKeys(one, other))) return false;
  }
  return [...a.leases].every((lease) => b.leases.has(lease));
}

function equalKeys(a: KeyValue, b: KeyValue): boolean {
  return a.value === b.value && a.version === b.version && a.create === b.create && a.mod === b.mod && a.lease === b.lease;
}

function describeOperation(input: EtcdInput, output: EtcdOutput | undefined): string {
  return `${describeInput(input)} → ${output === undefined ? '?' : describeOutput(output)}`;
}

function describeInput(input: EtcdInput): string {
  switch (input.f) {
    case 'put':
      return `put ${input.key} ${describeValue(input.value, 24)}`;
    case 'get':
    case 'delete':
      return `${input.f} ${input.key}${input.prefix === true ? '*' : input.end === undefined ? '' : ` … ${input.end}`}`;
    case 'txn': {
      const when = input.compare.map(({ key, target, op, value }) => `${target}(${key}) ${op} ${describeValue(value, 24)}`).join(', ');
      const others = input.failure ?? [];
      return `if ${when} then ${input.success.map(describeInput).join(', ')}${others.length === 0 ? '' : ` else ${others.map(describeInput).join(', ')}`}`;
    }
    case 'grant':
    case 'revoke':
    case 'expire':
      return `${input.f} ${input.lease}`;
    default:
      return unreachable(input);
  }
}

function describeOutput(output: EtcdOutput): string {
  const { revision, ...rest } = output;
  const kvs = rest.kvs?.map(({ key, value, mod }) => `${key ?? ''} = ${describeValue(value, 24)}${mod === undefined ? '' : ` @${mod}`}`);
  const said = kvs === undefined ? (Object.keys(rest).length === 0 ? 'done' : describeValue(rest)) : `[${kvs.join(', ')}]`;
  return revision === undefined ? said : `${said} at revision ${revision}`;
}
