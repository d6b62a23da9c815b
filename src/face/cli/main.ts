#!/usr/bin/env node
// The command line. Each verb is loaded when it is asked for: `thole get` should not wait for what `serve` needs.

import { Command, CommanderError } from 'commander';
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

main().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return;
  }
  process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodes.failed;
});
