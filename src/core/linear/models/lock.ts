// Mutual exclusion. `mutex` is the bare thing, as Knossos has it. `lock` hands out fencing tokens: each greater than
// any before (Kleppmann, "How to do distributed locking", 2016), and `guard` is the store at the far end that asks
// whether a token is still the holder's. A lock that can be lost says so with an `expire` that nobody has to call:
// put it into the history as an operation that never returned, and the search uses it where it must.

import { unreachable } from '../../assert.ts';
import { illegal, type Model } from '../model.ts';
import { describeValue } from '../value.ts';

export type MutexInput = { readonly f: 'acquire' } | { readonly f: 'release' };
export type MutexModel = Model<boolean, MutexInput, unknown>;

export function mutex(): MutexModel {
  return {
    name: 'mutex',
    init: () => false,
    step: (locked, input) => {
      const acquires = input.f === 'acquire';
      return locked === acquires ? illegal : acquires;
    },
    describeOperation: (input) => input.f,
    describeState: (locked) => (locked ? 'locked' : 'free'),
  };
}

export type LockInput =
  | { readonly f: 'acquire' }
  | { readonly f: 'release'; readonly token?: number }
  | { readonly f: 'guard'; readonly token: number }
  | { readonly f: 'expire' };

/** acquire: the token, or false when it was refused at once. release and guard: whether they were let through. */
export type LockOutput = number | boolean;

/** `token` of the holder; `unknown` where the acquirer never learned it; undefined when the lock is free. */
interface LockState {
  readonly holder: number | 'unknown' | undefined;
  readonly last: number;
}

export type LockModel = Model<LockState, LockInput, LockOutput>;

export function lock(): LockModel {
  return {
    name: 'lock',
    init: () => ({ holder: undefined, last: 0 }),
    step,
    equal: (a, b) => a.holder === b.holder && a.last === b.last,
    describeOperation,
    describeState: ({ holder, last }) => (holder === undefined ? `free, last token ${last}` : `held with token ${holder}`),
  };
}

function step(state: LockState, input: LockInput, output: LockOutput | undefined): LockState | typeof illegal {
  switch (input.f) {
    case 'acquire':
      return acquire(state, output);
    case 'release': {
      const holds = isHolder(state, input.token);
      if (output !== undefined && (output !== false) !== holds) return illegal;
      return holds ? { holder: undefined, last: Math.max(state.last, input.token ?? 0) } : state;
    }
    case 'guard': {
      const holds = isHolder(state, input.token);
      if (output !== undefined && output !== holds) return illegal;
      return holds && output === true ? { holder: input.token, last: input.token } : state;
    }
    case 'expire':
      return state.holder === undefined ? illegal : { ...state, holder: undefined };
    default:
      return unreachable(input);
  }
}

function acquire(state: LockState, output: LockOutput | undefined): LockState | typeof illegal {
  const isHeld = state.holder !== undefined;
  if (output === false) return isHeld ? state : illegal;
  if (output === undefined) return isHeld ? state : { ...state, holder: 'unknown' };
  if (isHeld) return illegal;
  if (output === true) return { ...state, holder: 'unknown' };
  return output > state.last ? { holder: output, last: output } : illegal;
}

/** An unknown holder can be any token that was not handed out before. */
function isHolder({ holder, last }: LockState, token: number | undefined): boolean {
  if (holder === undefined) return false;
  if (token === undefined) return true;
  return holder === 'unknown' ? token > last : holder === token;
}

function describeOperation(input: LockInput, output: LockOutput | undefined): string {
  switch (input.f) {
    case 'acquire':
      return `acquire → ${output === false ? 'refused' : describeValue(output)}`;
    case 'release':
      return `release ${input.token ?? ''}${output === false ? ': refused' : ''}`.trim();
    case 'guard':
      return `guard ${input.token}: ${output === undefined ? '?' : output === false ? 'refused' : 'let through'}`;
    case 'expire':
      return 'expire';
    default:
      return unreachable(input);
  }
}
