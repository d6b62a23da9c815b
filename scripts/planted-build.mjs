// A build of the sources with a bug planted in it, in a directory of its own: nothing of it is ever in `dist`.
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compilerOptions = {
  target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true, rewriteRelativeImportExtensions: true, inlineSourceMap: false,
};

function* sources(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/[.]ts$/.test(entry.name) && !/[.](test|prop|bench|d)[.]ts$/.test(entry.name)) yield path;
  }
}

function emit(into, file, text) {
  const target = join(into, file.replace(/[.]ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, ts.transpileModule(text, { fileName: file, compilerOptions }).outputText);
}

/** The sources as they are, with `also` (folders beside `src`), as JavaScript under `into`. */
export function buildSound(into, also = ['test/planted']) {
  for (const folder of ['src', ...also]) {
    for (const path of sources(join(root, folder))) emit(into, relative(root, path), readFileSync(path, 'utf8'));
  }
  // Bugs are planted in what was built, whatever becomes of the sources meanwhile.
  cpSync(join(root, 'src'), join(into, 'source', 'src'), { recursive: true });
  cpSync(join(root, 'package.json'), join(into, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(into, 'node_modules'));
}

/** The table and what applies it, from a sound build. */
export async function loadBugs(sound) {
  const { plantedBugs } = await import(pathToFileURL(join(sound, 'test/planted/bugs.js')).href);
  const { plant } = await import(pathToFileURL(join(sound, 'test/planted/plant.js')).href);
  return { plantedBugs, plant };
}

/** A copy of the sound build, but for the files that the bug changes. */
export function buildPlanted(sound, into, bug, plant) {
  cpSync(sound, into, { recursive: true, verbatimSymlinks: true });
  for (const file of new Set(bug.edits.map((edit) => edit.file))) emit(into, file, plant(bug, file, readFileSync(join(sound, 'source', file), 'utf8')));
}
