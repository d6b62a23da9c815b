// From rounds to a row: medians, and whether a ratio may be shown at all.

/** etcd 3.4.23, three members, 256 B, its own load tool, on a quiet machine like ours; by operation and number in flight. */
const etcdRates = { 'put/1': 1018, 'put/64': 5579, 'put/1000': 8879, 'get/64': 5074 };
const enough = 0.8;

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const medians = (runs) => Object.fromEntries(Object.keys(runs[0]).map((field) => [field, median(runs.map((run) => run[field]))]));

/** Known for three members and 256 B alone. */
export function etcdRate({ operation, inFlight, members, valueSize }) {
  return members === 3 && valueSize === 256 ? etcdRates[`${operation}/${inFlight}`] : undefined;
}

/** `rounds`: `{thole, reference?}` each. */
export function verdict(rounds, load) {
  const thole = medians(rounds.map((round) => round.thole));
  const reference = rounds[0].reference === undefined ? undefined : medians(rounds.map((round) => round.reference));
  const reasons = [];
  const busy = (name, { driverShare }) => driverShare > 0.5 && reasons.push(`the driver of ${name} used ${Math.round(driverShare * 100)} % of all CPU`);
  busy('Thole', thole);
  if (reference) {
    busy('etcd', reference);
    const rate = etcdRate(load);
    if (rate !== undefined && reference.opsPerSecond < enough * rate) {
      reasons.push(`etcd reached ${Math.round((reference.opsPerSecond / rate) * 100)} % of the ${rate} per second it is known to reach`);
    }
  }
  const clientBound = reasons.length > 0;
  const ratioOf = (round) => (clientBound || round.reference === undefined ? null : round.thole.opsPerSecond / round.reference.opsPerSecond);
  const ratios = rounds.map(ratioOf);
  return { thole, reference: reference ?? null, ratio: ratios.includes(null) ? null : median(ratios), ratios, clientBound, reasons };
}
