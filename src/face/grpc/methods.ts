// What can be called, as one table: by path, how its messages are read and written, and what it does. Whoever speaks
// etcd's protocol, in whatever clothes, goes through it.

import { OperationError } from '../../core/errors.ts';
import { decodeReadResult, decodeReply, encodeCommand, encodeRequest, isReadOnly, requestBytesMax } from '../../core/kv/index.ts';
import type { RangeResponse, TxnRequest, TxnResponse, WriteRequest, WriteResponse } from '../../core/kv/index.ts';
import type { MemberListRow, MemberService, MembershipChange, ReadOptions } from '../../engine/service.ts';
import { etcdVersion } from '../version.ts';
import { messageType } from './codec.ts';
import type { Message, MessageType } from './codec.ts';
import { files } from './schema.ts';
import type * as etcd from './schema.ts';
import { GrpcError } from './status.ts';
import { count, fromDelete, fromPut, fromRange, fromTxn, isSerializable, refusesLease, toAddress, toDelete, toPut, toRange, toTxn } from './translate.ts';

export interface Edge {
  readonly service: MemberService;
  readonly cluster: number;
  readonly member: number;
  /** Raft's, now. */
  term(): number;
}

export interface Call {
  /** From now. */
  readonly deadlineMs: number;
  /** Aborted when nobody waits for the answer any more. Made where it is asked for: most calls are too short to be called back. */
  readonly signal?: () => AbortSignal;
  /** As ReadOptions has it. */
  readonly admit?: NonNullable<ReadOptions['admit']>;
}

export type Handler = (edge: Edge, request: Message, call: Call) => Promise<Message>;

export interface Method {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly input: MessageType;
  readonly output: MessageType;
  readonly handle: Handler;
}

function headerOf(edge: Edge, revision?: number): etcd.ResponseHeader {
  return { cluster_id: edge.cluster, member_id: edge.member, ...(revision === undefined ? {} : { revision }), raft_term: edge.term() };
}

/**
 * What only members that hold data can answer. A witness's own word for that names the leader, which clients of etcd
 * cannot hear: to them it would be final. Unavailable is what makes them ask another member; nothing was done.
 */
async function fromHolder<T>(edge: Edge, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const isWitness = error instanceof OperationError && error.code === 'NOT_LEADER' && edge.service.status().witness === true;
    throw isWitness ? new GrpcError('Unavailable', 'etcdserver: a witness holds no data: ask another member') : error;
  }
}

async function read(edge: Edge, request: Parameters<typeof encodeRequest>[0], call: Call, serializable: boolean): Promise<{ readonly revision: number; readonly response: RangeResponse | TxnResponse }> {
  const options: ReadOptions = {
    consistency: serializable ? 'local' : 'linearizable', deadlineMs: call.deadlineMs,
    ...(isLong(request) && call.signal !== undefined ? { signal: call.signal() } : {}), ...(call.admit === undefined ? {} : { admit: call.admit }),
  };
  const result = decodeReadResult(await fromHolder(edge, () => edge.service.read(encodeRequest(request), options)));
  if ('failure' in result) throw new OperationError(result.failure);
  return result;
}

/** It may look at more than a key or a few. */
function isLong(request: Parameters<typeof encodeRequest>[0]): boolean {
  return request.type === 'txn' || (request.type === 'range' && request.rangeEnd !== undefined);
}

/** At most once: it has no session, so nobody below sends it twice, and whoever gets no answer may not know. */
async function write(edge: Edge, request: WriteRequest, call: Call): Promise<{ readonly revision: number; readonly response: WriteResponse | { readonly type: 'ack' } }> {
  const command = encodeCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request });
  if (command.length > requestBytesMax) throw new OperationError({ code: 'TOO_LARGE' });
  const reply = decodeReply(await fromHolder(edge, () => edge.service.propose(command, { deadlineMs: call.deadlineMs })));
  if ('failure' in reply) {
    const error = new OperationError(reply.failure);
    throw refusesLease(error) ? new GrpcError('NotFound', 'etcdserver: requested lease not found') : error;
  }
  return reply;
}

const otherAnswer = (): never => {
  throw new OperationError({ code: 'INTERNAL', detail: 'an answer to something else' });
};

