// The composition root: reality's ports, a member on them, and the faces on its one port.

import { utf8 } from '../core/bytes.ts';
import { OperationError } from '../core/errors.ts';
import { encodeRequest } from '../core/kv/index.ts';
import { clusterIdOf } from '../engine/member/options.ts';
import type { MemberOptions, Place } from '../engine/member/options.ts';
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
import { calmLogger } from './calm-logger.ts';
import type { GrpcServer } from './grpc/index.ts';
import { connect } from './client.ts';
import { gatewayRoutes } from './http/gateway.ts';
import { healthRoutes } from './http/health.ts';
import type { HealthSource } from './http/health.ts';
import { httpFailure } from './http/failure.ts';
import { HttpServer } from './http/server.ts';
import { admits, planListeners } from './listeners.ts';
import type { Guest, ListenOptions } from './listeners.ts';
import { renderMetrics } from './metrics.ts';
import { Sniffer } from './sniff.ts';
import type { SniffTargets } from './sniff.ts';
import { etcdVersion, version } from './version.ts';

export interface ServeOptions extends ListenOptions {
  readonly name: string;
  readonly dataDir: string;
  /** Name and address of every founder, this one included. */
  readonly initialCluster: readonly { readonly name: string; readonly address: string }[];
  readonly initialClusterToken: string;
  /** It was added to a cluster that runs: `initialCluster` says where to ask, and need not name this member. */
  readonly join?: boolean;
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
  /** Of its first listener. */
  readonly address: Address;
  readonly addresses: readonly Address[];
  /** Settles with the reason when the member has stopped by itself and must not go on. */
  readonly failed: Promise<OperationError>;
  /** Not ready, leadership handed over, requests answered, closed. */
  shutdown(): Promise<void>;
}

const loopback = /^(127\.|::1$|localhost$)/;
const drainMs = 3000;
const joinTimeoutMs = 15_000;
const housekeepingMs = 1000;
/** Whether the member can serve a read is found out by serving one, of one key. */
const healthRead = encodeRequest({ type: 'range', key: utf8('health') });
const healthReadMs = 2000;

