// The state machine alone: CPU microseconds a put, entry by entry, in one process without disk or network.
//
//   node bench/apply.mjs [--keys 64000] [--batch 30] [--value-size 256] [--puts 600000] [--compact 0]
import { parseArgs } from 'node:util';
import { PerformanceObserver } from 'node:perf_hooks';
import { Kv, encodeBatch, encodeCommand } from '../dist/core/kv/index.js';

const number = (fallback) => ({ type: 'string', default: String(fallback) });
const { values: flags } = parseArgs({ options: { keys: number(64_000), batch: number(30), 'value-size': number(256), puts: number(600_000), compact: number(0) } });
const [keys, batch, valueSize, puts, compact] = ['keys', 'batch', 'value-size', 'puts', 'compact'].map((name) => Number(flags[name]));

let gcMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) gcMs += duration;
}).observe({ entryTypes: ['gc'] });

const kv = new Kv();
let index = 0;
const apply = (payload) => {
  const application = kv.apply(++index, 1, payload);
  while (!application.step(500));
  return application.replies;
};
apply(encodeBatch(1, [encodeCommand({ type: 'openSession', id: 7, ttlMs: 60_000 })]));
const encoder = new TextEncoder();
let sequence = 0;
function payload() {
  const commands = [];
  for (let i = 0; i < batch; i++) {
    sequence++;
    // Lanes as a client's callers are: the k-th writes its own thousand keys in turn.
    const key = encoder.encode(`bench/${sequence % (keys / 1000)}/${Math.floor(sequence / (keys / 1000)) % 1000}`);
    const value = new Uint8Array(valueSize).fill(sequence);
    commands.push(encodeCommand({ type: 'write', session: 7, sequence, lowest: Math.max(1, sequence - 64), request: { type: 'put', key, value } }));
  }
  return encodeBatch(1000 + sequence, commands);
}
let cpuUs = 0;
let done = 0;
const round = Math.min(3000, Math.ceil(puts / batch));
while (done < puts) {
  const payloads = Array.from({ length: round }, payload);
  const before = process.cpuUsage();
  for (const each of payloads) apply(each);
  const { user, system } = process.cpuUsage(before);
  cpuUs += user + system;
  done += round * batch;
  if (compact > 0) apply(encodeBatch(1000 + sequence, [encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'compact', revision: kv.revision } })]));
}
await new Promise((resolve) => setTimeout(resolve, 10));
globalThis.gc?.();
const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
const mb = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
console.log(`batches of ${batch}, ${keys} keys, ${valueSize} B: ${(cpuUs / done).toFixed(2)} µs CPU a put; collector ${((gcMs * 1000) / done).toFixed(2)} µs of wall time (making the input included); RSS ${mb(rss)}, heap ${mb(heapUsed)}, external ${mb(external)}, buffers ${mb(arrayBuffers)}; digest ${kv.digest().digest}`);
