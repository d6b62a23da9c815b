// What an HTTP client is told when there is no answer: a status, and a code that does not change between versions.

import { json } from './health.ts';
import type { HttpAnswer, HttpFailure } from './server.ts';

/** `error` as the gateway has it: a sentence, its gRPC code, and ours where there is one. */
export const httpFailures: Readonly<Record<HttpFailure, { readonly status: number; readonly error: string; readonly code: number; readonly message: string }>> = {
  notFound: { status: 404, error: 'NOT_FOUND', code: 5, message: 'nothing is at this path' },
  methodNotAllowed: { status: 405, error: 'METHOD_NOT_ALLOWED', code: 12, message: 'this path takes another method' },
  bodyTooLarge: { status: 413, error: 'TOO_LARGE', code: 3, message: 'the request is too large' },
  answerTooLarge: { status: 413, error: 'TOO_LARGE', code: 3, message: 'the answer is too large: ask for less at a time' },
  overloaded: { status: 503, error: 'OVERLOADED', code: 8, message: 'too much work is under way' },
  malformed: { status: 400, error: 'BAD_REQUEST', code: 3, message: 'the request is malformed' },
  internal: { status: 500, error: 'INTERNAL', code: 13, message: 'the member failed to do it; its log says why' },
};

export function httpFailure(failure: HttpFailure): HttpAnswer {
  const { status, ...body } = httpFailures[failure];
  return json(status, body);
}
