// Loaded into a member before its own code: on SIGUSR2 its event loop stands still for a second, in a callback of
// the kind that THOLE_BLOCK_IN names at that moment's turn in a comma-separated list.
import { stat } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

function block() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  process.stderr.write('blocked\n');
}

const kinds = {
  timer: () => setTimeout(block, 1),
  io: () => stat('.', block),
  check: () => setImmediate(block),
};

if (isMainThread) {
  const order = (process.env.THOLE_BLOCK_IN ?? '').split(',');
  process.on('SIGUSR2', () => kinds[order.shift()]());
}
