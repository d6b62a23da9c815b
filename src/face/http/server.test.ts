// The server over real sockets, alone: what a client may cost it.

import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpFailure } from './failure.ts';
import { json, plain } from './health.ts';
import { HttpServer } from './server.ts';
import type { HttpHandler, HttpLimits } from './server.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

interface Raw {
  readonly socket: Socket;
  received: string;
  closed: boolean;
}

interface Rig {
  readonly http: HttpServer;
  readonly errors: unknown[];
  readonly dial: (reads?: boolean) => Promise<Raw>;
  readonly ask: (bytes: string) => Promise<string>;
}

async function rig(routes: Readonly<Record<string, HttpHandler>>, limits: Partial<HttpLimits> = {}): Promise<Rig> {
  const errors: unknown[] = [];
  const http = new HttpServer({ logger: { log: (_level, message, facts) => void errors.push([message, facts]) }, route: (path) => routes[path], failure: httpFailure, limits });
  const server: Server = createServer((socket) => http.take(socket));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    http.close();
    server.close();
  });
  const dial = (reads = true): Promise<Raw> =>
    new Promise((resolve) => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      const raw: Raw = { socket, received: '', closed: false };
      socket.on('error', () => undefined);
      socket.on('close', () => void (raw.closed = true));
      if (reads) socket.on('data', (bytes) => void (raw.received += bytes.toString('latin1')));
      socket.once('connect', () => resolve(raw));
      open.push(() => void socket.destroy());
    });
  const ask = async (bytes: string): Promise<string> => {
    const raw = await dial();
    raw.socket.write(bytes);
    await until(() => raw.closed || isWhole(raw.received));
    return raw.received;
  };
  return { http, errors, dial, ask };
}

/** One answer, as long as it said. */
function isWhole(received: string): boolean {
  const head = received.indexOf('\r\n\r\n');
  const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? Number.NaN);
  return head >= 0 && received.length >= head + 4 + length;
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 8000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
}

