// CRC-32C as the log calls it (bytes anywhere, copied where they are folded) beside slicing-by-8 in JavaScript and
// Node's own zlib.crc32 (IEEE, native; since Node 20.15). Interleaved, medians, one run.   node bench/crc.mjs
import * as zlib from 'node:zlib';
import { cpus } from 'node:os';
import { crc32c } from '../dist/core/wire/index.js';
import { absorb } from '../dist/core/wire/crc32c-tables.js';

const contestants = {
  crc32c,
  'slicing-by-8': (bytes) => ~absorb(-1, bytes, 0, bytes.length) >>> 0,
  ...(zlib.crc32 === undefined ? {} : { 'zlib.crc32': (bytes) => zlib.crc32(bytes) }),
};
if (zlib.crc32 === undefined) console.log('*** SKIPPED: this Node has no zlib.crc32, so no ratio to it is measured ***');

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const names = Object.keys(contestants);
let sink = 0;

console.log(`${cpus()[0].model}, Node ${process.version}; GB/s (ns a call)\n`);
console.log(`| bytes | ${names.join(' | ')} | × slicing-by-8 | × zlib.crc32 |\n|---|${names.map(() => '---|').join('')}---|---|`);
for (const length of [64, 128, 256, 512, 1024, 4096, 16_384, 65_536, 1 << 20]) {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 7 + (i >> 8);
  const calls = Math.max(4, Math.ceil(200_000 / length));
  const times = names.map(() => []);
  for (let round = -20; round < 201; round++) {
    for (const [i, name] of names.entries()) {
      const work = contestants[name];
      const start = performance.now();
      for (let call = 0; call < calls; call++) sink ^= work(bytes);
      if (round >= 0) times[i].push((performance.now() - start) / calls);
    }
  }
  const ms = times.map(median);
  const cells = ms.map((each) => `${(length / each / 1e6).toFixed(2)} (${(each * 1e6).toFixed(0)})`);
  console.log(`| ${length} | ${cells.join(' | ')} | ${(ms[1] / ms[0]).toFixed(2)} | ${ms[2] === undefined ? '–' : (ms[2] / ms[0]).toFixed(2)} |`);
}
if (sink === 1.5) console.log(sink);
