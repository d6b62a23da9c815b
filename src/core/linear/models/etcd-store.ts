// The sequential etcd behind the model: what one operation after another does to keys, leases and the revision.
// A txn's writes share one revision, a change that changes nothing takes none, and a failure leaves all as it was.

import { unreachable } from '../../assert.ts';
import type { EtcdCompare, EtcdInput, EtcdOperation, EtcdOutput, KeyValue } from './etcd-api.ts';

export interface EtcdState {
  readonly revision: number;
  readonly keys: ReadonlyMap<string, KeyValue>;
  readonly leases: ReadonlySet<string>;
}

interface Step {
  readonly after: EtcdState;
  readonly answer: EtcdOutput;
}

const leaseNotFound = 'lease not found';

export function answerTo(state: EtcdState, input: EtcdInput): Step {
  switch (input.f) {
    case 'txn':
      return transact(state, state.keys, input);
    case 'grant': {
      const lease = String(input.lease);
      if (state.leases.has(lease)) return { after: state, answer: { error: 'lease already exists' } };
      const after = { ...state, leases: new Set(state.leases).add(lease) };
      return { after, answer: { revision: state.revision, lease: input.lease } };
    }
    case 'revoke':
    case 'expire':
      return revoke(state, String(input.lease));
    case 'get':
    case 'put':
    case 'delete': {
      const { after, answer } = transact(state, state.keys, { compare: [], success: [input] });
      const { revision, responses, error } = answer;
      if (error !== undefined) return { after, answer };
      return { after, answer: { ...responses![0]!, revision: revision! } };
    }
    default:
      return unreachable(input);
  }
}

function revoke(state: EtcdState, lease: string): Step {
  if (!state.leases.has(lease)) return { after: state, answer: { error: leaseNotFound } };
  const keys = new Map([...state.keys].filter(([, entry]) => entry.lease !== lease));
  const leases = new Set(state.leases);
  leases.delete(lease);
  const revision = keys.size === state.keys.size ? state.revision : state.revision + 1;
  return { after: { revision, keys, leases }, answer: { revision } };
}

interface Txn {
  readonly compare: readonly EtcdCompare[];
  readonly success: readonly EtcdOperation[];
  readonly failure?: readonly EtcdOperation[];
}

function transact(state: EtcdState, keys: ReadonlyMap<string, KeyValue>, txn: Txn): Step {
  const succeeded = txn.compare.every((compare) => holds(keys, compare));
  const responses: EtcdOutput[] = [];
  const written = new Map(keys);
  let isChanged = false;
  for (const operation of (succeeded ? txn.success : txn.failure) ?? []) {
    if (operation.f === 'put' && !isLeased(state, operation.lease)) return { after: state, answer: { error: leaseNotFound } };
    responses.push(apply(written, operation, state.revision + 1));
    isChanged ||= operation.f === 'put' || (operation.f === 'delete' && responses.at(-1)!.deleted! > 0);
  }
  const after = isChanged ? { ...state, keys: written, revision: state.revision + 1 } : state;
  return { after, answer: { revision: after.revision, succeeded, responses } };
}

function isLeased(state: EtcdState, lease: string | number | undefined): boolean {
  return lease === undefined || String(lease) === '0' || state.leases.has(String(lease));
}

function apply(keys: Map<string, KeyValue>, operation: EtcdOperation, revision: number): EtcdOutput {
  if (operation.f === 'put') {
    const { key, value, lease = 0 } = operation;
    const before = keys.get(key);
    const version = (before?.version ?? 0) + 1;
    keys.set(key, { key, value, version, create: before?.create ?? revision, mod: revision, lease: String(lease) });
    return { prev: before ?? null };
  }
  const found = range(keys, operation);
  if (operation.f === 'get') return { kvs: found, count: found.length };
  for (const { key } of found) keys.delete(key);
  return { deleted: found.length };
}

/** `end` is exclusive; "\0" means that there is none, as etcd writes it. */
function range(
  keys: ReadonlyMap<string, KeyValue>,
  { key, end, prefix }: { readonly key: string; readonly end?: string; readonly prefix?: boolean },
): KeyValue[] {
  if (prefix !== true && end === undefined) {
    const entry = keys.get(key);
    return entry === undefined ? [] : [entry];
  }
  const isInside = (name: string): boolean =>
    prefix === true ? name.startsWith(key) : name >= key && (end === '\0' || name < end!);
  return [...keys.values()].filter((entry) => isInside(entry.key)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** A key that is not there compares as version, create and mod 0, and as no value at all. */
function holds(keys: ReadonlyMap<string, KeyValue>, { key, target, op, value }: EtcdCompare): boolean {
  const entry = keys.get(key);
  if (entry === undefined && target === 'value') return false;
  const actual = entry?.[target] ?? (target === 'lease' ? '0' : 0);
  const expected = target === 'lease' ? String(value) : value;
  if (op === '=') return actual === expected;
  if (op === '!=') return actual !== expected;
  return op === '<' ? actual < expected : actual > expected;
}
