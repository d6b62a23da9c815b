// Log recovery, enumerated: a log of two segments, cut at every byte and flipped at every byte, with the newest note
// in place and with it one batch behind. Cut: exactly the records that were whole. Flip: everything or a refusal that
// says where; only the last batch above the newest note may be taken for torn.

import { beforeAll, describe, expect, it } from 'vitest';
import { OperationError } from '../../src/core/errors.ts';
import type { Failure } from '../../src/core/errors.ts';
import { EntryKind, encodeConfiguration, noConfiguration } from '../../src/core/raft/index.ts';
import type { LogWrite, RecoveryReport } from '../../src/engine/log/index.ts';
import { LogWorld, entries, entry, marker } from '../support/log-world.ts';
import { after, describeLog, describeOracle, noGroups, steps } from '../support/log-oracle.ts';

const configuration = encodeConfiguration({ ...noConfiguration, voters: [1, 2, 3] });
const batches: readonly (readonly LogWrite[])[] = [
  [
    { type: 'hardState', group: 1, hardState: { term: 1, vote: 2, commit: 0 } },
    { type: 'entries', group: 1, entries: [{ index: 1, term: 1, kind: EntryKind.configuration, data: configuration }] },
  ],
  [{ type: 'entries', group: 1, entries: entries(2, 4, 1, 21) }, { type: 'entries', group: 5, entries: entries(1, 1, 3, 7) }],
  [{ type: 'entries', group: 1, entries: entries(5, 6, 1, 200) }],
  [{ type: 'snapshot', group: 1, marker: marker(3), reset: false }, { type: 'drop', group: 1, through: 2 }],
  [{ type: 'hardState', group: 1, hardState: { term: 2, vote: 3, commit: 4 } }, { type: 'cut', group: 1, from: 6 }, { type: 'entries', group: 1, entries: entries(6, 7, 2, 150) }],
  [{ type: 'entries', group: 5, entries: entries(2, 2, 3, 300) }],
  [{ type: 'entries', group: 1, entries: [entry(8, 2, 90), entry(9, 2, 3)] }],
];

interface Image {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly first: string;
  readonly last: string;
}

interface Outcome {
  readonly failure: Failure | undefined;
  readonly state: string;
  readonly report: RecoveryReport | undefined;
}

let image: Image;
/** The states after each record, from the state before the first. */
let states: readonly string[];
/** Of each record in the last segment, padding included. */
let ends: readonly number[];
let recordsInFirst: number;
/** Where the last batch begins in the last segment, and where everything ends. */
let lastBatch: number;
let end: number;

beforeAll(async () => {
  const world = new LogWorld({ segmentBytes: 1536 });
  const log = await world.open();
  let oracle = noGroups;
  const all = [describeOracle(oracle)];
  for (const batch of batches) {
    await log.write(batch);
    all.push(...steps(oracle, batch).map(describeOracle));
    oracle = after(oracle, batch);
  }
  states = all;
  await log.close();
  const files = new Map([...world.disk.contents()].filter(([path]) => !path.endsWith('spare')));
  const paths = [...files.keys()].filter((path) => path.endsWith('.log'));
  image = { files, first: paths.at(0)!, last: paths.at(1)! };
  expect(paths).toHaveLength(2);
  recordsInFirst = Number(/(\d+)\.log/.exec(image.last)![1]) - 1;
  ends = endsOf(files.get(image.last)!);
  expect(recordsInFirst + ends.length).toBe(states.length - 1);
  end = ends.at(-1)!;
  lastBatch = ends.at(-3)!;
  const bytes = paths.reduce((sum, path) => sum + endsOf(files.get(path)!).at(-1)!, 0);
  expect(bytes).toBeLessThanOrEqual(4096);
});

function endsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  // A record is its length, 44 more bytes, and as many as the length says, up to a multiple of 8.
  for (let at = view.getUint32(8, true); at + 48 <= bytes.length && bytes[at + 8] !== 0; at = found.at(-1)!) {
    found.push(at + Math.ceil((48 + view.getUint32(at, true)) / 8) * 8);
  }
  return found;
}

async function recover(change: (files: Map<string, Uint8Array>) => void): Promise<Outcome> {
  const files = new Map(image.files);
  change(files);
  const world = new LogWorld({ segmentBytes: 1536 });
  world.disk.place(files);
  try {
    const log = await world.open();
    const outcome = { failure: undefined, state: await describeLog(log), report: log.report };
    await log.close();
    return outcome;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return { failure: error.failure, state: '', report: undefined };
  }
}

