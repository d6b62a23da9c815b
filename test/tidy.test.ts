// The repository read as text: what no compiler and no linter looks at.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../src/core/errors.ts';
import { environmentName, settings } from '../src/face/config/settings.ts';
import { exitCodes } from '../src/face/cli/exit.ts';
import { metricTable } from '../src/face/metrics.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'dist', '.git', '.thole'].includes(entry.name) ? [] : walk(path);
    return [path];
  });
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const sources = walk(join(root, 'src')).filter((path) => path.endsWith('.ts') && !/[.](test|prop|bench|d)[.]ts$/.test(path));
const named = (path: string): string => relative(root, path);
/** Code without comments and texts. */
const code = (path: string): string =>
  readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\/\/[^\n]*/g, '').replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");

describe('the repository', () => {
  // A `-script.ts` holds the text of a page's script, which runs in a browser.
  it('keeps the core synchronous, stateless and without hidden randomness', () => {
    const offences: string[] = [];
    for (const path of sources.filter((each) => named(each).startsWith('src/core/') && !each.endsWith('-script.ts'))) {
      const body = code(path);
      if (/\b(await|async)\b|\bnew Promise\b/.test(body)) offences.push(`${named(path)}: waits`);
      if (/=\s*(Math|Date)\s*[;,]/.test(body)) offences.push(`${named(path)}: another name for the clock or for chance`);
      // The folding kernel is compiled once, when first needed: the same for everybody, and never changed.
      if (/^(export )?let /m.test(body) && !path.endsWith('crc32c-fold.ts')) offences.push(`${named(path)}: a variable of the module`);
    }
    expect(offences).toEqual([]);
  });

  it('names every folder in ARCHITECTURE.md', () => {
    const architecture = read('ARCHITECTURE.md');
    const folders = ['core', 'engine', 'face'].flatMap((layer) =>
      readdirSync(join(root, 'src', layer), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => `src/${layer}/${entry.name}`),
    );
    expect([...folders, 'src/node', 'src/sim'].filter((folder) => !architecture.includes(`\`${folder}\``))).toEqual([]);
  });

  it.each([
    ['errors.md', Object.keys(errorTable), /^\| `([A-Z_]+)` \|/gm],
    ['metrics.md', Object.keys(metricTable), /^\| `(thole_[a-z_]+)` \|/gm],
    ['config.md', Object.values(settings).map(({ flag }) => flag), /^\| `--([a-z-]+)` \|/gm],
    ['cli.md', Object.values(exitCodes).map(String), /^\| (\d+) \|/gm],
  ])('says in %s what the code says, and no more', (file, table, row) => {
    const documented = [...read(`docs/reference/${file}`).matchAll(row)].map(([, name]) => name);
    // 3 is `thole check`'s own.
    const known = file === 'cli.md' ? [...table, '3'] : table;
    expect(documented.toSorted()).toEqual(known.toSorted());
  });

  it('documents the environment variable of every setting', () => {
    const text = read('docs/reference/config.md');
    expect(Object.values(settings).filter(({ flag }) => !text.includes(environmentName(flag)))).toEqual([]);
  });

  it('has no link that leads nowhere', () => {
    const broken: string[] = [];
    for (const path of walk(root).filter((each) => each.endsWith('.md'))) {
      for (const [, target] of readFileSync(path, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (!/^[a-z]+:/.test(target!) && !existsSync(join(dirname(path), target!))) broken.push(`${named(path)} → ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('is read by the boundary check', { timeout: 60_000 }, () => {
    const cruiser = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
    const report = execFileSync(process.execPath, [cruiser, 'src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
    const { summary } = JSON.parse(report) as { summary: { totalCruised: number } };
    expect(summary.totalCruised).toBeGreaterThan(sources.length / 2);
  });

  it('keeps download addresses out of the lock file', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "http/);
  });

  it('prints its longest files', () => {
    const longest = sources.map((path) => ({ path, lines: readFileSync(path, 'utf8').split('\n').length })).sort((a, b) => b.lines - a.lines).slice(0, 10);
    console.log(longest.map(({ path, lines }) => `${lines} ${named(path)}`).join('\n'));
    expect(statSync(join(root, 'src')).isDirectory()).toBe(true);
  });
});
