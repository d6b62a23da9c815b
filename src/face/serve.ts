// The composition root: reality's ports, a member on them, and the faces on its one port.

import { OperationError } from '../core/errors.ts';
import type { MemberOptions } from '../engine/member/options.ts';
import { Member } from '../engine/member/member.ts';
import { KvService } from '../engine/member/service.ts';
import { kvMachines } from '../engine/replica/kv-machine.ts';
import { NativeServer, acceptHello } from '../engine/native/index.ts';
import { parseAddress } from '../engine/peers/peers.ts';
import type { Address, Listener, Logger } from '../engine/ports.ts';
import { nodeClock } from '../node/clock.ts';
import { nodeDisk } from '../node/disk.ts';
import { nodeRandom } from '../node/random.ts';
import { TcpConnection, nodeNetwork } from '../node/tcp.ts';
import type { GrpcServer } from './grpc/index.ts';
import { HealthServer } from './http/health.ts';
import { renderMetrics } from './metrics.ts';
import { Sniffer } from './sniff.ts';
import { version } from './version.ts';

export interface ServeOptions {
  readonly name: string;
  readonly dataDir: string;
  /** `host:port` to listen on. */
  readonly listen: string;
  /** Name and address of every founder, this one included. */
  readonly initialCluster: readonly { readonly name: string; readonly address: string }[];
  readonly initialClusterToken: string;
  /** A listener beyond loopback has no TLS yet: it must be asked for. */
  readonly insecure?: boolean;
  readonly durability?: 'fsync' | 'os';
  readonly replica?: MemberOptions['replica'];
  readonly segmentBytes?: number;
  readonly logger: Logger;
}

export interface ServedMember {
  readonly member: Member;
  readonly service: KvService;
  readonly address: Address;
  /** Settles with the reason when the member has stopped by itself and must not go on. */
  readonly failed: Promise<OperationError>;
  /** Not ready, leadership handed over, requests answered, closed. */
  shutdown(): Promise<void>;
}

const loopback = /^(127\.|::1$|localhost$)/;
const drainMs = 3000;
const sessionSweepMs = 1000;

/** Starts a member and returns when its replicas run; throws what keeps it from starting. */
export async function serve(options: ServeOptions): Promise<ServedMember> {
  const { logger } = options;
  const listen = parseAddress(options.listen);
  if (!loopback.test(listen.host) && options.insecure !== true) {
    throw new OperationError({ code: 'INVALID_CONFIG', detail: `listening on ${listen.host} without TLS lets anybody in: say --insecure if that is meant` });
  }
  for (const { address } of options.initialCluster) parseAddress(address);
  const disk = nodeDisk(options.dataDir);
  const ports = { clock: nodeClock, random: nodeRandom, network: nodeNetwork, logger, disk };
  const member = await Member.open(ports, {
    name: options.name,
    cluster: { token: options.initialClusterToken, members: options.initialCluster },
    version,
    ...(options.durability === undefined ? {} : { durability: options.durability }),
    ...(options.replica === undefined ? {} : { replica: options.replica }),
    ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
  }, kvMachines);
  const service = new KvService(member);
  const native = new NativeServer(service, { clock: nodeClock, logger });
  member.onLeadChanged = () => native.announceLeader();
  let failed = false;
  void member.failed.then(() => {
    failed = true;
    native.close();
    void grpc?.then((server) => server.close());
  });
  const http = new HealthServer({
    version,
    healthy: () => !failed,
    ready: () => service.ready && !failed,
    metrics: () => renderMetrics(sample(member, service, native)),
  });
  const { cluster, member: id } = member.identity;
  const edge = { service, cluster, member: id, term: () => member.replica(1)?.raft.state.term ?? 0 };
  // Loaded when somebody speaks it first: a member whom nobody asks so does not pay for it.
  let grpc: Promise<GrpcServer> | undefined;
  let stopped = false;
  const loadGrpc = async (): Promise<GrpcServer> => {
    const server = new (await import('./grpc/index.ts')).GrpcServer(edge, { clock: nodeClock, logger });
    if (stopped || failed) server.close();
    return server;
  };
  const sniffer = new Sniffer(nodeClock, logger, {
    native: (connection, firstBytes) =>
      acceptHello(connection, { clock: nodeClock, logger, cluster, member: id, firstBytes }, (accepted, hello, rest) => {
        if (hello.purpose === 'client') native.serve(accepted, rest);
        else member.acceptPeer(accepted, hello, rest);
      }),
    http: (connection, firstBytes) => http.take((connection as TcpConnection).detach(firstBytes)),
    h2: (connection, firstBytes) => {
      const socket = (connection as TcpConnection).detach(firstBytes);
      // It may break before the server is there.
      socket.on('error', () => socket.destroy());
      grpc ??= loadGrpc();
      void grpc.then((server) => server.take(socket));
    },
  });
  let listener: Listener | undefined;
  const stop = async (): Promise<void> => {
    stopped = true;
    sniffer.close();
    (await grpc)?.close();
    native.close();
    http.close();
    const closing = listener?.close();
    await member.close();
    await closing;
    await disk.close();
  };
  try {
    // Before the start: others that are being born ask us whether we have heard of them.
    listener = await nodeNetwork.listen(listen, (connection) => sniffer.take(connection));
    await member.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const sweep = setInterval(() => service.sweepSessions(), sessionSweepMs);
  sweep.unref();
  let stopping: Promise<void> | undefined;
  return {
    member,
    service,
    address: listener.address,
    failed: member.failed,
    shutdown: () =>
      (stopping ??= (async () => {
        clearInterval(sweep);
        service.beginShutdown();
        await member.handOver();
        await Promise.all([native.drain(drainMs), grpc?.then((server) => server.drain(drainMs))]);
        await stop();
      })()),
  };
}

function sample(member: Member, service: KvService, native: NativeServer): Parameters<typeof renderMetrics>[0] {
  return {
    status: service.status(),
    ready: service.ready,
    clientConnections: native.connectionCount,
    requestsInFlight: native.requestCount,
    proposals: service.proposals,
    reads: service.reads,
    ...member.syncCounts,
    messagesSent: member.peers.messagesSent,
    messagesReceived: member.peers.messagesReceived,
    loopDelayMs: member.takeLoopDelayMs(),
    digestMismatches: member.replica(1)?.digestMismatches ?? 0,
    residentBytes: process.memoryUsage.rss(),
  };
}
