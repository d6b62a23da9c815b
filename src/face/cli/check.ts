// `thole check`: files of recorded histories in, one verdict a line out.
//
// Exit codes: 0 all ok, 1 any illegal, 3 any unknown and none illegal, 2 usage, or a file that cannot be read.

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

interface Flags {
  readonly model: ModelName;
  readonly format?: Format;
  readonly initial?: Value;
  readonly timeout: number;
  readonly html?: string;
  readonly json?: boolean;
}

/** In order of weight: what is worse hides what is better. */
const exitCodes = { ok: 0, unknown: 3, illegal: 1, unreadable: 2 } as const;
const usage = 2;

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
    .addHelpText('after', '\nExit codes: 0 all ok, 1 any illegal, 3 any unknown and none illegal, 2 usage or unreadable input')
    // Commander's own 1 for a wrong flag would say "illegal".
    .exitOverride((error: CommanderError) => process.exit(error.exitCode === 0 ? 0 : usage))
    .action(run);
}

async function run(files: readonly string[], flags: Flags): Promise<void> {
  const checked: CheckedHistory[] = [];
  const outcomes = new Set<keyof typeof exitCodes>();
  for (const file of files) {
    const one = await checkFile(file, flags);
    outcomes.add(one?.verdict ?? 'unreadable');
    if (one === undefined) continue;
    process.stdout.write(`${flags.json === true ? asJson(one) : asLine(one)}\n`);
    if (flags.html !== undefined) checked.push(one);
  }
  if (flags.html !== undefined && checked.length > 0) await writePage(flags.html, checked, outcomes);
  const worst = (['unreadable', 'illegal', 'unknown'] as const).find((outcome) => outcomes.has(outcome)) ?? 'ok';
  process.exitCode = exitCodes[worst];
}

async function checkFile(file: string, flags: Flags): Promise<CheckedHistory | undefined> {
  try {
    const format = flags.format ?? formatsByExtension[extname(file).toLowerCase()];
    if (format === undefined) return complain(file, `say with --format how it is written: ${formats.join(', ')}`);
    const model = modelOf(flags.model, flags.initial);
    const history = readHistory(await readText(file), format, flags.model);
    const { verdict, partitions, elapsedMs } = await check(model, history, { timeoutMs: flags.timeout });
    return { title: file, model, history, verdict, partitions, elapsedMs };
  } catch (error) {
    return complain(file, describeProblem(error));
  }
}

async function readText(file: string): Promise<string> {
  if (file !== '-') return readFile(file, 'utf8');
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

async function writePage(out: string, checked: readonly CheckedHistory[], outcomes: Set<keyof typeof exitCodes>): Promise<void> {
  try {
    await writeFile(out, renderPage(checked));
  } catch (error) {
    complain(out, describeProblem(error));
    outcomes.add('unreadable');
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

function complain(file: string, problem: string): undefined {
  process.stderr.write(`thole check: ${file}: ${problem}\n`);
  return undefined;
}

function describeProblem(error: unknown): string {
  if (error instanceof FormatError) return error.message;
  if (error instanceof OperationError) return error.failure.detail ?? error.message;
  // What the file system refuses: no such file, no permission, a directory.
  if (error instanceof Error && 'syscall' in error) return error.message;
  throw error;
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
