// `npm run bench -- put|get|table`: Thole under load, beside etcd if asked. How to read it: docs/performance.md.
import { rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { drive, etcdVersion, freshDirectory, startEtcd, startThole } from './systems.mjs';
import { etcdRate, verdict } from './verdict.mjs';

const whole = (least, most) => (text) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed`);
  return value;
};

const common = (command) =>
  command
    .option('--seconds <S>', 'measured time of each run', whole(1, 3600), 5)
    .option('--warmup <S>', 'time before it that is not counted', whole(0, 3600), 5)
    .option('--rounds <N>', 'how often, each on fresh clusters', whole(1, 99), 3)
    .option('--base-port <PORT>', 'the first of the ports used', whole(1024, 65000), 26790)
    .option('--data-dir <DIR>', 'where the data lies, a disk', tmpdir())
    .exitOverride()
    .showHelpAfterError('(see npm run bench -- --help)');

const operation = (name, description) =>
  common(new Command(name).description(description))
    .option('--clients <N>', 'callers', whole(1, 100_000), 64)
    .option('--pipeline <P>', 'operations each caller keeps in flight', whole(1, 10_000), 1)
    .option('--value-size <B>', 'bytes of a value', whole(1, 1 << 20), 256)
    .addOption(new Option('--protocol <P>', 'how Thole is spoken to').choices(['native', 'grpc']).default('native'))
    .addOption(new Option('--members <N>', 'members of each cluster').choices(['1', '3', '5']).default('3'))
    .addOption(new Option('--against <SYSTEM>', 'what to run in alternation').choices(['etcd']))
    .option('--connections <N>', 'connections that carry the callers (at most one each)', whole(1, 1000))
    .addOption(new Option('--target <WHERE>', 'members that gRPC sessions go to').choices(['leader', 'all']).default('leader'))
    .option('--json', 'the last line is the result as one JSON object')
    .action(async (flags) => {
      const row = await measure(name, { ...flags, members: Number(flags.members) });
      if (flags.json) console.log(JSON.stringify(published(row)));
    });

const rows = [
  ['put', 1, 'native'], ['put', 64, 'native'], ['put', 1000, 'native'], ['get', 64, 'native'], ['put', 64, 'grpc'], ['put', 1000, 'grpc'], ['get', 64, 'grpc'],
  ['get', 1000, 'grpc'],
];

const table = () =>
  common(new Command('table').description('the rows of docs/performance.md, in Markdown')).action(async (flags) => {
    const lines = [];
    for (const [name, clients, protocol] of rows) {
      const line = `| ${name}, ${clients} in flight, ${protocol}`;
      try {
        const { result, load } = await measure(name, { ...flags, clients, protocol, pipeline: 1, valueSize: 256, members: 3, against: 'etcd', target: 'leader' });
        const { thole, reference, ratio, reasons } = result;
        const cells = ({ opsPerSecond, p50Ms, p99Ms, serverCpuUsPerOp }) => `${Math.round(opsPerSecond)} | ${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)} | ${Math.round(serverCpuUsPerOp)}`;
        lines.push(`${line} | ${cells(thole)} | ${cells(reference)} | ${ratio === null ? `client-bound: ${reasons.join('; ')}` : ratio.toFixed(2)} | ${load} |`);
      } catch (error) {
        process.exitCode = 1;
        lines.push(`${line} | failed: ${error.message} | | | | | | | |`);
      }
    }
    console.log('\n| load | Thole/s | p50 / p99 ms | server µs/op | etcd/s | p50 / p99 ms | server µs/op | ratio | load average |\n|---|---|---|---|---|---|---|---|---|');
    console.log(lines.join('\n'));
  });

async function once(startSystem, driver, flags, given) {
  const directory = freshDirectory(flags.dataDir);
  let system;
  try {
    system = await startSystem({ members: flags.members, basePort: flags.basePort, directory });
    const endpoints = driver === 'grpc' && flags.target === 'leader' ? [system.leader] : system.endpoints;
    return await drive(system, driver, { ...given, endpoints });
  } finally {
    await system?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(name, flags) {
  const inFlight = flags.clients * flags.pipeline;
  const load = { operation: name, inFlight, members: flags.members, valueSize: flags.valueSize };
  const given = (byDefault) => ({
    ...load, warmupSeconds: flags.warmup, seconds: flags.seconds, keys: 10_000, connections: Math.min(flags.connections ?? byDefault, flags.clients),
  });
  const version = flags.against === 'etcd' ? etcdVersion() : undefined;
  const average = loadavg()[0].toFixed(1);
  const native = given(2);
  const grpc = given(2);
  const ours = flags.protocol === 'native' ? native : grpc;
  console.log(`\n${name}, ${flags.clients} × ${flags.pipeline} in flight, values of ${flags.valueSize} bytes, ${flags.members} members, load average ${average}`);
  console.log(`thole: ${flags.protocol}, ${ours.connections} connections${version ? `; etcd ${version}: gRPC, ${grpc.connections} connections to ${flags.target}` : ''}`);
  const rounds = [];
  for (let at = 1; at <= flags.rounds; at++) {
    const round = { thole: await once(startThole, flags.protocol, flags, ours) };
    print(`${at} thole`, round.thole);
    if (version) {
      round.reference = await once(startEtcd, 'grpc', flags, grpc);
      print(`${at} etcd `, round.reference);
    }
    rounds.push(round);
  }
  const result = verdict(rounds, load);
  print('= thole', result.thole);
  if (result.reference) {
    print('= etcd ', result.reference);
    if (etcdRate(load) === undefined) console.log('etcd’s rate under this load is not known: whether the driver holds it back is judged by its CPU alone');
    if (result.clientBound) console.log(`client-bound, no ratio: ${result.reasons.join('; ')}`);
    else console.log(`ratio ${result.ratio.toFixed(2)} (rounds ${result.ratios.map((each) => each.toFixed(2)).join(', ')})`);
  } else if (result.clientBound) console.log(`client-bound: ${result.reasons.join('; ')}`);
  return { result, rounds, load: average };
}

function print(name, run) {
  const percent = (share) => `${Math.round(share * 100)} %`;
  console.log(
    `${name}: ${Math.round(run.opsPerSecond)}/s, p50 ${run.p50Ms.toFixed(2)} ms, p99 ${run.p99Ms.toFixed(2)} ms, server ${run.serverCpuUsPerOp.toFixed(1)} µs/op, ` +
      `RSS ${Math.round(run.rssMb)} MB, driver ${percent(run.driverShare)} of the CPU used, steal ${percent(run.stealShare)}`,
  );
}

function published({ result, rounds }) {
  const face = (run) => run && { opsPerSecond: run.opsPerSecond, p50Ms: run.p50Ms, p99Ms: run.p99Ms, serverCpuUsPerOp: run.serverCpuUsPerOp, rssMb: run.rssMb };
  return {
    thole: face(result.thole),
    reference: face(result.reference),
    ratio: result.ratio,
    rounds: rounds.map((round, at) => ({ thole: face(round.thole), reference: face(round.reference ?? null), ratio: result.ratios[at] })),
    clientBound: result.clientBound,
  };
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
const program = new Command('bench')
  .description('load on a fresh cluster of real processes, fsync on, in alternation with etcd if asked')
  .exitOverride()
  .addCommand(operation('put', 'writes'))
  .addCommand(operation('get', 'linearizable reads of one key'))
  .addCommand(table());
program.parseAsync().catch((error) => {
  if (!(error instanceof CommanderError)) console.error(`Error: ${error.message}`);
  process.exit(error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : 1);
});
