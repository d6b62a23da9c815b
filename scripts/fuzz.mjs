// Fuzz on the port: real members, and connections that say what nobody should. Hellos, frames, HTTP/1, HTTP/2 and
// noise, mutated, cut short, fed byte by byte, left half-open, reset. Meanwhile a client writes and reads and checks
// what it reads: not one of its operations may fail. Afterwards every member must live, agree, and have given back
// its memory and its connections.
//
//   node scripts/fuzz.mjs [--inputs 20000] [--seed N] [--members 3] [--base-port 25790] [--parallel 64] [--only KIND] [--from 0]
//
// An input is one connection's worth of bytes and how they are sent; it is made of (seed, number) alone, so that
// `--from N --inputs 1` sends the N-th of a seed again.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { connect } = await import(join(root, 'dist', 'face', 'index.js'));
const { nextBelow, nextUint32, seedRandom } = await import(join(root, 'dist', 'core', 'random.js'));
const { encodeFrame, encodeHello, newHello } = await import(join(root, 'dist', 'core', 'wire', 'index.js'));
const { encodeCommand, encodeRequest } = await import(join(root, 'dist', 'core', 'kv', 'index.js'));
const { encodeProposeHead, encodeReadHead } = await import(join(root, 'dist', 'engine', 'native', 'message.js'));
const { clusterIdOf } = await import(join(root, 'dist', 'engine', 'member', 'options.js'));

const text = { type: 'string' };
const { values: flags } = parseArgs({ options: { inputs: text, seed: text, members: text, 'base-port': text, parallel: text, only: text, from: text } });
const inputs = Number(flags.inputs ?? 20_000);
const from = Number(flags.from ?? 0);
const seed = Number(flags.seed ?? Date.now() % 1_000_000_000);
const memberCount = Number(flags.members ?? 3);
const basePort = Number(flags['base-port'] ?? 25790);
const parallel = Number(flags.parallel ?? 64);
const endpoints = Array.from({ length: memberCount }, (_, at) => `127.0.0.1:${basePort + at}`);
const initialCluster = endpoints.map((endpoint, at) => `n${at + 1}=${endpoint}`).join(',');
const token = 'fuzz';
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────

const bytesOf = (value) => Buffer.from(value, 'latin1');
const pick = (random, list) => list[nextBelow(random, list.length)];
const noise = (random, length) => Buffer.from(Uint8Array.from({ length }, () => nextUint32(random) & 0xff));

/** A few bytes changed, doubled, cut out or put in, mostly where the structure is: at the beginning. */
function mutated(random, bytes) {
  let result = Buffer.from(bytes);
  for (let times = nextBelow(random, 4); times > 0 && result.length > 0; times--) {
    const at = nextBelow(random, 3) === 0 ? nextBelow(random, result.length) : nextBelow(random, Math.min(result.length, 64));
    switch (nextBelow(random, 6)) {
      case 0: result[at] ^= 1 << nextBelow(random, 8); break;
      case 1: result[at] = pick(random, [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x20]); break;
      case 2: result = Buffer.concat([result.subarray(0, at), noise(random, 1 + nextBelow(random, 8)), result.subarray(at)]); break;
      case 3: result = Buffer.concat([result.subarray(0, at), result.subarray(Math.min(result.length, at + 1 + nextBelow(random, 8)))]); break;
      case 4: if (at + 4 <= result.length) result.writeUInt32LE(pick(random, [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, result.length]), at); break;
      default: result = Buffer.concat([result.subarray(0, at), result.subarray(at), result.subarray(at)]).subarray(0, 1 << 18);
    }
  }
  return result;
}

