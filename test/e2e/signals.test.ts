// How processes end that were told to, or left alone by the one that started them.

import { afterAll, describe, expect, it, vi } from 'vitest';
import { exitCodes } from '../../src/face/cli/exit.ts';
import { DevCluster } from './support/dev-cluster.ts';
import { Running, cleanUp, eventually, freePorts, main, tempDir, thole } from './support/processes.ts';
import { readHttp } from '../../src/face/http/get.ts';

vi.setConfig({ testTimeout: 60_000 });
afterAll(cleanUp);

describe('a member that waits for the others before its birth', () => {
  const waiting = async (stdin: 'ignore' | 'pipe'): Promise<Running> => {
    const port = await freePorts(3);
    const founders = [0, 1, 2].map((at) => `n${at}=127.0.0.1:${port + at}`).join(',');
    const member = new Running(process.execPath, [main, 'serve', '--name', 'n0', '--data-dir', `${tempDir()}/n0`, '--listen', `127.0.0.1:${port}`, '--initial-cluster', founders], { THOLE_PARENT_PIPE: stdin === 'pipe' ? '1' : '0' }, stdin);
    await eventually('its port', async () => readHttp(`127.0.0.1:${port}`, '/healthz', 500).catch(() => undefined));
    return member;
  };

  it('goes when it is told to', async () => {
    const member = await waiting('ignore');
    member.kill('SIGTERM');
    expect(await member.end()).toEqual({ code: 0, signal: null });
  });

  it('goes when its parent has gone', async () => {
    const member = await waiting('pipe');
    member.child.stdin?.end();
    expect(await member.end()).toEqual({ code: 0, signal: null });
  });
});

describe('a second thole dev', () => {
  it('beside the first says why its members do not run, and ends, without announcing the first one’s leader; the first goes on', async () => {
    const first = await DevCluster.start();
    const second = await thole(['dev', '--json', '--base-port', String(first.basePort), '--data-dir', tempDir()]);
    expect(second.code).toBe(exitCodes.portInUse);
    expect([second.out, second.err]).toEqual(['', `Error: PORT_IN_USE: somebody listens on 127.0.0.1:${first.basePort} already\n`]);
    const third = await thole(['dev', '--json', '--base-port', String(await freePorts(3)), '--data-dir', first.dataDir]);
    expect(third.code).toBe(exitCodes.dataDir);
    expect(third.err.match(/is not restarted: its data directory is in use/g)?.length).toBe(3);
    expect((await first.verb(['put', 'a', '1'])).out).toBe('OK\n');
    expect((await first.stop()).code).toBe(0);
  });
});
