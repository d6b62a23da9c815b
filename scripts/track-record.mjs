// docs/track-record.md holds two results of commands: the table of planted bugs (`npm run planted -- --write`), row by
// row, and the census of sound seeds (`npm run track-record -- census.json`, with the JSON that `npm run census` wrote).
// What stands between is written by people.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const path = join(root, 'docs', 'track-record.md');

/** The lines between `<!-- name -->` and `<!-- /name -->`, made anew. */
function rewrite(name, make) {
  const text = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (from < begin.length || to < from) throw new Error(`docs/track-record.md has no place for ${name}`);
  writeFileSync(path, `${text.slice(0, from)}${make(text.slice(from, to)).join('\n')}\n${text.slice(to)}`);
}

function commitOf() {
  try {
    return execFileSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

const head = ['| bug | what it does | what it breaks | found by | seeds needed | the seed |', '|---|---|---|---|---|---|'];

function rowOf({ bug, flags, found, tried }) {
  const by = found ? `\`${found.claim}\` | ${found.needed} | \`--seed ${found.seed} ${flags}\`` : `nothing | > ${tried} | `;
  return `| \`${bug.name}\` | ${bug.does} | ${bug.breaks} | ${by} |`;
}

/** Rows of bugs that were not hunted this time stay as they are; those of bugs that are no more go. */
export function rewriteRows(plantedBugs, rows, budget) {
  rewrite('planted', (before) => {
    const known = new Map([...before.matchAll(/^\| `([a-z-]+)` \|.*$/gm)].map(([line, name]) => [name, line]));
    for (const row of rows) known.set(row.bug.name, rowOf(row));
    const missing = plantedBugs.filter(({ name }) => !known.has(name)).length;
    return [
      `Each had a budget of ${Math.max(budget, Number(/budget of (\d+)/.exec(before)?.[1] ?? 0))} fresh seeds; the newest row is of commit ${commitOf()}.${missing > 0 ? ` ${missing} were not hunted yet.` : ''}`,
      '',
      ...head,
      ...plantedBugs.filter(({ name }) => known.has(name)).map(({ name }) => known.get(name)),
    ];
  });
}

const digits = (count) => Math.round(count).toLocaleString('en-US');

/** A table of two columns of names and counts, side by side. */
function tableOf(title, counts) {
  const cells = Object.entries(counts).map(([name, count]) => `${name} | ${digits(count)}`);
  const half = Math.ceil(cells.length / 2);
  return [`| ${title} | times | ${title} | times |`, '|---|---|---|---|', ...cells.slice(0, half).map((cell, at) => `| ${cell} | ${cells[half + at] ?? '|'} |`)];
}

/** What the census said, as it said it: also that it is not whole, or that a claim broke. */
export function rewriteCensus({ verdict, commit, node, range, seeds, failed, led, undecided, simulatedSeconds, events, faults, coverage, failures }) {
  const [from, to] = range.split('..').map(Number);
  const never = Object.entries(coverage).filter(([, count]) => count === 0).map(([name]) => name);
  rewrite('census', () => [
    `**${verdict}**: ${digits(seeds)} of the ${digits(to - from + 1)} seeds ${range}, ${(simulatedSeconds / 3600).toFixed(1)} simulated hours, ${digits(events)} events (commit ${commit}, Node ${node.replace(/^v/, '')}).`,
    '',
    '| | |',
    '|---|---|',
    `| a claim broke in | ${digits(failed)} |`,
    `| the leader changed in | ${digits(led)} (${((100 * led) / Math.max(1, seeds)).toFixed(1)} %) |`,
    `| simulated seconds a seed | ${(simulatedSeconds / Math.max(1, seeds)).toFixed(1)} |`,
    `| the checker could not decide a key in | ${digits(undecided)} |`,
    '',
    ...failures.map(({ seed, verdict: claim, message }) => `- seed ${seed}: \`${claim}\`: ${message.split('\n')[0]}`),
    ...(failures.length > 0 ? [''] : []),
    ...tableOf('fault', faults),
    '',
    ...tableOf('it happened that', coverage),
    ...(never.length > 0 ? ['', `Never: ${never.join(', ')}.`] : []),
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2];
  if (file === undefined) {
    console.error('usage: npm run track-record -- census.json');
    process.exit(2);
  }
  rewriteCensus(JSON.parse(readFileSync(file, 'utf8')));
}
