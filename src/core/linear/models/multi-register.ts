// Several registers that one transaction reads and writes at once, in the order of its list. Where the history does
// not say what a register held at first, its first read does: what came before the recording is not the system's fault.

import { illegal, type Model } from '../model.ts';
import { describeValue, equalValues, type Value } from '../value.ts';

export type MultiRegisterAccess =
  | { readonly f: 'read'; readonly key: string }
  | { readonly f: 'write'; readonly key: string; readonly value: Value };

export type MultiRegisterInput = readonly MultiRegisterAccess[];

/** By access: what a read saw (null where the register was empty, undefined where nobody knows); anything for a write. */
export type MultiRegisterOutput = readonly (Value | undefined)[];

type Registers = { readonly [key: string]: Value };
export type MultiRegisterModel = Model<Registers, MultiRegisterInput, MultiRegisterOutput>;

export interface MultiRegisterOptions {
  /** What the registers hold at first. One that is not named holds whatever it is first seen to hold. */
  readonly initial?: Registers;
}

function step(
  state: Registers,
  input: MultiRegisterInput,
  output: MultiRegisterOutput | undefined,
): Registers | typeof illegal {
  let after = state;
  for (const [i, access] of input.entries()) {
    const seen = output?.[i];
    const holds = Object.hasOwn(after, access.key) ? after[access.key] : undefined;
    if (access.f === 'write') after = { ...after, [access.key]: access.value };
    else if (seen === undefined) continue;
    else if (holds === undefined) after = { ...after, [access.key]: seen };
    else if (!equalValues(holds, seen)) return illegal;
  }
  return after;
}

export function multiRegister({ initial = {} }: MultiRegisterOptions = {}): MultiRegisterModel {
  // With every register's first value known a read changes nothing; a first read of an unknown one settles it.
  const readsOnly = (input: MultiRegisterInput): boolean =>
    input.every((access) => access.f === 'read' && Object.hasOwn(initial, access.key));
  return {
    name: 'multi-register',
    init: () => initial,
    step,
    equal: equalValues,
    readOnly: readsOnly,
    describeOperation: (input, output) => input.map((access, i) => describeAccess(access, output?.[i])).join(', '),
    describeState: (state) =>
      Object.entries(state)
        .map(([key, value]) => `${key} = ${describeValue(value)}`)
        .join(', '),
  };
}

function describeAccess(access: MultiRegisterAccess, seen: Value | undefined): string {
  return access.f === 'read' ? `read ${access.key} → ${describeValue(seen)}` : `write ${access.key} = ${describeValue(access.value)}`;
}