const kv = {
  async Range(edge: Edge, request: etcd.RangeRequest, call: Call): Promise<etcd.RangeResponse> {
    const { revision, response } = await read(edge, toRange(request), call, request.serializable === true);
    return response.type === 'range' ? fromRange(headerOf(edge, revision), response) : otherAnswer();
  },
  async Put(edge: Edge, request: etcd.PutRequest, call: Call): Promise<etcd.PutResponse> {
    const { revision, response } = await write(edge, toPut(request), call);
    return response.type === 'put' ? fromPut(headerOf(edge, revision), response) : otherAnswer();
  },
  async DeleteRange(edge: Edge, request: etcd.DeleteRangeRequest, call: Call): Promise<etcd.DeleteRangeResponse> {
    const { revision, response } = await write(edge, toDelete(request), call);
    return response.type === 'delete' ? fromDelete(headerOf(edge, revision), response) : otherAnswer();
  },
  async Txn(edge: Edge, request: etcd.TxnRequest, call: Call): Promise<etcd.TxnResponse> {
    const txn: TxnRequest = toTxn(request);
    const { revision, response } = isReadOnly(txn) ? await read(edge, txn, call, isSerializable(request)) : await write(edge, txn, call);
    return response.type === 'txn' ? fromTxn(headerOf(edge, revision), response) : otherAnswer();
  },
  /** `physical` is always so here: what is compacted is gone when this is answered. */
  async Compact(edge: Edge, request: etcd.CompactionRequest, call: Call): Promise<etcd.CompactionResponse> {
    const { revision } = await write(edge, { type: 'compact', revision: count(request.revision) }, call);
    return { header: headerOf(edge, revision) };
  },
};

/** Asks a majority, without reading anything. */
async function barrier(edge: Edge, call: Call): Promise<void> {
  await read(edge, { type: 'range', key: new Uint8Array(1), countOnly: true }, call, false);
}

/** Whatever a member is asked for by others and by clients, it is asked for on its one port. */
function fromMember({ id, name, address, learner }: MemberListRow): etcd.Member {
  return { ID: id, name, peerURLs: [`http://${address}`], clientURLs: [`http://${address}`], isLearner: learner };
}

/** By id, as etcd lists them; what changes membership has no revision. */
function fromMembers(members: readonly MemberListRow[]): etcd.Member[] {
  return members.toSorted((one, other) => one.id - other.id).map(fromMember);
}

async function change(edge: Edge, asked: MembershipChange, call: Call): Promise<{ readonly header: etcd.ResponseHeader; readonly id: number; readonly members: etcd.Member[] }> {
  const { id, members } = await edge.service.changeMembership(asked, { deadlineMs: call.deadlineMs });
  return { header: headerOf(edge), id, members: fromMembers(members) };
}

const cluster = {
  /**
   * etcd's message has no name, and its member tells its own when it starts; here a member has one from the start: the
   * address. The one that is not to remain a learner is promoted as soon as it has caught up.
   */
  async MemberAdd(edge: Edge, request: etcd.MemberAddRequest, call: Call): Promise<etcd.MemberAddResponse> {
    const address = toAddress(request.peerURLs);
    const { header, id, members } = await change(edge, { type: 'add', name: address, address, as: request.isLearner === true ? 'learner' : 'voter' }, call);
    // It has not started: to a client of etcd that is who has neither name nor address yet.
    const unstarted = (each: etcd.Member): etcd.Member => (each.ID === id ? { ID: id, peerURLs: each.peerURLs, isLearner: each.isLearner } : each);
    return { header, member: unstarted(fromMember({ id, name: address, address, learner: true })), members: members.map(unstarted) };
  },
  async MemberRemove(edge: Edge, request: etcd.MemberRemoveRequest, call: Call): Promise<etcd.MemberRemoveResponse> {
    const { header, members } = await change(edge, { type: 'remove', id: count(request.ID) }, call);
    return { header, members };
  },
  async MemberUpdate(edge: Edge, request: etcd.MemberUpdateRequest, call: Call): Promise<etcd.MemberUpdateResponse> {
    const { header, members } = await change(edge, { type: 'update', id: count(request.ID), address: toAddress(request.peerURLs) }, call);
    return { header, members };
  },
  async MemberPromote(edge: Edge, request: etcd.MemberPromoteRequest, call: Call): Promise<etcd.MemberPromoteResponse> {
    const { header, members } = await change(edge, { type: 'promote', id: count(request.ID) }, call);
    return { header, members };
  },
  async MemberList(edge: Edge, request: etcd.MemberListRequest, call: Call): Promise<etcd.MemberListResponse> {
    if (request.linearizable === true) await barrier(edge, call);
    const members = fromMembers(edge.service.members());
    // A member that is starting does not know yet; nobody would be a wrong answer.
    if (members.length === 0) throw new OperationError({ code: 'NO_LEADER' });
    return { header: headerOf(edge), members };
  },
};

