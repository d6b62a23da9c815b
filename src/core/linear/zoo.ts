// The models by name, for whoever has only a name: the command line, a worker thread, a file's header. Each row knows
// how to make its model, what its inputs look like in JSON, and how Jepsen-style logs spell them.

import { fail } from '../errors.ts';
import type { Dialect } from './formats/dialect.ts';
import { kvDialect } from './formats/kv-log.ts';
import { lockDialect, logDialect, multiRegisterDialect, mutexDialect, queueDialect } from './formats/other-dialects.ts';
import { registerDialect } from './formats/register-dialect.ts';
import { misshapen, type Shapes } from './formats/shape.ts';
import type { AnyModel } from './model.ts';
import { etcd } from './models/etcd.ts';
import { kv, kvMap } from './models/kv.ts';
import { lock, mutex } from './models/lock.ts';
import { log } from './models/log.ts';
import { multiRegister } from './models/multi-register.ts';
import { queue } from './models/queue.ts';
import { casRegister, register } from './models/register.ts';
import { isRecord, type Value } from './value.ts';

export interface ZooEntry {
  readonly summary: string;
  /** `initial` is what `--initial` gave: only some models have a state to begin with. */
  readonly create: (initial?: Value) => AnyModel;
  /** What is wrong with an input that came as JSON; undefined if nothing is. */
  readonly misshapen: (input: unknown) => string | undefined;
  readonly dialect?: Dialect<unknown, unknown>;
}

const registerShapes: Shapes = { read: {}, write: { value: 'any' }, cas: { from: 'any', to: 'any' } };
const kvShapes: Shapes = {
  get: { key: 'string' },
  put: { key: 'string', value: 'string' },
  append: { key: 'string', value: 'string' },
  delete: { key: 'string' },
};
const lockShapes: Shapes = { acquire: {}, release: { token: 'number?' }, guard: { token: 'number' }, expire: {} };
const etcdShapes: Shapes = {
  get: { key: 'string', end: 'string?', prefix: 'boolean?' },
  put: { key: 'string', value: 'string', lease: 'id?' },
  delete: { key: 'string', end: 'string?', prefix: 'boolean?' },
};
const leaseShapes: Shapes = { grant: { lease: 'id' }, revoke: { lease: 'id' }, expire: { lease: 'id' } };
const txnShapes: Shapes = { txn: { compare: 'array', success: 'array', failure: 'array?' } };
const accessShapes: Shapes = { read: { key: 'string' }, write: { key: 'string', value: 'any' } };

const names = [
  'register',
  'cas-register',
  'multi-register',
  'kv',
  'kv-map',
  'mutex',
  'lock',
  'queue',
  'log',
  'etcd',
] as const;

export type ModelName = (typeof names)[number];
export const modelNames: readonly ModelName[] = names;

export const zoo: Readonly<Record<ModelName, ZooEntry>> = {
  register: row('one register: read, write', () => register(), registerShapes, registerDialect, (initial) => register({ initial })),
  'cas-register': row(
    'one register: read, write, compare-and-set',
    () => casRegister(),
    registerShapes,
    registerDialect,
    (initial) => casRegister({ initial }),
  ),
  'multi-register': {
    summary: 'several registers, read and written in transactions',
    create: (initial?: Value) => multiRegister(initial === undefined ? {} : { initial: registersOf(initial) }),
    misshapen: (input: unknown) =>
      Array.isArray(input) ? firstMisshapen(input, accessShapes) : 'a transaction is an array of reads and writes',
    dialect: erased(multiRegisterDialect),
  },
  kv: row('a string per key: get, put, append, delete', kv, kvShapes, kvDialect),
  'kv-map': row('the same as one state, not partitioned by key', kvMap, kvShapes, kvDialect),
  mutex: row('a mutex: acquire, release', mutex, { acquire: {}, release: {} }, mutexDialect),
  lock: row('a lock with fencing tokens: acquire, release, guard, expire', lock, lockShapes, lockDialect),
  queue: row('first in, first out: enqueue, dequeue', queue, { enqueue: { value: 'any' }, dequeue: {} }, queueDialect),
  log: row(
    'a log: append, read, scan',
    log,
    { append: { value: 'any' }, read: { offset: 'number' }, scan: { from: 'number' } },
    logDialect,
  ),
  etcd: {
    summary: 'etcd: revisions, ranges, txn, leases',
    create: (initial?: Value) => etcd(typeof initial === 'number' ? { revision: initial } : {}),
    misshapen: misshapenEtcd,
  },
};

export function isModelName(name: string): name is ModelName {
  return Object.hasOwn(zoo, name);
}

/** The model of that name. */
export function modelOf(name: ModelName, initial?: Value): AnyModel {
  const recipe = initial === undefined ? { name } : { name, initial };
  return { ...zoo[name].create(initial), recipe };
}

function row<Input, Output>(
  summary: string,
  create: () => AnyModel,
  shapes: Shapes,
  dialect: Dialect<Input, Output>,
  createFrom?: (initial: Value) => AnyModel,
): ZooEntry {
  return {
    summary,
    create: (initial) => {
      if (initial === undefined) return create();
      return createFrom?.(initial) ?? fail('BAD_REQUEST', { detail: `${create().name} has no initial value to set` });
    },
    misshapen: (input) => misshapen(input, shapes),
    dialect: erased(dialect),
  };
}

/** A dialect reads what its own model said, and the caller pairs the two. */
function erased<Input, Output>(dialect: Dialect<Input, Output>): Dialect<unknown, unknown> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a row holds the dialect of its own model.
  return dialect as Dialect<unknown, unknown>;
}

/** Registers are named as in EDN, with or without the colon. */
function registersOf(initial: Value): { readonly [key: string]: Value } {
  if (!isRecord(initial)) fail('BAD_REQUEST', { detail: 'the initial value of multi-register is a map of its registers' });
  return Object.fromEntries(Object.entries(initial).map(([key, value]) => [key.replace(/^:/, ''), value]));
}

function firstMisshapen(items: readonly unknown[], shapes: Shapes): string | undefined {
  return items.map((item) => misshapen(item, shapes)).find((problem) => problem !== undefined);
}

function misshapenEtcd(input: unknown): string | undefined {
  const problem = misshapen(input, { ...etcdShapes, ...leaseShapes, ...txnShapes });
  if (problem !== undefined || !isRecord(input) || input['f'] !== 'txn') return problem;
  const branches = [input['success'], input['failure']].map((branch) => (Array.isArray(branch) ? branch : []));
  return firstMisshapen(branches.flat(), etcdShapes);
}
