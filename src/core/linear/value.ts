// Values as histories carry them: what JSON can say, and what EDN says once keywords have become ":name" strings.
// Equality is by content, so that a model may compare what a log printed with what a client sent.

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equality by content of plain data; anything else (a Map, a class of the caller's) is equal only to itself. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equalValues(item, b[i]));
  }
  if (!isPlain(a) || !isPlain(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && equalValues(a[name], b[name]))
  );
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** One line for people: strings bare where that cannot mislead, long ones cut in the middle with their length. */
export function describeValue(value: unknown, lengthMax = 80): string {
  if (value === undefined) return '?';
  if (value === null) return 'nil';
  const spelled = typeof value === 'string' ? spell(value) : (JSON.stringify(value) ?? typeof value);
  if (spelled.length <= lengthMax) return spelled;
  const half = Math.max(1, Math.floor(lengthMax / 2) - 8);
  return `${spelled.slice(0, half)} …(${spelled.length})… ${spelled.slice(-half)}`;
}

function spell(value: string): string {
  return /^[A-Za-z_][\w.:/-]*$/.test(value) ? value : JSON.stringify(value);
}
