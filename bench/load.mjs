// What both drivers do: keep `inFlight` operations open, leave the warm-up out, tell the parent when the measured time begins and ends.
import { performance } from 'node:perf_hooks';
import { Histogram } from './histogram.mjs';

export const settings = () => JSON.parse(process.argv[2]);
process.on('uncaughtException', (error) => {
  console.error(`Error: ${error.message}`);
  process.exit(1);
});
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

/**
 * `issue(lane, n, done)` starts one operation and calls `done(error?)` once. An operation counts if it ends within the
 * measured time; its latency is its whole own, even if it began in the warm-up. Any failed operation fails the run.
 */
export function load(issue, { inFlight, warmupSeconds, seconds }) {
  return new Promise((resolve, reject) => {
    let histogram;
    let open = 0;
    let over = false;
    const lane = (at) => {
      let n = 0;
      let began = 0;
      const next = () => {
        open += 1;
        began = performance.now();
        issue(at, n++, done);
      };
      const done = (error) => {
        open -= 1;
        if (error) return reject(error);
        if (over) return open === 0 ? resolve() : undefined;
        histogram?.record(performance.now() - began);
        next();
      };
      next();
    };
    for (let at = 0; at < inFlight; at++) lane(at);
    setTimeout(() => {
      histogram = new Histogram();
      const cpu = process.cpuUsage();
      const began = performance.now();
      say({ event: 'begin' });
      setTimeout(() => {
        const took = performance.now() - began;
        const { user, system } = process.cpuUsage(cpu);
        over = true;
        say({
          event: 'end', operations: histogram.count, ms: took,
          p50Ms: histogram.percentile(0.5), p99Ms: histogram.percentile(0.99), driverCpuUs: user + system,
        });
      }, seconds * 1000);
    }, warmupSeconds * 1000);
  });
}

/** Every key once, 64 at a time. */
export async function fill(count, put) {
  let next = 0;
  await Promise.all(Array.from({ length: 64 }, async () => {
    while (next < count) await put(next++);
  }));
}