const indexOf = (path: string): string => path.replace('.log', '.idx');

/** The same log, but the last batch's note never reached its file. */
function forgetNote(files: Map<string, Uint8Array>): void {
  const path = indexOf(image.last);
  files.set(path, files.get(path)!.slice(0, -32));
}

function cut(files: Map<string, Uint8Array>, path: string, at: number): void {
  files.set(path, files.get(path)!.slice(0, at));
}

function flip(files: Map<string, Uint8Array>, path: string, at: number): void {
  const bytes = files.get(path)!.slice();
  bytes[at] = (bytes.at(at) ?? 0) ^ (1 << at % 8);
  files.set(path, bytes);
}

function expectRefusal({ failure }: Outcome, path: string): void {
  expect(failure).toMatchObject({ code: 'CORRUPT', file: path });
  expect(failure?.offset).toBeTypeOf('number');
  expect(failure?.index).toBeGreaterThan(0);
}

describe.each([['the note current', false], ['the note one batch behind', true]])('log: recovery: two segments, %s', (_, isBehind) => {
  const prepare = (files: Map<string, Uint8Array>): void => {
    if (isBehind) forgetNote(files);
  };
  const noted = (): number => (isBehind ? lastBatch : end);

  it('cut at every byte of the last segment', async () => {
    for (let at = 0; at <= image.files.get(image.last)!.length; at++) {
      const outcome = await recover((files) => {
        prepare(files);
        cut(files, image.last, at);
      });
      if (at < noted()) {
        expectRefusal(outcome, image.last);
        continue;
      }
      // Padding holds nothing: a record without its last zeros is whole.
      const whole = ends.filter((position) => position - 7 <= at && isWhole(position, at)).length;
      expect(outcome.state, `cut at ${at}`).toBe(states[recordsInFirst + whole]);
      const isClean = whole === ends.length || at <= (ends[whole - 1] ?? 0);
      expect(outcome.report?.cutBytes === 0, `reported at ${at}`).toBe(isClean);
      if (!isClean) expect(outcome.report).toMatchObject({ cutFile: image.last, cutOffset: ends[whole - 1], cutIndex: recordsInFirst + whole + 1 });
    }
  });

  it('cut at every byte of the first segment', async () => {
    const length = endsOf(image.files.get(image.first)!).at(-1)!;
    for (let at = 0; at < length; at++) {
      expectRefusal(
        await recover((files) => {
          prepare(files);
          cut(files, image.first, at);
        }),
        image.first,
      );
    }
  });

  it('flipped at every byte of both segments', async () => {
    let torn = 0;
    for (const path of [image.first, image.last]) {
      for (let at = 0; at < image.files.get(path)!.length; at++) {
        const outcome = await recover((files) => {
          prepare(files);
          flip(files, path, at);
        });
        if (outcome.failure !== undefined) {
          expectRefusal(outcome, path);
          continue;
        }
        if (outcome.state === states.at(-1)) continue;
        torn++;
        // Only the very last record, and only above the newest note.
        expect(isBehind && path === image.last && at >= ends.at(-2)!, `flipped at ${at}`).toBe(true);
        expect(outcome.state).toBe(states.at(-2));
        expect(outcome.report).toMatchObject({ cutFile: image.last, cutOffset: ends.at(-2) });
      }
    }
    expect(torn > 0).toBe(isBehind);
  });

  it('flipped and cut at every byte of both index files', async () => {
    for (const path of [indexOf(image.first), indexOf(image.last)]) {
      for (let at = 0; at < image.files.get(path)!.length; at++) {
        for (const damage of [flip, cut]) {
          const outcome = await recover((files) => {
            prepare(files);
            if (at < files.get(path)!.length) damage(files, path, at);
          });
          expect(outcome.state).toBe(states.at(-1));
        }
      }
    }
  });
});

/** Is all but padding of the record that ends at `position` there, in a file of `length` bytes? */
function isWhole(position: number, length: number): boolean {
  const bytes = image.files.get(image.last)!;
  const start = ends[ends.indexOf(position) - 1] ?? new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  return start + 48 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(start, true) <= length;
}
