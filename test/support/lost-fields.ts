// The codec guard: which fields of a message do not arrive as they were sent? Every leaf is changed by itself and
// must arrive changed, so a field that is left out, or filled in from somewhere else, is named.

type Path = readonly (string | number)[];

/** Words of which a field holds one: another word of the same row is its other value. */
const words: readonly (readonly string[])[] = [
  ['appended', 'notLeader', 'overloaded'], ['key', 'version', 'create', 'mod', 'value'], ['ascend', 'descend'], ['equal', 'greater', 'less', 'notEqual'],
  ['linearizable', 'bounded', 'local'], ['follower', 'pre-candidate', 'candidate', 'leader'], ['fsync', 'os'], ['client', 'control', 'bulk'],
  ['ok', 'unsupported', 'clusterMismatch', 'unavailable'], ['COMPACTED', 'CORRUPT'], ['noLeader', 'notReady'], ['voter', 'learner', 'witness'],
];

function other(value: unknown): unknown {
  if (typeof value === 'number') return value === 2 ? 1 : value + 1;
  if (typeof value === 'bigint') return value + 1n;
  if (typeof value === 'boolean') return !value;
  if (value instanceof Uint8Array) return Uint8Array.of(...value, 7);
  if (typeof value !== 'string') return undefined;
  const row = words.find((each) => each.includes(value));
  return row === undefined ? `${value}x` : row[(row.indexOf(value) + 1) % row.length];
}

function* leavesOf(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) yield path;
  else for (const [name, inner] of Object.entries(value)) yield* leavesOf(inner, [...path, Array.isArray(value) ? Number(name) : name]);
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Record<string | number, unknown> | undefined)?.[name], value);
}

function withLeaf(value: unknown, [name, ...rest]: Path, leaf: unknown): unknown {
  if (name === undefined) return leaf;
  const inner = withLeaf((value as Record<string | number, unknown>)[name], rest, leaf);
  return Array.isArray(value) ? value.with(name as number, inner) : { ...(value as object), [name]: inner };
}

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((byte, index) => byte === b[index]);
  return Object.is(a, b);
}

/** Paths, with dots. `type` says which message it is, and is compared, not changed; so is what `fixed` names. */
export function lostFields<T>(message: T, trip: (message: T) => unknown, fixed: readonly string[] = []): string[] {
  const lost: string[] = [];
  const whole = trip(message);
  for (const path of leavesOf(message)) {
    const name = path.join('.');
    if (!isSame(at(whole, path), at(message, path))) lost.push(name);
    else if (path.at(-1) !== 'type' && path.at(-1) !== 'target' && !fixed.includes(name)) {
      const changed = other(at(message, path));
      if (!isSame(at(trip(withLeaf(message, path, changed) as T), path), changed)) lost.push(name);
    }
  }
  return lost;
}

/** Every object and every array of bytes in a value. */
export function partsOf(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return value instanceof Uint8Array ? [value.buffer] : [value, ...Object.values(value).flatMap(partsOf)];
}
