// `thole config show`: what a member would run with, and where each value comes from.

import { Command } from 'commander';
import { settings } from '../config/settings.ts';
import { memberExitCode } from './exit.ts';
import { resolveConfig, withSettings } from './serve.ts';

export function configCommand(): Command {
  const show = withSettings(new Command('show').description('print the configuration that flags, environment and file amount to'))
    .option('--origin', 'say where each value comes from')
    .action((flags: { readonly origin?: boolean }, command: Command) => {
      try {
        const { config, origins } = resolveConfig(command);
        for (const [key, setting] of Object.entries(settings)) {
          const value = (config as Readonly<Record<string, unknown>>)[key];
          const shown = Array.isArray(value) ? JSON.stringify(value.map(({ name, address }) => `${name}=${address}`).join(',')) : JSON.stringify(value ?? '');
          process.stdout.write(`${setting.flag} = ${shown}${flags.origin === true ? `  # ${origins[setting.flag]}` : ''}\n`);
        }
      } catch (error) {
        process.stderr.write(`Error: ${(error as Error).message}\n`);
        process.exitCode = memberExitCode(error);
      }
    });
  return new Command('config').description('the configuration of a member').addCommand(show);
}
