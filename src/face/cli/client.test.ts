import { expect, it } from 'vitest';
import { endpointsOf } from './client.ts';

const of = (endpoints: string): readonly string[] => endpointsOf({ endpoints, commandTimeout: 1, output: 'simple' });

it('endpoints are addresses or URLs, with space between them or none', () => {
  expect(of('127.0.0.1:2379, http://localhost:2380,,')).toEqual(['127.0.0.1:2379', 'localhost:2380']);
});

it('whoever asks for TLS is told that there is none, not served without', () => {
  expect(() => of('127.0.0.1:2379,https://127.0.0.1:2380')).toThrow('https://127.0.0.1:2380: there is no TLS yet');
});
