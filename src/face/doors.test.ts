import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, { types: string }> };

/** All files that a file leads to by its imports and exports, itself too. */
function reached(path: string, into = new Set<string>()): ReadonlySet<string> {
  if (into.has(path)) return into;
  into.add(path);
  for (const [, to] of readFileSync(path, 'utf8').matchAll(/\bfrom '(\.[^']+\.ts)'/g)) reached(join(dirname(path), to!), into);
  return into;
}

describe('a door of the package', () => {
  // The others, `thole/raft` and `thole/kv`, are of the core, and use it inside alone.
  const doors = Object.entries(exports).filter(([, { types }]) => types.startsWith('./dist/face/')).map(([name, { types }]) => ({ name, path: join(root, types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts')) }));

  it.each(doors)('$name brings the library its types need: whoever imports it may have no more than es2023', ({ path }) => {
    expect(existsSync(path)).toBe(true);
    // TypeScript has Disposable not in es2023: a file of types says that it needs it, or its reader's compiler stops.
    const needs = [...reached(path)].some((each) => /\b(?:Async)?Disposable\b|\bSymbol\.(?:asyncDispose|dispose)\b/.test(readFileSync(each, 'utf8')));
    if (needs) expect(readFileSync(path, 'utf8')).toMatch(/^\/\/\/ <reference lib="esnext\.disposable" preserve="true" \/>$/m);
  });
});
