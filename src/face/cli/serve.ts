// `thole serve`: one member in this process, until it is told to go.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import { parse as parseToml } from 'smol-toml';
import { OperationError } from '../../core/errors.ts';
import { nodeLogger } from '../../node/logger.ts';
import { complete, resolve, settings } from '../config/settings.ts';
import type { Resolved } from '../config/settings.ts';
import { serve } from '../serve.ts';
import { exitCodes, memberExitCode } from './exit.ts';

/** The member's settings as options of a command, all of them texts to be read by the table. */
export function withSettings(command: Command): Command {
  for (const { flag, placeholder, description, fallback } of Object.values(settings)) {
    const note = fallback === undefined || Array.isArray(fallback) ? '' : ` (default: ${JSON.stringify(fallback)})`;
    if (placeholder === '') command.option(`--${flag}`, description + note);
    else command.option(`--${flag} <${placeholder}>`, description + note);
  }
  return command.option('--config <FILE>', 'a TOML file with the same keys');
}

export function resolveConfig(command: Command): Resolved {
  const options = command.opts<Record<string, string | boolean | undefined>>();
  const flags: Record<string, string | undefined> = {};
  for (const { flag } of Object.values(settings)) {
    const value = options[flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    flags[flag] = value === undefined ? undefined : String(value);
  }
  const path = options['config'] ?? process.env['THOLE_CONFIG'];
  return resolve(flags, process.env, path === undefined ? {} : readConfigFile(String(path)));
}

function readConfigFile(path: string): Record<string, unknown> {
  try {
    return parseToml(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new OperationError({ code: 'INVALID_CONFIG', detail: `the config file ${path} cannot be read: ${(error as Error).message}` }, { cause: error });
  }
}

const fewCores = 2;

export function serveCommand(): Command {
  return withSettings(new Command('serve').description('run one member of a cluster')).action(async (_options, command: Command) => {
    // The collector's helpers shorten its pauses where cores are idle. On few cores they take them from other members and
    // from clients: a sixth of a put's time of the processor, under load. V8 looks at this flag whenever it collects.
    if (availableParallelism() <= fewCores) setFlagsFromString('--no-parallel-scavenge');
    process.exitCode = await run(command);
    process.exit();
  });
}

async function run(command: Command): Promise<number> {
  try {
    const config = complete(resolveConfig(command).config);
    const logger = nodeLogger(config.logLevel, { member: config.name });
    // Asked from the start: a member that waits for the others before its birth may be told to go, too.
    const go = told();
    const starting = serve({
      ...config,
      logger,
      replica: { snapshotLogBytes: config.snapshotLogBytes, snapshotLogEntries: config.snapshotLogEntries, ...(config.leaseDrift === 'off' ? {} : { leaseDriftMax: config.leaseDrift }) },
    });
    const served = await Promise.race([starting, go]);
    if (served === undefined) {
      starting.catch(() => undefined);
      logger.log('info', 'was told to stop before it served');
      return exitCodes.ok;
    }
    logger.log('info', 'serves', { address: `${served.address.host}:${served.address.port}`, durability: config.durability });
    const failure = await Promise.race([served.failed, go]);
    if (failure === undefined) {
      logger.log('info', 'was told to stop: hands over and drains');
      await served.shutdown();
      return exitCodes.ok;
    }
    process.stderr.write(`Error: ${failure.message}\n`);
    if (failure.code === 'MEMBER_REMOVED') await served.shutdown();
    return memberExitCode(failure);
  } catch (error) {
    process.stderr.write(`Error: ${error instanceof OperationError ? error.message : ((error as Error).stack ?? String(error))}\n`);
    return memberExitCode(error);
  }
}

/** The first signal, or the end of the parent that said it would hold our stdin open; a second signal stops at once. */
function told(): Promise<undefined> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (): void => {
      if (asked) process.exit(exitCodes.failed);
      asked = true;
      resolve(undefined);
    };
    process.on('SIGTERM', ask);
    process.on('SIGINT', ask);
    if (process.env['THOLE_PARENT_PIPE'] === '1') {
      process.stdin.resume();
      process.stdin.on('end', () => (asked ? undefined : ask()));
      process.stdin.on('error', () => undefined);
    }
  });
}