/** Starts a member and returns when its replicas run; throws what keeps it from starting. */
export async function serve(options: ServeOptions): Promise<ServedMember> {
  const { logger } = options;
  const planned = planListeners(options).map(({ address, guests }) => ({ address: parseAddress(address), guests }));
  for (const { address: { host } } of planned) {
    if (loopback.test(host) || options.insecure === true) continue;
    throw new OperationError({ code: 'INVALID_CONFIG', detail: `listening on ${host} without TLS lets anybody in: say --insecure if that is meant` });
  }
  for (const { address } of options.initialCluster) parseAddress(address);
  const disk = nodeDisk(options.dataDir);
  const ports = { clock: nodeClock, random: nodeRandom, network: nodeNetwork, logger, disk };
  const member = await Member.open(ports, {
    name: options.name,
    cluster: { token: options.initialClusterToken, members: options.initialCluster },
    version,
    ...(options.join === true ? { join: () => placeOf(options) } : {}),
    ...(options.durability === undefined ? {} : { durability: options.durability }),
    ...(options.replica === undefined ? {} : { replica: options.replica }),
    ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
  }, kvMachines);
  const service = new KvService(member);
  const calm = calmLogger(logger, nodeClock);
  const native = new NativeServer(service, { clock: nodeClock, logger: calm });
  member.onLeadChanged = () => native.announceLeader();
  let failed = false;
  void member.failed.then(({ code }) => {
    failed = true;
    // Whoever asks it now is sent elsewhere; nothing is wrong with what it says.
    if (code === 'MEMBER_REMOVED') return service.beginShutdown();
    native.close();
    void grpc?.then((server) => server?.close());
  });
  const { cluster, member: id } = member.identity;
  const edge = { service, cluster, member: id, term: () => member.replica(1)?.raft.state.term ?? 0 };
  const health = healthRoutes(healthSource(member, service, native, () => !failed));
  const gateway = gatewayRoutes(edge, (error) => calm.log('error', 'a call of the gateway failed unforeseen', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
  const http = new HttpServer({ logger: calm, failure: httpFailure, route: (path) => health.get(path) ?? gateway.get(path) });
  const shown = new HttpServer({ logger: calm, failure: httpFailure, route: (path) => health.get(path) });
  // Loaded when somebody speaks it first: a member whom nobody asks so does not pay for it.
  let grpc: Promise<GrpcServer | undefined> | undefined;
  let stopped = false;
  /** Never rejects: a member outlives its files, which an update replaces under it, and moments without a descriptor. */
  const loadGrpc = async (): Promise<GrpcServer | undefined> => {
    try {
      const server = new (await import('./grpc/index.ts')).GrpcServer(edge, { clock: nodeClock, logger: calm });
      if (stopped || failed) server.close();
      return server;
    } catch (error) {
      calm.log('error', 'gRPC could not be loaded: whoever speaks it is closed until the member is started again', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      // Node may remember a module that failed; where it does not, the next to speak it finds it.
      grpc = undefined;
      return undefined;
    }
  };
  const targetsOf = (guests: ReadonlySet<Guest>): SniffTargets => ({
    ...(!guests.has('client') && !guests.has('peer') ? {} : {
      native: (connection, firstBytes, settled) =>
        acceptHello(connection, { clock: nodeClock, logger: calm, cluster, member: id, firstBytes, settled, admits: (purpose) => admits(guests, purpose) }, (accepted, hello, rest) => {
          if (hello.purpose === 'client') native.serve(accepted, rest);
          else member.acceptPeer(accepted, hello, rest);
        }),
    }),
    ...(!guests.has('client') ? {} : {
      http2: (connection, firstBytes) => {
        const socket = (connection as TcpConnection).detach(firstBytes);
        // It may break before the server is there.
        socket.on('error', () => socket.destroy());
        grpc ??= loadGrpc();
        void grpc.then((server) => (server === undefined ? socket.destroy() : server.take(socket)));
      },
    }),
    ...(!guests.has('http') && !guests.has('metrics') ? {} : {
      http: (connection, firstBytes) => (guests.has('http') ? http : shown).take((connection as TcpConnection).detach(firstBytes)),
    }),
  });
  const sniffers: Sniffer[] = [];
  const listeners: Listener[] = [];
  const stop = async (): Promise<void> => {
    stopped = true;
    for (const sniffer of sniffers) sniffer.close();
    (await grpc)?.close();
    native.close();
    http.close();
    shown.close();
    const closing = listeners.map((listener) => listener.close());
    await member.close();
    await Promise.all(closing);
    await disk.close();
  };
  try {
    // Before the start: others that are being born ask us whether we have heard of them.
    for (const { address, guests } of planned) {
      const sniffer = new Sniffer(nodeClock, calm, targetsOf(guests));
      sniffers.push(sniffer);
      listeners.push(await nodeNetwork.listen(address, (connection) => sniffer.take(connection)));
    }
    await member.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const sweep = setInterval(() => service.keepHouse(), housekeepingMs);
  sweep.unref();
  let stopping: Promise<void> | undefined;
  return {
    member,
    service,
    address: listeners[0]!.address,
    addresses: listeners.map(({ address }) => address),
    failed: member.failed,
    shutdown: () =>
      (stopping ??= (async () => {
        clearInterval(sweep);
        service.beginShutdown();
        await member.handOver();
        await Promise.all([native.drain(drainMs), http.drain(drainMs), shown.drain(drainMs), grpc?.then((server) => server?.drain(drainMs))]);
        await stop();
      })()),
  };
}

function healthSource(member: Member, service: KvService, native: NativeServer, healthy: () => boolean): HealthSource {
  return {
    version,
    etcdVersion,
    clusterVersion: () => service.status().clusterVersion,
    healthy,
    ready: () => service.ready && healthy(),
    metrics: () => renderMetrics(sample(member, service, native)),
    trouble: async (serializable) => {
      if (!healthy()) return 'MEMBER FAILED';
      if (!serializable && service.status().leader === 0) return 'RAFT NO LEADER';
      // It has nothing to read.
      if (member.identity.witness) return undefined;
      try {
        await service.read(healthRead, { consistency: serializable ? 'local' : 'linearizable', deadlineMs: healthReadMs });
        return undefined;
      } catch (error) {
        return error instanceof OperationError && error.code === 'NO_LEADER' ? 'RAFT NO LEADER' : `RANGE ERROR:${(error as Error).message}`;
      }
    },
  };
}

/** Asks whoever answers for the place that was made for this member. */
async function placeOf({ name, listen, initialCluster, initialClusterToken }: ServeOptions): Promise<Place> {
  const endpoints = initialCluster.filter((member) => member.name !== name && member.address !== listen).map(({ address }) => address);
  if (endpoints.length === 0) throw new OperationError({ code: 'INVALID_CONFIG', detail: 'to join a cluster, --initial-cluster must name a member of it' });
  await using client = await connect({ endpoints, timeoutMs: joinTimeoutMs, cluster: clusterIdOf(initialClusterToken) }).catch((error: unknown) => {
    if (!(error instanceof OperationError) || error.code !== 'CLUSTER_MISMATCH') throw error;
    // The cluster's id is made of its token, so this is what the operator can put right.
    const detail = `${endpoints.join(', ')}: another cluster, or one that was founded with another --initial-cluster-token`;
    throw new OperationError({ code: 'CLUSTER_MISMATCH', detail }, { cause: error });
  });
  // Not what one member has: a place that was never committed is nobody's, and whoever took it would wait for ever.
  const members = await client.agreedMembers();
  const found = members.find((member) => member.name === name);
  if (found === undefined) throw new OperationError({ code: 'INVALID_CONFIG', detail: `the cluster has no member "${name}" yet: thole member add ${name} ${listen}` });
  return { id: found.id, learner: found.learner, witness: found.witness === true, members };
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