const key = (random) => bytesOf(`fuzz/${nextBelow(random, 50)}`);
/** Requests that would be good ones; what they write is under fuzz/, so that mutations of them spoil nobody's keys but by a chance that CRCs take away. */
function request(random, depth = 0) {
  switch (nextBelow(random, depth > 2 ? 4 : 6)) {
    case 0: return { type: 'range', key: key(random), limit: nextBelow(random, 5) };
    case 1: return { type: 'range', key: bytesOf('fuzz/'), rangeEnd: bytesOf('fuzz0'), countOnly: nextBelow(random, 2) === 0, revision: nextBelow(random, 3) === 0 ? nextUint32(random) : 0 };
    case 2: return { type: 'put', key: key(random), value: noise(random, nextBelow(random, 200)), prevKv: nextBelow(random, 2) === 0, ignoreValue: nextBelow(random, 8) === 0 };
    case 3: return { type: 'delete', key: key(random) };
    default: {
      const operations = () => Array.from({ length: nextBelow(random, 4) }, () => request(random, depth + 1));
      return { type: 'txn', compare: [], success: operations(), failure: operations() };
    }
  }
}
function nativeFrame(random) {
  const stream = nextBelow(random, 4);
  const deadlineMs = pick(random, [0, 1, 100, 0xffffffff]);
  const anything = nextBelow(random, 5);
  if (anything === 0) return encodeFrame(nextBelow(random, 256), nextUint32(random), noise(random, nextBelow(random, 64)));
  if (anything === 1) return encodeFrame(pick(random, [3, 4, 5, 6, 8]), stream, nextBelow(random, 2) === 0 ? noise(random, 8) : new Uint8Array(8));
  const wanted = request(random);
  const reads = wanted.type === 'range';
  const body = reads ? encodeRequest(wanted) : encodeCommand({ type: 'write', session: nextBelow(random, 3), sequence: nextBelow(random, 5), lowest: 0, request: wanted });
  const head = reads ? encodeReadHead({ deadlineMs, consistency: pick(random, ['linearizable', 'bounded', 'local']) }) : encodeProposeHead(deadlineMs);
  // Half of them are spoiled inside a good checksum: so that it is the decoders that are tried. Keys stay as they are:
  // what is spoiled lies before them, or they are cut off.
  const good = Buffer.concat([head, body]);
  const inner = nextBelow(random, 2) === 0 ? good : nextBelow(random, 2) === 0 ? good.subarray(0, nextBelow(random, good.length)) : Buffer.concat([mutated(random, head), reads ? mutated(random, body) : body.subarray(0, nextBelow(random, body.length))]);
  return encodeFrame(reads ? 2 : 1, stream, inner);
}
const frames = (random, one, most) => Buffer.concat(Array.from({ length: nextBelow(random, most) }, () => one(random)));

function http2Frame(random) {
  const payload = noise(random, nextBelow(random, 40));
  const head = Buffer.alloc(9);
  head.writeUIntBE(nextBelow(random, 20) === 0 ? nextUint32(random) & 0xffffff : payload.length, 0, 3);
  head[3] = nextBelow(random, 12);
  head[4] = nextUint32(random) & pick(random, [0, 1, 4, 5, 0xff]);
  head.writeUInt32BE(pick(random, [0, 1, 3, 5, 7, 0x7fffffff, 0xffffffff]), 5);
  return Buffer.concat([head, payload]);
}
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
/** HPACK without Huffman or indexes: literal fields, never indexed. */
function headerBlock(fields) {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x10, name.length]), bytesOf(name), Buffer.from([value.length]), bytesOf(value)]));
}
function grpcCall(random, stream) {
  const path = pick(random, ['/etcdserverpb.KV/Range', '/etcdserverpb.KV/Put', '/etcdserverpb.KV/Txn', '/etcdserverpb.Maintenance/Status', '/etcdserverpb.Cluster/MemberList', '/grpc.health.v1.Health/Check', '/no/such', '']);
  const block = headerBlock([[':method', pick(random, ['POST', 'POST', 'POST', 'GET'])], [':scheme', 'http'], [':path', path], [':authority', 'x'], ['content-type', 'application/grpc'], ['te', 'trailers'], ['grpc-timeout', pick(random, ['1S', '100m', '0n', 'xx'])]]);
  const head = (length, type, flag) => {
    const bytes = Buffer.alloc(9);
    bytes.writeUIntBE(length, 0, 3);
    bytes[3] = type;
    bytes[4] = flag;
    bytes.writeUInt32BE(stream, 5);
    return bytes;
  };
  // A key under fuzz/ alone, as field 1; what follows it is anything.
  const name = key(random);
  const message = Buffer.concat([Buffer.from([0x0a, name.length]), name, nextBelow(random, 2) === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x12]), noise(random, nextBelow(random, 20))])]);
  const isLying = nextBelow(random, 6) === 0;
  const prefixed = Buffer.concat([Buffer.from([nextBelow(random, 8) === 0 ? 1 : 0, 0, 0, 0, isLying ? nextBelow(random, 256) : message.length]), message]);
  // Deleting ranges is left out: a mutated end would be everybody's keys.
  return Buffer.concat([head(block.length, 1, 4), block, head(prefixed.length, 0, nextBelow(random, 5) === 0 ? 0 : 1), prefixed]);
}

