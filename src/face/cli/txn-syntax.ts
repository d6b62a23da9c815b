// Transactions as etcdctl reads them: comparisons, a blank line, what to do if they hold, a blank line, what else.
//
//   mod("key") > "0"
//
//   put key "overwrote it"
//
//   put key "created it"

import { OperationError } from '../../core/errors.ts';
import type { Compare, TxnOperation, TxnRequest } from '../../core/kv/index.ts';
import { prefixEnd, utf8 } from '../../core/bytes.ts';

function bad(line: number, what: string): never {
  throw new OperationError({ code: 'BAD_REQUEST', detail: `line ${line}: ${what}` });
}

const results = { '=': 'equal', '!=': 'notEqual', '>': 'greater', '<': 'less' } as const;
const comparison = /^(mod|create|version|value|val|lease|c|m|ver)\(\s*("(?:[^"\\]|\\.)*"|[^)]*)\s*\)\s*(=|!=|>|<)\s*(.+)$/;

export function parseTxn(text: string): TxnRequest {
  const sections: { readonly line: number; readonly text: string }[][] = [[], [], []];
  let section = 0;
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line !== '') {
      if (section > 2) bad(at + 1, 'more than comparisons and two lists of operations');
      sections[section]!.push({ line: at + 1, text: line });
    } else section++;
  }
  const [compares, success, failure] = sections;
  return {
    type: 'txn',
    compare: compares!.map(({ line, text: each }) => parseCompare(line, each)),
    success: success!.map(({ line, text: each }) => parseOperation(line, each)),
    failure: failure!.map(({ line, text: each }) => parseOperation(line, each)),
  };
}

function unquoted(line: number, word: string): string {
  if (!word.startsWith('"')) return word;
  try {
    return JSON.parse(word) as string;
  } catch {
    return bad(line, `${word} is not a quoted text`);
  }
}

function parseCompare(line: number, text: string): Compare {
  const found = comparison.exec(text);
  if (found === null) return bad(line, `"${text}" is not a comparison such as mod("key") > "0"`);
  const [, kind, quotedKey, sign, quotedValue] = found as unknown as [string, string, string, keyof typeof results, string];
  const key = utf8(unquoted(line, quotedKey));
  const value = unquoted(line, quotedValue.trim());
  const result = results[sign];
  if (kind === 'value' || kind === 'val') return { key, result, target: 'value', value: utf8(value) };
  if (!/^\d+$/.test(value)) return bad(line, `${quotedValue} is not a number`);
  if (kind === 'lease') return { key, result, target: 'lease', lease: BigInt(value) };
  const target = kind === 'm' || kind === 'mod' ? 'mod' : kind === 'c' || kind === 'create' ? 'create' : 'version';
  return { key, result, target, number: Number(value) };
}

function words(line: number, text: string): string[] {
  return (text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((word) => unquoted(line, word));
}

const optionsOf: Readonly<Record<'put' | 'get' | 'del', readonly string[]>> = { put: ['--prev-kv'], get: ['--prefix', '--keys-only'], del: ['--prefix', '--prev-kv'] };

function parseOperation(line: number, text: string): TxnOperation {
  const [verb, ...rest] = words(line, text);
  const options = rest.filter((word) => word.startsWith('--'));
  const [key = '', value, ...more] = rest.filter((word) => !word.startsWith('--'));
  if (key === '') bad(line, `${verb} needs a key`);
  const unknown = options.find((option) => !['--prefix', '--prev-kv', '--keys-only'].includes(option));
  if (unknown !== undefined) bad(line, `unknown option ${unknown}`);
  // What would be dropped was meant: put a hello world stores no "hello".
  if (more.length > 0) bad(line, `${verb} ${key} has more words than it takes: ${more.join(' ')}; quotes keep words together`);
  const misplaced = options.find((option) => !optionsOf[verb as keyof typeof optionsOf]?.includes(option));
  if (verb !== undefined && verb in optionsOf && misplaced !== undefined) bad(line, `${verb} takes no ${misplaced}`);
  const prefix = options.includes('--prefix');
  const bytes = utf8(key);
  const rangeEnd = prefix ? prefixEnd(bytes) : value === undefined ? undefined : utf8(value);
  const prevKv = options.includes('--prev-kv');
  switch (verb) {
    case 'put':
      if (value === undefined) return bad(line, 'put needs a key and a value');
      return { type: 'put', key: bytes, value: utf8(value), prevKv };
    case 'get':
      return { type: 'range', key: bytes, rangeEnd, keysOnly: options.includes('--keys-only') };
    case 'del':
      return { type: 'delete', key: bytes, rangeEnd, prevKv };
    case undefined:
    default:
      return bad(line, `"${verb ?? ''}" is none of put, get, del`);
  }
}
