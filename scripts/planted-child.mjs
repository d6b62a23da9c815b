// Runs seeds of the simulator from one build, a line of JSON each, until one of the claims that are waited for breaks
// (any, if none is named) or the seeds are used up. `all`: goes on whatever breaks.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [directory, first, count, seconds, awaited = '', flags = ''] = process.argv.slice(2);
const claims = awaited.split(',');
const [, nodes] = /--nodes (\S+)/.exec(flags) ?? [];
const [, nemesis] = /--nemesis (\S+)/.exec(flags) ?? [];
const built = (file) => import(pathToFileURL(join(directory, 'src', 'face', file)).href);
const { parseNemesis, parseNodes } = await built('cli/sim.js');
const world = { ...(nodes === undefined ? {} : { nodes: parseNodes(nodes) }), ...(nemesis === undefined ? {} : { nemesis: parseNemesis(nemesis) }) };
const { runSeed } = await built('sim.js');
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const { verdict, failure, hash } = await runSeed({ seed, seconds: Number(seconds), ...world });
  process.stdout.write(`${JSON.stringify({ seed, verdict, detail: failure?.message, hash })}\n`);
  if (verdict !== 'ok' && awaited !== 'all' && (awaited === '' || claims.includes(verdict))) break;
}
