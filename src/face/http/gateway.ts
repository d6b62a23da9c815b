// etcd's JSON gateway: what gRPC offers, as POSTs of JSON. The same table of methods does it; here are only the paths,
// and how a gRPC status is said in HTTP. Whatever reads and writes messages is loaded with the first request.

import type { Edge } from '../grpc/index.ts';
import type { GrpcCode, GrpcStatus } from '../grpc/status.ts';
import { json } from './health.ts';
import type { HttpAnswer, HttpFailure, HttpHandler, HttpRequest } from './server.ts';

/** Every call of etcd's that has a path, offered here or not. */
const calls: Readonly<Record<string, string>> = {
  'kv/range': 'etcdserverpb.KV/Range', 'kv/put': 'etcdserverpb.KV/Put', 'kv/deleterange': 'etcdserverpb.KV/DeleteRange', 'kv/txn': 'etcdserverpb.KV/Txn', 'kv/compaction': 'etcdserverpb.KV/Compact',
  'cluster/member/list': 'etcdserverpb.Cluster/MemberList', 'cluster/member/add': 'etcdserverpb.Cluster/MemberAdd', 'cluster/member/remove': 'etcdserverpb.Cluster/MemberRemove',
  'cluster/member/update': 'etcdserverpb.Cluster/MemberUpdate', 'cluster/member/promote': 'etcdserverpb.Cluster/MemberPromote',
  'maintenance/status': 'etcdserverpb.Maintenance/Status', 'maintenance/hash': 'etcdserverpb.Maintenance/Hash', 'maintenance/alarm': 'etcdserverpb.Maintenance/Alarm',
  'maintenance/transfer-leadership': 'etcdserverpb.Maintenance/MoveLeader', 'maintenance/defragment': 'etcdserverpb.Maintenance/Defragment', 'maintenance/snapshot': 'etcdserverpb.Maintenance/Snapshot',
  watch: 'etcdserverpb.Watch/Watch',
  'lease/grant': 'etcdserverpb.Lease/LeaseGrant', 'lease/revoke': 'etcdserverpb.Lease/LeaseRevoke', 'kv/lease/revoke': 'etcdserverpb.Lease/LeaseRevoke', 'lease/keepalive': 'etcdserverpb.Lease/LeaseKeepAlive',
  'lease/timetolive': 'etcdserverpb.Lease/LeaseTimeToLive', 'kv/lease/timetolive': 'etcdserverpb.Lease/LeaseTimeToLive', 'lease/leases': 'etcdserverpb.Lease/LeaseLeases', 'kv/lease/leases': 'etcdserverpb.Lease/LeaseLeases',
  'lock/lock': 'v3lockpb.Lock/Lock', 'lock/unlock': 'v3lockpb.Lock/Unlock',
  'election/campaign': 'v3electionpb.Election/Campaign', 'election/proclaim': 'v3electionpb.Election/Proclaim', 'election/leader': 'v3electionpb.Election/Leader',
  'election/observe': 'v3electionpb.Election/Observe', 'election/resign': 'v3electionpb.Election/Resign',
  'auth/enable': 'etcdserverpb.Auth/AuthEnable', 'auth/disable': 'etcdserverpb.Auth/AuthDisable', 'auth/authenticate': 'etcdserverpb.Auth/Authenticate',
  'auth/user/add': 'etcdserverpb.Auth/UserAdd', 'auth/user/get': 'etcdserverpb.Auth/UserGet', 'auth/user/list': 'etcdserverpb.Auth/UserList', 'auth/user/delete': 'etcdserverpb.Auth/UserDelete',
  'auth/user/changepw': 'etcdserverpb.Auth/UserChangePassword', 'auth/user/grant': 'etcdserverpb.Auth/UserGrantRole', 'auth/user/revoke': 'etcdserverpb.Auth/UserRevokeRole',
  'auth/role/add': 'etcdserverpb.Auth/RoleAdd', 'auth/role/get': 'etcdserverpb.Auth/RoleGet', 'auth/role/list': 'etcdserverpb.Auth/RoleList', 'auth/role/delete': 'etcdserverpb.Auth/RoleDelete',
  'auth/role/grant': 'etcdserverpb.Auth/RoleGrantPermission', 'auth/role/revoke': 'etcdserverpb.Auth/RoleRevokePermission',
};

/** As etcd 3.4's gateway maps them; later ones say 400 where this says 412. */
export const httpStatuses: Readonly<Record<GrpcCode, number>> = {
  OK: 200, Canceled: 408, Unknown: 500, InvalidArgument: 400, DeadlineExceeded: 504, NotFound: 404, ResourceExhausted: 429,
  FailedPrecondition: 412, Aborted: 409, OutOfRange: 400, Unimplemented: 501, Internal: 500, Unavailable: 503, DataLoss: 500,
};

