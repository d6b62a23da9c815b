// Preloaded into a member with --expose-gc: on SIGUSR2 it collects, and writes what is left as a line of JSON.

process.on('SIGUSR2', () => {
  globalThis.gc();
  setImmediate(() => {
    globalThis.gc();
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    process.stderr.write(`memory ${JSON.stringify({ heapUsed, external, arrayBuffers, rss, handles: process.getActiveResourcesInfo().length })}\n`);
  });
});
