// The repository read as text: what no compiler and no linter looks at.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../src/core/errors.ts';
import type { ErrorCode } from '../src/core/errors.ts';
import { environmentName, settings } from '../src/face/config/settings.ts';
import { exitCodes, noRestartReason } from '../src/face/cli/exit.ts';
import { metricTable } from '../src/face/metrics.ts';
import { statusTable } from '../src/face/grpc/status.ts';

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
      if (/\b(await|async|Promise)\b/.test(body)) offences.push(`${named(path)}: waits`);
      if (/=\s*(Math|Date)\s*[;,]/.test(body)) offences.push(`${named(path)}: another name for the clock or for chance`);
      // The folding kernel is compiled once, when first needed: the same for everybody, and never changed.
      if (/^(export )?(let|var) /m.test(body) && !path.endsWith('crc32c-fold.ts')) offences.push(`${named(path)}: a variable of the module`);
    }
    expect(offences).toEqual([]);
  });

  it('names every folder in ARCHITECTURE.md', () => {
    const architecture = read('ARCHITECTURE.md');
    const inside = (folder: string): string[] =>
      readdirSync(join(root, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => `${folder}/${entry.name}`);
    const layers = inside('src');
    const folders = [...layers, ...layers.flatMap(inside)];
    expect(folders.filter((folder) => !architecture.includes(`| \`${folder}\` |`))).toEqual([]);
    // And no row for what is gone.
    const rows = [...architecture.matchAll(/^\| `(src\/[a-z/]+)` \|/gm)].map(([, folder]) => folder!);
    expect(rows.filter((folder) => !folders.includes(folder))).toEqual([]);
  });

  it('says in simulator.md what every file of the simulator is for', () => {
    const table = [...read('docs/internals/simulator.md').matchAll(/^\| (`[a-z/-]+[.]ts`.*?) \|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([a-z/-]+[.]ts)`/g)].map(([, file]) => file!));
    const files = sources.map(named).filter((path) => path.startsWith('src/sim/') && path !== 'src/sim/index.ts').map((path) => path.slice('src/sim/'.length));
    expect(table.toSorted()).toEqual(files.toSorted());
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

  it('says it in the words of the code', () => {
    const rows = (file: string): string => read(`docs/reference/${file}`);
    const beginnings = [
      ...Object.entries(errorTable).map(([code, { retry, message }]) => ['errors.md', `| \`${code}\` | ${retry} | ${message} | ${statusTable[code as ErrorCode].code} | ${statusTable[code as ErrorCode].message} |\n`] as const),
      ...Object.entries(metricTable).map(([name, { type, help }]) => ['metrics.md', `| \`${name}\` | ${type} | ${help} |`] as const),
      ...Object.values(settings).map(({ flag, fallback, description }) => {
        const byDefault = fallback === undefined || typeof fallback === 'object' ? 'required' : `\`${typeof fallback === 'object' ? JSON.stringify(fallback) : fallback}\``;
        return ['config.md', `| \`--${flag}\` | \`${environmentName(flag)}\` | ${byDefault} | ${description}`] as const;
      }),
    ];
    expect(beginnings.filter(([file, row]) => !rows(file).includes(`\n${row}`))).toEqual([]);
  });

  it('says of every exit code of a member whether `dev` starts it again', () => {
    const wrong: string[] = [];
    for (const [, code, verbs, restarted] of read('docs/reference/cli.md').matchAll(/^\| (\d+) \| ([^|]*) \|.*\| ([a-z]*) ?\|$/gm)) {
      const isMembers = verbs!.includes('all') || verbs!.includes('`serve`');
      const expected = !isMembers || code === '0' ? '' : noRestartReason(Number(code)) === undefined ? 'yes' : 'no';
      if (restarted !== expected) wrong.push(`${code}: "${restarted}" instead of "${expected}"`);
    }
    expect(wrong).toEqual([]);
  });

  it('names every flag of the verbs in cli.md', () => {
    const text = read('docs/reference/cli.md');
    const flags = ['kv', 'cluster', 'client', 'config', 'dev'].flatMap((verbs) =>
      [...read(`src/face/cli/${verbs}.ts`).matchAll(/ption\('(?:-[a-z], )?--([a-z-]+)/g)].map(([, flag]) => flag!),
    );
    expect(flags.length).toBeGreaterThan(20);
    // These stand in the document by their short names.
    const short = ['interactive', 'output', 'write-out'];
    expect(flags.filter((flag) => !short.includes(flag) && !text.includes(`--${flag}`))).toEqual([]);
  });

  it('says in HACKING.md what every script is for', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const commands = [...read('HACKING.md').matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`(?:npm (?:run )?)?([a-z:-]+)/g)].map(([, name]) => name!));
    expect(Object.keys(scripts).filter((name) => !commands.includes(name))).toEqual([]);
  });

  it('has no script that a fresh clone cannot run', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    expect(Object.entries(scripts).filter(([, line]) => !line.startsWith('node scripts/ensure.mjs ')).map(([name]) => name)).toEqual([]);
  });

  it('gives a reason for every dependency', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
    const text = read('docs/dependencies.md');
    expect(Object.entries({ ...dependencies, ...devDependencies }).filter(([name, version]) => !text.includes(`${name} ${version}`))).toEqual([]);
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

  it('has no document that the README does not lead to', () => {
    const found = new Set<string>();
    const visit = (path: string): void => {
      if (found.has(path) || !path.endsWith('.md') || !existsSync(path)) return;
      found.add(path);
      for (const [, target] of readFileSync(path, 'utf8').matchAll(/\]\(([^)#\s]+)/g)) visit(join(dirname(path), target!));
    };
    visit(join(root, 'README.md'));
    expect(walk(join(root, 'docs')).filter((path) => path.endsWith('.md') && !found.has(path)).map(named)).toEqual([]);
  });

  it('is read by the boundary check', { timeout: 60_000 }, () => {
    const cruiser = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
    const report = execFileSync(process.execPath, [cruiser, 'src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
    const { summary } = JSON.parse(report) as { summary: { totalCruised: number } };
    // A tool that understands nothing finds nothing wrong.
    expect(summary.totalCruised).toBeGreaterThan(sources.length / 2);
  });

  it('has the tables that proto/ says', () => {
    expect(() => execFileSync(process.execPath, [join(root, 'scripts', 'proto.mjs'), '--check'], { stdio: 'pipe' })).not.toThrow();
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
