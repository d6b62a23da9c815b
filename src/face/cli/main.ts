#!/usr/bin/env node
// The command line. Each verb is loaded when it is asked for: `thole get` should not wait for what `serve` needs.

import { Command, CommanderError } from 'commander';
import { OperationError } from '../../core/errors.ts';
import { exitCodes } from './exit.ts';

const families: readonly { readonly verbs: readonly string[]; readonly load: () => Promise<readonly Command[]> }[] = [
  { verbs: ['dev'], load: async () => [(await import('./dev.ts')).devCommand()] },
  { verbs: ['serve'], load: async () => [(await import('./serve.ts')).serveCommand()] },
  { verbs: ['config'], load: async () => [(await import('./config.ts')).configCommand()] },
  { verbs: ['put', 'get', 'del', 'txn', 'compaction', 'compact'], load: async () => (await import('./kv.ts')).kvCommands() },
  { verbs: ['member', 'endpoint', 'move-leader'], load: async () => (await import('./cluster.ts')).clusterCommands() },
  { verbs: ['check'], load: async () => [(await import('./check.ts')).checkCommand()] },
  { verbs: ['sim'], load: async () => [(await import('./sim.ts')).simCommand()] },
  { verbs: ['erasure'], load: async () => [(await import('./erasure.ts')).erasureCommand()] },
  { verbs: ['version'], load: async () => [(await import('./version.ts')).versionCommand()] },
];

async function main(): Promise<void> {
  const program = new Command('thole')
    .description('consensus inside the process you already run')
    .showHelpAfterError('(see thole --help)')
    .exitOverride();
  const asked = process.argv.slice(2).find((word) => !word.startsWith('-'));
  const wanted = families.filter(({ verbs }) => asked === undefined || verbs.includes(asked));
  for (const { load } of wanted.length > 0 ? wanted : families) {
    for (const command of await load()) program.addCommand(overridden(command));
  }
  await program.parseAsync();
}

/** Errors of every level come here, to one exit code. */
function overridden(command: Command): Command {
  command.exitOverride();
  command.commands.forEach(overridden);
  return command;
}

/** What nobody foresaw is our failure, and never the code that says that a request failed, or a history is illegal. */
function failed(error: unknown): void {
  process.stderr.write(`Error: ${error instanceof OperationError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = error instanceof OperationError ? exitCodes.failed : exitCodes.internal;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever has read enough has closed the pipe; what was found until then stays found.
  if (error.code !== 'EPIPE') failed(error);
  process.exit();
});
// Nobody hears the complaint: what is asked for may still be done.
process.stderr.on('error', () => undefined);
process.on('uncaughtException', (error) => {
  failed(error);
  process.exit();
});

main().catch((error: unknown) => {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  else failed(error);
});
