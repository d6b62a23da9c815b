// What a member can be made to hold: attacks on the leader of three, one after another, with its memory and its other
// clients watched. Each attack is clients that ask too much, do not read, or do not finish; each prints what the
// member's memory was at worst, what its clients were told, and how calm clients (native, gRPC, HTTP) fared meanwhile.
//
//   node scripts/overload.mjs [--only NAME,…] [--seconds 8] [--connections 2000] [--members 3] [--state-mb 48] [--base-port 25890] [--rest 3]
//
// Exit 1: a member ended, a calm client was refused, or a member's memory grew by more than --grown-mb.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { connect } = await import(join(root, 'dist', 'face', 'index.js'));
const { FrameReader, encodeFrame, encodeHello, newHello } = await import(join(root, 'dist', 'core', 'wire', 'index.js'));
const { encodeCommand, encodeRequest } = await import(join(root, 'dist', 'core', 'kv', 'index.js'));
const { encodeProposeHead, encodeReadHead } = await import(join(root, 'dist', 'engine', 'native', 'message.js'));
const { messageType } = await import(join(root, 'dist', 'face', 'grpc', 'codec.js'));

const text = { type: 'string' };
const { values: flags } = parseArgs({ options: { only: text, seconds: text, connections: text, members: text, 'state-mb': text, 'base-port': text, 'grown-mb': text, rest: text } });
const seconds = Number(flags.seconds ?? 8);
const connections = Number(flags.connections ?? 2000);
const memberCount = Number(flags.members ?? 3);
const stateMb = Number(flags['state-mb'] ?? 48);
const basePort = Number(flags['base-port'] ?? 25890);
const grownMbMax = Number(flags['grown-mb'] ?? 1200);
/** Between two attacks, and after one before it is looked what is left. */
const restMs = Number(flags.rest ?? 3) * 1000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const grpcHeaders = (path) => ({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
const range = messageType('.etcdserverpb.RangeRequest');
const put = messageType('.etcdserverpb.PutRequest');
/** Of the attacked member. */
const port = Number(process.env.THOLE_OVERLOAD_PORT ?? 0);

// ── those who attack: in a thread of their own, so that they keep nobody waiting but the member ──────────────────────

/** Sockets of one attack; what was said to them, by its kind. */
class Attack {
  sockets = new Set();
  told = {};
  ended = false;

  tell(what) {
    this.told[what] = (this.told[what] ?? 0) + 1;
  }

  dial(onConnect, onData) {
    const at = this.sockets.size;
    // One address of loopback has 28 000 ports.
    const socket = tcpConnect({ host: '127.0.0.1', port, localAddress: `127.0.0.${2 + (at % 200)}`, noDelay: true }, () => onConnect(socket));
    this.sockets.add(socket);
    socket.on('error', (error) => this.ended || this.tell(error.code));
    socket.on('close', () => this.ended || this.tell('closed'));
    if (onData === undefined) socket.pause();
    else socket.on('data', onData);
    return socket;
  }

  end() {
    this.ended = true;
    for (const socket of this.sockets) socket.destroy();
  }
}

const hello = encodeHello(newHello('client', 0, 0));
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** SETTINGS: an initial window of nothing, or as HTTP/2 has it. */
const settings = (window) => (window === undefined ? Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]) : Buffer.from([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, window >>> 24, window >>> 16, window >>> 8, window].map((byte) => byte & 0xff)));
function http2Head(length, type, flag, stream) {
  const bytes = Buffer.alloc(9);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flag;
  bytes.writeUInt32BE(stream, 5);
  return bytes;
}
function http2Call(stream, path) {
  const fields = [[':method', 'POST'], [':scheme', 'http'], [':path', path], [':authority', 'x'], ['content-type', 'application/grpc'], ['te', 'trailers']];
  const block = Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x10, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]));
  return Buffer.concat([http2Head(block.length, 1, 4, stream), block]);
}
const http2Data = (stream, bytes, last) => Buffer.concat([http2Head(bytes.length, 0, last ? 1 : 0, stream), bytes]);
/** Written as fast as it is taken, until the attack is over. */
function pour(socket, attack, make) {
  const more = () => {
    while (!attack.ended && !socket.destroyed) {
      const part = make();
      if (part === undefined) return;
      if (!socket.write(part)) return void socket.once('drain', more);
    }
  };
  more();
}

