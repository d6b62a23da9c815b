// The load through gRPC, for etcd and for Thole alike, in a process of its own: unary calls over a few HTTP/2 sessions, every
// request encoded beforehand. Node's HTTP/2 coalesces the frames of one turn of the loop into one write by itself.
import { connect } from 'node:http2';
import { fill, load, settings } from './load.mjs';
import { keysOf, putRequest, rangeRequest } from './wire.mjs';

const given = settings();
const keys = keysOf(given.keys);
const value = Buffer.alloc(given.valueSize, 120);
const puts = keys.map((key) => putRequest(key, value));
const gets = keys.map((key) => rangeRequest(key));
const headersOf = (method) => ({
  ':method': 'POST', ':path': `/etcdserverpb.KV/${method}`, 'content-type': 'application/grpc', te: 'trailers',
});

const open = (endpoint) =>
  new Promise((resolve, reject) => {
    const session = connect(`http://${endpoint}`, { settings: { enablePush: false, initialWindowSize: 1 << 20 } });
    const timer = setTimeout(() => reject(new Error(`${endpoint} did not answer with HTTP/2 within 5 s`)), 5000);
    // A session is usable once the other side has sent its settings: a port that is not HTTP/2 never does.
    session.once('remoteSettings', () => {
      clearTimeout(timer);
      session.setLocalWindowSize(1 << 24);
      resolve(session);
    });
    session.on('error', (error) => reject(new Error(`${endpoint}: ${error.message}`)));
  });

function call(session, headers, message, minimum, done) {
  const stream = session.request(headers);
  let status;
  let received = 0;
  stream.on('response', (got) => {
    status = got['grpc-status'] ?? (got[':status'] === 200 ? undefined : `HTTP ${got[':status']}`);
  });
  stream.on('data', (chunk) => {
    received += chunk.length;
  });
  stream.on('trailers', (got) => {
    status = got['grpc-status'] ?? status;
  });
  let failure;
  stream.on('error', (error) => {
    failure = error;
  });
  stream.on('close', () => {
    if (failure) done(failure);
    else if (status !== '0') done(new Error(`gRPC status ${status}`));
    else if (received < minimum) done(new Error(`a reply of ${received} bytes does not hold the value`));
    else done();
  });
  stream.end(message);
}

const sessions = await Promise.all(Array.from({ length: given.connections }, (_, at) => open(given.endpoints[at % given.endpoints.length])));
const putHeaders = headersOf('Put');
const getHeaders = headersOf('Range');
if (given.operation === 'get') {
  await fill(keys.length, (at) => new Promise((resolve, reject) => call(sessions[0], putHeaders, puts[at], 6, (error) => (error ? reject(error) : resolve()))));
}
const isPut = given.operation === 'put';
await load((lane, n, done) => {
  const at = (lane + n * given.inFlight) % keys.length;
  const session = sessions[lane % sessions.length];
  if (isPut) call(session, putHeaders, puts[at], 6, done);
  else call(session, getHeaders, gets[at], given.valueSize, done);
}, given);
process.exit(0);
