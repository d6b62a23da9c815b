// `thole erasure …`: files into shards and back. Answers on stdout, progress and complaints on stderr.
//
// Exit codes: 0, everything asked for was done and (verify) every shard is whole; 1, something is damaged, missing or
// cannot be recovered; 2, the command or its input cannot be used; 70, we failed (main.ts).

import { Command, InvalidArgumentError } from 'commander';
import { shardLength, type ShardSet } from '../../core/erasure/index.ts';
import { OperationError } from '../../core/errors.ts';
import { decodeShards, encodeFile, localCoder, repairShards, verifyShards, type Coder, type LostRow } from '../../engine/erasure/index.ts';
import { DiskError } from '../../engine/ports.ts';
import { toolDisk } from '../../node/erasure-disk.ts';
import { workerCoder } from '../../node/erasure-workers.ts';
import { nodeRandom } from '../../node/random.ts';
import { Progress } from './erasure-progress.ts';

const ok = 0;
const damaged = 1;
const unusable = 2;

export function erasureCommand(): Command {
  const command = new Command('erasure').description('split files into shards of which any k rebuild everything');
  // Commander's own complaints are usage. Subcommands made below inherit this.
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? ok : unusable));
  command.addHelpText('after', '\nExit codes: 0 done, all whole; 1 damaged, missing or unrecoverable; 2 bad usage or unreadable input; 70 a failure of ours');
  const threads = ['--threads <n>', 'threads that compute codes', count(1, 64), 1] as const;
  command
    .command('encode')
    .description('write FILE as k data and m parity shards, NAME.00.shard …')
    .argument('<file>')
    .requiredOption('--data <k>', 'data shards', count(1, 256))
    .requiredOption('--parity <m>', 'parity shards: as many may be lost', count(0, 255))
    .requiredOption('--out <dir>', 'where shards are written; made if missing')
    .option(...threads)
    .option('--quiet', 'no progress on stderr')
    .action((file: string, options: EncodeOptions) => guarded(() => encode(file, options)));
  command
    .command('decode')
    .description('rebuild the original from any k shards')
    .argument('<shard...>')
    .requiredOption('--out <file>', 'the original; appears only when it is complete and right')
    .option(...threads)
    .option('--quiet', 'no progress on stderr')
    .action((shards: string[], options: OutOptions) => guarded(() => decode(shards, options)));
  command
    .command('verify')
    .description('read every block; one line per shard: ok, corrupt, foreign or missing')
    .argument('<shard...>')
    .option('--quiet', 'no progress on stderr')
    .action((shards: string[], options: CommonOptions) => guarded(() => verify(shards, options)));
  command
    .command('repair')
    .description('write lost and damaged shards anew')
    .argument('<shard...>')
    .requiredOption('--out <dir>', 'where rebuilt shards are written; made if missing')
    .option(...threads)
    .option('--quiet', 'no progress on stderr')
    .action((shards: string[], options: OutOptions) => guarded(() => repair(shards, options)));
  return command;
}

interface CommonOptions {
  readonly quiet?: boolean;
}

interface OutOptions extends CommonOptions {
  readonly out: string;
  readonly threads: number;
}

interface EncodeOptions extends OutOptions {
  readonly data: number;
  readonly parity: number;
}

async function encode(file: string, { data, parity, out, threads, quiet }: EncodeOptions): Promise<number> {
  if (data + parity > 256) return refuse(`--data and --parity make ${data + parity} shards: at most 256`);
  const disk = toolDisk();
  await disk.makeDirectory(out);
  const coder = makeCoder(threads)(data, parity);
  const progress = new Progress('encode', quiet);
  try {
    const { paths, set } = await encodeFile({ disk, random: nodeRandom }, coder, file, out, { onProgress: progress.update });
    progress.end();
    for (const path of paths) print(path);
    note(`${data} + ${parity} shards of ${shardLength(set)} bytes: any ${data} rebuild ${file}`);
    return ok;
  } finally {
    progress.end();
    await coder.close();
  }
}

async function decode(shards: readonly string[], { out, threads, quiet }: OutOptions): Promise<number> {
  const progress = new Progress('decode', quiet);
  const result = await decodeShards(toolDisk(), shards, out, { onProgress: progress.update, makeCoder: makeCoder(threads) }).finally(progress.end);
  if (result.type === 'unrecoverable') return complain(result);
  note(result.healed.length === 0 ? 'nothing was missing' : `rebuilt from the others: ${result.healed.join(' ')}`);
  print(out);
  return ok;
}

async function verify(shards: readonly string[], { quiet }: CommonOptions): Promise<number> {
  const progress = new Progress('verify', quiet);
  const verification = await verifyShards(toolDisk(), shards, { onProgress: progress.update }).finally(progress.end);
  for (const { name, status, detail } of verification.shards) print(`${name}: ${status}${detail === undefined ? '' : ` (${detail})`}`);
  const { set } = verification;
  if (set === undefined) note('no file has the header of a shard');
  else note(`${describeSet(set)}: ${verification.recoverable ? 'recoverable' : 'NOT recoverable'}`);
  return verification.shards.every(({ status }) => status === 'ok') ? ok : damaged;
}

async function repair(shards: readonly string[], { out, threads, quiet }: OutOptions): Promise<number> {
  const disk = toolDisk();
  await disk.makeDirectory(out);
  const progress = new Progress('repair', quiet);
  const result = await repairShards(disk, shards, out, { onProgress: progress.update, makeCoder: makeCoder(threads) }).finally(progress.end);
  if (result.type === 'unrecoverable') return complain(result);
  for (const { path } of result.rebuilt) print(path);
  note(result.rebuilt.length === 0 ? 'nothing to repair' : `rebuilt ${result.rebuilt.length} shards`);
  return ok;
}

const makeCoder =
  (threads: number) =>
  (data: number, parity: number): Coder =>
    threads === 1 ? localCoder(data, parity) : workerCoder(data, parity, { threads });

/** Sets the exit code; what the world did wrong is a sentence, what we did wrong a stack. */
async function guarded(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (error instanceof OperationError && error.code === 'CORRUPT') {
      note(error.message);
      process.exitCode = damaged;
    } else if (error instanceof DiskError || error instanceof OperationError) process.exitCode = refuse(error.message);
    else throw error;
  }
}

function complain({ block, missing, tolerated }: LostRow): number {
  note(`unrecoverable: row ${block} misses the blocks of shards ${missing.join(' ')}; ${tolerated} may be missing`);
  return damaged;
}

function refuse(why: string): number {
  note(why);
  return unusable;
}

const describeSet = (set: ShardSet): string => `${set.data} + ${set.parity} shards of a file of ${set.length} bytes`;
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const note = (line: string): boolean => process.stderr.write(`thole erasure: ${line}\n`);

function count(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) throw new InvalidArgumentError(`a number from ${min} to ${max}`);
    return number;
  };
}
