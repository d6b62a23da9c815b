// `thole check`: files of recorded histories in, one verdict a line out.
//
// Exit codes: 0 all ok, 1 any illegal, 3 any unknown and none illegal, 2 usage, or a file that cannot be read, 70 one that we failed to check.

import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import { OperationError } from '../../core/errors.ts';
import {
  type CheckedHistory,
  FormatError,
  type Format,
  formats,
  isModelName,
  type ModelName,
  modelNames,
  modelOf,
  readHistory,
  readValue,
  renderPage,
  type Value,
  type Verdict,
  zoo,
} from '../../core/linear/index.ts';
import { check } from '../check/check.ts';
import { exitCodes as everyVerbs } from './exit.ts';

interface Flags {
  readonly model: ModelName;
  readonly format?: Format;
  readonly initial?: Value;
  readonly timeout: number;
  readonly html?: string;
  readonly json?: boolean;
}

/** In order of weight: what is worse hides what is better. */
const exitCodes = { ok: 0, unknown: 3, illegal: 1, unreadable: 2, unchecked: everyVerbs.internal } as const;
const byWeight = ['unchecked', 'unreadable', 'illegal', 'unknown'] as const;
const { usage } = everyVerbs;

const formatsByExtension: Readonly<Record<string, Format>> = {
  '.log': 'jepsen',
  '.edn': 'edn',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

export function checkCommand(): Command {
  return new Command('check')
    .description('judge whether recorded histories are linearizable')
    .argument('<file...>', 'histories; - is the standard input')
    .addOption(new Option('-m, --model <model>', `what the system should do: ${modelNames.join(', ')}`).argParser(parseModel).makeOptionMandatory())
    .addOption(new Option('-f, --format <format>', 'how the files are written; by default what their names end in says').choices(formats))
    .addOption(new Option('--initial <value>', 'the state before the first operation, in EDN or JSON').argParser(parseInitial))
    .addOption(new Option('--timeout <duration>', 'per file; what is not known by then is unknown').argParser(parseDuration).default(60_000, '60s'))
    .option('--html <out>', 'write one self-contained page about all the files')
    .option('--json', 'one JSON object a line instead')
    .addHelpText('after', `\nModels:\n${modelNames.map((name) => `  ${name.padEnd(16)}${zoo[name].summary}`).join('\n')}`)
    .addHelpText('after', '\nExit codes: 0 all ok, 1 any illegal, 3 any unknown and none illegal, 2 usage or unreadable input, 70 a failure of ours')
    // Commander's own 1 for a wrong flag would say "illegal".
    .exitOverride((error: CommanderError) => process.exit(error.exitCode === 0 ? 0 : usage))
    .action(run);
}

async function run(files: readonly string[], flags: Flags): Promise<void> {
  const checked: CheckedHistory[] = [];
  const outcomes = new Set<keyof typeof exitCodes>();
  for (const file of files) {
    const one = await checkFile(file, flags);
    outcomes.add(typeof one === 'string' ? one : one.verdict);
    if (typeof one === 'string') continue;
    process.stdout.write(`${flags.json === true ? asJson(one) : asLine(one)}\n`);
    if (flags.html !== undefined) checked.push(one);
  }
  if (flags.html !== undefined && checked.length > 0) await writePage(flags.html, checked, outcomes);
  const worst = byWeight.find((outcome) => outcomes.has(outcome)) ?? 'ok';
  process.exitCode = exitCodes[worst];
}

/** One file's verdict, or why it has none: whatever became of it, the others are checked. */
async function checkFile(file: string, flags: Flags): Promise<CheckedHistory | 'unreadable' | 'unchecked'> {
  try {
    const format = flags.format ?? formatsByExtension[extname(file).toLowerCase()];
    if (format === undefined) return complain(file, `say with --format how it is written: ${formats.join(', ')}`);
    const model = modelOf(flags.model, flags.initial);
    const history = readHistory(await readText(file), format, flags.model);
    const { verdict, partitions, elapsedMs } = await check(model, history, { timeoutMs: flags.timeout });
    return { title: file, model, history, verdict, partitions, elapsedMs };
  } catch (error) {
    const problem = describeProblem(error);
    if (problem !== undefined) return complain(file, problem);
    // A thread that ran out of memory, or a bug: "illegal" is for histories.
    complain(file, `it could not be checked: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return 'unchecked';
  }
}

/** A file of more than a text may hold is one that cannot be read, too. */
class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

async function readText(file: string): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8');
    const chunks: Uint8Array[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    throw new UnreadableError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function writePage(out: string, checked: readonly CheckedHistory[], outcomes: Set<keyof typeof exitCodes>): Promise<void> {
  try {
    await writeFile(out, renderPage(checked));
  } catch (error) {
    const problem = describeProblem(error);
    if (problem === undefined) throw error;
    outcomes.add(complain(out, problem));
  }
}

function asLine({ title, verdict, history, elapsedMs }: CheckedHistory): string {
  return `${title} ${verdict} ${history.length} ${elapsedMs.toFixed(0)}`;
}

function asJson({ title, model, verdict, history, partitions, elapsedMs }: CheckedHistory): string {
  const broken = partitions
    .filter((partition) => partition.verdict !== ('ok' satisfies Verdict))
    .map(({ key, verdict: of, order, blocked, unplaced }) => ({
      key,
      verdict: of,
      placed: order.length,
      blocked: blocked === undefined ? null : (history[blocked] ?? null),
      unplaced: unplaced.map((index) => history[index]),
    }));
  const ms = Math.round(elapsedMs);
  return JSON.stringify({ file: title, model: model.name, verdict, operations: history.length, ms, partitions: partitions.length, broken });
}

function complain(file: string, problem: string): 'unreadable' {
  process.stderr.write(`thole check: ${file}: ${problem}\n`);
  return 'unreadable';
}

/** What is wrong with the world; undefined: with us. */
function describeProblem(error: unknown): string | undefined {
  if (error instanceof FormatError || error instanceof UnreadableError) return error.message;
  if (error instanceof OperationError) return error.failure.detail ?? error.message;
  // What the file system refuses: no such file, no permission, a directory.
  return error instanceof Error && 'syscall' in error ? error.message : undefined;
}

function parseModel(name: string): ModelName {
  if (!isModelName(name)) throw new InvalidArgumentError(`It is one of ${modelNames.join(', ')}.`);
  return name;
}

function parseInitial(text: string): Value {
  try {
    return readValue(text);
  } catch (error) {
    if (error instanceof FormatError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('A duration is a number and ms, s, m or h, such as 60s.');
  return Number(match[1]) * units[match[2] ?? 's']!;
}
