// The figures of docs/performance-linear.md: `npm run build && node bench/linear.mjs [CASE…]`. Every run is a process of its own,
// so that its peak memory is its own too; the table shows medians.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check, generateKv, generateRegister, modelOf, readHistory } from '../dist/face/linear.js';

const runs = 5;

// Each row: its title, its model, and a function that makes a history, a list of them, or a text in a format.
const cases = [
  ['100,000 operations, 100 keys, 20 clients', 'kv', () => generateKv({ seed: 1, clients: 20, keys: 100, operations: 100_000 })],
  ['the same with one stale read near the end', 'kv', () => spoil(generateKv({ seed: 1, clients: 20, keys: 100, operations: 100_000 }))],
  ['20,000 operations, 20 keys, 10 clients', 'kv', () => generateKv({ seed: 1, clients: 10, keys: 20, operations: 20_000 })],
  ['5,000 operations, 10 keys, one stale read', 'kv', () => spoil(generateKv({ seed: 1, clients: 10, keys: 10, operations: 5000 }))],
  ['kv log of 3,424 lines, 50 clients, with reading it', 'kv', () => toKvLog(generateKv({ seed: 1, clients: 50, keys: 10, operations: 1712 }))],
  ['the same with one stale read', 'kv', () => toKvLog(spoil(generateKv({ seed: 1, clients: 50, keys: 10, operations: 1712 })))],
  ['the whole map as one state, 10 clients, 1,700 operations', 'kv-map', () => generateKv({ seed: 1, clients: 10, keys: 10, operations: 1700 })],
  ['the same with one stale read', 'kv-map', () => spoil(generateKv({ seed: 1, clients: 10, keys: 10, operations: 1700 }))],
  ['102 histories of one register, 90 operations, with crashes', 'cas-register', () => Array.from({ length: 102 }, (_, seed) => generateRegister({ seed, clients: 5, operations: 90, crashRatio: 0.05 }))],
  ['one register, 100,000 operations, 20 clients at once', 'cas-register', () => generateRegister({ seed: 2, clients: 20, operations: 100_000 })],
];

const lastWord = (text) => text.slice(text.lastIndexOf('x'));
const line = (type, { client, input }, value) =>
  `{:process ${client}, :type :${type}, :f :${input.f}, :key "${input.key}", :value ${JSON.stringify(value) ?? 'nil'}}`;

/** Takes the last word from a read near the end that was called after that word had been acknowledged. */
function spoil(history) {
  const acknowledged = new Map(history.filter(({ input }) => input.f === 'append').map(({ input, return: at }) => [input.value, at]));
  const at = history.findIndex(({ input, output, call }, i) => i > 0.9 * history.length && input.f === 'get' && acknowledged.get(lastWord(output)) < call);
  const { output } = history[at];
  return history.with(at, { ...history[at], output: output.slice(0, output.length - lastWord(output).length) });
}

function toKvLog(history) {
  return history
    .flatMap((operation) => [
      { at: operation.call, text: line('invoke', operation, operation.input.value) },
      { at: operation.return, text: line('ok', operation, operation.output ?? operation.input.value) },
    ])
    .toSorted((a, b) => a.at - b.at)
    .map(({ text }) => text)
    .join('\n');
}

async function runOne(index) {
  const [, name, make] = cases[index];
  const made = make();
  const baseMb = process.resourceUsage().maxRSS / 1024;
  const started = performance.now();
  const read = typeof made === 'string' ? readHistory(made, 'kv-log', name) : made;
  let verdict = 'ok';
  let configurations = 0;
  for (const history of Array.isArray(read[0]) ? read : [read]) {
    const result = await check(modelOf(name), history, { timeoutMs: 120_000 });
    if (result.verdict !== 'ok') ({ verdict } = result);
    for (const partition of result.partitions) configurations += partition.configurations;
  }
  const ms = performance.now() - started;
  console.log(JSON.stringify({ verdict, configurations, ms, baseMb, peakMb: process.resourceUsage().maxRSS / 1024 }));
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

if (process.argv[2] === '--run') {
  await runOne(Number(process.argv[3]));
} else {
  console.log('| history | verdict | ms | configurations | peak MB (before the check) |\n|---|---|--:|--:|--:|');
  cases.forEach((row, index) => {
    const title = String(row[0]);
    if (process.argv.length > 2 && !process.argv.slice(2).includes(String(index))) return;
    const results = Array.from({ length: runs }, () => {
      const { stdout, stderr, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--run', String(index)], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      return JSON.parse(stdout);
    });
    const of = (field) => Math.round(median(results.map((result) => result[field])));
    console.log(`| ${title} | ${String(results[0].verdict)} | ${of('ms')} | ${new Intl.NumberFormat('en').format(of('configurations'))} | ${of('peakMb')} (${of('baseMb')}) |`);
  });
}
