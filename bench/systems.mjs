// The systems under load: each a fresh cluster of real processes whose data lies in a directory of its own.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../dist/face/cli/main.js', import.meta.url));
const tmpfs = 0x01021994;
const startMs = 60_000;
const sleep = (ms) => new Promise((resolve) => void setTimeout(resolve, ms));

/** Nothing that was started here outlives this process. */
const running = new Set();
const directories = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

function start(command, args, options) {
  const child = spawn(command, args, options);
  running.add(child);
  child.ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  }).then(() => running.delete(child));
  return child;
}

export function freshDirectory(parent) {
  const directory = mkdtempSync(join(parent, 'thole-bench-'));
  directories.add(directory);
  if (statfsSync(directory).type === tmpfs) {
    rmSync(directory, { recursive: true });
    throw new Error(`${parent} lies in memory, where fsync costs nothing: name a directory on a disk with --data-dir`);
  }
  return directory;
}

/** `thole dev`, which runs each member as a process of its own and ends them when told to. */
export async function startThole({ members, basePort, directory }) {
  // The pipe that `dev` holds to each member ends with it, however it ends: no member is left behind.
  const dev = start(process.execPath, [main, 'dev', '--json', '--no-restart', '--nodes', String(members), '--base-port', String(basePort), '--data-dir', directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const places = [];
  const leader = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the cluster had no leader within a minute')), startMs);
    createInterface({ input: dev.stdout }).on('line', (line) => {
      const event = JSON.parse(line);
      if (event.event === 'member') places.push(event);
      if (event.event === 'exit') reject(new Error(`${event.name} ended (${event.signal ?? event.code})`));
      if (event.event === 'ready') {
        clearTimeout(timer);
        resolve(places.find(({ name }) => name === event.leader).endpoint);
      }
    });
    dev.once('exit', () => reject(new Error('`thole dev` ended before it was ready')));
  });
  return {
    leader,
    endpoints: places.map(({ endpoint }) => endpoint),
    pids: places.map(({ pid }) => pid),
    async stop() {
      dev.kill('SIGTERM');
      await dev.ended;
    },
  };
}

export function etcdVersion() {
  const { error, stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  if (error) throw new Error('etcd was asked for with --against etcd and is not installed (Debian: apt-get install etcd-server)');
  return /etcd Version: (\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
}

export async function startEtcd({ members, basePort, directory }) {
  const places = Array.from({ length: members }, (_, at) => ({
    name: `e${at + 1}`, endpoint: `127.0.0.1:${basePort + 20 + at}`, peer: `http://127.0.0.1:${basePort + 40 + at}`,
  }));
  const initial = places.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const children = places.map(({ name, endpoint, peer }) => {
    mkdirSync(join(directory, name), { recursive: true });
    return start('etcd', [
      '--name', name, '--data-dir', join(directory, name, 'data'), '--listen-client-urls', `http://${endpoint}`, '--advertise-client-urls', `http://${endpoint}`,
      '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', initial, '--initial-cluster-token', directory,
      '--initial-cluster-state', 'new', '--log-level', 'fatal', '--logger', 'zap',
    ], { stdio: ['ignore', 'ignore', 'inherit'] });
  });
  const stop = async () => {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map(({ ended }) => ended));
  };
  const until = Date.now() + startMs;
  const status = (endpoint) =>
    fetch(`http://${endpoint}/v3/maintenance/status`, { method: 'POST', body: '{}', signal: AbortSignal.timeout(2000) }).then((answer) => answer.json());
  for (;;) {
    if (children.some(({ exitCode }) => exitCode !== null)) throw new Error('a member of etcd ended at its start');
    const known = await Promise.all(places.map(({ endpoint }) => status(endpoint).catch(() => undefined)));
    const at = known.findIndex((each) => each?.leader && each.leader === each.header.member_id);
    if (at >= 0 && known.every((each) => each?.leader === known[at].leader)) {
      return { leader: places[at].endpoint, endpoints: places.map(({ endpoint }) => endpoint), pids: children.map(({ pid }) => pid), stop };
    }
    if (Date.now() > until) throw new Error('etcd had no leader within a minute');
    await sleep(50);
  }
}

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);

/** CPU time of the members since their start, in µs, all threads. */
export function cpuUs(pids) {
  return pids.reduce((sum, pid) => {
    // The second field is a name in brackets that may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return sum + ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
  }, 0);
}

/** Resident memory of the largest member, in MB. */
export const rssMb = (pids) => Math.max(...pids.map((pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024));

/** Of the whole machine since its start, in ticks. */
export function machineTicks() {
  const [, ...fields] = /^cpu\s+(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))[0].split(/\s+/).map(Number);
  return { all: fields.slice(0, 8).reduce((sum, each) => sum + each, 0), steal: fields[7] };
}

/** One run of a driver against a running cluster. */
export async function drive(system, driver, given) {
  const child = start(process.execPath, [fileURLToPath(new URL(`./${driver}-driver.mjs`, import.meta.url)), JSON.stringify(given)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), (given.warmupSeconds + given.seconds) * 1000 + startMs);
  let begun;
  let result;
  let code;
  child.once('exit', (status, signal) => (code = signal ?? status));
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    const now = { cpu: cpuUs(system.pids), machine: machineTicks() };
    if (event.event === 'begin') begun = now;
    if (event.event !== 'end') continue;
    const serverCpuUs = now.cpu - begun.cpu;
    result = {
      opsPerSecond: event.operations / (event.ms / 1000),
      p50Ms: event.p50Ms,
      p99Ms: event.p99Ms,
      serverCpuUsPerOp: serverCpuUs / event.operations,
      rssMb: rssMb(system.pids),
      driverShare: event.driverCpuUs / (event.driverCpuUs + serverCpuUs),
      stealShare: (now.machine.steal - begun.machine.steal) / (now.machine.all - begun.machine.all),
    };
  }
  await child.ended;
  clearTimeout(timer);
  if (code !== 0 || result === undefined) throw new Error(`the ${driver} driver failed (${code}); what it said stands above`);
  if (!(result.opsPerSecond > 0)) throw new Error('not one operation ended within the measured time');
  return result;
}