const json = (random) => pick(random, ['{}', '[]', 'null', '{"key":"Zm9v"}', '{"key":1}', '{"key":"%%%"}', '{"key":"Zg==","limit":"x"}', '{"key":"Zg==","revision":"-99999999999999999999"}', '{', '"', `{"a":${'['.repeat(500)}`, '{"compare":[{}],"success":[{"requestRange":{"key":"Zg=="}}]}', '{"__proto__":{"key":"Zg=="}}', '{"key":null,"range_end":"AA=="}']);
function httpRequest(random) {
  const path = pick(random, ['/health', '/healthz', '/version', '/metrics', '/readyz', '/', '//', '/%', '/nowhere', '/v3/kv/range', '/v3/kv/txn', '/v3/maintenance/status', '/v3/cluster/member/list', '/v3/kv/compaction', '/health?serializable=true', '/../..', '*', 'http://x/']);
  const method = path.startsWith('/v3') ? pick(random, ['POST', 'POST', 'POST', 'GET']) : pick(random, ['GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT', 'TRACE', 'PRI']);
  const body = method === 'POST' ? json(random) : '';
  const extra = pick(random, ['', '', `x: ${'y'.repeat(nextBelow(random, 300))}\r\n`, 'transfer-encoding: chunked\r\n', 'expect: 100-continue\r\n', 'connection: close\r\n', 'upgrade: h2c\r\nconnection: upgrade\r\n', 'content-length: 99999999999\r\n', 'content-length: -1\r\n', 'origin: http://evil\r\n', ' folded\r\n', 'a\0b: c\r\n']);
  const length = body === '' ? '' : `content-length: ${body.length}\r\n`;
  return bytesOf(`${method} ${path} HTTP/1.${pick(random, ['1', '1', '0', '2'])}\r\nhost: x\r\n${length}${extra}\r\n${body}`);
}