/** What a call waits for when its client does not say: etcd's own patience. */
const patienceMs = 7000;

export function gatewayRoutes(edge: Edge, unforeseen: (error: unknown) => void): ReadonlyMap<string, HttpHandler> {
  return new Map(
    Object.entries(calls).flatMap(([path, call]) => {
      const handler: HttpHandler = { method: 'POST', answer: (request) => answer(edge, call, request, unforeseen), failure };
      // The second is what etcd 3.3 called it, and 3.4 still takes.
      return [[`/v3/${path}`, handler] as const, [`/v3beta/${path}`, handler] as const];
    }),
  );
}

async function answer(edge: Edge, call: string, request: HttpRequest, unforeseen: (error: unknown) => void): Promise<HttpAnswer> {
  if (isForeign(request)) return refusal(403, 7, 'thole: a page of another site may not ask for this');
  const [{ methods }, { readJson, weightOf, writeJson }, { GrpcError, grpcCodes, statusOfError }, { messageBytesMax, parseTimeout }] = await Promise.all([
    import('../grpc/methods.ts'), import('./json-message.ts'), import('../grpc/status.ts'), import('../grpc/frames.ts'),
  ]);
  let deadline: number | undefined;
  try {
    const method = methods.get(`/${call}`);
    if (method === undefined) throw new GrpcError('Unimplemented', `thole: ${call} is not offered yet`);
    const timeout = request.headers['grpc-timeout'];
    if (timeout !== undefined && !/^\d{1,8}[HMSmun]$/.test(String(timeout))) throw new GrpcError('InvalidArgument', `invalid grpc-timeout: ${String(timeout)}`);
    // 0 is no timeout here, as with etcd.
    const timeoutMs = parseTimeout(timeout === undefined ? undefined : String(timeout)) ?? 0;
    const input = readJson(method.input, request.body);
    // In base64 it may have been larger than over gRPC: the limit is the same.
    const bytes = request.body.length > messageBytesMax ? method.input.encode(input).length : 0;
    if (bytes > messageBytesMax) throw new GrpcError('ResourceExhausted', `grpc: received message larger than max (${bytes} vs. ${messageBytesMax})`);
    deadline = timeoutMs === 0 ? undefined : performance.now() + timeoutMs;
    const output = await method.handle(edge, input, { deadlineMs: Math.min(timeoutMs === 0 ? patienceMs : timeoutMs, patienceMs), admit: request.admit });
    return { status: 200, type: 'application/json', body: { bytes: weightOf(output), texts: () => writeJson(method.output, output) } };
  } catch (error) {
    const foreseen = statusOfError(error);
    if (foreseen === undefined) unforeseen(error);
    const status: GrpcStatus = foreseen ?? { code: 'Internal', message: 'etcdserver: an internal error' };
    // The client's own deadline has another name than our patience.
    const isLate = deadline !== undefined && performance.now() >= deadline - 1 && status.message === 'etcdserver: request timed out';
    if (isLate) return refusal(httpStatuses.DeadlineExceeded, grpcCodes.DeadlineExceeded, 'context deadline exceeded');
    return refusal(httpStatuses[status.code], grpcCodes[status.code], status.message);
  }
}

/**
 * Does a page in a browser ask that is not the member's own? Browsers name a page's site with every POST. By a name
 * that resolves here any site may call itself the member, so only an address, or this machine's own name, counts.
 */
function isForeign({ headers }: HttpRequest): boolean {
  const { origin, host = '' } = headers;
  if (origin === undefined) return false;
  return origin !== `http://${host}` || !/^(?:localhost|\d+\.\d+\.\d+\.\d+|\[[\da-fA-F:.]+\])(?::\d+)?$/.test(host);
}

function refusal(status: number, code: number, message: string): HttpAnswer {
  return json(status, { error: message, message, code });
}

/** What happens before a call is one, in the gateway's form. */
function failure(what: HttpFailure): HttpAnswer | undefined {
  if (what === 'bodyTooLarge') return refusal(429, 8, 'grpc: received message larger than max (4194304 bytes of JSON)');
  if (what === 'overloaded') return refusal(429, 8, 'etcdserver: too many requests');
  if (what === 'answerTooLarge') return refusal(400, 3, 'etcdserver: the answer is too large: ask for less at a time');
  if (what === 'internal') return refusal(500, 13, 'etcdserver: an internal error');
  return undefined;
}