const halfFrame = Buffer.from(encodeFrame(1, 1, new Uint8Array(2 << 20))).subarray(0, (2 << 20) - 1);
const megabyte = new Uint8Array(1 << 20).fill(121);
const proposal = (stream) => encodeFrame(1, stream, Buffer.concat([encodeProposeHead(5000), encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: Buffer.from('flood'), value: megabyte } })]));
const everything = { type: 'range', key: Buffer.from('large/'), rangeEnd: Buffer.from('large0') };
const readAll = (stream) => encodeFrame(2, stream, Buffer.concat([encodeReadHead({ deadlineMs: 60_000, consistency: 'linearizable' }), encodeRequest(everything)]));
const rangeAll = range.encodeFrame({ key: everything.key, range_end: everything.rangeEnd });
const putOne = put.encodeFrame({ key: Buffer.from('flood'), value: megabyte });
const rangeAllJson = JSON.stringify({ key: Buffer.from('large/').toString('base64'), range_end: Buffer.from('large0').toString('base64') });
const postHead = (path, length) => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`;

/** What a native client is told. */
function nativeTold(attack) {
  const reader = new FrameReader(65 << 20);
  let greeted = 0;
  return (bytes) => {
    let rest = bytes;
    if (greeted < hello.length) {
      const skipped = Math.min(hello.length - greeted, bytes.length);
      greeted += skipped;
      rest = bytes.subarray(skipped);
    }
    for (const frame of reader.push(rest)) {
      if (frame.type === 128) attack.tell('answered');
      else if (frame.type === 129) attack.tell(/"code":"([A-Z_]+)"/.exec(Buffer.from(frame.body).toString())?.[1] ?? 'failure');
    }
  };
}

const attacks = {
  async 'half-written native frames'(attack) {
    for (let at = 0; at < connections; at++) attack.dial((socket) => socket.write(Buffer.concat([hello, halfFrame])), nativeTold(attack));
  },
  async 'half-written HTTP bodies'(attack) {
    const body = Buffer.alloc((4 << 20) - 1, 0x20);
    for (let at = 0; at < connections; at++) attack.dial((socket) => (socket.write(postHead('/v3/kv/put', 4 << 20)), socket.write(body)), () => undefined);
  },
  async 'half-written gRPC messages'(attack) {
    const almost = Buffer.concat([Buffer.from([0, 0, 0x1f, 0xff, 0xff]), Buffer.alloc((2 << 20) - 2)]);
    for (let at = 0; at < 48; at++) {
      const flood = http2Connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 4000 });
      attack.sockets.add(flood);
      flood.on('error', () => undefined);
      for (let lane = 0; lane < 32; lane++) {
        const stream = flood.request(grpcHeaders('/etcdserverpb.KV/Put'));
        stream.on('response', (headers) => attack.tell(`status ${headers['grpc-status']}`)).on('error', () => undefined);
        stream.resume();
        stream.write(almost);
      }
    }
  },
  async 'gRPC messages in parts of one byte'(attack) {
    const ones = Buffer.concat(Array.from({ length: 4000 }, () => http2Data(1, Buffer.alloc(1), false)));
    for (let at = 0; at < 16; at++) {
      attack.dial((socket) => {
        socket.write(Buffer.concat([preface, settings(), http2Call(1, '/etcdserverpb.KV/Put'), http2Data(1, Buffer.from([0, 0, 0x1f, 0xff, 0xff]), false)]));
        pour(socket, attack, () => ones);
      }, () => undefined);
    }
  },
  async 'HTTP bodies in parts of one byte'(attack) {
    const ones = Buffer.from('1\r\n \r\n'.repeat(10_000));
    for (let at = 0; at < 64; at++) {
      attack.dial((socket) => {
        socket.write('POST /v3/kv/put HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
        let parts = 0;
        pour(socket, attack, () => (parts++ < 400 ? ones : undefined));
      }, () => undefined);
    }
  },
  async 'native reads of everything, not read'(attack) {
    for (let at = 0; at < 200; at++) attack.dial((socket) => socket.write(Buffer.concat([hello, ...Array.from({ length: 100 }, (_, stream) => readAll(stream + 1))])));
  },
  async 'native reads of everything, read'(attack) {
    for (let at = 0; at < 20; at++) attack.dial((socket) => socket.write(Buffer.concat([hello, ...Array.from({ length: 1000 }, (_, stream) => readAll(stream + 1))])), () => undefined);
  },
  async 'gRPC reads of everything into no window'(attack) {
    for (let at = 0; at < 20; at++) attack.dial((socket) => socket.write(Buffer.concat([preface, settings(0), ...Array.from({ length: 200 }, (_, n) => Buffer.concat([http2Call(2 * n + 1, '/etcdserverpb.KV/Range'), http2Data(2 * n + 1, rangeAll, true)]))])), () => undefined);
  },
  async 'HTTP reads of everything, not read'(attack) {
    for (let at = 0; at < 250; at++) attack.dial((socket) => socket.write((postHead('/v3/kv/range', rangeAllJson.length) + rangeAllJson).repeat(20)));
  },
  async 'native writes of a megabyte without end'(attack) {
    const frames = Array.from({ length: 64 }, (_, stream) => proposal(stream + 1));
    for (let at = 0; at < 64; at++) {
      attack.dial((socket) => {
        socket.write(hello);
        let stream = at;
        pour(socket, attack, () => frames[stream++ % 64]);
      }, nativeTold(attack));
    }
  },
  async 'gRPC writes of a megabyte without end'(attack) {
    for (let at = 0; at < 16; at++) {
      const flood = http2Connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 4000 });
      attack.sockets.add(flood);
      flood.on('error', () => undefined);
      const more = () => {
        if (attack.ended || flood.destroyed) return;
        const stream = flood.request(grpcHeaders('/etcdserverpb.KV/Put'));
        const say = (headers) => void (headers['grpc-status'] !== undefined && attack.tell(`status ${headers['grpc-status']}`));
        stream.on('response', say).on('trailers', say).on('error', () => undefined).on('close', more);
        stream.resume();
        stream.end(putOne);
      };
      for (let lane = 0; lane < 32; lane++) more();
    }
  },
  async 'connections that say nothing'(attack) {
    for (let at = 0; at < connections * 2; at++) attack.dial(() => undefined, () => undefined);
  },
};

// A process of its own: so that attackers keep nobody waiting but the member.
if (process.env.THOLE_OVERLOAD_ATTACK === undefined) await main();
else {
  const attack = new Attack();
  await attacks[process.env.THOLE_OVERLOAD_ATTACK](attack);
  process.stdout.write('begun\n');
  process.stdin.resume();
  process.stdin.once('end', () => {
    attack.end();
    process.stdout.write(`${JSON.stringify(attack.told)}\n`, () => process.exit(0));
  });
}

async function main() {
  const endpoints = Array.from({ length: memberCount }, (_, at) => `127.0.0.1:${basePort + at}`);
  const initialCluster = endpoints.map((endpoint, at) => `n${at + 1}=${endpoint}`).join(',');
  const dir = mkdtempSync(join(tmpdir(), 'thole-overload-'));
  const wrong = [];
  let over = false;

  const members = endpoints.map((endpoint, at) => {
    const child = spawn(process.execPath, [join(root, 'dist', 'face', 'cli', 'main.js'), 'serve', '--name', `n${at + 1}`, '--data-dir', join(dir, `n${at + 1}`), '--listen', endpoint, '--initial-cluster', initialCluster, '--log-level', 'error'], { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, THOLE_PARENT_PIPE: '1' } });
    const member = { child, err: '' };
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (said) => void (member.err = (member.err + said).slice(0, 4000)));
    child.once('exit', (code, signal) => over || wrong.push(`n${at + 1} ended: ${code ?? signal}\n${member.err}`));
    return member;
  });
  process.on('exit', () => {
    for (const { child } of members) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  const rssMb = (pid) => {
    try {
      return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
    } catch {
      return Number.NaN;
    }
  };

  const client = await connect({ endpoints, timeoutMs: 20_000 });
  await client.kv.put('calm', '0');
  const large = new Uint8Array(1 << 20).fill(120);
  for (let at = 0; at < stateMb; at++) await client.kv.put(`large/${String(at).padStart(4, '0')}`, large);
  const statuses = await Promise.all(endpoints.map((endpoint) => client.status(endpoint)));
  const leaderAt = statuses.findIndex(({ role }) => role === 'leader');
  const { pid } = members[leaderAt].child;

  // ── those who must not notice ────────────────────────────────────────────────────────────────────────────────────

  let calm = { operations: 0, failures: [], worstMs: 0 };
  async function watch(name, ask, everyMs) {
    while (!over) {
      const began = performance.now();
      const mine = calm;
      try {
        await ask();
        mine.operations++;
        mine.worstMs = Math.max(mine.worstMs, performance.now() - began);
      } catch (error) {
        if (!over) mine.failures.push(`${name}: ${error.message}`);
      }
      await sleep(everyMs);
    }
  }
  const own = await connect({ endpoints: [endpoints[leaderAt]], timeoutMs: 10_000 });
  let written = 0;
  const native = async () => {
    await own.kv.put('calm', String(++written));
    if (Buffer.from((await own.kv.get('calm')).kv.value).toString() !== String(written)) throw new Error('another value than was written');
  };
  const rangeBody = JSON.stringify({ key: Buffer.from('calm').toString('base64') });
  const http = () => new Promise((resolve, reject) => {
    const asked = httpRequest({ host: '127.0.0.1', port: basePort + leaderAt, path: '/v3/kv/range', method: 'POST', agent: false, timeout: 10_000 }, (response) => {
      response.resume();
      response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`))));
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', reject);
    asked.end(rangeBody);
  });
  const small = range.encodeFrame({ key: Buffer.from('calm') });
  const session = http2Connect(`http://${endpoints[leaderAt]}`);
  session.on('error', (error) => calm.failures.push(`gRPC session: ${error.message}`));
  const grpc = () => new Promise((resolve, reject) => {
    const stream = session.request(grpcHeaders('/etcdserverpb.KV/Range'));
    stream.on('trailers', (trailers) => (trailers['grpc-status'] === '0' ? resolve() : reject(new Error(`status ${trailers['grpc-status']} ${trailers['grpc-message']}`))));
    stream.on('response', (headers) => void (headers['grpc-status'] !== undefined && reject(new Error(`status ${headers['grpc-status']} ${headers['grpc-message']}`))));
    stream.on('error', reject);
    stream.resume();
    stream.setTimeout(10_000, () => reject(new Error('timeout')));
    stream.end(small);
  });
  const watches = [watch('native', native, 20), watch('HTTP', http, 100), watch('gRPC', grpc, 100)];

  const names = flags.only === undefined ? Object.keys(attacks) : Object.keys(attacks).filter((name) => flags.only.split(',').some((word) => name.includes(word)));
  const isWhole = () => members.every(({ child }) => child.exitCode === null && child.signalCode === null);
  const rows = [];
  for (const name of names) {
    await sleep(restMs / 2);
    calm = { operations: 0, failures: [], worstMs: 0 };
    const before = rssMb(pid);
    let peak = before;
    const sampler = setInterval(() => void (peak = Math.max(peak, rssMb(pid))), 25);
    const attack = spawn(process.execPath, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, THOLE_OVERLOAD_ATTACK: name, THOLE_OVERLOAD_PORT: String(basePort + leaderAt) } });
    let said = '';
    attack.stdout.setEncoding('utf8').on('data', (each) => void (said += each));
    const ended = new Promise((resolve) => attack.once('close', resolve));
    while (!said.startsWith('begun') && attack.exitCode === null) await sleep(10);
    for (let passed = 0; passed < seconds * 10 && isWhole(); passed++) await sleep(100);
    attack.stdin.end();
    await ended;
    const told = JSON.parse(said.split('\n')[1] || '{"the attack failed":1}');
    const mine = calm;
    for (let passed = 0; passed < restMs && isWhole(); passed += 100) await sleep(100);
    clearInterval(sampler);
    const row = { name, before: Math.round(before), peak: Math.round(peak), after: Math.round(rssMb(pid)), operations: mine.operations, worstMs: Math.round(mine.worstMs), failures: mine.failures.length, told: Object.entries(told).map(([what, count]) => `${what} × ${count}`).join(', ') };
    rows.push(row);
    console.log(`overload: ${name}: RSS MB ${row.before} → ${row.peak} → ${row.after}; calm ${row.operations} operations, worst ${row.worstMs} ms, failed ${row.failures}${mine.failures.length > 0 ? ` (${mine.failures.slice(0, 3).join('; ')})` : ''}; told: ${row.told === '' ? 'nothing' : row.told}`);
    if (mine.failures.length > 0) wrong.push(`${name}: calm clients failed ${mine.failures.length} times`);
    if (!(peak - before < grownMbMax)) wrong.push(`${name}: memory grew by ${Math.round(peak - before)} MB`);
    if (!isWhole()) break;
  }
  over = true;
  session.destroy();
  await Promise.race([Promise.all(watches), sleep(3000)]);
  console.log(`| attack | RSS before, at worst, 3 s after (MB) | calm clients' slowest operation (ms), failures | attackers were told |\n|---|---|---|---|\n${rows.map((row) => `| ${row.name} | ${row.before}, ${row.peak}, ${row.after} | ${row.worstMs}, ${row.failures} | ${row.told} |`).join('\n')}`);
  for (const what of wrong) console.log(`overload: wrong: ${what}`);
  console.log(wrong.length === 0 ? 'overload: ok' : `overload: ${wrong.length} wrong`);
  process.exit(wrong.length === 0 ? 0 : 1);
}
