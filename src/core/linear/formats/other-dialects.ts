// What Jepsen-style EDN histories say about locks, queues, logs and several registers at once.

import type { LockInput, LockOutput, MutexInput } from '../models/lock.ts';
import type { LogInput, LogOutput } from '../models/log.ts';
import type { MultiRegisterAccess, MultiRegisterInput, MultiRegisterOutput } from '../models/multi-register.ts';
import type { QueueInput, QueueOutput } from '../models/queue.ts';
import type { Value } from '../value.ts';
import type { Dialect } from './dialect.ts';

export const mutexDialect: Dialect<MutexInput, unknown> = {
  input: (f) => (f === 'acquire' || f === 'release' ? { f } : undefined),
  output: (_, value) => value,
};

/** An acquire answers its fencing token in `:value`; release and guard name it there. */
export const lockDialect: Dialect<LockInput, LockOutput> = {
  input: (f, value) => {
    if (f === 'acquire') return { f };
    if (f === 'release') return typeof value === 'number' ? { f, token: value } : { f };
    return f === 'guard' && typeof value === 'number' ? { f, token: value } : undefined;
  },
  output: (input, value) => (input.f === 'acquire' && typeof value === 'number' ? value : true),
  refusal: (input, value) => (input.f === 'guard' && typeof value === 'number' ? { output: false } : undefined),
};

export const queueDialect: Dialect<QueueInput, QueueOutput> = {
  input: (f, value) => {
    if (f === 'dequeue') return { f };
    return f === 'enqueue' ? { f, value } : undefined;
  },
  output: (_, value) => value,
};

export const logDialect: Dialect<LogInput, LogOutput> = {
  input: (f, value) => {
    if (f === 'append') return { f, value };
    if (f === 'scan') return { f, from: typeof value === 'number' ? value : 0 };
    // [offset value] when it is known, the bare offset when it is asked for.
    const offset = Array.isArray(value) ? value[0] : value;
    return f === 'read' && typeof offset === 'number' ? { f, offset } : undefined;
  },
  output: (input, value) => (input.f === 'read' && Array.isArray(value) ? value[1] : value),
};

/** A read that was answered with nil is one whose value nobody recorded. `:txn [[:read :x nil] [:write :y 2]]`, also as `:r`/`:w`, and `:read {:x nil}`/`:write {:x 1}` of several at once. */
export const multiRegisterDialect: Dialect<MultiRegisterInput, MultiRegisterOutput> = {
  input: (f, value) => accessesOf(f, value)?.map(({ access }) => access),
  output: (input, value) => {
    const f = input.every((access) => access.f === 'write') ? 'write' : 'read';
    return (accessesOf(Array.isArray(value) ? 'txn' : f, value) ?? []).map(({ access, seen }) => (access.f === 'read' && seen === null ? undefined : seen));
  },
};

interface Access {
  readonly access: MultiRegisterAccess;
  readonly seen: Value;
}

function accessesOf(f: string, value: Value): Access[] | undefined {
  if (Array.isArray(value)) {
    const accesses = value.map((item: Value) => (Array.isArray(item) ? accessOf(item[0], item[1], item[2]) : undefined));
    return all(accesses);
  }
  if (value === null || typeof value !== 'object') return undefined;
  const accesses = Object.entries(value).map(([key, item]) => accessOf(f, key, item));
  return all(accesses);
}

function all(accesses: readonly (Access | undefined)[]): Access[] | undefined {
  const known = accesses.filter((access) => access !== undefined);
  return known.length === accesses.length ? known : undefined;
}

function accessOf(f: Value | undefined, key: Value | undefined, value: Value | undefined): Access | undefined {
  if (key === undefined || key === null) return undefined;
  const name = (typeof key === 'string' ? key : JSON.stringify(key)).replace(/^:/, '');
  const seen = value ?? null;
  if (f === ':read' || f === ':r' || f === 'read') return { access: { f: 'read', key: name }, seen };
  if (f === ':write' || f === ':w' || f === 'write') return { access: { f: 'write', key: name, value: seen }, seen };
  return undefined;
}