const maintenance = {
  /** There are no alarms yet: none is a true answer to what there are, and none can be raised. */
  async Alarm(edge: Edge, request: etcd.AlarmRequest): Promise<etcd.AlarmResponse> {
    if ((request.action ?? 0) === 1) throw new GrpcError('Unimplemented', 'thole: alarms cannot be raised yet');
    return Promise.resolve({ header: headerOf(edge, edge.service.status().revision) });
  },
  async Status(edge: Edge): Promise<etcd.StatusResponse> {
    const status = edge.service.status();
    const self = edge.service.members().find(({ id }) => id === status.member);
    return Promise.resolve({
      header: headerOf(edge, status.revision),
      version: etcdVersion,
      dbSize: status.dbBytes,
      dbSizeInUse: status.dbBytes,
      leader: status.leader,
      raftIndex: status.commitIndex,
      raftTerm: status.term,
      raftAppliedIndex: status.appliedIndex,
      errors: status.leader === 0 ? ['etcdserver: no leader', ...status.errors.filter((each) => each !== 'there is no leader')] : status.errors,
      isLearner: self?.learner === true,
    });
  },
  async Hash(edge: Edge): Promise<etcd.HashResponse> {
    const { hash } = await fromHolder(edge, () => edge.service.hashKv(0));
    return { header: headerOf(edge, edge.service.status().revision), hash };
  },
  async HashKV(edge: Edge, request: etcd.HashKVRequest): Promise<etcd.HashKVResponse> {
    const { hash, compactRevision, revision } = await fromHolder(edge, () => edge.service.hashKv(count(request.revision)));
    return { header: headerOf(edge, edge.service.status().revision), hash, compact_revision: compactRevision, hash_revision: revision };
  },
  async MoveLeader(edge: Edge, request: etcd.MoveLeaderRequest): Promise<etcd.MoveLeaderResponse> {
    const target = count(request.targetID);
    // etcd asks this first: its command line goes by the answer.
    if (edge.service.status().role !== 'leader') throw new OperationError({ code: 'NOT_LEADER' });
    if (!edge.service.members().some(({ id, learner, witness }) => id === target && !learner && witness !== true)) throw new GrpcError('FailedPrecondition', 'etcdserver: bad leader transferee');
    await edge.service.moveLeader(target);
    return { header: headerOf(edge, edge.service.status().revision) };
  },
};

const health = {
  async Check(edge: Edge, request: etcd.HealthCheckRequest): Promise<etcd.HealthCheckResponse> {
    const { service = '' } = request;
    if (service !== '' && !offeredServices.includes(service)) throw new GrpcError('NotFound', 'unknown service');
    return Promise.resolve({ status: edge.service.ready ? 1 : 2 });
  },
};

const handlers: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'etcdserverpb.KV': kv,
  'etcdserverpb.Cluster': cluster,
  'etcdserverpb.Maintenance': maintenance,
  'grpc.health.v1.Health': health,
};

/** Every service of ours, by its full name. */
export const offeredServices: readonly string[] = files.flatMap((file) => file.services.map(({ name }) => `${file.package}.${name}`));

/** Of one request and one answer; what streams is the server's own. */
export const methods: ReadonlyMap<string, Method> = new Map(
  files.flatMap((file) =>
    file.services.flatMap((service) =>
      service.methods
        .filter(({ inputStreams, outputStreams }) => inputStreams !== true && outputStreams !== true)
        .map(({ name, input, output }): [string, Method] => {
          const full = `${file.package}.${service.name}`;
          const handle = handlers[full]?.[name] as Handler | undefined;
          if (handle === undefined) throw new Error(`nobody does ${full}/${name}`);
          const path = `/${full}/${name}`;
          return [path, { path, input: messageType(input), output: messageType(output), handle }];
        }),
    ),
  ),
);
