// Written by scripts/proto.mjs from proto/*.proto: change those, then run it again.
// A message is a plain object by the names of its fields; what is absent has its type's default (0, '', false, none).
// An int64 is a number where that is exact, else a bigint; an enum is its number.

import type { FileSchema } from './schema-types.ts';

export const files: readonly FileSchema[] = [
  {
    name: 'cluster.proto',
    package: 'etcdserverpb',
    dependencies: ['kv.proto'],
    messages: [
      {
        name: 'Member',
        fields: [
          { name: 'ID', number: 1, type: 'uint64' },
          { name: 'name', number: 2, type: 'string' },
          { name: 'peerURLs', number: 3, type: 'string', label: 'repeated' },
          { name: 'clientURLs', number: 4, type: 'string', label: 'repeated' },
          { name: 'isLearner', number: 5, type: 'bool' },
        ],
        enums: [],
      },
      {
        name: 'MemberAddRequest',
        fields: [{ name: 'peerURLs', number: 1, type: 'string', label: 'repeated' }, { name: 'isLearner', number: 2, type: 'bool' }],
        enums: [],
      },
      {
        name: 'MemberAddResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'member', number: 2, type: '.etcdserverpb.Member', kind: 'message' },
          { name: 'members', number: 3, type: '.etcdserverpb.Member', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      { name: 'MemberRemoveRequest', fields: [{ name: 'ID', number: 1, type: 'uint64' }], enums: [] },
      {
        name: 'MemberRemoveResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'members', number: 2, type: '.etcdserverpb.Member', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'MemberUpdateRequest',
        fields: [{ name: 'ID', number: 1, type: 'uint64' }, { name: 'peerURLs', number: 2, type: 'string', label: 'repeated' }],
        enums: [],
      },
      {
        name: 'MemberUpdateResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'members', number: 2, type: '.etcdserverpb.Member', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      { name: 'MemberPromoteRequest', fields: [{ name: 'ID', number: 1, type: 'uint64' }], enums: [] },
      {
        name: 'MemberPromoteResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'members', number: 2, type: '.etcdserverpb.Member', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      { name: 'MemberListRequest', fields: [{ name: 'linearizable', number: 1, type: 'bool' }], enums: [] },
      {
        name: 'MemberListResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'members', number: 2, type: '.etcdserverpb.Member', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'AlarmRequest',
        fields: [
          { name: 'action', number: 1, type: '.etcdserverpb.AlarmRequest.AlarmAction', kind: 'enum' },
          { name: 'memberID', number: 2, type: 'uint64' },
          { name: 'alarm', number: 3, type: '.etcdserverpb.AlarmType', kind: 'enum' },
        ],
        enums: [{ name: 'AlarmAction', values: [{ name: 'GET', number: 0 }, { name: 'ACTIVATE', number: 1 }, { name: 'DEACTIVATE', number: 2 }] }],
      },
      {
        name: 'AlarmMember',
        fields: [{ name: 'memberID', number: 1, type: 'uint64' }, { name: 'alarm', number: 2, type: '.etcdserverpb.AlarmType', kind: 'enum' }],
        enums: [],
      },
      {
        name: 'AlarmResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'alarms', number: 2, type: '.etcdserverpb.AlarmMember', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      { name: 'StatusRequest', fields: [], enums: [] },
      {
        name: 'StatusResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'version', number: 2, type: 'string' },
          { name: 'dbSize', number: 3, type: 'int64' },
          { name: 'leader', number: 4, type: 'uint64' },
          { name: 'raftIndex', number: 5, type: 'uint64' },
          { name: 'raftTerm', number: 6, type: 'uint64' },
          { name: 'raftAppliedIndex', number: 7, type: 'uint64' },
          { name: 'errors', number: 8, type: 'string', label: 'repeated' },
          { name: 'dbSizeInUse', number: 9, type: 'int64' },
          { name: 'isLearner', number: 10, type: 'bool' },
        ],
        enums: [],
      },
      { name: 'HashRequest', fields: [], enums: [] },
      {
        name: 'HashResponse',
        fields: [{ name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' }, { name: 'hash', number: 2, type: 'uint32' }],
        enums: [],
      },
      { name: 'HashKVRequest', fields: [{ name: 'revision', number: 1, type: 'int64' }], enums: [] },
      {
        name: 'HashKVResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'hash', number: 2, type: 'uint32' },
          { name: 'compact_revision', number: 3, type: 'int64' },
          { name: 'hash_revision', number: 4, type: 'int64' },
        ],
        enums: [],
      },
      { name: 'MoveLeaderRequest', fields: [{ name: 'targetID', number: 1, type: 'uint64' }], enums: [] },
      { name: 'MoveLeaderResponse', fields: [{ name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' }], enums: [] },
    ],
    enums: [{ name: 'AlarmType', values: [{ name: 'NONE', number: 0 }, { name: 'NOSPACE', number: 1 }, { name: 'CORRUPT', number: 2 }] }],
    services: [
      {
        name: 'Cluster',
        methods: [
          { name: 'MemberAdd', input: '.etcdserverpb.MemberAddRequest', output: '.etcdserverpb.MemberAddResponse' },
          { name: 'MemberRemove', input: '.etcdserverpb.MemberRemoveRequest', output: '.etcdserverpb.MemberRemoveResponse' },
          { name: 'MemberUpdate', input: '.etcdserverpb.MemberUpdateRequest', output: '.etcdserverpb.MemberUpdateResponse' },
          { name: 'MemberList', input: '.etcdserverpb.MemberListRequest', output: '.etcdserverpb.MemberListResponse' },
          { name: 'MemberPromote', input: '.etcdserverpb.MemberPromoteRequest', output: '.etcdserverpb.MemberPromoteResponse' },
        ],
      },
      {
        name: 'Maintenance',
        methods: [
          { name: 'Alarm', input: '.etcdserverpb.AlarmRequest', output: '.etcdserverpb.AlarmResponse' },
          { name: 'Status', input: '.etcdserverpb.StatusRequest', output: '.etcdserverpb.StatusResponse' },
          { name: 'Hash', input: '.etcdserverpb.HashRequest', output: '.etcdserverpb.HashResponse' },
          { name: 'HashKV', input: '.etcdserverpb.HashKVRequest', output: '.etcdserverpb.HashKVResponse' },
          { name: 'MoveLeader', input: '.etcdserverpb.MoveLeaderRequest', output: '.etcdserverpb.MoveLeaderResponse' },
        ],
      },
    ],
  },
  {
    name: 'descriptor.proto',
    package: 'thole.descriptor',
    dependencies: [],
    messages: [
      {
        name: 'FileDescriptorProto',
        fields: [
          { name: 'name', number: 1, type: 'string' },
          { name: 'package', number: 2, type: 'string' },
          { name: 'dependency', number: 3, type: 'string', label: 'repeated' },
          { name: 'message_type', number: 4, type: '.thole.descriptor.DescriptorProto', label: 'repeated', kind: 'message' },
          { name: 'enum_type', number: 5, type: '.thole.descriptor.EnumDescriptorProto', label: 'repeated', kind: 'message' },
          { name: 'service', number: 6, type: '.thole.descriptor.ServiceDescriptorProto', label: 'repeated', kind: 'message' },
          { name: 'syntax', number: 12, type: 'string' },
        ],
        enums: [],
      },
      {
        name: 'DescriptorProto',
        fields: [
          { name: 'name', number: 1, type: 'string' },
          { name: 'field', number: 2, type: '.thole.descriptor.FieldDescriptorProto', label: 'repeated', kind: 'message' },
          { name: 'enum_type', number: 4, type: '.thole.descriptor.EnumDescriptorProto', label: 'repeated', kind: 'message' },
          { name: 'oneof_decl', number: 8, type: '.thole.descriptor.OneofDescriptorProto', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'FieldDescriptorProto',
        fields: [
          { name: 'name', number: 1, type: 'string' },
          { name: 'number', number: 3, type: 'int32' },
          { name: 'label', number: 4, type: 'int32' },
          { name: 'type', number: 5, type: 'int32' },
          { name: 'type_name', number: 6, type: 'string' },
          { name: 'oneof_index', number: 9, type: 'int32', label: 'optional' },
          { name: 'json_name', number: 10, type: 'string' },
        ],
        enums: [],
      },
      { name: 'OneofDescriptorProto', fields: [{ name: 'name', number: 1, type: 'string' }], enums: [] },
      {
        name: 'EnumDescriptorProto',
        fields: [
          { name: 'name', number: 1, type: 'string' },
          { name: 'value', number: 2, type: '.thole.descriptor.EnumValueDescriptorProto', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'EnumValueDescriptorProto',
        fields: [{ name: 'name', number: 1, type: 'string' }, { name: 'number', number: 2, type: 'int32', label: 'optional' }],
        enums: [],
      },
      {
        name: 'ServiceDescriptorProto',
        fields: [
          { name: 'name', number: 1, type: 'string' },
          { name: 'method', number: 2, type: '.thole.descriptor.MethodDescriptorProto', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'MethodDescriptorProto',
        fields: [
          { name: 'name', number: 1, type: 'string' },
          { name: 'input_type', number: 2, type: 'string' },
          { name: 'output_type', number: 3, type: 'string' },
          { name: 'client_streaming', number: 5, type: 'bool' },
          { name: 'server_streaming', number: 6, type: 'bool' },
        ],
        enums: [],
      },
    ],
    enums: [],
    services: [],
  },
  {
    name: 'health.proto',
    package: 'grpc.health.v1',
    dependencies: [],
    messages: [
      { name: 'HealthCheckRequest', fields: [{ name: 'service', number: 1, type: 'string' }], enums: [] },
      {
        name: 'HealthCheckResponse',
        fields: [{ name: 'status', number: 1, type: '.grpc.health.v1.HealthCheckResponse.ServingStatus', kind: 'enum' }],
        enums: [
          {
            name: 'ServingStatus',
            values: [
              { name: 'UNKNOWN', number: 0 },
              { name: 'SERVING', number: 1 },
              { name: 'NOT_SERVING', number: 2 },
              { name: 'SERVICE_UNKNOWN', number: 3 },
            ],
          },
        ],
      },
    ],
    enums: [],
    services: [
      {
        name: 'Health',
        methods: [
          { name: 'Check', input: '.grpc.health.v1.HealthCheckRequest', output: '.grpc.health.v1.HealthCheckResponse' },
          { name: 'Watch', input: '.grpc.health.v1.HealthCheckRequest', output: '.grpc.health.v1.HealthCheckResponse', outputStreams: true },
        ],
      },
    ],
  },
  {
    name: 'kv.proto',
    package: 'etcdserverpb',
    dependencies: ['mvcc.proto'],
    messages: [
      {
        name: 'ResponseHeader',
        fields: [
          { name: 'cluster_id', number: 1, type: 'uint64' },
          { name: 'member_id', number: 2, type: 'uint64' },
          { name: 'revision', number: 3, type: 'int64' },
          { name: 'raft_term', number: 4, type: 'uint64' },
        ],
        enums: [],
      },
      {
        name: 'RangeRequest',
        fields: [
          { name: 'key', number: 1, type: 'bytes' },
          { name: 'range_end', number: 2, type: 'bytes' },
          { name: 'limit', number: 3, type: 'int64' },
          { name: 'revision', number: 4, type: 'int64' },
          { name: 'sort_order', number: 5, type: '.etcdserverpb.RangeRequest.SortOrder', kind: 'enum' },
          { name: 'sort_target', number: 6, type: '.etcdserverpb.RangeRequest.SortTarget', kind: 'enum' },
          { name: 'serializable', number: 7, type: 'bool' },
          { name: 'keys_only', number: 8, type: 'bool' },
          { name: 'count_only', number: 9, type: 'bool' },
          { name: 'min_mod_revision', number: 10, type: 'int64' },
          { name: 'max_mod_revision', number: 11, type: 'int64' },
          { name: 'min_create_revision', number: 12, type: 'int64' },
          { name: 'max_create_revision', number: 13, type: 'int64' },
        ],
        enums: [
          { name: 'SortOrder', values: [{ name: 'NONE', number: 0 }, { name: 'ASCEND', number: 1 }, { name: 'DESCEND', number: 2 }] },
          {
            name: 'SortTarget',
            values: [
              { name: 'KEY', number: 0 },
              { name: 'VERSION', number: 1 },
              { name: 'CREATE', number: 2 },
              { name: 'MOD', number: 3 },
              { name: 'VALUE', number: 4 },
            ],
          },
        ],
      },
      {
        name: 'RangeResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'kvs', number: 2, type: '.mvccpb.KeyValue', label: 'repeated', kind: 'message' },
          { name: 'more', number: 3, type: 'bool' },
          { name: 'count', number: 4, type: 'int64' },
        ],
        enums: [],
      },
      {
        name: 'PutRequest',
        fields: [
          { name: 'key', number: 1, type: 'bytes' },
          { name: 'value', number: 2, type: 'bytes' },
          { name: 'lease', number: 3, type: 'int64' },
          { name: 'prev_kv', number: 4, type: 'bool' },
          { name: 'ignore_value', number: 5, type: 'bool' },
          { name: 'ignore_lease', number: 6, type: 'bool' },
        ],
        enums: [],
      },
      {
        name: 'PutResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'prev_kv', number: 2, type: '.mvccpb.KeyValue', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'DeleteRangeRequest',
        fields: [{ name: 'key', number: 1, type: 'bytes' }, { name: 'range_end', number: 2, type: 'bytes' }, { name: 'prev_kv', number: 3, type: 'bool' }],
        enums: [],
      },
      {
        name: 'DeleteRangeResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'deleted', number: 2, type: 'int64' },
          { name: 'prev_kvs', number: 3, type: '.mvccpb.KeyValue', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'RequestOp',
        fields: [
          { name: 'request_range', number: 1, type: '.etcdserverpb.RangeRequest', oneof: 'request', kind: 'message' },
          { name: 'request_put', number: 2, type: '.etcdserverpb.PutRequest', oneof: 'request', kind: 'message' },
          { name: 'request_delete_range', number: 3, type: '.etcdserverpb.DeleteRangeRequest', oneof: 'request', kind: 'message' },
          { name: 'request_txn', number: 4, type: '.etcdserverpb.TxnRequest', oneof: 'request', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'ResponseOp',
        fields: [
          { name: 'response_range', number: 1, type: '.etcdserverpb.RangeResponse', oneof: 'response', kind: 'message' },
          { name: 'response_put', number: 2, type: '.etcdserverpb.PutResponse', oneof: 'response', kind: 'message' },
          { name: 'response_delete_range', number: 3, type: '.etcdserverpb.DeleteRangeResponse', oneof: 'response', kind: 'message' },
          { name: 'response_txn', number: 4, type: '.etcdserverpb.TxnResponse', oneof: 'response', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'Compare',
        fields: [
          { name: 'result', number: 1, type: '.etcdserverpb.Compare.CompareResult', kind: 'enum' },
          { name: 'target', number: 2, type: '.etcdserverpb.Compare.CompareTarget', kind: 'enum' },
          { name: 'key', number: 3, type: 'bytes' },
          { name: 'version', number: 4, type: 'int64', oneof: 'target_union' },
          { name: 'create_revision', number: 5, type: 'int64', oneof: 'target_union' },
          { name: 'mod_revision', number: 6, type: 'int64', oneof: 'target_union' },
          { name: 'value', number: 7, type: 'bytes', oneof: 'target_union' },
          { name: 'lease', number: 8, type: 'int64', oneof: 'target_union' },
          { name: 'range_end', number: 64, type: 'bytes' },
        ],
        enums: [
          {
            name: 'CompareResult',
            values: [{ name: 'EQUAL', number: 0 }, { name: 'GREATER', number: 1 }, { name: 'LESS', number: 2 }, { name: 'NOT_EQUAL', number: 3 }],
          },
          {
            name: 'CompareTarget',
            values: [
              { name: 'VERSION', number: 0 },
              { name: 'CREATE', number: 1 },
              { name: 'MOD', number: 2 },
              { name: 'VALUE', number: 3 },
              { name: 'LEASE', number: 4 },
            ],
          },
        ],
      },
      {
        name: 'TxnRequest',
        fields: [
          { name: 'compare', number: 1, type: '.etcdserverpb.Compare', label: 'repeated', kind: 'message' },
          { name: 'success', number: 2, type: '.etcdserverpb.RequestOp', label: 'repeated', kind: 'message' },
          { name: 'failure', number: 3, type: '.etcdserverpb.RequestOp', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'TxnResponse',
        fields: [
          { name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' },
          { name: 'succeeded', number: 2, type: 'bool' },
          { name: 'responses', number: 3, type: '.etcdserverpb.ResponseOp', label: 'repeated', kind: 'message' },
        ],
        enums: [],
      },
      {
        name: 'CompactionRequest',
        fields: [{ name: 'revision', number: 1, type: 'int64' }, { name: 'physical', number: 2, type: 'bool' }],
        enums: [],
      },
      { name: 'CompactionResponse', fields: [{ name: 'header', number: 1, type: '.etcdserverpb.ResponseHeader', kind: 'message' }], enums: [] },
    ],
    enums: [],
    services: [
      {
        name: 'KV',
        methods: [
          { name: 'Range', input: '.etcdserverpb.RangeRequest', output: '.etcdserverpb.RangeResponse' },
          { name: 'Put', input: '.etcdserverpb.PutRequest', output: '.etcdserverpb.PutResponse' },
          { name: 'DeleteRange', input: '.etcdserverpb.DeleteRangeRequest', output: '.etcdserverpb.DeleteRangeResponse' },
          { name: 'Txn', input: '.etcdserverpb.TxnRequest', output: '.etcdserverpb.TxnResponse' },
          { name: 'Compact', input: '.etcdserverpb.CompactionRequest', output: '.etcdserverpb.CompactionResponse' },
        ],
      },
    ],
  },
  {
    name: 'mvcc.proto',
    package: 'mvccpb',
    dependencies: [],
    messages: [
      {
        name: 'KeyValue',
        fields: [
          { name: 'key', number: 1, type: 'bytes' },
          { name: 'create_revision', number: 2, type: 'int64' },
          { name: 'mod_revision', number: 3, type: 'int64' },
          { name: 'version', number: 4, type: 'int64' },
          { name: 'value', number: 5, type: 'bytes' },
          { name: 'lease', number: 6, type: 'int64' },
        ],
        enums: [],
      },
    ],
    enums: [],
    services: [],
  },
  {
    name: 'reflection-v1.proto',
    package: 'grpc.reflection.v1',
    dependencies: [],
    messages: [
      {
        name: 'ServerReflectionRequest',
        fields: [
          { name: 'host', number: 1, type: 'string' },
          { name: 'file_by_filename', number: 3, type: 'string', oneof: 'message_request' },
          { name: 'file_containing_symbol', number: 4, type: 'string', oneof: 'message_request' },
          { name: 'file_containing_extension', number: 5, type: '.grpc.reflection.v1.ExtensionRequest', oneof: 'message_request', kind: 'message' },
          { name: 'all_extension_numbers_of_type', number: 6, type: 'string', oneof: 'message_request' },
          { name: 'list_services', number: 7, type: 'string', oneof: 'message_request' },
        ],
        enums: [],
      },
      {
        name: 'ExtensionRequest',
        fields: [{ name: 'containing_type', number: 1, type: 'string' }, { name: 'extension_number', number: 2, type: 'int32' }],
        enums: [],
      },
      {
        name: 'ServerReflectionResponse',
        fields: [
          { name: 'valid_host', number: 1, type: 'string' },
          { name: 'original_request', number: 2, type: '.grpc.reflection.v1.ServerReflectionRequest', kind: 'message' },
          {
            name: 'file_descriptor_response',
            number: 4,
            type: '.grpc.reflection.v1.FileDescriptorResponse',
            oneof: 'message_response',
            kind: 'message',
          },
          { name: 'list_services_response', number: 6, type: '.grpc.reflection.v1.ListServiceResponse', oneof: 'message_response', kind: 'message' },
          { name: 'error_response', number: 7, type: '.grpc.reflection.v1.ErrorResponse', oneof: 'message_response', kind: 'message' },
        ],
        enums: [],
      },
      { name: 'FileDescriptorResponse', fields: [{ name: 'file_descriptor_proto', number: 1, type: 'bytes', label: 'repeated' }], enums: [] },
      {
        name: 'ListServiceResponse',
        fields: [{ name: 'service', number: 1, type: '.grpc.reflection.v1.ServiceResponse', label: 'repeated', kind: 'message' }],
        enums: [],
      },
      { name: 'ServiceResponse', fields: [{ name: 'name', number: 1, type: 'string' }], enums: [] },
      {
        name: 'ErrorResponse',
        fields: [{ name: 'error_code', number: 1, type: 'int32' }, { name: 'error_message', number: 2, type: 'string' }],
        enums: [],
      },
    ],
    enums: [],
    services: [
      {
        name: 'ServerReflection',
        methods: [
          {
            name: 'ServerReflectionInfo',
            input: '.grpc.reflection.v1.ServerReflectionRequest',
            output: '.grpc.reflection.v1.ServerReflectionResponse',
            inputStreams: true,
            outputStreams: true,
          },
        ],
      },
    ],
  },
  {
    name: 'reflection-v1alpha.proto',
    package: 'grpc.reflection.v1alpha',
    dependencies: [],
    messages: [
      {
        name: 'ServerReflectionRequest',
        fields: [
          { name: 'host', number: 1, type: 'string' },
          { name: 'file_by_filename', number: 3, type: 'string', oneof: 'message_request' },
          { name: 'file_containing_symbol', number: 4, type: 'string', oneof: 'message_request' },
          {
            name: 'file_containing_extension',
            number: 5,
            type: '.grpc.reflection.v1alpha.ExtensionRequest',
            oneof: 'message_request',
            kind: 'message',
          },
          { name: 'all_extension_numbers_of_type', number: 6, type: 'string', oneof: 'message_request' },
          { name: 'list_services', number: 7, type: 'string', oneof: 'message_request' },
        ],
        enums: [],
      },
      {
        name: 'ExtensionRequest',
        fields: [{ name: 'containing_type', number: 1, type: 'string' }, { name: 'extension_number', number: 2, type: 'int32' }],
        enums: [],
      },
      {
        name: 'ServerReflectionResponse',
        fields: [
          { name: 'valid_host', number: 1, type: 'string' },
          { name: 'original_request', number: 2, type: '.grpc.reflection.v1alpha.ServerReflectionRequest', kind: 'message' },
          {
            name: 'file_descriptor_response',
            number: 4,
            type: '.grpc.reflection.v1alpha.FileDescriptorResponse',
            oneof: 'message_response',
            kind: 'message',
          },
          {
            name: 'list_services_response',
            number: 6,
            type: '.grpc.reflection.v1alpha.ListServiceResponse',
            oneof: 'message_response',
            kind: 'message',
          },
          { name: 'error_response', number: 7, type: '.grpc.reflection.v1alpha.ErrorResponse', oneof: 'message_response', kind: 'message' },
        ],
        enums: [],
      },
      { name: 'FileDescriptorResponse', fields: [{ name: 'file_descriptor_proto', number: 1, type: 'bytes', label: 'repeated' }], enums: [] },
      {
        name: 'ListServiceResponse',
        fields: [{ name: 'service', number: 1, type: '.grpc.reflection.v1alpha.ServiceResponse', label: 'repeated', kind: 'message' }],
        enums: [],
      },
      { name: 'ServiceResponse', fields: [{ name: 'name', number: 1, type: 'string' }], enums: [] },
      {
        name: 'ErrorResponse',
        fields: [{ name: 'error_code', number: 1, type: 'int32' }, { name: 'error_message', number: 2, type: 'string' }],
        enums: [],
      },
    ],
    enums: [],
    services: [
      {
        name: 'ServerReflection',
        methods: [
          {
            name: 'ServerReflectionInfo',
            input: '.grpc.reflection.v1alpha.ServerReflectionRequest',
            output: '.grpc.reflection.v1alpha.ServerReflectionResponse',
            inputStreams: true,
            outputStreams: true,
          },
        ],
      },
    ],
  },
];

/** `etcdserverpb.Member` */
export interface Member {
  readonly ID?: number | bigint | undefined;
  readonly name?: string | undefined;
  readonly peerURLs?: readonly string[] | undefined;
  readonly clientURLs?: readonly string[] | undefined;
  readonly isLearner?: boolean | undefined;
}

/** `etcdserverpb.MemberAddRequest` */
export interface MemberAddRequest {
  readonly peerURLs?: readonly string[] | undefined;
  readonly isLearner?: boolean | undefined;
}

/** `etcdserverpb.MemberAddResponse` */
export interface MemberAddResponse {
  readonly header?: ResponseHeader | undefined;
  readonly member?: Member | undefined;
  readonly members?: readonly Member[] | undefined;
}

/** `etcdserverpb.MemberRemoveRequest` */
export interface MemberRemoveRequest {
  readonly ID?: number | bigint | undefined;
}

/** `etcdserverpb.MemberRemoveResponse` */
export interface MemberRemoveResponse {
  readonly header?: ResponseHeader | undefined;
  readonly members?: readonly Member[] | undefined;
}

/** `etcdserverpb.MemberUpdateRequest` */
export interface MemberUpdateRequest {
  readonly ID?: number | bigint | undefined;
  readonly peerURLs?: readonly string[] | undefined;
}

/** `etcdserverpb.MemberUpdateResponse` */
export interface MemberUpdateResponse {
  readonly header?: ResponseHeader | undefined;
  readonly members?: readonly Member[] | undefined;
}

/** `etcdserverpb.MemberPromoteRequest` */
export interface MemberPromoteRequest {
  readonly ID?: number | bigint | undefined;
}

/** `etcdserverpb.MemberPromoteResponse` */
export interface MemberPromoteResponse {
  readonly header?: ResponseHeader | undefined;
  readonly members?: readonly Member[] | undefined;
}

/** `etcdserverpb.MemberListRequest` */
export interface MemberListRequest {
  readonly linearizable?: boolean | undefined;
}

/** `etcdserverpb.MemberListResponse` */
export interface MemberListResponse {
  readonly header?: ResponseHeader | undefined;
  readonly members?: readonly Member[] | undefined;
}

/** `etcdserverpb.AlarmRequest` */
export interface AlarmRequest {
  readonly action?: number | undefined;
  readonly memberID?: number | bigint | undefined;
  readonly alarm?: number | undefined;
}

/** `etcdserverpb.AlarmMember` */
export interface AlarmMember {
  readonly memberID?: number | bigint | undefined;
  readonly alarm?: number | undefined;
}

/** `etcdserverpb.AlarmResponse` */
export interface AlarmResponse {
  readonly header?: ResponseHeader | undefined;
  readonly alarms?: readonly AlarmMember[] | undefined;
}

/** `etcdserverpb.StatusRequest` */
export type StatusRequest = Readonly<Record<string, never>>;

/** `etcdserverpb.StatusResponse` */
export interface StatusResponse {
  readonly header?: ResponseHeader | undefined;
  readonly version?: string | undefined;
  readonly dbSize?: number | bigint | undefined;
  readonly leader?: number | bigint | undefined;
  readonly raftIndex?: number | bigint | undefined;
  readonly raftTerm?: number | bigint | undefined;
  readonly raftAppliedIndex?: number | bigint | undefined;
  readonly errors?: readonly string[] | undefined;
  readonly dbSizeInUse?: number | bigint | undefined;
  readonly isLearner?: boolean | undefined;
}

/** `etcdserverpb.HashRequest` */
export type HashRequest = Readonly<Record<string, never>>;

/** `etcdserverpb.HashResponse` */
export interface HashResponse {
  readonly header?: ResponseHeader | undefined;
  readonly hash?: number | undefined;
}

/** `etcdserverpb.HashKVRequest` */
export interface HashKVRequest {
  readonly revision?: number | bigint | undefined;
}

/** `etcdserverpb.HashKVResponse` */
export interface HashKVResponse {
  readonly header?: ResponseHeader | undefined;
  readonly hash?: number | undefined;
  readonly compact_revision?: number | bigint | undefined;
  readonly hash_revision?: number | bigint | undefined;
}

/** `etcdserverpb.MoveLeaderRequest` */
export interface MoveLeaderRequest {
  readonly targetID?: number | bigint | undefined;
}

/** `etcdserverpb.MoveLeaderResponse` */
export interface MoveLeaderResponse {
  readonly header?: ResponseHeader | undefined;
}

/** `thole.descriptor.FileDescriptorProto` */
export interface FileDescriptorProto {
  readonly name?: string | undefined;
  readonly package?: string | undefined;
  readonly dependency?: readonly string[] | undefined;
  readonly message_type?: readonly DescriptorProto[] | undefined;
  readonly enum_type?: readonly EnumDescriptorProto[] | undefined;
  readonly service?: readonly ServiceDescriptorProto[] | undefined;
  readonly syntax?: string | undefined;
}

/** `thole.descriptor.DescriptorProto` */
export interface DescriptorProto {
  readonly name?: string | undefined;
  readonly field?: readonly FieldDescriptorProto[] | undefined;
  readonly enum_type?: readonly EnumDescriptorProto[] | undefined;
  readonly oneof_decl?: readonly OneofDescriptorProto[] | undefined;
}

/** `thole.descriptor.FieldDescriptorProto` */
export interface FieldDescriptorProto {
  readonly name?: string | undefined;
  readonly number?: number | undefined;
  readonly label?: number | undefined;
  readonly type?: number | undefined;
  readonly type_name?: string | undefined;
  readonly oneof_index?: number | undefined;
  readonly json_name?: string | undefined;
}

/** `thole.descriptor.OneofDescriptorProto` */
export interface OneofDescriptorProto {
  readonly name?: string | undefined;
}

/** `thole.descriptor.EnumDescriptorProto` */
export interface EnumDescriptorProto {
  readonly name?: string | undefined;
  readonly value?: readonly EnumValueDescriptorProto[] | undefined;
}

/** `thole.descriptor.EnumValueDescriptorProto` */
export interface EnumValueDescriptorProto {
  readonly name?: string | undefined;
  readonly number?: number | undefined;
}

/** `thole.descriptor.ServiceDescriptorProto` */
export interface ServiceDescriptorProto {
  readonly name?: string | undefined;
  readonly method?: readonly MethodDescriptorProto[] | undefined;
}

/** `thole.descriptor.MethodDescriptorProto` */
export interface MethodDescriptorProto {
  readonly name?: string | undefined;
  readonly input_type?: string | undefined;
  readonly output_type?: string | undefined;
  readonly client_streaming?: boolean | undefined;
  readonly server_streaming?: boolean | undefined;
}

/** `grpc.health.v1.HealthCheckRequest` */
export interface HealthCheckRequest {
  readonly service?: string | undefined;
}

/** `grpc.health.v1.HealthCheckResponse` */
export interface HealthCheckResponse {
  readonly status?: number | undefined;
}

/** `etcdserverpb.ResponseHeader` */
export interface ResponseHeader {
  readonly cluster_id?: number | bigint | undefined;
  readonly member_id?: number | bigint | undefined;
  readonly revision?: number | bigint | undefined;
  readonly raft_term?: number | bigint | undefined;
}

/** `etcdserverpb.RangeRequest` */
export interface RangeRequest {
  readonly key?: Uint8Array | undefined;
  readonly range_end?: Uint8Array | undefined;
  readonly limit?: number | bigint | undefined;
  readonly revision?: number | bigint | undefined;
  readonly sort_order?: number | undefined;
  readonly sort_target?: number | undefined;
  readonly serializable?: boolean | undefined;
  readonly keys_only?: boolean | undefined;
  readonly count_only?: boolean | undefined;
  readonly min_mod_revision?: number | bigint | undefined;
  readonly max_mod_revision?: number | bigint | undefined;
  readonly min_create_revision?: number | bigint | undefined;
  readonly max_create_revision?: number | bigint | undefined;
}

/** `etcdserverpb.RangeResponse` */
export interface RangeResponse {
  readonly header?: ResponseHeader | undefined;
  readonly kvs?: readonly KeyValue[] | undefined;
  readonly more?: boolean | undefined;
  readonly count?: number | bigint | undefined;
}

/** `etcdserverpb.PutRequest` */
export interface PutRequest {
  readonly key?: Uint8Array | undefined;
  readonly value?: Uint8Array | undefined;
  readonly lease?: number | bigint | undefined;
  readonly prev_kv?: boolean | undefined;
  readonly ignore_value?: boolean | undefined;
  readonly ignore_lease?: boolean | undefined;
}

/** `etcdserverpb.PutResponse` */
export interface PutResponse {
  readonly header?: ResponseHeader | undefined;
  readonly prev_kv?: KeyValue | undefined;
}

/** `etcdserverpb.DeleteRangeRequest` */
export interface DeleteRangeRequest {
  readonly key?: Uint8Array | undefined;
  readonly range_end?: Uint8Array | undefined;
  readonly prev_kv?: boolean | undefined;
}

/** `etcdserverpb.DeleteRangeResponse` */
export interface DeleteRangeResponse {
  readonly header?: ResponseHeader | undefined;
  readonly deleted?: number | bigint | undefined;
  readonly prev_kvs?: readonly KeyValue[] | undefined;
}

/** `etcdserverpb.RequestOp` */
export interface RequestOp {
  readonly request_range?: RangeRequest | undefined;
  readonly request_put?: PutRequest | undefined;
  readonly request_delete_range?: DeleteRangeRequest | undefined;
  readonly request_txn?: TxnRequest | undefined;
}

/** `etcdserverpb.ResponseOp` */
export interface ResponseOp {
  readonly response_range?: RangeResponse | undefined;
  readonly response_put?: PutResponse | undefined;
  readonly response_delete_range?: DeleteRangeResponse | undefined;
  readonly response_txn?: TxnResponse | undefined;
}

/** `etcdserverpb.Compare` */
export interface Compare {
  readonly result?: number | undefined;
  readonly target?: number | undefined;
  readonly key?: Uint8Array | undefined;
  readonly version?: number | bigint | undefined;
  readonly create_revision?: number | bigint | undefined;
  readonly mod_revision?: number | bigint | undefined;
  readonly value?: Uint8Array | undefined;
  readonly lease?: number | bigint | undefined;
  readonly range_end?: Uint8Array | undefined;
}

/** `etcdserverpb.TxnRequest` */
export interface TxnRequest {
  readonly compare?: readonly Compare[] | undefined;
  readonly success?: readonly RequestOp[] | undefined;
  readonly failure?: readonly RequestOp[] | undefined;
}

/** `etcdserverpb.TxnResponse` */
export interface TxnResponse {
  readonly header?: ResponseHeader | undefined;
  readonly succeeded?: boolean | undefined;
  readonly responses?: readonly ResponseOp[] | undefined;
}

/** `etcdserverpb.CompactionRequest` */
export interface CompactionRequest {
  readonly revision?: number | bigint | undefined;
  readonly physical?: boolean | undefined;
}

/** `etcdserverpb.CompactionResponse` */
export interface CompactionResponse {
  readonly header?: ResponseHeader | undefined;
}

/** `mvccpb.KeyValue` */
export interface KeyValue {
  readonly key?: Uint8Array | undefined;
  readonly create_revision?: number | bigint | undefined;
  readonly mod_revision?: number | bigint | undefined;
  readonly version?: number | bigint | undefined;
  readonly value?: Uint8Array | undefined;
  readonly lease?: number | bigint | undefined;
}

/** `grpc.reflection.v1.ServerReflectionRequest` */
export interface ServerReflectionRequest {
  readonly host?: string | undefined;
  readonly file_by_filename?: string | undefined;
  readonly file_containing_symbol?: string | undefined;
  readonly file_containing_extension?: ExtensionRequest | undefined;
  readonly all_extension_numbers_of_type?: string | undefined;
  readonly list_services?: string | undefined;
}

/** `grpc.reflection.v1.ExtensionRequest` */
export interface ExtensionRequest {
  readonly containing_type?: string | undefined;
  readonly extension_number?: number | undefined;
}

/** `grpc.reflection.v1.ServerReflectionResponse` */
export interface ServerReflectionResponse {
  readonly valid_host?: string | undefined;
  readonly original_request?: ServerReflectionRequest | undefined;
  readonly file_descriptor_response?: FileDescriptorResponse | undefined;
  readonly list_services_response?: ListServiceResponse | undefined;
  readonly error_response?: ErrorResponse | undefined;
}

/** `grpc.reflection.v1.FileDescriptorResponse` */
export interface FileDescriptorResponse {
  readonly file_descriptor_proto?: readonly Uint8Array[] | undefined;
}

/** `grpc.reflection.v1.ListServiceResponse` */
export interface ListServiceResponse {
  readonly service?: readonly ServiceResponse[] | undefined;
}

/** `grpc.reflection.v1.ServiceResponse` */
export interface ServiceResponse {
  readonly name?: string | undefined;
}

/** `grpc.reflection.v1.ErrorResponse` */
export interface ErrorResponse {
  readonly error_code?: number | undefined;
  readonly error_message?: string | undefined;
}

/** `grpc.reflection.v1alpha.ServerReflectionRequest` */
export interface ServerReflectionRequestAlpha {
  readonly host?: string | undefined;
  readonly file_by_filename?: string | undefined;
  readonly file_containing_symbol?: string | undefined;
  readonly file_containing_extension?: ExtensionRequestAlpha | undefined;
  readonly all_extension_numbers_of_type?: string | undefined;
  readonly list_services?: string | undefined;
}

/** `grpc.reflection.v1alpha.ExtensionRequest` */
export interface ExtensionRequestAlpha {
  readonly containing_type?: string | undefined;
  readonly extension_number?: number | undefined;
}

/** `grpc.reflection.v1alpha.ServerReflectionResponse` */
export interface ServerReflectionResponseAlpha {
  readonly valid_host?: string | undefined;
  readonly original_request?: ServerReflectionRequestAlpha | undefined;
  readonly file_descriptor_response?: FileDescriptorResponseAlpha | undefined;
  readonly list_services_response?: ListServiceResponseAlpha | undefined;
  readonly error_response?: ErrorResponseAlpha | undefined;
}

/** `grpc.reflection.v1alpha.FileDescriptorResponse` */
export interface FileDescriptorResponseAlpha {
  readonly file_descriptor_proto?: readonly Uint8Array[] | undefined;
}

/** `grpc.reflection.v1alpha.ListServiceResponse` */
export interface ListServiceResponseAlpha {
  readonly service?: readonly ServiceResponseAlpha[] | undefined;
}

/** `grpc.reflection.v1alpha.ServiceResponse` */
export interface ServiceResponseAlpha {
  readonly name?: string | undefined;
}

/** `grpc.reflection.v1alpha.ErrorResponse` */
export interface ErrorResponseAlpha {
  readonly error_code?: number | undefined;
  readonly error_message?: string | undefined;
}
