import { describe, expect, it } from 'vitest';
import { Checker, type Verdict } from '../checker.ts';
import { generateKv, generateRegister } from '../generate.ts';
import type { Operation } from '../history.ts';
import { type ModelName, modelOf } from '../zoo.ts';
import { jsonlHeader, jsonlOperation } from './jsonl.ts';
import { type Format, readHistory, readValue } from './read.ts';
import { writeEdn, writeJepsenLog, writeKvLog } from '../../../../test/linear/write-formats.ts';

function judge(model: ModelName, format: Format, text: string, initial?: string): Verdict {
  const checker = new Checker(modelOf(model, initial === undefined ? undefined : readValue(initial)), readHistory(text, format, model));
  while (checker.step(10_000) === undefined);
  return checker.report().verdict;
}

const jepsen = (...lines: string[]): string => lines.map((line) => `INFO  jepsen.util - ${line.replaceAll(' ', '\t')}`).join('\n');

const log = (...events: [number, string, string, string, string][]): string =>
  events.map(([process, type, f, key, value]) => `{:process ${process}, :type :${type}, :f :${f}, :key "${key}", :value ${value}}`).join('\n');

const txns = (read: string): string => `[{:type :invoke, :f :txn, :value [[:write :x 1] [:read :y nil]], :process 3} {:type :ok, :f :txn, :value [[:write :x 1] [:read :y 0]], :process 3}
    {:type :invoke, :f :txn, :value [[:read :x nil]], :process 4} {:type :ok, :f :txn, :value [[:read :x ${read}]], :process 4}]`;

function problemOf(read: () => unknown): string {
  try {
    read();
    return 'none';
  } catch (error) {
    return String(error);
  }
}

const problem = (text: string): string => problemOf(() => readHistory(text, 'edn', 'cas-register'));
const problemOfLine = (line: string): string => problemOf(() => readHistory(`\n${line}`, 'jsonl', 'kv'));

describe('a Jepsen log of a register', () => {
  it('is read past whatever else was logged, by tabs or spaces', () => {
    const text = [
      '2014-05-01 12:00:00,123 INFO  jepsen.core - Worker 0 starting',
      'INFO  jepsen.util - 0   :invoke  :write  3',
      'INFO  jepsen.util - 0\t:ok\t:write\t3\r',
      'INFO  jepsen.util - :nemesis\t:info\t:start\tnil',
      '2014-05-01 12:00:01,123{GMT}  INFO  [jepsen worker 1] jepsen.util - 1\t:invoke\t:read\tnil',
      'INFO  jepsen.util - 1\t:ok\t:read\t3',
      '',
    ].join('\n');
    expect(readHistory(text, 'jepsen', 'register')).toEqual([
      { client: 0, input: { f: 'write', value: 3 }, output: 3, call: 1, return: 2 },
      { client: 1, input: { f: 'read' }, output: 3, call: 3, return: 4 },
    ]);
  });

  it('begins with nil', () => {
    expect(judge('cas-register', 'jepsen', jepsen('0 :invoke :read nil', '0 :ok :read nil'))).toBe('ok');
    expect(judge('cas-register', 'jepsen', jepsen('0 :invoke :read nil', '0 :ok :read 0'))).toBe('illegal');
  });

  it('has a cas answer false by :fail, which must be true', () => {
    const written = ['0 :invoke :write 1', '0 :ok :write 1', '0 :invoke :cas [1 2]'];
    expect(judge('cas-register', 'jepsen', jepsen(...written, '0 :fail :cas [1 2]'))).toBe('illegal');
    expect(judge('cas-register', 'jepsen', jepsen(...written, '0 :ok :cas [1 2]'))).toBe('ok');
    expect(judge('cas-register', 'jepsen', jepsen(...written, '0 :fail :cas :timed-out'))).toBe('ok');
  });

  it('has a read that timed out say nothing', () => {
    expect(judge('cas-register', 'jepsen', jepsen('0 :invoke :read nil', '0 :fail :read :timed-out', '0 :invoke :read nil', '0 :ok :read nil'))).toBe('ok');
  });

  it('lets a write that timed out take effect at any later point, and the process go on', () => {
    const lines = ['0 :invoke :write 1', '0 :info :write :timed-out', '0 :invoke :read nil', '0 :ok :read nil', '0 :invoke :read nil', '0 :ok :read 1'];
    expect(judge('cas-register', 'jepsen', jepsen(...lines))).toBe('ok');
    expect(judge('cas-register', 'jepsen', jepsen(...lines, '1 :invoke :read nil', '1 :ok :read nil'))).toBe('illegal');
  });

  it('lets a process begin again that never said how it ended', () => {
    expect(judge('cas-register', 'jepsen', jepsen('0 :invoke :write 1', '0 :invoke :read nil', '0 :ok :read 1'))).toBe('ok');
  });

  it('names the line of what it cannot read', () => {
    expect(() => readHistory(jepsen('0 :ok :read 1'), 'jepsen', 'register')).toThrow('line 1, column 1: process 0 completes what it has not invoked');
    expect(() => readHistory(`\n${jepsen('0 :invoke :cas [1')}`, 'jepsen', 'register')).toThrow(/line 2, column \d+/);
    expect(() => readHistory('', 'jepsen', 'kv')).toThrow(/fits register/);
  });
});

