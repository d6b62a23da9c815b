// `npm run check`: types, lint, boundaries, tidy. Prints a line per pass; stops at the first that fails.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const module = (...parts) => join(root, 'node_modules', ...parts);
const passes = [
  ['types of the layers', [module('typescript', 'bin', 'tsc'), '-b']],
  ['types of the tests', [module('typescript', 'bin', 'tsc'), '-p', 'tsconfig.test.json']],
  ['lint', [module('oxlint', 'bin', 'oxlint'), '--quiet']],
  ['boundaries', [module('dependency-cruiser', 'bin', 'dependency-cruise.mjs'), 'src', '--config', '.dependency-cruiser.cjs']],
  ['tidy', [module('vitest', 'vitest.mjs'), 'run', '--project', 'golden', 'test/tidy.test.ts', '--reporter=dot']],
];
for (const [name, args] of passes) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0) {
    process.stdout.write(`${stdout}${stderr}\ncheck: ${name} failed (${seconds} s)\n`);
    process.exit(1);
  }
  console.log(`check: ${name} ok (${seconds} s)`);
}
