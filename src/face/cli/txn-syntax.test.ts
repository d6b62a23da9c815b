import { expect, it } from 'vitest';
import { utf8 } from '../../core/bytes.ts';
import { parseTxn } from './txn-syntax.ts';

const operation = (line: string): unknown => parseTxn(`\n${line}\n`).success[0];

it('a value of several words is quoted; words that would be dropped are refused', () => {
  expect(operation('put a "hello world" --prev-kv')).toMatchObject({ type: 'put', value: utf8('hello world'), prevKv: true });
  expect(operation('get a b --keys-only')).toMatchObject({ type: 'range', rangeEnd: utf8('b'), keysOnly: true });
  for (const line of ['put a hello world', 'get a b c', 'del a b c']) expect(() => operation(line)).toThrow('more words than it takes');
});

it('an option that means nothing to the operation is refused', () => {
  for (const line of ['put a b --prefix', 'get a --prev-kv', 'del a --keys-only']) expect(() => operation(line)).toThrow(/takes no --/);
  expect(() => operation('put a b --colour')).toThrow('unknown option');
  expect(() => operation('paint a b')).toThrow('none of put, get, del');
});
