// Bytes of a released version, kept as lines of hex in test/golden/format. No general rewrite touches them; before a
// release, and on purpose: THOLE_GOLDEN=<name> npx vitest run test/golden/format/<name>

import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

export type Cases = Readonly<Record<string, Uint8Array>>;

const lineBytes = 48;

function hexLines(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString('hex').match(new RegExp(`.{1,${2 * lineBytes}}`, 'g')) ?? [];
}

/** What this build writes, in the form of the file. */
export function written(cases: Cases): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(cases).map(([name, bytes]) => [name, hexLines(bytes)]));
}

export class GoldenBytes {
  readonly lines: Readonly<Record<string, readonly string[]>>;

  constructor(name: string, directory: string, cases: Cases) {
    const file = new URL(`${name}.json`, directory);
    if (process.env['THOLE_GOLDEN'] === name) writeFileSync(file, `${JSON.stringify(written(cases), undefined, 1)}\n`);
    const parsed: Record<string, readonly string[]> = JSON.parse(readFileSync(file, 'utf8'));
    this.lines = parsed;
  }

  bytes(name: string): Uint8Array {
    const lines = this.lines[name];
    if (lines === undefined) throw new Error(`no bytes of that name: ${name}`);
    return new Uint8Array(Buffer.from(lines.join(''), 'hex'));
  }
}