const cluster = clusterIdOf(token);
const hello = (random, purpose = 'client') => Buffer.from(encodeHello({ ...newHello(purpose, pick(random, [cluster, purpose === 'client' ? 0 : cluster, nextUint32(random)]), purpose === 'client' ? 0 : 1 + nextUint32(random)), ...(nextBelow(random, 8) === 0 ? { lowest: nextBelow(random, 4), highest: nextBelow(random, 256) } : {}) }));
const preface = bytesOf('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A stranger's peer connection: everything but what a member of this cluster would be believed. */
const peerFrame = (random) => encodeFrame(pick(random, [1, 1, 3, 3, 5, 6, 7, 8, 9, 10, nextBelow(random, 256)]), 0, noise(random, nextBelow(random, 120)));

const kinds = {
  noise: (random) => noise(random, 1 + nextBelow(random, 300)),
  letters: (random) => bytesOf(Array.from({ length: 1 + nextBelow(random, 200) }, () => pick(random, ['A', 'G', 'E', 'T', ' ', '/', '\r', '\n', '*', '$', '1', '.', 'HTTP/1.', '\0'])).join('')),
  hello: (random) => mutated(random, hello(random, pick(random, ['client', 'control', 'bulk']))),
  native: (random) => Buffer.concat([hello(random), frames(random, nativeFrame, 12)]),
  nativeMutated: (random) => Buffer.concat([hello(random), mutated(random, frames(random, nativeFrame, 6))]),
  nativeNoise: (random) => Buffer.concat([hello(random), noise(random, nextBelow(random, 400))]),
  peer: (random) => Buffer.concat([hello(random, pick(random, ['control', 'bulk'])), frames(random, peerFrame, 6)]),
  peerMutated: (random) => Buffer.concat([hello(random, pick(random, ['control', 'bulk'])), mutated(random, frames(random, peerFrame, 6))]),
  http: (random) => frames(random, httpRequest, 5),
  httpMutated: (random) => mutated(random, frames(random, httpRequest, 3)),
  http2: (random) => Buffer.concat([preface, settings, frames(random, http2Frame, 8)]),
  http2Mutated: (random) => mutated(random, Buffer.concat([preface, settings, frames(random, http2Frame, 4)])),
  grpc: (random) => Buffer.concat([preface, settings, ...Array.from({ length: nextBelow(random, 5) }, (_, at) => grpcCall(random, 1 + 2 * at)), frames(random, http2Frame, 3)]),
  grpcMutated: (random) => {
    const call = grpcCall(random, 1);
    // The message stays as it is: a key mutated into another's is no fault of the member's.
    return Buffer.concat([preface, settings, mutated(random, call.subarray(0, nextBelow(random, 200))), frames(random, http2Frame, 3)]);
  },
  resp: (random) => mutated(random, bytesOf(pick(random, ['PING\r\n', '*2\r\n$3\r\nGET\r\n$1\r\na\r\n', '*1000000000\r\n', '*-1\r\n', 'SET a b\r\n', '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870912\r\n']))),
  tls: (random) => mutated(random, Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), noise(random, 100)])),
  silence: () => Buffer.alloc(0),
};
const kindNames = flags.only === undefined ? Object.keys(kinds) : flags.only.split(',');
for (const name of kindNames) if (kinds[name] === undefined) throw new Error(`no kind "${name}": there are ${Object.keys(kinds).join(', ')}`);

/** Everything about the N-th input. */
function inputOf(number) {
  const random = seedRandom((seed ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0);
  const kind = pick(random, kindNames);
  const whole = kinds[kind](random);
  const bytes = nextBelow(random, 5) === 0 ? whole.subarray(0, nextBelow(random, whole.length + 1)) : whole;
  return { number, kind, bytes, pieces: pick(random, ['one', 'one', 'one', 'few', 'bytes']), end: pick(random, ['wait', 'end', 'reset', 'reset', 'destroy']), at: nextBelow(random, memberCount), source: 2 + nextBelow(random, 200), random };
}

/** Sends one; resolves when the connection is over. The member closes, or we do; a little after the last byte at most. */
function send({ bytes, pieces, end, at, source, random, kind }) {
  return new Promise((resolve) => {
    // Many addresses of loopback: so many connections in a row would use up one address' ports.
    const socket = tcpConnect({ host: '127.0.0.1', port: basePort + at, localAddress: `127.0.0.${source}`, noDelay: true });
    let received = 0;
    const over = (error) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(error);
    };
    const finish = () => {
      if (end === 'reset') socket.resetAndDestroy();
      else if (end === 'destroy') socket.destroy();
      else if (end === 'end') socket.end();
    };
    const timer = setTimeout(() => over(), kind === 'silence' ? 5 : 60 + nextBelow(random, 60));
    socket.on('data', (chunk) => void (received += chunk.length));
    socket.on('error', (error) => over(error.syscall === 'connect' ? error : undefined));
    socket.on('close', () => over());
    socket.once('connect', () => {
      if (pieces === 'one' || bytes.length < 2) {
        socket.write(bytes);
        return finish();
      }
      const size = pieces === 'bytes' ? 1 : 1 + nextBelow(random, Math.max(1, bytes.length >> 1));
      // So many single bytes show what there is to see.
      const most = pieces === 'bytes' ? 64 : 8;
      let sent = 0;
      const next = () => {
        if (socket.destroyed) return;
        const last = sent >= bytes.length || sent >= size * most;
        if (last) {
          if (sent < bytes.length) socket.write(bytes.subarray(sent));
          return finish();
        }
        socket.write(bytes.subarray(sent, sent + size));
        sent += size;
        setImmediate(next);
      };
      next();
    });
  });
}

