// Loaded into a process that is to be looked at (`node --import`, or imported by the driver itself): from `begin` to
// `end`, or between the two messages that stand for them, it takes CPU time, the collector's pauses and a CPU profile.
import { Session } from 'node:inspector';
import { PerformanceObserver } from 'node:perf_hooks';

let gcMs = 0;
let gcMax = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    gcMs += duration;
    gcMax = Math.max(gcMax, duration);
  }
}).observe({ entryTypes: ['gc'] });

let session;
let cpu;
export async function begin(withProfile) {
  if (withProfile) {
    session = new Session();
    session.connect();
    await ask('Profiler.enable');
    await ask('Profiler.setSamplingInterval', { interval: 250 });
    await ask('Profiler.start');
  }
  gcMs = 0;
  gcMax = 0;
  cpu = process.cpuUsage();
}

export async function end() {
  const { user, system } = process.cpuUsage(cpu);
  const figures = { cpuUs: user + system, systemUs: system, gcUs: gcMs * 1000, gcMaxUs: gcMax * 1000, rss: process.memoryUsage().rss };
  if (session === undefined) return figures;
  const { profile } = await ask('Profiler.stop');
  session.disconnect();
  session = undefined;
  return { ...figures, profile };
}

function ask(method, parameters = {}) {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

if (process.send !== undefined) {
  // Whoever started us may go before us; the channel keeps nobody alive.
  process.on('message', (message) => {
    if (message.measure === 'begin') void begin(message.profile).then(() => process.send({ begun: true }));
    else if (message.measure === 'end') void end().then((figures) => process.send({ figures }));
  });
  process.channel?.unref();
}
