// The load through Thole's own client, in a process of its own.
import { connect } from '../dist/face/index.js';
import { fill, load, settings } from './load.mjs';
import { keysOf } from './wire.mjs';

const given = settings();
const value = new Uint8Array(given.valueSize).fill(120);
const keys = keysOf(given.keys).map(String);
const clients = await Promise.all(Array.from({ length: given.connections }, () => connect({ endpoints: given.endpoints, timeoutMs: 30_000 })));
if (given.operation === 'get') await fill(keys.length, (at) => clients[0].kv.put(keys[at], value));
/** The client gives promises, the load takes callbacks; a failed one fails the run. */
const settle = (promise, ended) => void promise.then(() => ended(), (error) => ended(error));
const found = (answer) => {
  if (!answer) throw new Error('a key that was written was not found');
};
const issue = (lane, n, done) => {
  const { kv } = clients[lane % clients.length];
  const key = keys[(lane + n * given.inFlight) % keys.length];
  if (given.operation === 'put') settle(kv.put(key, value), done);
  else settle(kv.get(key).then(found), done);
};
await load(issue, given);
process.exit(0);
