// The KV's answers, as the command line shows them.

import type { KeyValue, TxnOperationResponse } from '../../core/kv/index.ts';
import { base64, fields, json, print, table, utf8 } from './client.ts';
import type { Output } from './client.ts';

export function jsonKv(kv: KeyValue): Record<string, unknown> {
  return {
    key: base64(kv.key),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    ...(kv.value.length > 0 ? { value: base64(kv.value) } : {}),
    ...(kv.lease !== 0n ? { lease: kv.lease } : {}),
  };
}

/** Keys and values as they are, a line each: bytes are not touched. */
export function printKvs(kvs: readonly KeyValue[], only: 'both' | 'keys' | 'values' = 'both'): void {
  const newline = Buffer.from('\n');
  const parts = kvs.flatMap(({ key, value }) => {
    const lines: Uint8Array[] = [];
    if (only !== 'values') lines.push(key, newline);
    if (only !== 'keys') lines.push(value, newline);
    return lines;
  });
  process.stdout.write(Buffer.concat(parts));
}

export function kvFields(kv: KeyValue): string {
  return fields({ Key: utf8(kv.key), CreateRevision: kv.createRevision, ModRevision: kv.modRevision, Version: kv.version, Value: utf8(kv.value), Lease: kv.lease });
}

export function printFields(revision: number, kvs: readonly KeyValue[]): void {
  print([fields({ Revision: revision }), ...kvs.map(kvFields)].join('\n'));
}

export function kvTable(kvs: readonly KeyValue[]): string {
  return table(
    ['KEY', 'VALUE', 'CREATE', 'MOD', 'VERSION'],
    kvs.map((kv) => [utf8(kv.key), utf8(kv.value), String(kv.createRevision), String(kv.modRevision), String(kv.version)]),
  );
}

export function jsonResponse(response: TxnOperationResponse): Record<string, unknown> {
  switch (response.type) {
    case 'range':
      return { response_range: { kvs: response.kvs.map(jsonKv), count: response.count, ...(response.more ? { more: true } : {}) } };
    case 'put':
      return { response_put: response.prevKv === undefined ? {} : { prev_kv: jsonKv(response.prevKv) } };
    case 'append':
      return { response_append: { length: response.length } };
    case 'delete':
      return { response_delete_range: { deleted: response.deleted, ...(response.prevKvs.length > 0 ? { prev_kvs: response.prevKvs.map(jsonKv) } : {}) } };
    case 'txn':
      return { response_txn: { succeeded: response.succeeded, responses: response.responses.map(jsonResponse) } };
  }
}

export function printTxn(output: Output, revision: number, succeeded: boolean, responses: readonly TxnOperationResponse[]): void {
  if (output === 'json') return print(json({ header: { revision }, succeeded, responses: responses.map(jsonResponse) }));
  if (output === 'fields') return print([fields({ Revision: revision }), txnFields(succeeded, responses)].join('\n'));
  print(succeeded ? 'SUCCESS' : 'FAILURE');
  for (const response of responses) {
    print('');
    if (response.type === 'range') printKvs(response.kvs);
    else if (response.type === 'delete') print(String(response.deleted));
    else if (response.type === 'append') print(String(response.length));
    else if (response.type === 'txn') printTxn(output, revision, response.succeeded, response.responses);
    else print('OK');
  }
}

function txnFields(succeeded: boolean, responses: readonly TxnOperationResponse[]): string {
  return [fields({ Succeeded: succeeded }), ...responses.map(responseFields)].filter((each) => each !== '').join('\n');
}

function responseFields(response: TxnOperationResponse): string {
  switch (response.type) {
    case 'range':
      return [...response.kvs.map(kvFields), fields({ More: response.more, Count: response.count })].join('\n');
    case 'put':
      return response.prevKv === undefined ? '' : kvFields(response.prevKv);
    case 'append':
      return fields({ Length: response.length });
    case 'delete':
      return [fields({ Deleted: response.deleted }), ...response.prevKvs.map(kvFields)].join('\n');
    case 'txn':
      return txnFields(response.succeeded, response.responses);
  }
}
