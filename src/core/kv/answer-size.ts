// What an answer will occupy once it is encoded, known before it is.

import type { KeyValue, KvResponse } from './request.ts';

/** A key's revisions, version, lease and lengths. */
export const keyValueBytes = 48;
const responseBytes = 64;

export function answerBytesOf(response: KvResponse): number {
  switch (response.type) {
    case 'range':
      return sum(response.kvs);
    case 'delete':
      return sum(response.prevKvs);
    case 'put':
      return response.prevKv === undefined ? responseBytes : sum([response.prevKv]);
    case 'txn':
      return response.responses.reduce((bytes, each) => bytes + answerBytesOf(each), responseBytes);
    case 'append':
    case 'compact':
      return responseBytes;
  }
}

function sum(kvs: readonly KeyValue[]): number {
  let bytes = responseBytes;
  for (const { key, value } of kvs) bytes += keyValueBytes + key.length + value.length;
  return bytes;
}
