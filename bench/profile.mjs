// Where the time of an operation goes: a cluster of three processes and one client, CPU microseconds an operation by
// process, and by stage from a CPU profile of each.
//
//   node bench/profile.mjs [--seconds 4] [--value-size 256] [--base-port 26890] [--loads put:64,put:1000,get:64]
//                          [--no-profile] [--functions 0] [--node-flags "…"]
//
// CPU time, unlike wall time, says the same on a machine that others use as well. The profile itself costs some:
// --no-profile leaves it, and the stages, out.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { begin, end } from './profile-member.mjs';
import { keysOf } from './wire.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const text = { type: 'string' };
const { values: flags } = parseArgs({
  options: { seconds: text, 'value-size': text, 'base-port': text, loads: text, functions: text, 'node-flags': text, dist: text, 'no-profile': { type: 'boolean' } },
});
const dist = flags.dist ?? join(root, 'dist');
const { connect } = await import(join(dist, 'face', 'index.js'));
const seconds = Number(flags.seconds ?? 4);
const value = new Uint8Array(Number(flags['value-size'] ?? 256)).fill(120);
const basePort = Number(flags['base-port'] ?? 26890);
const withProfile = flags['no-profile'] !== true;
const loads = (flags.loads ?? 'put:64,put:1000,get:64').split(',').map((load) => load.split(':'));

