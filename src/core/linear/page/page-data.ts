// What the page knows: one object per checked history, small enough for 10,000 operations to travel inside the page.

import type { PartitionReport, Verdict } from '../checker.ts';
import type { History } from '../history.ts';
import type { AnyModel } from '../model.ts';
import { explain } from './explain.ts';

export interface CheckedHistory {
  readonly title: string;
  readonly model: AnyModel;
  readonly history: History<unknown, unknown>;
  readonly verdict: Verdict;
  readonly partitions: readonly PartitionReport[];
  readonly elapsedMs: number;
}

/** [lane, call, return or null, what it was]. */
type OperationRow = readonly [number, number, number | null, string];

interface PartitionData {
  readonly key: string;
  readonly verdict: Verdict;
  readonly operations: readonly number[];
  readonly order: readonly number[];
  readonly blocked: number | null;
  readonly unplaced: readonly number[];
  readonly initial: string;
  readonly states: readonly string[];
  readonly fitsAtEnd: readonly boolean[];
  readonly lastFit: number;
}

export interface PageData {
  readonly title: string;
  readonly model: string;
  readonly verdict: Verdict;
  readonly elapsedMs: number;
  readonly lanes: readonly string[];
  readonly operations: readonly OperationRow[];
  readonly partitions: readonly PartitionData[];
}

const gravity: Readonly<Record<Verdict, number>> = { illegal: 0, unknown: 1, ok: 2 };

export function pageData({ title, model, history, verdict, partitions, elapsedMs }: CheckedHistory): PageData {
  const lanes = [...new Set(history.map(({ client }) => client))].toSorted(compareClients);
  const laneOf = new Map(lanes.map((client, lane) => [client, lane]));
  return {
    title,
    model: model.name,
    verdict,
    elapsedMs: Math.round(elapsedMs),
    lanes: lanes.map(String),
    operations: history.map((operation) => [
      laneOf.get(operation.client)!,
      operation.call,
      operation.return === Infinity ? null : operation.return,
      model.describeOperation(operation.input, operation.output),
    ]),
    // What is wrong comes first: nobody opens this page to look at what is right.
    partitions: partitions
      .toSorted((a, b) => gravity[a.verdict] - gravity[b.verdict])
      .map((partition) => {
        const { key, operations, order, blocked, unplaced } = partition;
        const about = { key, verdict: partition.verdict, operations, order, blocked: blocked ?? null, unplaced };
        return { ...about, ...explain(model, history, partition) };
      }),
  };
}

function compareClients(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : 1;
}
