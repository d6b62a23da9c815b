// The build that a soak or a census is of: a copy of dist/, made before its first seed. What is built, edited or
// installed meanwhile is another build, and says nothing about the seeds counted here.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the build is made of. */
const sources = ['src', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.base.json', 'scripts/build.mjs'];

const git = (...words) => execFileSync('git', ['-C', root, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** As track-record.md names it; `+dirty`: the sources are not as they were committed. */
export function commitOf() {
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', ...sources) === '' ? '' : '+dirty'}`;
  } catch {
    // Not a clone: the seed says enough.
    return 'unknown';
  }
}

function* filesIn(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

/** Of everything that runs, whatever the clone is called. */
function hashOf(directory) {
  const hash = createHash('sha256');
  const files = [...filesIn(directory)].map((path) => relative(directory, path).split(sep).join('/'));
  for (const file of files.toSorted()) hash.update(`${file}\n`).update(createHash('sha256').update(readFileSync(join(directory, file))).digest());
  return hash.digest('hex').slice(0, 12);
}

/** A copy of dist/ that goes away with this process: where its command line is, and what tells it from other builds. */
export function takeBuild() {
  const directory = mkdtempSync(join(tmpdir(), 'thole-build-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const dist = join(directory, 'dist');
  // Maps and declarations do not run, and say where they were made.
  cpSync(join(root, 'dist'), dist, { recursive: true, filter: (path) => !/[.](map|d[.]ts|tsbuildinfo)$/.test(path) });
  cpSync(join(root, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction');
  return { main: join(dist, 'face', 'cli', 'main.js'), commit: commitOf(), hash: hashOf(dist), node: process.version };
}
