// The table of planted bugs must not rot: each still finds the place it is planted in, and what comes out still parses.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { claims } from '../../src/sim/index.ts';
import type { ClaimName } from '../../src/sim/index.ts';
import { plantedBugs } from './bugs.ts';
import { plant } from './plant.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const walk = (directory: string): readonly string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? walk(join(directory, entry.name)) : [join(directory, entry.name)]));

function complaints(file: string, text: string): readonly string[] {
  const { diagnostics } = ts.transpileModule(text, {
    fileName: file, reportDiagnostics: true, compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  return (diagnostics ?? []).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('planted bugs', () => {
  it('are many, and each has a name of its own', () => {
    expect(plantedBugs.length).toBeGreaterThanOrEqual(40);
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length);
  });

  it.each(plantedBugs)('$name: applies exactly once, changes the code and parses', (bug) => {
    expect(bug.edits.length).toBeGreaterThan(0);
    for (const file of new Set(bug.edits.map((edit) => edit.file))) {
      const text = read(file);
      const planted = plant(bug, file, text);
      expect(planted).not.toBe(text);
      expect(complaints(file, planted)).toEqual([]);
    }
  });

  it('each say which law or rule they break', () => {
    expect(plantedBugs.filter(({ breaks }) => breaks.length < 5)).toEqual([]);
    for (const law of [1, 2, 3, 4, 5, 6, 7, 8]) {
      expect(plantedBugs.some(({ breaks }) => breaks.includes(`law ${law}`)), `law ${law}`).toBe(true);
    }
  });

  it('each name the claims that speak of them', () => {
    const speaking = plantedBugs.flatMap((bug) => bug.claims);
    expect(speaking.filter((claim) => !(claim in claims))).toEqual([]);
    expect(plantedBugs.filter((bug) => bug.claims.length === 0)).toEqual([]);
    // What anything might break says nothing about what did.
    expect(speaking.filter((claim) => claim === 'settles' || claim === 'liveness' || claim === 'noBug')).toEqual([]);
  });

  it('are not in what is shipped', () => {
    const shipped = walk(join(root, 'dist')).filter((path) => path.endsWith('.js'));
    expect(shipped.length).toBeGreaterThan(100);
    expect(shipped.filter((path) => relative(root, path).includes('planted'))).toEqual([]);
    const texts = shipped.map((path) => readFileSync(path, 'utf8'));
    expect(texts.filter((text) => text.includes('plantedBugs'))).toEqual([]);
    const sound = new Map(plantedBugs.flatMap(({ edits }) => edits).map(({ file }) => [file, read(file)]));
    for (const { edits } of plantedBugs) {
      for (const { file, replace } of edits) {
        // Lines that the sound source does not have, and so no build of it.
        const lines = replace.split('\n').map((line) => line.trim()).filter((line) => line.length > 20 && !sound.get(file)!.includes(line));
        for (const line of lines) expect(texts.filter((text) => text.includes(line)), line).toEqual([]);
      }
    }
  });

  it('are all in the track record, and nothing else is', () => {
    const rows = [...read('docs/track-record.md').matchAll(/^\| `([a-z-]+)` \| ([^|]*) \| ([^|]*) \| (?:`(\w+)`|nothing) \|/gm)];
    expect(rows.map(([, name, does, breaks]) => ({ name, does, breaks }))).toEqual(plantedBugs.map(({ name, does, breaks }) => ({ name, does, breaks })));
    const wrong = rows.filter(([, name, , , claim]) => !plantedBugs.find((bug) => bug.name === name)!.claims.includes(claim as ClaimName));
    expect(wrong.map(([row]) => row)).toEqual([]);
  });

  it('are refused when their place is gone', () => {
    expect(() => plant(plantedBugs[0]!, plantedBugs[0]!.edits[0]!.file, 'nothing of it')).toThrow('0 times');
  });
});
