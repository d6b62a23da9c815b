// docs/track-record.md holds two results of commands: the table of planted bugs (`npm run planted -- --write`), row by
// row, and the census of sound seeds (`npm run track-record -- census.json`). What stands between is written by people.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'track-record.md');

/** The lines between `<!-- name -->` and `<!-- /name -->`, made anew. */
function rewrite(name, make) {
  const text = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (from < begin.length || to < from) throw new Error(`docs/track-record.md has no place for ${name}`);
  writeFileSync(path, `${text.slice(0, from)}${make(text.slice(from, to)).join('\n')}\n${text.slice(to)}`);
}

const head = ['| bug | what it does | what it breaks | found by | seeds needed | the seed |', '|---|---|---|---|---|---|'];

function rowOf({ bug, found, tried }, seconds) {
  const by = found ? `\`${found.claim}\` | ${found.needed} | \`--seed ${found.seed} --seconds ${seconds}\`` : `nothing | > ${tried} | `;
  return `| \`${bug.name}\` | ${bug.does} | ${bug.breaks} | ${by} |`;
}

/** Rows of bugs that were not hunted this time stay as they are; those of bugs that are no more go. */
export function rewriteRows(plantedBugs, rows, { budget, seconds }) {
  rewrite('planted', (before) => {
    const known = new Map([...before.matchAll(/^\| `([a-z-]+)` \|.*$/gm)].map(([line, name]) => [name, line]));
    for (const row of rows) known.set(row.bug.name, rowOf(row, seconds));
    const missing = plantedBugs.filter(({ name }) => !known.has(name)).length;
    return [
      `Each had a budget of ${budget} fresh seeds of ${seconds} simulated seconds.${missing > 0 ? ` ${missing} were not hunted yet.` : ''}`,
      '',
      ...head,
      ...plantedBugs.filter(({ name }) => known.has(name)).map(({ name }) => known.get(name)),
    ];
  });
}