const echo: HttpHandler = { method: 'POST', answer: ({ body }) => json(200, { bytes: body.length }) };
const hello: HttpHandler = { method: 'GET', answer: () => plain(200, 'hello\n') };
const post = (path: string, length: number, body = ''): string => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n${body}`;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

describe('HTTP', () => {
  it.each(['//', '//[', '///', '/%', '/%ff', '/\\', '/?%', '//host/healthz', '*', 'http://[/', 'http://x/hello', '/\u0001'])('a strange target is answered, and ends nobody: %j', async (target) => {
    const { ask, errors } = await rig({ '/hello': hello });
    expect(await ask(get(target))).toMatch(/^HTTP\/1\.1 (400|404) /);
    expect(await ask(get('/hello'))).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello\n$/);
    expect(errors).toEqual([]);
  });

  it('methods and paths that are not there have a status and a code', async () => {
    const { ask } = await rig({ '/hello': hello, '/echo': echo });
    expect(await ask(get('/nowhere'))).toMatch(/^HTTP\/1\.1 404 [\s\S]*"error":"NOT_FOUND"/);
    expect(await ask(post('/hello', 0))).toMatch(/^HTTP\/1\.1 405 [\s\S]*allow: GET, HEAD\r\n[\s\S]*"METHOD_NOT_ALLOWED"/);
    expect(await ask(get('/echo'))).toMatch(/^HTTP\/1\.1 405 [\s\S]*allow: POST\r\n/);
    const head = await (async () => {
      const { ask: asked } = await rig({ '/hello': hello });
      return asked('HEAD /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    })();
    expect(head).toMatch(/^HTTP\/1\.1 200 [\s\S]*content-length: 6\r\n[\s\S]*\r\n\r\n$/);
  });

  it('a body that is too large is refused with 413, announced or not, and read no further', async () => {
    const { ask, http } = await rig({ '/echo': echo }, { bodyBytesMax: 1000 });
    expect(await ask(post('/echo', 1000, 'x'.repeat(1000)))).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"bytes":1000\}/);
    expect(await ask(post('/echo', 1e15))).toMatch(/^HTTP\/1\.1 413 [\s\S]*"error":"TOO_LARGE"/);
    const chunk = `200\r\n${'x'.repeat(512)}\r\n`;
    expect(await ask(`POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}`)).toMatch(/^HTTP\/1\.1 413 /);
    await until(() => http.heldBytes === 0);
  });

  it('headers that are too large are refused', async () => {
    const { ask } = await rig({ '/hello': hello });
    expect(await ask(`GET /hello HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await ask(get(`/${'y'.repeat(9000)}`))).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('headers, bodies and idle connections that take too long are sent away', async () => {
    const { dial, http } = await rig({ '/echo': echo, '/hello': hello }, { headersMs: 150, bodyMs: 300 });
    const [slow, trickling, idle] = [await dial(), await dial(), await dial()];
    slow.socket.write('GET /hello HTTP/1.1\r\nhost: ');
    trickling.socket.write(post('/echo', 1000));
    idle.socket.write(get('/hello'));
    const drops = setInterval(() => void (trickling.closed || trickling.socket.write('x')), 20);
    open.push(() => clearInterval(drops));
    await until(() => slow.closed && trickling.closed && idle.closed);
    expect([slow.received, trickling.received]).toEqual(['', '']);
    expect(idle.received).toContain('hello');
    await until(() => http.connectionCount === 0 && http.heldBytes === 0);
  });

  it('pipelined requests are answered in order, one at a time', async () => {
    let [running, most] = [0, 0];
    const slowly: HttpHandler = {
      method: 'GET',
      answer: async ({ query }) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => void setTimeout(resolve, 5));
        running--;
        return plain(200, `n=${query.get('n')}\n`);
      },
    };
    const { dial } = await rig({ '/slowly': slowly });
    const raw = await dial();
    raw.socket.write(Array.from({ length: 20 }, (_, n) => get(`/slowly?n=${n}`)).join(''));
    await until(() => raw.received.includes('n=19\n'));
    expect([...raw.received.matchAll(/n=(\d+)\n/g)].map(([, n]) => Number(n))).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(most).toBe(1);
  });

  it('who pipelines without end is sent away', async () => {
    let answered = 0;
    const { dial, http } = await rig({ '/hello': { method: 'GET', answer: () => (answered++, plain(200, 'hello\n')) } });
    const raw = await dial(false);
    raw.socket.write(get('/hello').repeat(5000));
    await until(() => http.connectionCount === 0);
    expect(answered).toBeLessThanOrEqual(65);
  });

  it('who does not read its answer costs itself: it is sent away, and others are served meanwhile', async () => {
    const large = 'x'.repeat(30 << 20);
    const { dial, ask, http } = await rig({ '/large': { method: 'GET', answer: () => plain(200, large) }, '/hello': hello }, { takenMs: 3000, bytesMax: 64 << 20 });
    const stuck = await Promise.all([dial(false), dial(false), dial(false)]);
    for (const { socket } of stuck) socket.write(get('/large').repeat(3));
    await until(() => http.heldBytes >= 60 << 20);
    // The third would not have fitted: it was refused before it cost anything.
    expect(http.heldBytes).toBeLessThan(64 << 20);
    expect(await ask(get('/hello'))).toContain('hello');
    expect(await ask(get('/large'))).toMatch(/^HTTP\/1\.1 503 [\s\S]*"error":"OVERLOADED"/);
    await until(() => http.connectionCount <= 3 && http.heldBytes === 0);
  });

  it('an error of a handler’s is its request’s alone', async () => {
    const { ask, errors } = await rig({
      '/throws': { method: 'GET', answer: () => { throw new Error('of ours'); } },
      '/rejects': { method: 'GET', answer: () => Promise.reject(new Error('of ours')) },
      '/hello': hello,
    });
    expect(await ask(get('/throws'))).toMatch(/^HTTP\/1\.1 500 [\s\S]*"error":"INTERNAL"/);
    expect(await ask(get('/rejects'))).toMatch(/^HTTP\/1\.1 500 /);
    expect(await ask(get('/hello'))).toContain('hello');
    expect(errors.length).toBe(2);
  });

  it('a body in parts of one byte costs what it weighs, and a flood of them its connection', async () => {
    const { ask, dial, http } = await rig({ '/echo': echo });
    const chunked = 'POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';
    expect(await ask(`${chunked}${'1\r\nx\r\n'.repeat(900)}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"bytes":900\}/);
    const flood = await dial();
    flood.socket.write(`${chunked}${'1\r\nx\r\n'.repeat(50_000)}`);
    await until(() => flood.closed);
    expect(flood.received).toBe('');
    await until(() => http.heldBytes === 0);
  });

  it('an answer is made when there is room for it', async () => {
    let made = 0;
    const large: HttpHandler = {
      method: 'GET',
      answer: ({ admit }) => {
        admit(600_000);
        made++;
        return { status: 200, type: 'text/plain', body: { bytes: 600_000, texts: () => Array.from({ length: 60 }, () => 'x'.repeat(10_000)) } };
      },
    };
    const { dial, ask, http } = await rig({ '/large': large, '/hello': hello }, { bytesMax: 1_000_000, takenMs: 500 });
    expect((await ask(`${get('/large').slice(0, -2)}connection: close\r\n\r\n`)).length).toBeGreaterThan(600_000);
    const stuck = await dial(false);
    // Its answers go on until nothing more fits between here and there.
    stuck.socket.write(get('/large').repeat(30));
    await until(() => http.heldBytes >= 600_000);
    await new Promise((resolve) => void setTimeout(resolve, 100));
    const before = made;
    expect(await ask(get('/large'))).toMatch(/^HTTP\/1\.1 503 [\s\S]*"OVERLOADED"/);
    expect(await ask(get('/hello'))).toContain('hello');
    expect([made, http.heldBytes]).toEqual([before, 600_000]);
    await until(() => http.heldBytes === 0);
  });

  it('who is being served does not make room for those who come and say nothing', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => void (open = resolve));
    const { dial, http } = await rig({ '/slow': { method: 'GET', answer: async () => (await gate, plain(200, 'done\n')) } }, { connectionsMax: 5 });
    const served = await dial();
    served.socket.write(get('/slow'));
    await new Promise((resolve) => void setTimeout(resolve, 50));
    for (let at = 0; at < 20; at++) await dial();
    await until(() => http.connectionCount === 5);
    open();
    await until(() => served.received.includes('done\n'));
  });

  it('too many connections: the oldest makes room', async () => {
    const { dial, ask, http } = await rig({ '/hello': hello }, { connectionsMax: 5 });
    const many: Raw[] = [];
    for (let at = 0; at < 20; at++) many.push(await dial());
    expect(await ask(get('/hello'))).toContain('hello');
    expect(http.connectionCount).toBeLessThanOrEqual(5);
    await until(() => many.filter(({ closed }) => closed).length >= 15);
  });
});
