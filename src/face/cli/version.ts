// `thole version`.

import { Command } from 'commander';
import { version } from '../version.ts';

export function versionCommand(): Command {
  return new Command('version').description('print the version').action(() => void process.stdout.write(`thole version: ${version}\n`));
}
