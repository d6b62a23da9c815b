// Puts and linearizable gets through the native client against a fresh cluster of three processes, fsync on.
//
//   node bench/put.mjs [--seconds 5] [--value-size 256] [--base-port 26790]
//
// Servers and load share the machine. There is no reference system in this run: these figures compare with nothing
// but each other.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { connect } = await import(join(root, 'dist', 'face', 'index.js'));
const text = { type: 'string' };
const { values: flags } = parseArgs({ options: { seconds: text, 'value-size': text, 'base-port': text } });
const seconds = Number(flags.seconds ?? 5);
const value = new Uint8Array(Number(flags['value-size'] ?? 256)).fill(120);
const basePort = Number(flags['base-port'] ?? 26790);
const dir = mkdtempSync(join(tmpdir(), 'thole-bench-'));
const dev = spawn(process.execPath, [join(root, 'dist', 'face', 'cli', 'main.js'), 'dev', '--json', '--base-port', String(basePort), '--data-dir', dir], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => {
  dev.kill('SIGTERM');
});
await new Promise((resolve) => dev.stdout.on('data', (chunk) => String(chunk).includes('"ready"') && resolve()));

const endpoints = [0, 1, 2].map((at) => `127.0.0.1:${basePort + at}`);
const client = await connect({ endpoints, timeoutMs: 30_000 });
async function measure(name, inFlight, operation) {
  const latencies = [];
  const end = performance.now() + seconds * 1000;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async (_, lane) => {
      for (let n = 0; performance.now() < end; n++) {
        const started = performance.now();
        await operation(lane, n);
        latencies.push(performance.now() - started);
      }
    }),
  );
  const took = performance.now() - began;
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(latencies.length * share)].toFixed(2);
  console.log(`${name}, ${inFlight} in flight: ${Math.round((latencies.length / took) * 1000)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}
console.log(`load average ${loadavg()[0].toFixed(1)}, values of ${value.length} bytes, ${seconds} s each, one client`);
const put = (lane, n) => client.kv.put(`bench/${lane}/${n % 1000}`, value);
await measure('put', 64, put); // warm-up
for (const inFlight of [1, 64, 1000]) await measure('put', inFlight, put);
for (const inFlight of [1, 64, 1000]) await measure('linearizable get', inFlight, (lane) => client.kv.get(`bench/${lane}/0`));
await client.close();
dev.kill('SIGTERM');
await new Promise((resolve) => dev.once('exit', resolve));
rmSync(dir, { recursive: true, force: true });
process.exit(0);
