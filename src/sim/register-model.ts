// What the clients of a run do to one key, as a sequential model: keys are judged apart.

import { illegal } from '../core/linear/index.ts';
import type { Model } from '../core/linear/index.ts';

export interface RegisterInput {
  readonly f: 'get' | 'put' | 'append' | 'delete' | 'cas' | 'compact';
  readonly key: string;
  readonly value?: string;
  /** Of a cas: what must be there. */
  readonly from?: string;
  /** Of a compact. */
  readonly revision?: number;
}

export interface RegisterOutput {
  readonly value?: string | null;
  readonly length?: number;
  readonly deleted?: number;
  readonly swapped?: boolean;
}

type State = string | null;

export const registerModel: Model<State, RegisterInput, RegisterOutput> = {
  name: 'sim-register',
  init: () => null,
  step: (state, input, output) => {
    switch (input.f) {
      case 'get':
        return output === undefined || output.value === state ? state : illegal;
      case 'put':
        return input.value!;
      case 'append': {
        const after = (state ?? '') + input.value!;
        return output === undefined || output.length === after.length ? after : illegal;
      }
      case 'delete':
        return output === undefined || output.deleted === (state === null ? 0 : 1) ? null : illegal;
      case 'cas': {
        const swaps = state === input.from;
        if (output !== undefined && output.swapped !== swaps) return illegal;
        return swaps ? input.value! : state;
      }
      case 'compact':
      default:
        return state;
    }
  },
  readOnly: ({ f }) => f === 'get' || f === 'compact',
  partition: ({ key }) => key,
  describeOperation: (input, output) => `${input.f} ${input.key} ${input.value ?? ''} → ${JSON.stringify(output) ?? '?'}`,
  describeState: (state) => state ?? 'nothing',
};
