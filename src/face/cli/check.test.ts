import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkCommand } from './check.ts';

/** The next check ends with it. */
const broken: { what: Error | undefined } = { what: undefined };
vi.mock(import('../check/check.ts'), async (original) => {
  const { check } = await original();
  const breaking: typeof check = (...args) => {
    const { what } = broken;
    broken.what = undefined;
    return what === undefined ? check(...args) : Promise.reject(what);
  };
  return { check: breaking };
});

let directory = '';
const file = (name: string): string => join(directory, name);

const event = (process: number, type: string, f: string, value: string): string => `{:process ${process} :type :${type} :f :${f} :value ${value}}\n`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'thole-check-'));
  const written = event(0, 'invoke', 'write', '1') + event(0, 'ok', 'write', '1');
  await writeFile(file('ok.edn'), written + event(1, 'invoke', 'read', 'nil') + event(1, 'ok', 'read', '1'));
  await writeFile(file('stale.edn'), written + event(1, 'invoke', 'read', 'nil') + event(1, 'ok', 'read', '0'));
  await writeFile(file('broken.edn'), `${written}  {:process 1 :type`);
  const hard = Array.from({ length: 22 }, (_, i) => event(i, 'invoke', 'write', String(i))).join('');
  const ends = Array.from({ length: 22 }, (_, i) => event(i, 'ok', 'write', String(i))).join('');
  await writeFile(file('hard.edn'), hard + event(99, 'invoke', 'read', 'nil') + event(99, 'ok', 'read', '-1') + ends);
});

afterAll(() => rm(directory, { recursive: true }));

async function run(...args: string[]): Promise<{ readonly code: unknown; readonly out: string; readonly complaints: string }> {
  let out = '';
  let complaints = '';
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((complaints += String(text)), true));
  const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw Object.assign(new Error('exit'), { code });
  });
  try {
    await checkCommand().parseAsync(args, { from: 'user' });
    return { code: process.exitCode, out, complaints };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return { code, out, complaints };
  } finally {
    process.exitCode = 0;
    for (const spy of [stdout, stderr, exit]) spy.mockRestore();
  }
}

describe('thole check', () => {
  it('prints FILE verdict ops ms, and exits 0 when all are ok', async () => {
    const { code, out } = await run('--model', 'cas-register', '--format', 'edn', file('ok.edn'));
    expect(out).toMatch(new RegExp(`^${file('ok.edn')} ok 2 \\d+\n$`));
    expect(code).toBe(0);
  });

  it('exits 1 when any is illegal, also if another is unknown', async () => {
    const { code, out } = await run('--model', 'cas-register', '--timeout', '50ms', file('hard.edn'), file('stale.edn'), file('ok.edn'));
    expect(out.split('\n').map((line) => line.split(' ')[1])).toEqual(['unknown', 'illegal', 'ok', undefined]);
    expect(code).toBe(1);
  });

  it('exits 3 when any is unknown and none illegal', async () => {
    expect((await run('--model', 'cas-register', '--timeout', '50ms', file('ok.edn'), file('hard.edn'))).code).toBe(3);
  });

  it('exits 2 for what it cannot read, with line and column, and still judges the rest', async () => {
    const { code, out, complaints } = await run('--model', 'register', file('broken.edn'), file('none.edn'), file('ok.edn'));
    expect(complaints).toMatch(/broken\.edn: line 3, column 20: the text ends where } is missing\n.*none\.edn: ENOENT/s);
    expect(out).toMatch(/ ok 2 /);
    expect(code).toBe(2);
  });

  it('exits 2 for more than a text may hold, and still judges the rest', async () => {
    // A hole of three gigabytes takes no room.
    await writeFile(file('huge.edn'), '');
    await truncate(file('huge.edn'), 3 * 2 ** 30);
    const { code, out, complaints } = await run('--model', 'register', file('huge.edn'), file('ok.edn'));
    expect([code, out, complaints]).toEqual([2, expect.stringMatching(/ ok 2 /), expect.stringMatching(/huge\.edn: .*(2 GiB|too large|longer than)/i)]);
  });

  it('exits 70, and not as if a history were illegal, when checking itself fails; the rest is judged', async () => {
    broken.what = new Error('a checking thread ended without an answer');
    const { code, out, complaints } = await run('--model', 'cas-register', file('ok.edn'), file('stale.edn'));
    expect([code, out]).toEqual([70, expect.stringMatching(/^\S*stale\.edn illegal /)]);
    expect(complaints).toContain('ok.edn: it could not be checked: Error: a checking thread ended');
  });

  it('exits 2 for wrong usage', async () => {
    expect((await run('--model', 'cas-register')).code).toBe(2);
    expect((await run('--model', 'abacus', file('ok.edn'))).code).toBe(2);
    expect((await run(file('ok.edn'))).code).toBe(2);
    expect((await run('--model', 'kv', '--format', 'xml', file('ok.edn'))).code).toBe(2);
    expect((await run('--model', 'kv', '--timeout', 'soon', file('ok.edn'))).code).toBe(2);
    expect((await run('--model', 'kv', '--initial', '7', file('ok.edn'))).code).toBe(2);
    expect((await run('--help')).code).toBe(0);
  });

  it('takes the initial value from the command line', async () => {
    expect((await run('--model', 'cas-register', '--initial', '7', file('stale.edn'))).code).toBe(1);
    expect((await run('--model', 'cas-register', '--initial', 'nil', file('ok.edn'))).code).toBe(0);
  });

  it('prints JSON with what could not be placed', async () => {
    const { out } = await run('--model', 'cas-register', '--json', file('stale.edn'));
    expect(JSON.parse(out)).toMatchObject({ verdict: 'illegal', operations: 2, broken: [{ placed: 1, blocked: { client: 1, input: { f: 'read' } } }] });
  });

  it('writes one page about all the files, which loads nothing', async () => {
    expect((await run('--model', 'cas-register', '--html', file('page.html'), file('ok.edn'), file('stale.edn'))).code).toBe(1);
    const page = await readFile(file('page.html'), 'utf8');
    expect(page).toContain('stale.edn');
    expect(page).not.toMatch(/(src|href)=|https?:|@import|url\(/);
    expect((await run('--model', 'register', '--html', file('no/such/page.html'), file('ok.edn'))).code).toBe(2);
  });
});
