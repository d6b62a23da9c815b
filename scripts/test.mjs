// `npm test`: every project of the runner, once, with its totals on a last line of their own and whatever was
// skipped for want of a program said loudly.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = mkdtempSync(join(tmpdir(), 'thole-test-'));
const report = join(out, 'report.json');
const { status, signal, error } = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
let totals;
try {
  totals = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.error('the runner left no report');
  process.exit(status || 1);
} finally {
  rmSync(out, { recursive: true, force: true });
}
const skipped = totals.numPendingTests + totals.numTodoTests;
for (const file of totals.testResults)
  for (const test of file.assertionResults)
    if (test.status === 'skipped' || test.status === 'pending') console.log(`SKIPPED: ${test.fullName}`);
if (totals.numPassedTests === 0) console.error('no test ran');
console.log(`${totals.numPassedTests} passed, ${totals.numFailedTests} failed, ${skipped} skipped`);
// Killed after it wrote its report it has not said that all is well.
if (status === null) console.error(`the runner ended by ${signal ?? error?.message}`);
process.exit((status ?? 1) || (totals.numPassedTests === 0 ? 1 : 0));