describe('a kv log', () => {
  it('appends to strings that begin empty, key by key', () => {
    const events: [number, string, string, string, string][] = [
      [0, 'invoke', 'append', '0', '"x 0 0 y"'],
      [1, 'invoke', 'get', '0', 'nil'],
      [0, 'ok', 'append', '0', '"x 0 0 y"'],
      [1, 'ok', 'get', '0', '""'],
      [1, 'invoke', 'get', '0', 'nil'],
    ];
    expect(judge('kv', 'kv-log', log(...events, [1, 'ok', 'get', '0', '"x 0 0 y"']))).toBe('ok');
    expect(judge('kv', 'kv-log', log(...events, [1, 'ok', 'get', '0', '""']))).toBe('illegal');
    expect(judge('kv-map', 'kv-log', log(...events, [1, 'ok', 'get', '0', '""']))).toBe('illegal');
  });

  it('takes numbers and keywords for keys', () => {
    expect(judge('kv', 'kv-log', '{:process 0 :type :invoke :f :put :key 7 :value "a"}\n{:process 0 :type :ok :f :put :key 7 :value "a"}')).toBe('ok');
  });
});

describe("a history in Knossos' EDN", () => {
  const events = [
    '{:process 0, :type :invoke, :f :write, :value 0, :index 0, :time 17}',
    '{:process :nemesis, :type :info, :f :start, :value #{:n1 [:n2]}}',
    '{:process 0, :type :ok, :f :write, :value 0 :error nil}',
    '{:type :invoke, :f :cas :value [0 3] :process 1}',
  ];

  it('is a vector, a list, or one map after another, with comments anywhere', () => {
    for (const text of [`; good\n[${events.join('\n ')}]`, `(${events.join(' ; then\n')})\n`, events.join('\n'), `[${events.join(' #_ :left-out ')}]`]) {
      expect(readHistory(text, 'edn', 'cas-register')).toEqual([
        { client: 0, input: { f: 'write', value: 0 }, output: 0, call: 1, return: 2 },
        { client: 1, input: { f: 'cas', from: 0, to: 3 }, output: undefined, call: 3, return: Infinity },
      ]);
    }
  });

  it('takes :fail for what did not happen, whatever the reason', () => {
    const failed = `[${events.join('')} {:process 1 :type :fail :f :cas :value [0 3] :error "lost contact"} {:process 2 :type :invoke :f :read :value nil} {:process 2 :type :ok :f :read :value 0}]`;
    expect(judge('cas-register', 'edn', failed)).toBe('ok');
    expect(judge('cas-register', 'edn', failed.replace(':f :read :value 0', ':f :read :value 3'))).toBe('illegal');
  });

  it('takes :info for unknown', () => {
    const nil = `[${events.join('')} {:process 1 :type :invoke :f :read :value nil} {:process 1 :type :ok :f :read :value nil}]`;
    expect(judge('cas-register', 'edn', nil), 'a read of nil is a read whose value was not recorded').toBe('ok');
    const unknown = `[${events.join('')} {:process 1 :type :info :f :cas :value :timed-out} {:process 1 :type :invoke :f :read :value nil} {:process 1 :type :ok :f :read :value 3}]`;
    expect(judge('cas-register', 'edn', unknown)).toBe('ok');
  });

  it('speaks of mutexes', () => {
    const held = '{:process 0 :type :invoke :f :acquire :value nil} {:process 0 :type :ok :f :acquire :value nil} {:process 1 :type :invoke :f :acquire :value nil}';
    expect(judge('mutex', 'edn', `[${held}]`)).toBe('ok');
    expect(judge('mutex', 'edn', `[${held} {:process 1 :type :ok :f :acquire :value nil}]`)).toBe('illegal');
  });

  it('speaks of transactions on several registers', () => {
    expect(judge('multi-register', 'edn', txns('1'))).toBe('ok');
    expect(judge('multi-register', 'edn', txns('0'))).toBe('illegal');
    expect(judge('multi-register', 'edn', txns('1'), '{:y 5}')).toBe('illegal');
  });

  it('names line and column of what is no EDN, and of what is no event', () => {
    expect(problem('[{:process 0\n  :type :invoke')).toBe('FormatError: line 2, column 16: the text ends where } is missing');
    expect(problem('[{:process 0} "a]')).toMatch(/line 1, column 2: an event has no such :type/);
    expect(problem('[\n  7]')).toBe('FormatError: line 2, column 3: an event is a map');
    expect(problem('[{:process 0 :type}]')).toMatch(/line 1, column 2: a map has a key without a value/);
    expect(problem('[{:process 0 :type :invoke :f :enqueue :value 1}]')).toMatch(/line 1, column 1: this model has no operation :enqueue/);
    expect(problem(']')).toMatch(/unexpected \]/);
  });
});

