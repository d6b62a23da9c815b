// Reed–Solomon: every kernel beside ISA-L, pair by pair in one run. GB/s are 10⁹ bytes of data per second: medians of
// a round, the better of interleaved rounds.
//   node bench/erasure.mjs [--quick] [--workers]     after a build; --workers: only those; ISA-L: apt-get install libisal-dev, and a C compiler
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { adaptiveKernel, emittedKernel, nibbleKernel, ReedSolomon, tableKernel } from '../dist/core/erasure/index.js';
import { workerCoder } from '../dist/node/erasure-workers.js';

const quick = process.argv.includes('--quick');
const shapes = [[4, 2], [10, 4], [17, 3]];
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function rate(bytes, runs, work) {
  const times = [];
  for (let run = -2; run < runs; run++) {
    const start = performance.now();
    work();
    if (run >= 0) times.push(performance.now() - start);
  }
  return bytes / median(times) / 1e6;
}

function compileIsal() {
  const program = join(mkdtempSync(join(tmpdir(), 'thole-bench-')), 'isal');
  const built = spawnSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'erasure-isal.c'), '-lisal'], { encoding: 'utf8' });
  if (built.status === 0) return program;
  console.log(`\n*** SKIPPED: ISA-L is not here (apt-get install libisal-dev and a C compiler), so no ratio to it is measured ***\n${built.stderr ?? built.error}`);
  return undefined;
}

const kernels = !process.argv.includes('--workers');
const isal = kernels ? compileIsal() : undefined;

function isalRates(code, length, stride, runs) {
  if (isal === undefined) return [NaN, NaN];
  const encode = code.matrix.pick(range(code.data, code.total)).cells;
  const decode = code.decoder(range(code.parity, code.total), range(0, code.parity)).cells;
  const words = [code.data, code.parity, length, stride, runs, ...encode, ...decode].map(String);
  return execFileSync(isal, words, { encoding: 'utf8' }).trim().split(' ').map(Number);
}

function fill(shards) {
  for (const [i, shard] of shards.entries()) for (let x = 0; x < shard.length; x++) shard[x] = x * 7 + i * 31 + (x >> 8) * 13;
}

/** Resident and copied rates of one kernel. */
function rates(kernel, [data, parity], length, runs) {
  const code = new ReedSolomon(data, parity, { kernel });
  const bytes = data * length;
  const stripe = code.stripe(length);
  fill(stripe.shards);
  const encode = rate(bytes, runs, () => code.encodeStripe(stripe));
  const lost = range(0, parity);
  const left = range(parity, code.total);
  const reconstruct = rate(bytes, runs, () => code.rebuildStripe(stripe, left, lost));
  return { code, stripe, encode, reconstruct };
}

function copied(kernel, [data, parity], length, runs) {
  const code = new ReedSolomon(data, parity, { kernel });
  const shards = range(0, data + parity).map(() => Buffer.alloc(length, 1));
  return rate(data * length, runs, () => code.encode(shards));
}

const f = (value, digits = 2) => (Number.isNaN(value) ? '–' : value.toFixed(digits));
console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}\n`);
if (kernels) {
  console.log('| shards | encode | rebuild m | copied in and out | nibble tables | plain tables | ISA-L encode / rebuild | × plain | % of ISA-L encode / rebuild |');
  console.log('|---|---|---|---|---|---|---|---|---|');
}
for (const length of !kernels ? [] : quick ? [1 << 20] : [1 << 20, 64 << 20]) {
  for (const shape of shapes) {
    const big = length > 1 << 20;
    const runs = big ? 5 : 41;
    // Native, emitted, native, emitted …: a neighbour's load falls on both. The best round of each is compared.
    const rounds = range(0, big ? 2 : 5).map(() => {
      const own = rates(emittedKernel, shape, length, runs);
      return { own, native: isalRates(own.code, length, own.stripe.stride, runs) };
    });
    const best = (pick) => Math.max(...rounds.map(pick));
    const encode = best(({ own }) => own.encode);
    const reconstruct = best(({ own }) => own.reconstruct);
    const native = [best((r) => r.native[0]), best((r) => r.native[1])];
    const through = copied(adaptiveKernel, shape, length, runs);
    const nibbles = rates(nibbleKernel, shape, 1 << 20, 11).encode;
    const plain = rates(tableKernel, shape, 1 << 20, 3).encode;
    const ratio = (a, b) => f((a / b) * 100, 0);
    console.log(
      `| ${shape.join('+')}, ${length >> 20} MiB | ${f(encode)} | ${f(reconstruct)} | ${f(through)} | ${f(nibbles)} | ${f(plain, 3)} | ${f(native[0])} / ${f(native[1])} | ${f(encode / plain, 1)} | ${ratio(encode, native[0])} / ${ratio(reconstruct, native[1])} |`,
    );
  }
}

console.log('\n| shards on workers, encode | 1 worker | 2 workers | ratio |\n|---|---|---|---|');
for (const [data, parity] of shapes) {
  const length = quick ? 8 << 20 : 64 << 20;
  const coders = [1, 2].map((threads) => workerCoder(data, parity, { threads }));
  const stripes = coders.map((coder) => coder.stripe(length));
  const times = [[], []];
  for (let run = -2; run < 15; run++) {
    for (const [i, coder] of coders.entries()) {
      const start = performance.now();
      await coder.encode(stripes[i], length);
      if (run >= 0) times[i].push(performance.now() - start);
    }
  }
  // The fastest of interleaved runs: two workers on two cores lose to any neighbour at all.
  const [one, two] = times.map((t) => (data * length) / Math.min(...t) / 1e6);
  console.log(`| ${data}+${parity} | ${f(one)} | ${f(two)} | ${f(two / one)} |`);
  for (const coder of coders) await coder.close();
}

console.log(`\nload average when it ended: ${loadavg()[0].toFixed(1)}; two workers want two idle cores`);
