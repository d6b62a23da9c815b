// The bytes of a log of version 1, as released: every later build reads them, and one that still writes version 1
// writes them. No general rewrite touches released bytes; before a release, and on purpose:
// THOLE_GOLDEN=log-v1 npx vitest run test/golden/format/log-v1

import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { EntryKind, encodeConfiguration } from '../../../src/core/raft/index.ts';
import type { Configuration } from '../../../src/core/raft/index.ts';
import type { LogWrite } from '../../../src/engine/log/index.ts';
import { describeLog } from '../../support/log-oracle.ts';
import { LogWorld, entries, marker } from '../../support/log-world.ts';

interface Golden {
  /** What the log says, read entry by entry. */
  readonly says: string;
  /** Each file in lines of 32 bytes of hex. */
  readonly files: Readonly<Record<string, readonly string[]>>;
}

const file = new URL('log-v1.json', import.meta.url);
const options = { cluster: 2 ** 53 - 1, member: 0x1_2345_6789, segmentBytes: 1024 };

const configuration: Configuration = {
  voters: [1, 0x1_2345_6789], outgoing: [3], learners: [4], witnesses: [5],
  members: [{ id: 1, name: 'n1', address: '127.0.0.1:2379' }, { id: 0x1_2345_6789, name: 'ä', address: '[::1]:1' }],
};

/** Every kind of record, of two groups, over three segments. */
const batches: readonly (readonly LogWrite[])[] = [
  [
    { type: 'hardState', group: 1, hardState: { term: 1, vote: 0x1_2345_6789, commit: 1 } },
    { type: 'entries', group: 1, entries: [{ index: 1, term: 1, kind: EntryKind.configuration, data: encodeConfiguration(configuration) }] },
  ],
  [{ type: 'entries', group: 1, entries: [{ index: 2, term: 1, kind: EntryKind.noop, data: new Uint8Array(0) }, ...entries(3, 5, 1, 21)] }],
  [{ type: 'entries', group: 0xffff_fffe, entries: entries(1, 2, 2 ** 53 - 1, 33) }],
  [{ type: 'snapshot', group: 1, marker: { ...marker(3), configuration }, reset: false }, { type: 'drop', group: 1, through: 2 }],
  [{ type: 'cut', group: 1, from: 5 }, { type: 'entries', group: 1, entries: entries(5, 6, 2, 8) }],
  [{ type: 'snapshot', group: 7, marker: marker(900, 6, 7), reset: true }, { type: 'entries', group: 7, entries: entries(901, 901, 6, 500) }],
];

function hexLines(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString('hex').match(/.{1,64}/g) ?? [];
}

async function written(): Promise<Golden> {
  const world = new LogWorld(options);
  const log = await world.open();
  for (const batch of batches) await log.write(batch);
  const says = await describeLog(log);
  await log.close();
  const files: Record<string, readonly string[]> = {};
  for (const [path, bytes] of world.disk.contents()) if (/[.](log|idx)$/.test(path)) files[path] = hexLines(bytes);
  return { says, files };
}

describe('the log, version 1', () => {
  let golden: Golden;
  beforeAll(async () => {
    if (process.env['THOLE_GOLDEN'] === 'log-v1') writeFileSync(file, `${JSON.stringify(await written(), undefined, 1)}\n`);
    golden = JSON.parse(readFileSync(file, 'utf8'));
  });

  it('is read', async () => {
    const world = new LogWorld(options);
    world.disk.place(new Map(Object.entries(golden.files).map(([path, lines]) => [path, Buffer.from(lines.join(''), 'hex')])));
    const log = await world.open();
    expect(await describeLog(log)).toBe(golden.says);
    expect(log.report).toMatchObject({ segments: 3, cutBytes: 0, indexesRebuilt: 0 });
    await log.write([{ type: 'entries', group: 1, entries: entries(7, 7, 2) }]);
  });

  it('is written', async () => {
    expect(await written()).toEqual(golden);
  });
});