describe('EDN', () => {
  it('is read in all its kinds', () => {
    expect(readValue('[nil true -7 3.5 1e3 12N "a\\n\\u0041" :k/w sym \\newline \\( #{1} (2) {:a 1, "b" [2]} #inst "2020" 9007199254740993 1/2]')).toEqual([
      null, true, -7, 3.5, 1000, 12, 'a\nA', ':k/w', 'sym', '\n', '(', [1], [2], { ':a': 1, b: [2] }, '2020', '9007199254740993', '1/2',
    ]);
    expect(readValue('{"x": 1, "y": [true, null]}')).toEqual({ x: 1, y: [true, null] });
    expect(Object.getPrototypeOf(readValue('{"__proto__" {}}'))).toBe(Object.prototype);
  });
});

describe('our JSONL', () => {
  it('pairs events, and takes whole operations beside them', () => {
    const lines = [
      '{"thole":"history","version":1,"model":"register"}',
      '{"type":"invoke","id":1,"client":"a","time":0.5,"input":{"f":"write","value":3}}',
      '{"type":"return","id":1,"time":1.5,"output":null}',
      '{"type":"invoke","id":2,"client":"a","time":2,"input":{"f":"write","value":4}}',
      '{"type":"unknown","id":2,"time":3}',
      '{"type":"invoke","id":3,"client":"a","time":4,"input":{"f":"write","value":5}}',
      '{"type":"fail","id":3,"time":5}',
      '',
      '{"client":"b","call":6,"return":null,"input":{"f":"read"}}',
    ];
    expect(readHistory(lines.join('\n'), 'jsonl', 'register')).toEqual([
      { client: 'a', input: { f: 'write', value: 3 }, output: null, call: 0.5, return: 1.5 },
      { client: 'a', input: { f: 'write', value: 4 }, output: undefined, call: 2, return: Infinity },
      { client: 'b', input: { f: 'read' }, output: undefined, call: 6, return: Infinity },
    ]);
  });

  it('names line and column of what is wrong', () => {
    expect(problemOfLine('{"type":"invoke","client":1,"input":{"f":"put","key":"a"}}')).toBe('FormatError: line 2, column 29: put needs "value", a string');
    expect(problemOfLine('{"type":"invoke","client":1,"input":{"f":"pop"}}')).toMatch(/"f" is one of get, put, append, delete, not "pop"/);
    expect(problemOfLine('{"type":"return","id":1,"time":0}')).toMatch(/ends without a beginning/);
    expect(problemOfLine('{"type":"invoke",')).toMatch(/line 2, column 18: not JSON/);
    expect(problemOfLine('[]')).toMatch(/line 2, column 1/);
    expect(problemOfLine('{"thole":"history","version":2}')).toMatch(/reads version 1/);
    expect(problemOfLine('{"client":1,"call":5,"return":4,"input":{"f":"get","key":"a"}}')).toMatch(/returns before its call/);
  });
});

describe('histories written in each format', () => {
  const shapes = [1, 2, 3, 4, 5].map((seed) => ({ seed, clients: 5, operations: 90, crashRatio: 0.06 }));

  it.each(shapes)('are ok when a register produced them (seed $seed)', (shape) => {
    const history = generateRegister(shape);
    expect(judge('cas-register', 'jepsen', writeJepsenLog(history))).toBe('ok');
    expect(judge('cas-register', 'edn', writeEdn(history))).toBe('ok');
    expect(judge('cas-register', 'jsonl', [jsonlHeader('cas-register'), ...history.map(jsonlOperation)].join('\n'))).toBe('ok');
  });

  it.each(shapes)('are illegal with one read of what nobody wrote (seed $seed)', (shape) => {
    const history = generateRegister(shape);
    const at = history.findLastIndex(({ input, output }) => input.f === 'read' && output !== undefined);
    const spoiled = history.map((operation, i) => (i === at ? { ...operation, output: 77 } : operation));
    expect(judge('cas-register', 'jepsen', writeJepsenLog(spoiled))).toBe('illegal');
    expect(judge('cas-register', 'edn', writeEdn(spoiled))).toBe('illegal');
  });

  it.each(shapes)('are judged the same as a kv log (seed $seed)', (shape) => {
    const history = generateKv({ ...shape, keys: 3, operations: 300 });
    expect(judge('kv', 'kv-log', writeKvLog(history))).toBe('ok');
    const at = history.findLastIndex((operation: Operation<{ f: string }, unknown>) => operation.input.f === 'get' && operation.output !== undefined);
    const spoiled = history.map((operation, i) => (i === at ? { ...operation, output: 'x -1 y' } : operation));
    expect(judge('kv', 'kv-log', writeKvLog(spoiled))).toBe('illegal');
  });
});
