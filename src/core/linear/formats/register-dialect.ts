// :read, :write 3, :cas [3 4].

import type { RegisterInput, RegisterOutput } from '../models/register.ts';
import type { Dialect } from './dialect.ts';

export const registerDialect: Dialect<RegisterInput, RegisterOutput> = {
  input: (f, value) => {
    if (f === 'read') return { f };
    if (f === 'write') return { f, value };
    if (f === 'cas' && Array.isArray(value) && value.length === 2) return { f, from: value[0]!, to: value[1]! };
    return undefined;
  },
  output: (input, value) => (input.f === 'cas' ? true : value),
};
