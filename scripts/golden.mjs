// The golden stories: `npm run golden` checks them, `npm run golden -- --rewrite` tells them anew.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const rewrite = process.argv.includes('--rewrite');
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'golden', 'test/golden'], {
  stdio: 'inherit',
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  env: { ...process.env, ...(rewrite ? { THOLE_GOLDEN: 'rewrite' } : {}) },
});
process.exit(status ?? 1);
