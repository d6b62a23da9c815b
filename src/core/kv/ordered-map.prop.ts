import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../bytes.ts';
import { Cursor, MapEdit, emptyRoot, getFrom } from './ordered-map.ts';
import type { MapRoot } from './ordered-map.ts';

type Step = { readonly type: 'set' | 'replace' | 'delete' | 'look' | 'publish'; readonly key: string };
/** Ends, zeros and high bytes just where keys begin to differ: what a search looks at first. */
const tails = ['', '\0', '\0\0', '\x01', 'a', 'a\0', '\x7f\x7f', 'é', '\u{10ffff}'];
const oddKeys = ['', 'k', 'k/', 'k/1', 'l/long/and/the/same/'].flatMap((head) => tails.flatMap((middle) => tails.map((tail) => head + middle + tail)));
const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('set', 'set', 'set', 'replace', 'replace', 'delete', 'look', 'publish'),
  key: fc.oneof(fc.nat(400).map((n) => `k/${n}`), fc.constantFrom(...oddKeys)),
});

function contents(root: MapRoot<number>): [string, number][] {
  const found: [string, number][] = [];
  for (const cursor = new Cursor(root, new Uint8Array(0)); !cursor.done; cursor.next()) found.push([new TextDecoder().decode(cursor.key), cursor.value]);
  return found;
}

const sorted = (model: ReadonlyMap<string, number>): [string, number][] => [...model].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('the ordered map', () => {
  test('is a sorted map in every version, whatever was looked at between the writes', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 300, maxLength: 1500 }), (steps) => {
        const model = new Map<string, number>();
        const published: { readonly root: MapRoot<number>; readonly contents: [string, number][] }[] = [];
        let edit = new MapEdit<number>(emptyRoot);
        for (const [value, { type, key }] of steps.entries()) {
          const bytes = utf8(key);
          if (type === 'replace') {
            // As the store does it: looked up, and written with the very same array.
            expect(edit.get(bytes)).toBe(model.get(key));
            edit.set(bytes, value);
            model.set(key, value);
          } else if (type === 'set') {
            edit.set(bytes, value);
            model.set(key, value);
          } else if (type === 'delete') {
            expect(edit.delete(bytes)).toBe(model.delete(key));
          } else if (type === 'look') {
            expect(edit.get(bytes)).toBe(model.get(key));
          } else {
            const root = edit.finish();
            published.push({ root, contents: sorted(model) });
            edit = new MapEdit(root);
          }
        }
        published.push({ root: edit.finish(), contents: sorted(model) });
        for (const { root, contents: expected } of published) {
          expect(contents(root)).toEqual(expected);
          expect(root.size).toBe(expected.length);
          for (const [key, value] of expected.slice(0, 5)) expect(getFrom(root, utf8(key))).toBe(value);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('keeps its own array of a key, whichever equal ones come later', () => {
    const first = utf8('key');
    const edit = new MapEdit<number>(emptyRoot);
    edit.set(first, 1);
    const later = utf8('key');
    expect(edit.ownKey(later)).toBe(first);
    edit.set(later, 2);
    expect(edit.ownKey(utf8('key'))).toBe(first);
    expect(() => edit.ownKey(utf8('other'))).toThrow('the map has the key');
  });
});
