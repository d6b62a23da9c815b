// What every client verb shares: where to connect, how long to wait, how to print, and what to exit with.

import { Command, InvalidArgumentError, Option } from 'commander';
import { OperationError } from '../../core/errors.ts';
import type { Client } from '../../engine/client/index.ts';
import { connect } from '../client.ts';
import { exitCodes } from './exit.ts';

export type Output = 'simple' | 'json' | 'table' | 'fields';

export interface ClientFlags {
  readonly endpoints: string;
  readonly commandTimeout: number;
  readonly output: Output;
}

const defaultEndpoints = '127.0.0.1:2379,127.0.0.1:2380,127.0.0.1:2381';

/** `5s`, `300ms`, `2m`; a bare number is seconds. */
export function toMs(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  if (found === null) throw new InvalidArgumentError('It is a duration, such as 5s or 300ms.');
  return Number(found[1]) * { ms: 1, s: 1000, m: 60_000 }[(found[2] ?? 's') as 'ms' | 's' | 'm'];
}

/** A revision or a count, as a flag or an argument. */
export function whole(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw new InvalidArgumentError('It is a whole number.');
  return number;
}

export function clientCommand(words: string, description: string): Command {
  const [name, ...rest] = words.split(' ');
  const command = new Command(name);
  if (rest.length > 0) command.arguments(rest.join(' '));
  return command
    .description(description)
    .option('--endpoints <LIST>', 'members to talk to, host:port separated by commas (THOLE_ENDPOINTS)', process.env['THOLE_ENDPOINTS'] ?? defaultEndpoints)
    .option('--command-timeout <TIME>', 'how long to try', toMs, 5000)
    .addOption(new Option('-o, --output <FORM>', 'how to print').choices(['simple', 'json', 'table', 'fields']).default('simple'))
    .addOption(new Option('-w, --write-out <FORM>', 'the same').choices(['simple', 'json', 'table', 'fields']).hideHelp());
}

export function outputOf(flags: ClientFlags & { readonly writeOut?: Output }): Output {
  return flags.writeOut ?? flags.output;
}

export function endpointsOf(flags: ClientFlags): readonly string[] {
  return flags.endpoints.split(',').map((endpoint) => endpoint.trim()).filter((endpoint) => endpoint !== '').map((endpoint) => {
    // Whoever asks for secrecy must not be given the opposite.
    if (endpoint.startsWith('https://')) throw new OperationError({ code: 'BAD_REQUEST', detail: `${endpoint}: there is no TLS yet` });
    return endpoint.replace(/^http:\/\//, '');
  });
}

/** Runs a verb on a connected client; failures are one line on stderr with their code. */
export async function withClient(flags: ClientFlags, verb: (client: Client) => Promise<void>): Promise<void> {
  await guarded(async () => {
    await using client = await connect({ endpoints: endpointsOf(flags), timeoutMs: flags.commandTimeout });
    await verb(client);
  });
}

export async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    process.stderr.write(`Error: ${error.message}\n`);
    process.exitCode = exitCodes.failed;
  }
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Rows under headings, in columns. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, at) => Math.max(heading.length, ...rows.map((row) => row[at]!.length)));
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const line = (cells: readonly string[]): string => `|${cells.map((cell, at) => ` ${cell.padEnd(widths[at]!)} `).join('|')}|`;
  return [rule, line(headings), rule, ...rows.map(line), rule].join('\n');
}

/** A line a field, as `-o fields` prints them. */
export function fields(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values).map(([name, value]) => `"${name}" : ${json(value)}`).join('\n');
}

/** JSON as etcdctl prints it: bytes in base64, int64 beyond what JSON holds as text. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return Number.isSafeInteger(Number(each)) ? Number(each) : each.toString();
    return each;
  });
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
export const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
