// The storm: real processes, writers that append through the native client, members killed with -9 at random, the
// leader most of all, and once all of them at the same moment. Afterwards every acknowledged write must be there
// exactly once, in one order on every member, and every other one once or not at all.
//
//   node scripts/storm.mjs [--seconds 60] [--writers 16] [--keys 4] [--members 3] [--base-port 24790] [--seed N] [--keep]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { connect } = await import(join(root, 'dist', 'face', 'index.js'));
const { nextBelow, seedRandom } = await import(join(root, 'dist', 'core', 'random.js'));

const text = { type: 'string' };
const { values: flags } = parseArgs({ options: { seconds: text, writers: text, keys: text, members: text, 'base-port': text, seed: text, keep: { type: 'boolean' } } });
const seconds = Number(flags.seconds ?? 60);
const writerCount = Number(flags.writers ?? 16);
const keyCount = Number(flags.keys ?? 4);
const memberCount = Number(flags.members ?? 3);
const basePort = Number(flags['base-port'] ?? 24790);
const seed = Number(flags.seed ?? Date.now() % 1_000_000);
const random = seedRandom(seed);
const dir = mkdtempSync(join(tmpdir(), 'thole-storm-'));
const endpoints = Array.from({ length: memberCount }, (_, at) => `127.0.0.1:${basePort + at}`);
const cluster = endpoints.map((endpoint, at) => `n${at + 1}=${endpoint}`).join(',');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const children = new Map();
let over = false;
function start(at) {
  const args = [join(root, 'dist', 'face', 'cli', 'main.js'), 'serve', '--name', `n${at + 1}`, '--data-dir', join(dir, `n${at + 1}`), '--listen', endpoints[at],
    '--initial-cluster', cluster, '--initial-cluster-token', 'storm', '--log-level', 'warn', '--snapshot-log-bytes', '2000000', '--segment-bytes', '1000000'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'], env: { ...process.env, THOLE_PARENT_PIPE: '1' } });
  child.stdin.on('error', () => undefined);
  children.set(at, child);
  child.once('exit', (code, signal) => {
    if (over || signal === 'SIGKILL') return;
    console.error(`storm: n${at + 1} ended by itself with exit code ${code}`);
    process.exitCode = 1;
  });
}
function kill(at) {
  children.get(at)?.kill('SIGKILL');
}
process.on('exit', () => {
  for (const child of children.values()) child.kill('SIGKILL');
  if (!flags.keep) rmSync(dir, { recursive: true, force: true });
});

console.log(`storm: ${seconds} s, ${writerCount} writers, ${keyCount} keys, ${memberCount} members, seed ${seed}`);
for (let at = 0; at < memberCount; at++) start(at);
const client = await connect({ endpoints, timeoutMs: 20_000 });
await client.kv.put('storm/begun', 'yes');

const acknowledged = new Set();
const unknown = new Set();
const attempted = new Set();
let ackCount = 0;
let stop = false;
const waitingForAck = [];
async function writer(id) {
  const own = await connect({ endpoints, timeoutMs: 20_000 });
  for (let n = 0; !stop; n++) {
    const token = `${id}.${n};`;
    attempted.add(token);
    try {
      await own.kv.append(`storm/${nextBelow(random, keyCount)}`, token);
      acknowledged.add(token);
      ackCount++;
      for (const resolve of waitingForAck.splice(0)) resolve();
    } catch (error) {
      unknown.add(token);
      if (!['TIMEOUT', 'UNAVAILABLE', 'SESSION_EXPIRED', 'TOO_LARGE'].includes(error.code)) console.error('storm: a writer got', error.message);
    }
  }
  await own.close();
}
const nextAck = () => new Promise((resolve) => waitingForAck.push(resolve));
async function leaderAt() {
  for (let tries = 0; tries < 200; tries++) {
    for (let at = 0; at < memberCount; at++) {
      const status = await client.status(endpoints[at], { timeoutMs: 200 }).catch(() => undefined);
      if (status?.role === 'leader' && status.leader === status.member) return at;
    }
    await sleep(20);
  }
  throw new Error('no leader in time');
}

/** All members serve again: a failover is measured with a quorum left, not by how fast a process starts. */
async function everybodyServes() {
  for (let tries = 0; tries < 400; tries++) {
    const answers = await Promise.all(endpoints.map((endpoint) => client.status(endpoint, { timeoutMs: 300 }).catch(() => undefined)));
    if (answers.every((status) => status !== undefined && status.leader !== 0)) return;
    await sleep(20);
  }
}

const writers = Array.from({ length: writerCount }, (_, id) => writer(id));
const failovers = [];
const began = performance.now();
const end = began + seconds * 1000;
let leaderKills = 0;
let otherKills = 0;
let allKilled = 0;
await sleep(500);
while (performance.now() < end || leaderKills < 5 || allKilled === 0) {
  await everybodyServes();
  const half = performance.now() > began + seconds * 500;
  if (half && allKilled === 0) {
    for (let at = 0; at < memberCount; at++) kill(at);
    allKilled++;
    await sleep(100);
    for (let at = 0; at < memberCount; at++) start(at);
    await nextAck();
  } else if (leaderKills < 5 || nextBelow(random, 10) < 7) {
    const at = await leaderAt();
    const killed = performance.now();
    kill(at);
    leaderKills++;
    // What was acknowledged in the same instant does not count: the first write that needs the next leader does.
    await sleep(20);
    await nextAck();
    failovers.push(performance.now() - killed);
    await sleep(nextBelow(random, 300));
    start(at);
  } else {
    const at = nextBelow(random, memberCount);
    kill(at);
    otherKills++;
    await sleep(nextBelow(random, 400));
    start(at);
  }
  await sleep(300 + nextBelow(random, 500));
}
stop = true;
await Promise.all(writers);

// Everybody back, everybody at the same index.
let statuses = [];
for (let tries = 0; tries < 400; tries++) {
  statuses = await Promise.all(endpoints.map((endpoint) => client.status(endpoint, { timeoutMs: 500 }).catch(() => undefined)));
  if (statuses.every((status) => status !== undefined && status.appliedIndex === statuses[0].appliedIndex)) break;
  await sleep(50);
}
let wrong = 0;
const complain = (what) => {
  wrong++;
  if (wrong <= 20) console.error(`storm: ${what}`);
};
if (new Set(statuses.map((status) => status?.digest)).size !== 1) complain(`digests differ: ${statuses.map((status) => `${status?.name} ${status?.digest} at ${status?.appliedIndex}`).join(', ')}`);

const values = [];
for (const endpoint of endpoints) {
  const one = await connect({ endpoints: [endpoint], timeoutMs: 10_000 });
  const { kvs } = await one.kv.range('storm/', { prefix: true, consistency: 'local' });
  await one.close();
  values.push(kvs.map(({ key, value }) => `${Buffer.from(key)}=${Buffer.from(value)}`).join('\n'));
}
for (const [at, value] of values.entries()) if (value !== values[0]) complain(`${endpoints[at]} holds another order than ${endpoints[0]}`);
const counts = new Map();
for (const line of values[0].split('\n')) {
  if (line.startsWith('storm/begun')) continue;
  for (const token of line.slice(line.indexOf('=') + 1).split(';')) if (token !== '') counts.set(`${token};`, (counts.get(`${token};`) ?? 0) + 1);
}
for (const token of acknowledged) if (counts.get(token) !== 1) complain(`${token} was acknowledged and is there ${counts.get(token) ?? 0} times`);
for (const [token, count] of counts) {
  if (count > 1) complain(`${token} is there ${count} times`);
  if (!attempted.has(token)) complain(`${token} was never written`);
}
over = true;
await client.close();
const sorted = failovers.toSorted((a, b) => a - b);
console.log(
  `storm: ${ackCount} acknowledged, ${unknown.size} of unknown outcome, ${leaderKills} leaders, ${otherKills} others and ${allKilled} times all killed; ` +
    `failover ms median ${sorted[sorted.length >> 1]?.toFixed(0)}, worst of ${sorted.length} ${sorted.at(-1)?.toFixed(0)}`,
);
console.log(wrong === 0 && !process.exitCode ? 'storm: ok' : `storm: ${wrong} violations; replay the schedule with --seed ${seed}`);
process.exit(wrong === 0 ? (process.exitCode ?? 0) : 1);