// ── the members, and who must not notice ─────────────────────────────────────────────────────────────────────────

const dir = mkdtempSync(join(tmpdir(), 'thole-fuzz-'));
const members = [];
let over = false;
const wrong = [];
const complain = (what) => {
  wrong.push(what);
  console.error(`fuzz: ${what}`);
};
function start(at) {
  const args = ['--expose-gc', '--import', join(root, 'test', 'e2e', 'support', 'memory-report.mjs'), join(root, 'dist', 'face', 'cli', 'main.js'), 'serve', '--name', `n${at + 1}`,
    '--data-dir', join(dir, `n${at + 1}`), '--listen', endpoints[at], '--initial-cluster', initialCluster, '--initial-cluster-token', token, '--log-level', 'error'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, THOLE_PARENT_PIPE: '1' } });
  const member = { child, err: '', memory: [] };
  child.stdin.on('error', () => undefined);
  child.stderr.setEncoding('utf8').on('data', (said) => {
    for (const line of said.split('\n')) {
      if (line.startsWith('memory ')) member.memory.push(JSON.parse(line.slice(7)));
      else if (line !== '' && member.err.length < 20_000) member.err += `${line}\n`;
    }
  });
  child.once('exit', (code, signal) => over || complain(`n${at + 1} ended by itself: ${code ?? signal}\n${member.err}`));
  members.push(member);
}
process.on('exit', () => {
  for (const { child } of members) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

async function memoryOf(member) {
  const count = member.memory.length;
  member.child.kill('SIGUSR2');
  for (let tries = 0; tries < 500 && member.memory.length === count && member.child.exitCode === null; tries++) await sleep(20);
  return member.memory.at(-1) ?? { heapUsed: NaN, external: NaN, rss: NaN, handles: {} };
}

for (let at = 0; at < memberCount; at++) start(at);
const client = await connect({ endpoints, timeoutMs: 10_000 });
await client.kv.put('calm/begun', 'yes');

let operations = 0;
let worstMs = 0;
async function calm(id) {
  const own = await connect({ endpoints, timeoutMs: 10_000 });
  for (let n = 0; !over; n++) {
    const name = `calm/${id}/${n % 20}`;
    const began = performance.now();
    try {
      await own.kv.put(name, `${n}`);
      const { kv } = await own.kv.get(name);
      if (kv === undefined || Buffer.from(kv.value).toString() !== `${n}`) complain(`${name} was written ${n} and reads ${kv === undefined ? 'nothing' : Buffer.from(kv.value)}`);
      operations += 2;
    } catch (error) {
      complain(`an operation of the calm client failed: ${error.message}`);
    }
    worstMs = Math.max(worstMs, performance.now() - began);
    await sleep(5);
  }
  await own.close();
}
const calms = [calm(0), calm(1)];

let next = from;
const tally = {};
let refused = 0;
// A part of them first: what a member loads and keeps once is no leak.
const warm = Math.min(2000, Math.ceil(inputs / 4));
const all = from + inputs;
console.log(`fuzz: ${inputs} inputs, seed ${seed}, ${memberCount} members`);
const began = performance.now();
async function run(end) {
  const lanes = Array.from({ length: parallel }, async () => {
    while (next < end && wrong.length === 0) {
      const input = inputOf(next++);
      tally[input.kind] = (tally[input.kind] ?? 0) + 1;
      const error = await send(input);
      if (error === undefined || error.code === 'ECONNRESET') continue;
      refused++;
      if (refused > 100) complain(`members do not take connections: ${error.message}`);
    }
  });
  await Promise.all(lanes);
}
await run(from + warm);
await sleep(600);
const before = wrong.length > 0 ? [] : await Promise.all(members.map(memoryOf));
const progress = setInterval(() => console.log(`fuzz: ${next - from} inputs, ${Math.round((next - from) / ((performance.now() - began) / 1000))}/s, calm operations ${operations}, worst ${worstMs.toFixed(0)} ms`), 10_000);
await run(all);
clearInterval(progress);
const seconds = (performance.now() - began) / 1000;

// Strangers' deadlines are 5 s, a ping's 15 s; what is left after them is left for good.
const handlesGrowthMax = 20;
const settled = (rows) => rows.every(({ handles }, at) => Object.entries(handles).every(([name, count]) => count - (before[at].handles[name] ?? 0) < handlesGrowthMax));
let after = [];
if (wrong.length === 0) {
  const end = performance.now() + 25_000;
  do {
    await sleep(2000);
    after = await Promise.all(members.map(memoryOf));
  } while (!settled(after) && performance.now() < end);
}
over = true;
await Promise.all(calms);

const statuses = [];
for (let tries = 0; tries < 200 && wrong.length === 0; tries++) {
  statuses.splice(0, statuses.length, ...(await Promise.all(endpoints.map((endpoint) => client.status(endpoint, { timeoutMs: 1000 }).catch(() => undefined)))));
  if (statuses.every((status) => status !== undefined && status.appliedIndex === statuses[0].appliedIndex)) break;
  await sleep(50);
}
if (wrong.length === 0) {
  if (statuses.some((status) => status === undefined)) complain('a member does not say how it is');
  else if (new Set(statuses.map((status) => status.digest)).size !== 1) complain(`digests differ: ${statuses.map((status) => `${status.name} ${status.digest} at ${status.appliedIndex}`).join(', ')}`);
}
/** What a member's own work leaves in this time: log positions, sessions, compiled code. */
const heapGrowthMax = 24 << 20;
for (const [at, { heapUsed, external, handles }] of after.entries()) {
  const first = before[at];
  const grown = heapUsed + external - first.heapUsed - first.external;
  if (!(grown < heapGrowthMax)) complain(`n${at + 1} holds ${(grown / 1e6).toFixed(1)} MB more than before`);
  // Connections above all: TCPSocketWrap.
  for (const [name, count] of Object.entries(handles)) {
    const more = count - (first.handles[name] ?? 0);
    if (!(more < handlesGrowthMax)) complain(`n${at + 1} holds ${more} more ${name} than before`);
  }
}
for (const [at, member] of members.entries()) if (member.err !== '') complain(`n${at + 1} logged errors:\n${member.err.slice(0, 4000)}`);
await client.close();
const mb = (rows) => rows.map(({ heapUsed, external }) => ((heapUsed + external) / 1e6).toFixed(1)).join(' ');
console.log(`fuzz: ${next - from} inputs in ${seconds.toFixed(0)} s; calm client ${operations} operations, worst pair ${worstMs.toFixed(0)} ms; heap and buffers MB ${mb(before)} → ${mb(after)}; rss MB ${after.map(({ rss }) => (rss / 1e6).toFixed(0)).join(' ')}`);
console.log(`fuzz: ${Object.entries(tally).map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
console.log(wrong.length === 0 ? 'fuzz: ok' : `fuzz: ${wrong.length} wrong; again with: npm run fuzz -- --seed ${seed} --inputs ${inputs} --from ${from} --members ${memberCount}${flags.only === undefined ? '' : ` --only ${flags.only}`}`);
process.exit(wrong.length === 0 ? 0 : 1);
