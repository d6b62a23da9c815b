// What a lab scenario used, for `npm run labs` to print: it names a file to which every scenario adds a line.

import { appendFileSync } from 'node:fs';

export interface LabLimit {
  readonly what: string;
  readonly is: number;
  readonly most: number;
}

export interface LabRow {
  readonly name: string;
  /** Of virtual time. */
  readonly seconds: number;
  readonly peers: number;
  readonly rpcs: number;
  readonly bytes: number;
  readonly ops: number;
  readonly limits: readonly LabLimit[];
  readonly realMs: number;
}

export function labRow(row: LabRow): void {
  const file = process.env['THOLE_LABS_TABLE'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}
