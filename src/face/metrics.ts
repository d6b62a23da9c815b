// The member's numbers in Prometheus' text form. One table: name, type, what it means, where it is read.

import type { MemberStatus } from '../engine/service.ts';

export interface MetricSample {
  readonly status: MemberStatus;
  readonly ready: boolean;
  readonly clientConnections: number;
  readonly requestsInFlight: number;
  readonly proposals: number;
  readonly reads: number;
  readonly syncs: number;
  readonly persists: number;
  readonly messagesSent: number;
  readonly messagesReceived: number;
  readonly loopDelayMs: number;
  readonly digestMismatches: number;
  readonly residentBytes: number;
}

interface Metric {
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly value: (sample: MetricSample) => number;
}

export const metricTable: Readonly<Record<string, Metric>> = {
  thole_ready: { type: 'gauge', help: '1 while the member serves', value: ({ ready }) => Number(ready) },
  thole_is_leader: { type: 'gauge', help: '1 while this member leads the KV group', value: ({ status }) => Number(status.role === 'leader') },
  thole_has_leader: { type: 'gauge', help: '1 while a leader is known', value: ({ status }) => Number(status.leader !== 0) },
  thole_term: { type: 'gauge', help: 'the current term', value: ({ status }) => status.term },
  thole_commit_index: { type: 'gauge', help: 'the last committed entry', value: ({ status }) => status.commitIndex },
  thole_applied_index: { type: 'gauge', help: 'the last applied entry', value: ({ status }) => status.appliedIndex },
  thole_revision: { type: 'gauge', help: 'the newest revision', value: ({ status }) => status.revision },
  thole_compact_revision: { type: 'gauge', help: 'the compacted revision', value: ({ status }) => status.compactRevision },
  thole_keys: { type: 'gauge', help: 'live keys', value: ({ status }) => status.keys },
  thole_state_bytes: { type: 'gauge', help: 'bytes of keys, values and their versions', value: ({ status }) => status.dbBytes },
  thole_durability_fsync: { type: 'gauge', help: '1: acknowledged writes are fsynced; 0: the operating system has them', value: ({ status }) => Number(status.durability === 'fsync') },
  thole_format_version: { type: 'gauge', help: 'the version of the files written', value: ({ status }) => status.formatVersion },
  thole_protocol_version: { type: 'gauge', help: 'the highest native protocol spoken', value: ({ status }) => status.protocolVersion },
  thole_cluster_version: { type: 'gauge', help: 'the version that every member understands, as replicated', value: ({ status }) => status.clusterVersion },
  thole_client_connections: { type: 'gauge', help: 'native client connections', value: ({ clientConnections }) => clientConnections },
  thole_requests_in_flight: { type: 'gauge', help: 'requests under way', value: ({ requestsInFlight }) => requestsInFlight },
  thole_proposals_total: { type: 'counter', help: 'commands proposed through this member', value: ({ proposals }) => proposals },
  thole_reads_total: { type: 'counter', help: 'reads served by this member', value: ({ reads }) => reads },
  thole_log_syncs_total: { type: 'counter', help: 'syncs of the log', value: ({ syncs }) => syncs },
  thole_log_persists_total: { type: 'counter', help: 'persists that those syncs carried', value: ({ persists }) => persists },
  thole_peer_messages_sent_total: { type: 'counter', help: 'Raft messages sent', value: ({ messagesSent }) => messagesSent },
  thole_peer_messages_received_total: { type: 'counter', help: 'Raft messages received', value: ({ messagesReceived }) => messagesReceived },
  thole_loop_delay_milliseconds: { type: 'gauge', help: 'the longest delay of a tick since the last scrape', value: ({ loopDelayMs }) => Math.round(loopDelayMs) },
  thole_digest_mismatch_total: { type: 'counter', help: 'times the state differed from the leader’s', value: ({ digestMismatches }) => digestMismatches },
  thole_resident_bytes: { type: 'gauge', help: 'resident memory of the process', value: ({ residentBytes }) => residentBytes },
};

export function renderMetrics(sample: MetricSample): string {
  return Object.entries(metricTable)
    .map(([name, { type, help, value }]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value(sample)}\n`)
    .join('');
}
