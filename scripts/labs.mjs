// `npm run labs`: every lab scenario once, in virtual time, and a table of what each used beside the labs' limits and
// what an earlier system used for the same story (one run of each, on two cores, in real seconds).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** seconds, RPCs, commands or operations. */
const earlier = {
  '2A InitialElection': [3.1, 96, 0], '2A ReElection': [4.5, 190, 0],
  '2B BasicAgree': [0.6, 32, 3], '2B FailAgree': [5.6, 180, 8], '2B FailNoAgree': [3.5, 292, 3], '2B ConcurrentStarts': [0.7, 16, 6],
  '2B Rejoin': [4, 220, 4], '2B Backup': [18.6, 2400, 102], '2B Count': [2.2, 66, 12],
  '2C Persist1': [3.3, 320, 6], '2C Persist2': [15.1, 2620, 16], '2C Persist3': [1.7, 70, 4], '2C Figure8': [33.2, 63_152, 27],
  '2C UnreliableAgree': [3.6, 228, 246], '2C Figure8Unreliable': [31.8, 4592, 936], '2C ReliableChurn': [16.2, 1824, 365], '2C UnreliableChurn': [16.3, 1980, 473],
  '3A Basic': [15.3, 2090, 248], '3A Concurrent': [16, 3777, 1231], '3A Unreliable': [16.4, 3137, 853], '3A UnreliableOneKey': [1.4, 162, 52],
  '3A OnePartition': [2.6], '3A ManyPartitionsOneClient': [22.6, 5936, 235], '3A ManyPartitionsManyClients': [23.4, 8785, 1234],
  '3A PersistOneClient': [19.1, 7862, 248], '3A PersistConcurrent': [20.5, 8989, 1166], '3A PersistConcurrentUnreliable': [20.9, 6883, 855],
  '3A PersistPartition': [27.3, 15_483, 1021], '3A PersistPartitionUnreliable': [27.6, 8040, 631], '3A PersistPartitionUnreliableLinearizable': [26.6, 16_149, 1304],
  '3B SnapshotRPC': [6.1, 2006, 63], '3B SnapshotSize': [49.2, 4214, 800], '3B SnapshotRecover': [19.4, 8036, 246], '3B SnapshotRecoverManyClients': [22.9, 16_521, 4856],
  '3B SnapshotUnreliable': [16.9, 3175, 827], '3B SnapshotUnreliableRecover': [20.6, 6671, 822],
  '3B SnapshotUnreliableRecoverConcurrentPartition': [28.2, 7689, 642], '3B SnapshotUnreliableRecoverConcurrentPartitionLinearizable': [25.5, 14_576, 642],
  'rpc Benchmark': [9.5, 100_000, 100_000],
};

/** The course's tests by the suites they are in there; a test here has its name as the beginning of its title. */
const classic = {
  'the labs: codec': ['GOB', 'Capital', 'Default'],
  'the labs: rpc': ['Basic', 'Types', 'Disconnect', 'Counts', 'ConcurrentMany', 'Unreliable', 'ConcurrentOne', 'Regression1', 'Killed', 'Benchmark'],
  'raft 2A:': ['InitialElection', 'ReElection'],
  'raft 2B:': ['BasicAgree', 'FailAgree', 'FailNoAgree', 'ConcurrentStarts', 'Rejoin', 'Backup', 'Count'],
  'raft 2C:': ['Persist1', 'Persist2', 'Persist3', 'Figure8', 'UnreliableAgree', 'Figure8Unreliable', 'ReliableChurn', 'UnreliableChurn'],
  'kv 3A:': [
    'Basic', 'Concurrent', 'Unreliable', 'UnreliableOneKey', 'OnePartition', 'ManyPartitionsOneClient', 'ManyPartitionsManyClients', 'PersistOneClient',
    'PersistConcurrent', 'PersistConcurrentUnreliable', 'PersistPartition', 'PersistPartitionUnreliable', 'PersistPartitionUnreliableLinearizable',
  ],
  'kv 3B:': [
    'SnapshotRPC', 'SnapshotSize', 'SnapshotRecover', 'SnapshotRecoverManyClients', 'SnapshotUnreliable', 'SnapshotUnreliableRecover',
    'SnapshotUnreliableRecoverConcurrentPartition', 'SnapshotUnreliableRecoverConcurrentPartitionLinearizable',
  ],
};
const of2025 = {
  'the labs: rpc': ['Bytes (2025)'],
  'raft 3A of 2025:': ['ManyElections'],
  'raft 3B of 2025:': ['RPCBytes'],
  'raft 3D of 2025': ['SnapshotBasic', 'SnapshotInstall', 'SnapshotInstallUnreliable', 'SnapshotInstallCrash', 'SnapshotInstallUnCrash', 'SnapshotAllCrash', 'SnapshotInit'],
  'kv 4B of 2025:': ['Speed'],
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = mkdtempSync(join(tmpdir(), 'thole-labs-'));
const table = join(out, 'table.ndjson');
const report = join(out, 'report.json');
const started = performance.now();
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'scenario', 'test/scenario/labs', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, THOLE_LABS_TABLE: table } },
);
const seconds = (performance.now() - started) / 1000;
const rows = existsSync(table) ? readFileSync(table, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
const told = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(({ assertionResults }) => assertionResults) : [];
rmSync(out, { recursive: true, force: true });
if (rows.length === 0) console.error('no scenario left a figure');
rows.sort((a, b) => (a.name < b.name ? -1 : 1));

const cells = [['scenario', 'virtual s', 'peers', 'RPCs', 'bytes', 'ops', 'real s', 'limits', 'earlier: s / RPCs / ops']];
for (const row of rows) {
  const limits = row.limits.filter(({ what }) => what !== 's').map(({ what, is, most }) => `${Number(is.toFixed(1))} of ${most} ${what}`).join(', ');
  const before = (earlier[row.name] ?? ['–']).join(' / ');
  cells.push([row.name, row.seconds.toFixed(1), row.peers, row.rpcs, row.bytes, row.ops, (row.realMs / 1000).toFixed(2), limits, before].map(String));
}
const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
for (const row of cells) console.log(row.map((cell, column) => (column === 0 || column > 6 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ').trimEnd());
const simulated = rows.reduce((sum, row) => sum + row.seconds, 0);
const own = rows.reduce((sum, row) => sum + row.realMs, 0) / 1000;
console.log(`${rows.length} rows, ${simulated.toFixed(0)} simulated seconds in ${own.toFixed(1)} s; ${seconds.toFixed(1)} s with the runner`);
const left = [notPassed(classic, 'tests of the classic edition'), notPassed(of2025, 'of what the 2025 edition added')];
// Whoever asks for some of them has not asked for the rest.
process.exit(status || (rows.length === 0 || (process.argv.length === 2 && left.some((names) => names.length > 0)) ? 1 : 0));

/** A test passed if there is one with its title, and all that have it passed: skipped is not passed. */
function notPassed(suites, what) {
  const all = Object.entries(suites).flatMap(([suite, names]) => names.map((name) => `${suite} ${name}`));
  const missing = all.filter((name) => {
    const found = told.filter(({ fullName }) => fullName === name || fullName.startsWith(`${name}:`));
    return found.length === 0 || found.some(({ status }) => status !== 'passed');
  });
  console.log(`${all.length - missing.length} of ${all.length} ${what} passed${missing.length > 0 ? `; not: ${missing.join(', ')}` : ''}`);
  return missing;
}
