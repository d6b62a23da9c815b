// The page of `thole check --html` in a real browser: what it says, what it shows, and that it bears 10,000 operations.
// THOLE_SCREENSHOTS=docs/images keeps the pictures.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../src/face/check/check.ts';
import { type AnyModel, type AnyOperation, generateKv, generateRegister, kv, register, renderPage } from '../../src/core/linear/index.ts';
import { Browser, findBrowser } from '../linear/browser.ts';

const executable = findBrowser();
if (executable === undefined) {
  process.stderr.write('\n*** SKIPPED: no chromium on this machine; the page of thole check was NOT looked at ***\n\n');
}

let directory = '';
let browser: Browser;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'thole-page-'));
  if (executable !== undefined) browser = Browser.open(executable, { width: 1280, height: 860 });
});
afterAll(async () => {
  if (executable !== undefined) await browser.close();
  await rm(directory, { recursive: true });
});

async function open(title: string, model: AnyModel, history: readonly AnyOperation[]): Promise<void> {
  const result = await check(model, history, { timeoutMs: 30_000 });
  const file = join(directory, 'page.html');
  await writeFile(file, renderPage([{ title, model, history, ...result }]));
  await browser.show(pathToFileURL(file).href);
}

async function keep(name: string): Promise<void> {
  const folder = process.env['THOLE_SCREENSHOTS'];
  if (folder !== undefined) await writeFile(join(folder, `${name}.png`), await browser.screenshot());
}

/** How many of the canvas's pixels have the colour of a CSS variable, so that a test can say what is in the picture. */
const painted = (variable: string): string => `(() => {
  const canvas = document.getElementById('timeline');
  const [r, g, b] = getComputedStyle(document.documentElement).getPropertyValue('--${variable}').trim().match(/[0-9a-f]{2}/gi).map((hex) => parseInt(hex, 16));
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++;
  return count;
})()`;

/** What a page answered with [x, y]. */
function point(value: unknown): { readonly x: number; readonly y: number } {
  const [x, y] = Array.isArray(value) ? value.map(Number) : [];
  return { x: x ?? 0, y: y ?? 0 };
}

/** A client writes 1 and then 2, both are acknowledged, and a later read still says 1. */
const stale: AnyOperation[] = (
  [
    ['api-1', { f: 'write', value: 1 }, null, 0, 3],
    ['api-2', { f: 'read' }, 1, 1, 5],
    ['api-3', { f: 'read' }, null, 0.5, 2],
    ['api-1', { f: 'write', value: 2 }, null, 6, 9],
    ['api-2', { f: 'read' }, 2, 7, 10],
    ['api-4', { f: 'read' }, 1, 6.5, 8],
    ['api-3', { f: 'read' }, 1, 11, 14],
    ['api-4', { f: 'write', value: 3 }, null, 12, 16],
    ['api-2', { f: 'read' }, 2, 12.5, 13.5],
    ['api-1', { f: 'read' }, 3, 17, 19],
  ] as const
).map(([client, input, output, call, returned]) => ({ client, input, output, call, return: returned }));

describe.skipIf(executable === undefined)('the page of a stale read', () => {
  it('names the read, says until when it was right, and marks where the order ends', async () => {
    await open('api.jsonl', register(), stale);
    const story = String(await browser.evaluate("document.getElementById('story').innerText"));
    expect(story).toContain('Not linearizable');
    expect(story).toContain('Client api-3 called at 11, returned at 14, and its answer was read → 1');
    expect(story).toContain('That would have been right until client api-1 did write 2');
    expect(story).toContain('had returned at 9, before this one was called at 11: the answer is stale');
    expect(await browser.evaluate("document.getElementById('verdict').innerText")).toBe('not linearizable');
    expect(await browser.evaluate('document.title')).toBe('api.jsonl: not linearizable');
    expect(await browser.evaluate(painted('blocked'))).toBeGreaterThan(1000);
    expect(await browser.evaluate(painted('placed'))).toBeGreaterThan(1000);
    expect(await browser.evaluate("document.querySelector('tr.blocked').innerText")).toMatch(/read → 1\s+cannot come next: the state is/);
    await keep('linear-stale-read');
    expect(browser.errors).toEqual([]);
  });

  it('tells the state before and after an operation under the pointer', async () => {
    await open('api.jsonl', register(), stale);
    const { x, y } = point(await browser.evaluate(`(() => {
      const op = layout.ops.find((one) => one.label === 'write 2');
      const box = timeline.canvas.getBoundingClientRect();
      return [box.left + (timeline.x(op.from) + timeline.x(op.to)) / 2, box.top + timeline.top + (op.row + 0.5) * timeline.rowHeight];
    })()`));
    await browser.mouse('mouseMoved', x, y);
    const tip = String(await browser.evaluate("document.getElementById('tip').hidden ? '' : document.getElementById('tip').innerText"));
    expect(tip).toMatch(/write 2\nclient api-1, called at 6, returned at 9\nplaced as number \d+ of \d+\nstate before: 1\nstate after: 2/);
    await keep('linear-hover');
    expect(browser.errors).toEqual([]);
  });

  it('has the wheel zoom around the pointer, and the buttons lead back', async () => {
    await open('register.jsonl', register(), generateRegister({ seed: 3, clients: 6, operations: 400 }));
    const width = 'timeline.to - timeline.from';
    const all = Number(await browser.evaluate(width));
    const { x, y } = point(await browser.evaluate('(({ left, top, width }) => [left + width / 2, top + 80])(timeline.canvas.getBoundingClientRect())'));
    await browser.mouse('mouseWheel', x, y, -900);
    expect(Number(await browser.evaluate(width))).toBeLessThan(all / 2);
    await browser.evaluate("document.getElementById('fit').click()");
    expect(Number(await browser.evaluate(width))).toBeCloseTo(all);
    expect(await browser.evaluate("document.getElementById('story').innerText")).toContain('Linearizable');
    expect(browser.errors).toEqual([]);
  });
});

describe.skipIf(executable === undefined)('the page of 10,000 operations', () => {
  it('opens at the break, and paints', async () => {
    const history = generateKv({ seed: 6, clients: 12, keys: 8, operations: 10_000 });
    const at = history.findIndex(({ input, output }, i) => i > 6000 && input.f === 'get' && (output?.length ?? 0) > 100);
    const spoiled = history.map((operation, i) => (i === at ? { ...operation, output: operation.output?.slice(0, -30) } : operation));
    await open('load.jsonl', kv(), spoiled);
    expect(await browser.evaluate("document.getElementById('story').innerText")).toContain('Not linearizable');
    await keep('linear-10000');
    await browser.evaluate("document.getElementById('fit').click()");
    await browser.frame();
    const paint = Number(await browser.evaluate('(() => { const times = []; for (let i = 0; i < 9; i++) { const t = performance.now(); timeline.paint(); times.push(performance.now() - t); } return times.sort((a, b) => a - b)[4]; })()'));
    console.info(`10,000 operations: a frame is painted in ${paint.toFixed(1)} ms (aim: 100)`);
    await keep('linear-10000-all');
    expect(browser.errors).toEqual([]);
  }, 60_000);

  it('shows anything a client wrote as text, not as markup', async () => {
    const evil = '</script><img src=x onerror="document.title=1">';
    const history = [{ client: evil, input: { f: 'write', value: evil }, output: null, call: 0, return: 1 }];
    await open(evil, register(), history);
    expect(await browser.evaluate("document.querySelectorAll('img').length")).toBe(0);
    expect(await browser.evaluate("document.getElementById('title').textContent")).toBe(evil);
    expect(browser.errors).toEqual([]);
  });
});
