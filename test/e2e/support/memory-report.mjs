// Preloaded into a member with --expose-gc: on SIGUSR2 it collects, and writes what is left as a line of JSON.

process.on('SIGUSR2', () => {
  globalThis.gc();
  setImmediate(() => {
    globalThis.gc();
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    const handles = {};
    for (const name of process.getActiveResourcesInfo()) handles[name] = (handles[name] ?? 0) + 1;
    process.stderr.write(`memory ${JSON.stringify({ heapUsed, external, arrayBuffers, rss, handles })}\n`);
  });
});