/** First match counts. A frame of the profile is `file function`. */
const stages = [
  ['idle', /^ \(idle\)/],
  ['garbage collection', /^ \(garbage collector\)/],
  ['native code outside any function', /^ \((program|root)\)/],
  ['sockets: write', /writev?(Utf8String|Buffer|Generic)?$|afterWriteDispatched|onwrite|clearBuffer|cork|node\/tcp\.js (write|#flush|flush)/],
  ['sockets: read and the rest', /node:(net|internal\/stream|internal\/js_stream|stream|events|buffer|internal\/streams)|node\/tcp\.js/],
  ['hand-over to the sync worker', /node\/(disk|sync-worker)\.js|worker|messaging|MessagePort|postMessage|Atomics/],
  ['timers, promises, turns', /node:|node\/clock\.js|runMicrotasks|engine\/slice\.js/],
  ['crc32c', /wire\/crc32c/],
  ['log: encode and write', /engine\/log\//],
  ['frames', /wire\/frame\.js/],
  ['raft', /core\/raft\//],
  ['peers', /engine\/peers\//],
  ['KV: decode, encode', /core\/kv\/(command|request-codec|request)\.js|wire\/codec\.js/],
  ['KV: sessions', /core\/kv\/session\.js/],
  ['KV: map', /core\/kv\/ordered-map\.js|core\/bytes\.js/],
  ['KV: apply, read', /core\/kv\//],
  ['replica: intake, batches, barriers', /engine\/replica\//],
  ['native server', /engine\/native\//],
  ['client', /engine\/client\//],
  ['member', /engine\/|face\//],
  ['driver', /bench\//],
  ['other', /./],
];
function stageOf({ url, functionName }) {
  const place = `${url.startsWith('file:') ? url.slice(url.indexOf('/dist/') >= 0 ? url.indexOf('/dist/') + 6 : url.indexOf('/bench/') + 1) : url} ${functionName}`;
  return { place, stage: stages.find(([, pattern]) => pattern.test(place))[0] };
}

const dir = mkdtempSync(join(tmpdir(), 'thole-profile-'));
const endpoints = [0, 1, 2].map((at) => `127.0.0.1:${basePort + at}`);
const members = endpoints.map((endpoint, at) => {
  const name = `n${at + 1}`;
  const child = spawn(
    process.execPath,
    [
      ...(flags['node-flags'] ?? '').split(' ').filter(Boolean), '--import', join(root, 'bench', 'profile-member.mjs'),
      join(dist, 'face', 'cli', 'main.js'), 'serve', '--name', name, '--data-dir', join(dir, name), '--listen', endpoint,
      '--initial-cluster', endpoints.map((each, i) => `n${i + 1}=${each}`).join(','), '--log-level', 'warn',
    ],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' },
  );
  return { name, endpoint, process: child };
});
process.on('exit', () => {
  for (const { process: member } of members) member.kill('SIGKILL');
});
const told = (member, message) =>
  new Promise((resolve) => {
    member.process.once('message', resolve);
    member.process.send(message);
  });

const client = await connect({ endpoints, timeoutMs: 30_000 });
async function drive(operation, inFlight, ms) {
  let count = 0;
  const latencies = [];
  const until = performance.now() + ms;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async (_, lane) => {
      for (let n = 0; performance.now() < until; n++) {
        const started = performance.now();
        await operation(lane, n, inFlight);
        latencies.push(performance.now() - started);
        count++;
      }
    }),
  );
  latencies.sort((a, b) => a - b);
  return { count, took: performance.now() - began, p50: latencies[count >> 1], p99: latencies[Math.floor(count * 0.99)] };
}
const keys = keysOf(10_000).map(String);
const operations = {
  put: (lane, n, inFlight) => client.kv.put(keys[(lane + n * inFlight) % keys.length], value),
  get: (lane, n, inFlight) => client.kv.get(keys[(lane + n * inFlight) % keys.length]),
};
const leads = async (member) => /^thole_is_leader 1$/m.test(await (await fetch(`http://${member.endpoint}/metrics`)).text().catch(() => ''));
await drive(operations.put, 64, 3000);
for (const member of members) member.leads = await leads(member);
const ordered = members.toSorted((a, b) => Number(b.leads) - Number(a.leads));
const rows = [['leader', ordered[0]], ['follower', ordered[1]], ['follower', ordered[2]], ['client', undefined]];
console.log(`load average ${loadavg()[0].toFixed(1)}, values of ${value.length} bytes, ${seconds} s each, profile ${withProfile ? 'on' : 'off'}`);
for (const [operation, inFlight] of loads) {
  await drive(operations[operation], Number(inFlight), 1000);
  await Promise.all(members.map((member) => told(member, { measure: 'begin', profile: withProfile })));
  await begin(withProfile);
  const { count, took, p50, p99 } = await drive(operations[operation], Number(inFlight), seconds * 1000);
  const own = await end();
  const figures = await Promise.all(rows.map(async ([, member]) => (member === undefined ? own : (await told(member, { measure: 'end' })).figures)));
  console.log(`\n## ${operation}, ${inFlight} in flight: ${Math.round((count / took) * 1000)}/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
  console.log('CPU µs an operation: ' + rows.map(([role], at) => `${role} ${(figures[at].cpuUs / count).toFixed(1)} (system ${(figures[at].systemUs / count).toFixed(1)}, GC ${(figures[at].gcUs / count).toFixed(1)}, longest pause ${(figures[at].gcMaxUs / 1000).toFixed(1)} ms, RSS ${(figures[at].rss / 2 ** 20).toFixed(0)} MB)`).join('; '));
  console.log(`sum ${(figures.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / count).toFixed(1)}`);
  if (!withProfile) continue;
  const table = new Map();
  const functions = rows.map(() => new Map());
  for (const [at, { profile }] of figures.entries()) {
    const byId = new Map(profile.nodes.map((node) => [node.id, stageOf(node.callFrame)]));
    for (const [i, id] of profile.samples.entries()) {
      const { place, stage } = byId.get(id);
      if (stage === 'idle') continue;
      const cells = table.get(stage) ?? rows.map(() => 0);
      cells[at] += profile.timeDeltas[i] ?? 0;
      table.set(stage, cells);
      functions[at].set(place, (functions[at].get(place) ?? 0) + (profile.timeDeltas[i] ?? 0));
    }
  }
  console.log(`\n| stage, µs an operation on the main thread | leader | follower | client |\n|---|--:|--:|--:|`);
  const line = (cells) => [cells[0], (cells[1] + cells[2]) / 2, cells[3]].map((cell) => (cell / count).toFixed(2)).join(' | ');
  for (const [stage] of stages) if (table.has(stage)) console.log(`| ${stage} | ${line(table.get(stage))} |`);
  console.log(`| **all** | ${line([...table.values()].reduce((sum, cells) => sum.map((cell, at) => cell + cells[at]), [0, 0, 0, 0]))} |`);
  for (const at of [0, 1, 3]) {
    const top = [...functions[at]].toSorted((a, b) => b[1] - a[1]).slice(0, Number(flags.functions ?? 0));
    if (top.length > 0) console.log(`\n${rows[at][0]}:\n` + top.map(([place, us]) => `  ${(us / count).toFixed(2)}  ${place}`).join('\n'));
  }
}
await client.close();
for (const { process: member } of members) member.kill('SIGTERM');
await Promise.all(members.map(({ process: member }) => new Promise((resolve) => (member.exitCode === null && member.signalCode === null ? member.once('exit', resolve) : resolve()))));
rmSync(dir, { recursive: true, force: true });
process.exit(0);
