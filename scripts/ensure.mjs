// Makes a fresh clone ready: installs what the lock file names when it has not been installed yet (or has
// changed since), and with --build compiles. Uses nothing but Node and npm, because nothing else is there yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`thole needs Node 20.19 or newer; this is ${process.version}`);
  process.exit(1);
}

const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
const stamp = join(root, 'node_modules', '.thole-installed');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('thole: installing dependencies (first use) …');
  // Not `npm ci`: it refuses a lock file that lacks a tool's binary for a platform where that binary was never
  // published. This installs the same locked versions, and writes neither package.json nor the lock file.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}
if (process.argv.includes('--build')) run(process.execPath, [join(root, 'scripts', 'build.mjs')]);

function run(command, args) {
  // stdout carries data elsewhere (`--json`): whatever an installer says goes to stderr.
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (status === null) console.error(`thole: ${command} could not be run to its end: ${error?.message ?? signal}`);
  if (status !== 0) process.exit(status ?? 1);
}
