// What must hold of the whole history, once it is over: of every write and every read, and of the order of all.

import { Checker } from '../../core/linear/index.ts';
import { registerModel } from '../register-model.ts';
import type { Call } from '../workload.ts';
import { BrokenClaim } from './claim.ts';
import type { Ledger } from './ledger.ts';
import { unexplained } from './witness.ts';
import type { Witnessed } from './witness.ts';

/** Steps of the model, for all keys together: some seconds. */
const checkBudget = 200_000;

/** exactlyOnce, acknowledged, reads, linearizable. Returns how many keys the checker could not decide. */
export function judgeHistory(calls: readonly Call[], ledger: Ledger): number {
  judgeWrites(calls, ledger);
  judgeReads(calls, ledger);
  const watched: Witnessed[] = [];
  for (const { client, input, outcome, output, call, return: end, consistency, revision } of calls) {
    if (outcome === 'failed' || (consistency !== 'linearizable' && consistency !== 'lease') || input.f === 'compact') continue;
    const isKnown = outcome === 'ok';
    watched.push({ operation: { client, input, output: isKnown ? output : undefined, call, return: isKnown ? end : Infinity }, revision: isKnown ? revision : 0 });
  }
  const history = unexplained(watched, ledger);
  if (history.length === 0) return 0;
  const checker = new Checker(registerModel, history);
  checker.step(checkBudget);
  const { partitions } = checker.report();
  const illegal = partitions.find(({ verdict }) => verdict === 'illegal');
  if (illegal !== undefined) {
    const blocked = illegal.blocked === undefined ? undefined : history[illegal.blocked];
    throw new BrokenClaim('linearizable', `no order explains ${illegal.key}: ${blocked === undefined ? '' : `${blocked.client} ${registerModel.describeOperation(blocked.input, blocked.output)} (${blocked.call} … ${blocked.return})`}`);
  }
  return partitions.filter(({ verdict }) => verdict === 'unknown').length;
}

function judgeWrites(calls: readonly Call[], ledger: Ledger): void {
  const seen = new Map<string, number>();
  for (const log of ['log0', 'log1']) {
    const value = ledger.versionsOf(log).at(-1)?.value ?? '';
    for (const token of value.split(';')) if (token !== '') seen.set(`${token};`, (seen.get(`${token};`) ?? 0) + 1);
  }
  const written = new Map<string, number>();
  for (const key of ['r0', 'r1', 'r2', 'r3', 'pair/a']) for (const { value } of ledger.versionsOf(key)) if (value !== null) written.set(value, (written.get(value) ?? 0) + 1);
  for (const { client, input, outcome, output, code, revision } of calls) {
    const isWrite = input.f === 'append' || input.f === 'put' || (input.f === 'cas' && (outcome !== 'ok' || output?.swapped === true));
    if (!isWrite) continue;
    const count = (input.f === 'append' ? seen : written).get(input.value!) ?? 0;
    if (count > 1) throw new BrokenClaim('exactlyOnce', `${input.value} of ${client} is there ${count} times`);
    if (outcome === 'ok' && count === 0) throw new BrokenClaim('acknowledged', `${input.f} ${input.value} of ${client}, acknowledged at revision ${revision}, is not there`);
    if (outcome === 'failed' && count > 0) throw new BrokenClaim('acknowledged', `${input.f} ${input.value} of ${client} is there, and was refused with ${code}, which says that it is not`);
  }
}

function judgeReads(calls: readonly Call[], ledger: Ledger): void {
  const done = calls.filter(({ outcome }) => outcome === 'ok');
  const returned = done.toSorted((a, b) => a.return - b.return);
  /** The newest revision that was known before a moment. */
  const highest: number[] = [];
  for (const { revision } of returned) highest.push(Math.max(revision, highest.at(-1) ?? 0));
  const knownBefore = (time: number): number => {
    let [low, high] = [0, returned.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (returned[middle]!.return < time) low = middle + 1;
      else high = middle;
    }
    return highest[low - 1] ?? 0;
  };
  for (const { client, input, output, revision, call, consistency, maxAgeMs, minRevision } of done) {
    const what = (): string => `${client} ${input.f} ${input.key}, called at ${call.toFixed(1)}, answered at revision ${revision}`;
    if (input.f === 'get') {
      const value = ledger.valueAt(input.key === 'pair' ? 'pair/a' : input.key, revision);
      if (value !== output?.value) throw new BrokenClaim('reads', `${what()} with ${output?.value}, where ${value} was`);
    }
    const floor =
      consistency === 'linearizable' || consistency === 'lease' ? knownBefore(call)
      : minRevision !== undefined ? minRevision
      // Its clock may run as slow as the slowest does.
      : maxAgeMs !== undefined ? knownBefore(call - maxAgeMs * 1.25)
      : 0;
    if (revision < floor) throw new BrokenClaim('reads', `${what()} (${consistency}), and ${floor} was known`);
  }
}
