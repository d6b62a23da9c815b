// `thole sim`: worlds from seeds, a verdict on each.
//
// Exit codes: 0 all clean, 1 a claim broke, 2 usage, or a trace that cannot be written, 70 a failure of ours.

import { closeSync, openSync, writeSync } from 'node:fs';
import { Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import { exitCodes } from './exit.ts';
import { claims, faultClassNames, faultClasses, marks, runSeed, shrinkSeed } from '../sim.ts';
import type { Fault, Nemeses, RunOptions, RunResult, TraceEvent } from '../sim.ts';

interface Flags {
  readonly seed?: number;
  readonly seeds?: readonly [number, number];
  readonly nemesis?: Nemeses;
  readonly nodes?: number;
  readonly seconds: number;
  readonly trace?: string;
  readonly shrink?: number;
  readonly durability: 'fsync' | 'os';
  readonly json?: boolean;
}

const { usage } = exitCodes;
/** Lines of a trace that are kept until they are written. */
const linesMax = 5000;

export function simCommand(): Command {
  return new Command('sim')
    .description('run whole clusters under virtual time and every kind of fault, and judge what they did')
    .addOption(new Option('--seed <seed>', 'one world; 1 if no seed is named').argParser(parseSeed))
    .addOption(new Option('--seeds <range>', 'many, such as 1..1000').argParser(parseRange))
    .addOption(new Option('--nemesis <list>', 'only these faults, with commas between; none: no faults; labs: the network of the MIT labs').argParser(parseNemesis))
    .addOption(new Option('--nodes <n>', 'members; by default the seed says, 3 or 5').argParser(parseNodes))
    .addOption(new Option('--seconds <s>', 'how long faults happen, in virtual seconds').argParser((text) => parseWhole(text, 1, 86_400)).default(30))
    .option('--trace <file>', 'write every event as a line of JSON')
    .addOption(new Option('--shrink <seed>', 'the smallest schedule of faults that still breaks a claim in this seed').argParser(parseSeed))
    .addOption(new Option('--durability <mode>', 'os: no fsync, to see claims break').choices(['fsync', 'os']).default('fsync'))
    .option('--json', 'one JSON object a line; the last sums up (of --shrink: the one run that is left, with its schedule)')
    .addHelpText('after', `\nFaults:\n${faultClassNames.map((kind) => `  ${kind.padEnd(12)}${faultClasses[kind]}`).join('\n')}`)
    .addHelpText('after', `\nClaims:\n${Object.entries(claims).map(([name, claim]) => `  ${name.padEnd(20)}${claim}`).join('\n')}`)
    .addHelpText('after', '\nExit codes: 0 all clean, 1 a claim broke, 2 usage or a trace that cannot be written, 70 a failure of ours')
    .exitOverride((error: CommanderError) => process.exit(error.exitCode === 0 ? 0 : usage))
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const asked = [flags.seed, flags.seeds, flags.shrink].filter((each) => each !== undefined).length;
  if (asked > 1) return complain('only one of --seed, --seeds and --shrink');
  const options = { seconds: flags.seconds, nodes: flags.nodes, nemesis: flags.nemesis, durability: flags.durability };
  if (flags.shrink !== undefined && flags.trace !== undefined) return complain('--trace is for --seed: shrinking is many runs');
  if (flags.shrink !== undefined) return shrink(flags.shrink, options, flags);
  const [first, last] = flags.seeds ?? [flags.seed ?? 1, flags.seed ?? 1];
  if (flags.trace !== undefined && first !== last) return complain('--trace is for one seed');
  let sink: TraceFile | undefined;
  try {
    sink = flags.trace === undefined ? undefined : new TraceFile(flags.trace);
  } catch (error) {
    return complain((error as Error).message);
  }
  await runAll(first, last, options, flags, sink);
}

/** Written while the world stands still: a run never waits for anything real. */
export class TraceFile {
  readonly #file: number;
  readonly #write: typeof writeSync;
  #lines: string[] = [];
  /** Why it is not whole. The world does not hear of it: a full disk of ours is no bug of its. */
  problem: string | undefined;

  constructor(path: string, write: typeof writeSync = writeSync) {
    this.#file = openSync(path, 'w');
    this.#write = write;
  }

  write(event: TraceEvent): void {
    if (this.problem !== undefined) return;
    this.#lines.push(`${JSON.stringify(event, jsonable)}\n`);
    if (this.#lines.length >= linesMax) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    let rest = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    try {
      // A call may write less than it was given.
      while (rest.length > 0) rest = rest.subarray(this.#write(this.#file, rest));
    } catch (error) {
      this.problem ??= error instanceof Error ? error.message : String(error);
    }
  }
}

async function runAll(first: number, last: number, options: Omit<RunOptions, 'seed'>, flags: Flags, sink: TraceFile | undefined): Promise<void> {
  const started = performance.now();
  const total: Totals = { seeds: 0, failed: 0, undecided: 0, led: 0, simulatedSeconds: 0, events: 0, verdict: 'ok', hash: '', faults: {}, coverage: {} };
  for (let seed = first; seed <= last; seed++) {
    const began = performance.now();
    const result = await runSeed({ ...options, seed, ...(sink === undefined ? {} : { trace: (event) => sink.write(event) }) });
    sink?.close();
    add(total, result);
    // Now: whoever reads may have had enough before the last seed, and what broke has broken.
    if (result.failure !== undefined) process.exitCode = exitCodes.failed;
    const replay = replayOf(seed, flags);
    if (flags.json === true && flags.seeds !== undefined) say(JSON.stringify({ ...brief(result), replay }));
    else if (flags.json !== true) say(lineOf(result, performance.now() - began));
    if (result.failure !== undefined) process.stderr.write(`${result.failure.message}\nreplay: ${replay}\n`);
    // Signals are looked at between seeds, and nowhere else.
    await new Promise((resolve) => void setImmediate(resolve));
  }
  const realSeconds = (performance.now() - started) / 1000;
  if (flags.json === true) say(JSON.stringify({ ...total, realSeconds: round(realSeconds), ratio: round(total.simulatedSeconds / realSeconds), simulatedSeconds: round(total.simulatedSeconds) }));
  else sumUp(total, realSeconds);
  if (sink?.problem !== undefined) process.stderr.write(`thole sim: the trace is not whole: ${sink.problem}\n`);
  process.exitCode = total.failed > 0 ? exitCodes.failed : sink?.problem === undefined ? exitCodes.ok : usage;
}

async function shrink(seed: number, options: Omit<RunOptions, 'seed'>, flags: Flags): Promise<void> {
  const whole = await runSeed({ ...options, seed });
  const shrunk = whole.failure === undefined ? undefined : await shrinkSeed({ ...options, seed }, (left, runs) => process.stderr.write(`\r${left} faults left after ${runs} runs `));
  if (shrunk !== undefined) process.stderr.write('\n');
  const { result, runs } = shrunk ?? { result: whole, runs: 1 };
  process.exitCode = result.failure === undefined ? exitCodes.ok : exitCodes.failed;
  if (flags.json === true) return say(JSON.stringify(shrunkReport(result, runs, replayOf(seed, flags))));
  if (result.failure === undefined) return say(`seed ${seed} is clean: there is nothing to shrink`);
  say(`seed ${seed}: ${result.verdict} with ${result.schedule.faults.length} faults, found in ${runs} runs`);
  say(result.failure.message);
  for (const fault of result.schedule.faults) say(describeFault(fault));
  say(`replay: ${replayOf(seed, flags)}`);
}

/** What `--shrink --json` says: `faults` is the smallest schedule (of a clean seed nothing), `injected` how many of each class happened in it. */
export function shrunkReport(result: RunResult, runs: number, replay: string): object {
  const { seed, verdict, failure, hash, simulatedSeconds, faults, schedule } = result;
  const broken = failure === undefined ? { faults: [] } : { at: failure.at, message: failure.message, profile: schedule.profile, faults: schedule.faults, replay };
  return { seed, verdict, hash, seeds: 1, simulatedSeconds: round(simulatedSeconds), injected: faults, runs, ...broken };
}

interface Totals {
  seeds: number;
  failed: number;
  undecided: number;
  /** Seeds in which the leader changed. */
  led: number;
  simulatedSeconds: number;
  events: number;
  verdict: string;
  hash: string;
  faults: Record<string, number>;
  coverage: Record<string, number>;
}

function add(total: Totals, result: RunResult): void {
  total.seeds++;
  if (result.failure !== undefined) total.failed++;
  if (total.verdict === 'ok') total.verdict = result.verdict;
  if (result.undecided > 0) total.undecided++;
  if (result.leaderChanges > 0) total.led++;
  total.simulatedSeconds += result.simulatedSeconds;
  total.events += result.events;
  // Of many seeds: a sum that any one of them changes.
  total.hash = total.hash === '' ? result.hash : ((BigInt(`0x${total.hash}`) * 31n + BigInt(`0x${result.hash}`)) & 0xffff_ffff_ffff_ffffn).toString(16).padStart(16, '0');
  for (const [kind, count] of Object.entries(result.faults)) total.faults[kind] = (total.faults[kind] ?? 0) + count;
  for (const [mark, count] of Object.entries(result.coverage)) total.coverage[mark] = (total.coverage[mark] ?? 0) + count;
}

function brief({ seed, verdict, failure, hash, simulatedSeconds, leaderChanges, calls, undecided }: RunResult): object {
  return { seed, verdict, hash, simulatedSeconds: round(simulatedSeconds), leaderChanges, calls, undecided, ...(failure === undefined ? {} : { at: failure.at, message: failure.message }) };
}

function lineOf({ seed, verdict, hash, simulatedSeconds, leaderChanges, calls, events, undecided }: RunResult, ms: number): string {
  const unknown = undecided === 0 ? '' : `, ${undecided} keys undecided`;
  return `seed ${seed} ${verdict} ${hash}: ${simulatedSeconds.toFixed(1)} s in ${(ms / 1000).toFixed(1)} s, ${events} events, ${leaderChanges} leader changes, ${calls.ok} calls done, ${calls.failed} refused, ${calls.unknown} of unknown outcome${unknown}`;
}

function sumUp(total: Totals, realSeconds: number): void {
  const of = (counts: Record<string, number>): string => Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ');
  say(`${total.verdict}: ${total.seeds} seeds, ${total.failed} failed, ${total.undecided} with undecided keys, a leader change in ${total.led}`);
  say(`${(total.simulatedSeconds / 3600).toFixed(2)} simulated hours, ${(total.simulatedSeconds / realSeconds).toFixed(0)} simulated seconds a second`);
  say(`faults: ${of(total.faults)}`);
  say(`sometimes: ${of(total.coverage)}`);
  const never = marks.filter((mark) => (total.coverage[mark] ?? 0) === 0);
  if (total.seeds >= 20 && never.length > 0) say(`never: ${never.join(', ')}`);
}

function describeFault({ at, kind, target, other, ms, amount, calls }: Fault): string {
  const where = target === 'leader' ? 'the leader' : `n${target + 1}`;
  return `[${String(at).padStart(6)}] ${kind} ${where} for ${ms} ms${amount === 0 ? '' : `, amount ${amount}`}${calls === 0 ? '' : `, at its call ${calls} of a port`} (other end +${other})`;
}

function replayOf(seed: number, { nemesis, nodes, seconds, durability }: Flags): string {
  const more = [
    ...(nodes === undefined ? [] : [`--nodes ${nodes}`]),
    ...(seconds === 30 ? [] : [`--seconds ${seconds}`]),
    ...(nemesis === undefined ? [] : [`--nemesis ${nemesis === 'labs' ? nemesis : nemesis.length === 0 ? 'none' : nemesis.join(',')}`]),
    ...(durability === 'fsync' ? [] : [`--durability ${durability}`]),
  ];
  return ['npx thole sim --seed', seed, ...more].join(' ');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(problem: string): void {
  process.stderr.write(`thole sim: ${problem}\n`);
  process.exitCode = usage;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
const jsonable = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

function parseWhole(text: string, low: number, high: number): number {
  // Number('') is 0.
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isInteger(value) || value < low || value > high) throw new InvalidArgumentError(`It is a whole number from ${low} to ${high}.`);
  return value;
}

export function parseSeed(text: string): number {
  return parseWhole(text, 0, Number.MAX_SAFE_INTEGER);
}

export function parseNodes(text: string): number {
  return parseWhole(text, 1, 9);
}

function parseRange(text: string): readonly [number, number] {
  const match = /^(\d+)\.\.(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It is written first..last, such as 1..1000.');
  const [first, last] = [parseSeed(match[1]!), parseSeed(match[2]!)];
  if (last < first) throw new InvalidArgumentError('The last seed lies before the first.');
  return [first, last];
}

export function parseNemesis(text: string): Nemeses {
  if (text === 'labs') return 'labs';
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    const found = faultClassNames.find((kind) => kind === name.trim());
    if (found === undefined) throw new InvalidArgumentError(`It is labs, none, or some of ${faultClassNames.join(', ')}.`);
    return found;
  });
}
