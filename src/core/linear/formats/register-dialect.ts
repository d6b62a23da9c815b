// :read, :write 3, :cas [3 4]. In knossos' histories an answered read of nil is one whose value nobody recorded; a
// jepsen log's nil is the empty register's.

import type { RegisterInput, RegisterOutput } from '../models/register.ts';
import type { Dialect } from './dialect.ts';

export const registerDialect: Dialect<RegisterInput, RegisterOutput> = {
  input: (f, value) => {
    if (f === 'read') return { f };
    if (f === 'write') return { f, value };
    if (f === 'cas' && Array.isArray(value) && value.length === 2) return { f, from: value[0]!, to: value[1]! };
    return undefined;
  },
  output: (input, value) => {
    if (input.f === 'cas') return true;
    return input.f === 'read' && value === null ? undefined : value;
  },
};
